"""Scores: NumPy arrays in, numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kgan.errors import unknown
from kgan.tables import Named, Table

CLASSIFIERS = Path(__file__).parent / "classifiers"
SPLITS = ("train", "validation", "test")
SUBSET_SEED = 0


@dataclass(frozen=True)
class Metric:
    """One computation, and the scores that come of it.

    Attributes:
        scores: Their names, and whether more is better.
        needs: "features", "probabilities" or "pixels".
        compute: From what is needed of real and of generated images to a dictionary for each
            score: "value", "standard_error" where there is one, and what else decides it. Where
            it is of labels, both are pairs of what is needed and of labels, and values "by_class"
            go by label.
        labels: Whether it is of images that have labels, or were asked for by them.
    """

    scores: dict[str, bool]
    needs: str
    compute: Named
    labels: bool = False


METRICS = Table(
    __name__,
    {
        "fid": Metric({"fid": False}, "features", "computed:fid"),
        "kid": Metric({"kid": False}, "features", "computed:kid"),
        "manifold": Metric(
            {"precision": True, "recall": True, "density": True, "coverage": True},
            "features",
            "computed:manifold",
        ),
        "classifier_score": Metric(
            {"classifier_score": True}, "probabilities", "computed:classifier_score"
        ),
        "class_accuracy": Metric(
            {"class_accuracy": True}, "probabilities", "computed:accuracy", labels=True
        ),
        "class_recall": Metric({"class_recall": True}, "features", "computed:recall", labels=True),
        "parzen": Metric({"parzen": True}, "pixels", "computed:parzen"),
    },
)


def classifiers() -> list[str]:
    """Returns the names of the networks that KGAN ships."""
    return sorted(path.stem for path in CLASSIFIERS.glob("*.pb"))


def metric_of(score: str) -> str:
    """Returns the metric that a score, such as "precision", comes of.

    Raises:
        InputError: There is no such score.
    """
    for name, metric in METRICS.lines.items():
        if score in metric.scores:
            return name
    raise unknown(
        "score", score, [score for metric in METRICS.lines.values() for score in metric.scores]
    )


def check_names(metrics: Sequence[str], split: str) -> None:
    """Raises an InputError unless the metrics and the split are known."""
    for name in metrics:
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
