"""What each JSON file of a run's folder must hold."""

from typing import Any

from kgan import metrics
from kgan.runs.schema import (
    CAPTION,
    COUNT,
    DURATION,
    NUMBER,
    ONE_OR_MORE,
    SHARE,
    TEXT,
    anything,
    by,
    choice,
    listing,
    nullable,
    one_or_list,
    record,
    table,
)

SCORE = record(
    {
        "name": CAPTION,
        "step": nullable(COUNT),
        "n": COUNT,
        "dataset": CAPTION,
        "split": CAPTION,
        "value": NUMBER,
    },
    others=anything,
)
BASELINE = record({"name": CAPTION, "value": NUMBER}, others=anything)
PART = record(
    {
        "count": COUNT,
        "shape": listing(ONE_OR_MORE, 1, 3),
        "dtype": CAPTION,
        "pixels": CAPTION,
        "labels": nullable(CAPTION),
        "class names": nullable(CAPTION),
    }
)
CONFIG = record(
    {
        "name": CAPTION,
        "config": record({"data": anything, "network": anything}, others=anything),
        "examples": ONE_OR_MORE,
        "image_shape": listing(ONE_OR_MORE, 1, 3),
    },
    {
        "format": ONE_OR_MORE,
        "method": CAPTION,
        "family": CAPTION,  # of format 1
        "classes": record(
            {"names": listing(CAPTION), "counts": listing(COUNT)}, {"column": CAPTION}
        ),
        "trained_on": nullable(listing(choice("train", "validation", "test"), 1, 3)),
        "device": CAPTION,
        "digest": CAPTION,
        "fingerprint": record({"train": PART}, {"validation": PART, "test": PART}),
        "replicas": ONE_OR_MORE,
        "threads": record({"intra_op": ONE_OR_MORE, "inter_op": ONE_OR_MORE}),
        "versions": table(CAPTION),
    },
)
METRICS = record(
    {"step": COUNT, "images_seen": COUNT, "seconds": DURATION},
    {"event": CAPTION, "reason": TEXT, "changed": listing(TEXT)},
    others=one_or_list(nullable(NUMBER)),
)
SCORES = [score for metric in metrics.METRICS.lines.values() for score in metric.scores]


def score_name(value: Any, where: str) -> None:
    """The schema of a score's name, with or without its features: fid[digits-cnn]."""
    CAPTION(value, where)
    choice(*SCORES)(value.partition("[")[0], where)


EVALUATIONS = record({"step": COUNT, "name": score_name, "value": NUMBER}, others=anything)
_SCORES = {"scores": listing(SCORE), "baselines": table(listing(BASELINE))}
_OF_FORMAT_1 = record({}, _SCORES, others=anything)
_OF_FORMAT_2 = record({"format": ONE_OR_MORE, **_SCORES}, others=anything)


def evaluation(value: Any, where: str) -> None:
    """The schema of evaluation.json, which in format 1 did not say so."""
    says = isinstance(value, dict) and "format" in value
    (_OF_FORMAT_2 if says else _OF_FORMAT_1)(value, where)


SUMMARY = record({"step": COUNT, "saved_model": TEXT}, others=anything)
SETTINGS = table(record({}, others=anything))
RESULT = {
    "settings": CAPTION,
    "arm": CAPTION,
    "labels": ONE_OR_MORE,
    "seed": COUNT,
    "validation_accuracy": SHARE,
    "test_accuracy": SHARE,
    "seconds": DURATION,
}
TRAINED = record(
    {**RESULT, "learning_rate": DURATION, "start": choice("fresh", "probe")}, others=anything
)
PROBED = record({**RESULT, "C": DURATION}, others=anything)
RESULTS = by(
    "arm",
    {"pretrained": TRAINED, "random": TRAINED, "probe": PROBED, "random_probe": PROBED},
)
CLASSIFIER = record(
    {
        "labels": ONE_OR_MORE,
        "seed": COUNT,
        "validation_accuracy": SHARE,
        "test_accuracy": SHARE,
        "saved_model": TEXT,
    }
)
TABLE = record({"settings": CAPTION}, {"classifier": nullable(CLASSIFIER)}, others=anything)
