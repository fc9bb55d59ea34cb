"""Scores of a run: against which data, in which features, while it trains."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kgan.data import no_images
from kgan.data.cache import cache_dir
from kgan.data.prepared import Report
from kgan.data.split import Splits, split
from kgan.errors import InputError
from kgan.methods.base import DataSpec
from kgan.methods.config import EvaluationConfig
from kgan.metrics import METRICS, features, metric_of
from kgan.metrics.classes import NEIGHBOURS, of_enough
from kgan.metrics.reference import Data, Labels
from kgan.metrics.scores import Scorer
from kgan.models.seeds import seed_labels
from kgan.runs import folder, pictures
from kgan.runs.board import Board
from kgan.runs.checkpoint import Checkpoints
from kgan.runs.lines import keep_lines
from kgan.runs.records import read_evaluations
from kgan.training.callbacks import EverySteps

EVALUATIONS = "evaluations.jsonl"
# The classifiers that KGAN ships: of what, and the shape of its images.
OWN = {
    "digits-cnn": ("the digits", 8, 8, 1),
    "mnist-cnn": ("MNIST", 28, 28, 1),
    "cifar10-cnn": ("CIFAR-10", 32, 32, 3),
}


def real_data(
    dataset: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    image_size: int | tuple[int, int] | None = None,
    label: str | None = None,
    report: Report | None = None,
) -> Data:
    """Returns the real images that scores compare with.

    Args:
        dataset: As in `kgan.split`, and likewise the rest.
        data_dir: As in `kgan.split`.
        image_size: As in `kgan.split`.
        label: As in `kgan.split`.
        report: As in `kgan.split`.

    Raises:
        InputError: Not a set of images, or not to be loaded.
    """
    return as_data(
        split(dataset, data_dir=data_dir, image_size=image_size, label=label, report=report)
    )


def as_data(parts: Splits) -> Data:
    """Returns what `real_data` does, of parts that are at hand, whatever their name.

    Raises:
        InputError: Not images.
    """
    if not parts.train.space.is_image:
        raise no_images(parts.train.name)
    train, validation, test = parts.train, parts.validation, parts.test
    classes, labels = DataSpec.of(train).class_names, None
    if train.labels is not None and validation.labels is not None and len(classes) > 1:
        labels = Labels(classes, train.labels, validation.labels, test.labels, train.label)
    return Data(train.name, train.images, validation.images, test.images, labels)


def feature_cache() -> Path:
    """Returns the folder of what is computed once for all evaluations."""
    return cache_dir() / "features"


def extractor(
    name: str,
    data: Data,
    inception_graph: str | os.PathLike | None = None,
    report: Report | None = None,
) -> features.Extractor:
    """Returns the network whose features are compared.

    Args:
        name: As in `metrics.features.find`, or "auto" for Inception where its graph is given, else
            the classifier that KGAN ships for the data set or else for images of their kind.
        data: The data set.
        inception_graph: As in `metrics.features.find`.
        report: As in `metrics.features.find`.

    Raises:
        InputError: As `metrics.features.find`.
    """
    caveat = ""
    if name == "auto" and inception_graph:
        name = features.INCEPTION
    elif name == "auto":
        name, caveat = _of_kind(data)
    found = features.find(name, inception_graph, cache_dir() / "inception", report)
    if name in features.names() and not _is_own(name, data):
        # Other data may have classes of the same names, and mean something else by them.
        found = dataclasses.replace(found, class_names=())
    return dataclasses.replace(found, caveat=caveat)


def _is_own(name: str, data: Data) -> bool:
    """Returns whether a classifier that KGAN ships learned these data, at this size."""
    own, (_, *shape) = name.removesuffix("-cnn"), OWN[name]
    # A name is not enough: a folder may have it too.
    return (data.name, data.image_shape) == (own, tuple(shape))


def _of_kind(data: Data) -> tuple[str, str]:
    """Returns the classifier that KGAN ships for such images, and what it cannot tell of them."""
    *sides, channels = data.image_shape
    name = "mnist-cnn" if max(sides) > 16 else "digits-cnn"
    name = "cifar10-cnn" if channels == 3 else name
    if _is_own(name, data):
        return name, ""
    of, size, *_ = OWN[name]
    return name, (
        f"{name} learned the ten classes of {of} at {size}x{size}: its scores compare models of "
        "these images, not finer detail, nor published figures. For those: --features "
        "inception-2015."
    )


def drawn(
    model, seeds: Sequence[int] | np.ndarray, frequencies: Sequence[float] | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns a model's images of seeds, and the labels that they were asked for by, if any.

    Args:
        model: With `sample`.
        seeds: Integers `(n,)`.
        frequencies: How often each class is drawn; None where no label is asked for.
    """
    if frequencies is None:
        return model.sample(seeds), None
    labels = seed_labels(seeds, frequencies).numpy()
    return model.sample(seeds, labels), labels


def scorer(
    config: EvaluationConfig, data: Data, frequencies: Sequence[float] | None = None
) -> Scorer:
    """Returns what scores a run while it trains, without the test images: the best is kept.

    Args:
        config: What is scored.
        data: The real images.
        frequencies: How often the model draws each of the classes that the data have; None of a
            model without classes.

    Raises:
        InputError: The score is not known, or the model, the data or the features cannot have it,
            or it takes more images.
    """
    metric = METRICS[metric_of(config.score)]
    if metric.labels and frequencies is None:
        raise InputError(
            f"evaluation.score is {config.score}, which takes a model that draws images of classes "
            "asked for: train it with --conditional, or choose another score."
        )
    own = None if metric.needs == "pixels" else extractor(config.features, data)
    names = [metric_of(config.score)]
    found = Scorer(data, own, names, cache=feature_cache(), held_out="validation")
    if config.score == "class_recall":
        assert data.labels is not None, "refused above"
        assert frequencies is not None, "refused above"
        real = np.concatenate([data.labels.train, data.labels.validation])
        if not of_enough(real, seed_labels(range(config.samples), frequencies).numpy()):
            raise InputError(
                f"evaluation.samples is {config.samples:,}: class_recall, the evaluation.score, "
                f"expects a class of which {NEIGHBOURS + 1} or more are generated, and as many are "
                "real. Give more, such as 2000, or choose another score."
            )
    return found


class Evaluation(EverySteps):
    """Scores images of fixed seeds every so many steps, and keeps the checkpoint of the best.

    Lines go to evaluations.jsonl and TensorBoard, the curve to evaluations.png, the best checkpoint
    to checkpoints/best/.

    Args:
        run_dir: The run's folder.
        config: What is scored, and how often.
        scorer: From `scorer`.
        checkpoints: The run's own: lines past the newest are dropped, they will come again.
    """

    def __init__(
        self, run_dir: Path, config: EvaluationConfig, scorer: Scorer, checkpoints: Checkpoints
    ):
        super().__init__(config.every)
        self._path, self._board = run_dir / EVALUATIONS, Board(run_dir)
        self._place, self._config = best_place(run_dir), config
        self._scorer, self._checkpoints = scorer, checkpoints

    def on_epoch_begin(self, epoch, logs=None):
        self._scorer.prepare()
        self._lines = keep_lines(self._path, self._checkpoints.latest_step, read_evaluations)
        self._kept = Checkpoints(self.model, self._place, keep=1)

    def at(self, step):
        count = self._config.samples
        images, labels = drawn(self.model, range(count), self.model.class_frequencies)
        seen = self._scorer.see(images, labels)
        scores = self._scorer.score(seen, seeds=f"0-{count - 1}", precision="float32")
        found = next(s for s in scores if s["name"].partition("[")[0] == self._config.score)
        self._lines.append({"step": step, **found})
        alike = comparable(self._lines)
        best = best_of(alike)
        if best["step"] == step:
            self._kept.save(step)
        with folder.writing(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self._lines[-1]) + "\n")
        self._board.scalars(step, {found["name"]: found["value"]})
        steps, values = ([line[key] for line in alike] for key in ("step", "value"))
        picture = pictures.curve(steps, values, found["name"], steps.index(best["step"]))
        with folder.writing(self._path.with_suffix(".png")):
            picture.save(self._path.with_suffix(".png"))


def comparable(scores: list[dict]) -> list[dict]:
    """Returns those in the features of the last: what "auto" takes may change between versions."""
    return [score for score in scores if score["name"] == scores[-1]["name"]]


def best_of(scores: list[dict]) -> dict:
    """Returns the best of those that compare with the last, the first if several are.

    Args:
        scores: One or more of one score, as `metrics.scores.Scorer.score` gives them.
    """
    alike = comparable(scores)
    name = alike[0]["name"].partition("[")[0]
    sign = 1 if METRICS[metric_of(name)].scores[name] else -1
    return max(alike, key=lambda score: sign * score["value"])


def cell(score: dict) -> str:
    """Returns a score's value to the digits that its size deserves, with its error if any."""
    value, error = score["value"], score.get("standard_error")
    if isinstance(value, int):
        return f"{value:,}"  # a count, such as of modes
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3 if abs(value) >= 0.1 else 4
    return f"{value:.{digits}f}" + (f" ± {error:.{digits}f}" if error is not None else "")


def best_place(run_dir: Path) -> Path:
    """Returns the folder of a run's best checkpoint."""
    return run_dir / "checkpoints" / "best"


def set_aside(run_dir: Path, step: int) -> None:
    """Renames a run's scores and its best checkpoint: with other data none compares with them.

    Args:
        run_dir: The run's folder.
        step: From which on it has other data; the new names hold it.
    """
    # The lines first: without the checkpoint they would name a best one that is not there.
    for path in (run_dir / EVALUATIONS, best_place(run_dir)):
        aside = path.with_name(f"{path.name}.before-{step}")
        while aside.exists():
            aside = aside.with_name(f"{aside.name}.again")
        if path.exists():
            with folder.writing(path):
                path.rename(aside)
