"""What a generative model, or any folder of images, scores against real images."""

import itertools
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from kgan import memory, names
from kgan.data import DATASETS, resolved
from kgan.data.prepared import Report
from kgan.errors import InputError, shown
from kgan.methods.config import DataConfig
from kgan.methods.recorded import open_record
from kgan.metrics import METRICS, check_names
from kgan.metrics.classes import TooFewError
from kgan.metrics.reference import Data
from kgan.metrics.scores import Scorer, applicable
from kgan.runs import folder, pictures, scores
from kgan.runs.board import Board
from kgan.runs.scores import read_evaluation
from kgan.tasks.evaluate.checks import check_samples
from kgan.tasks.evaluate.sources import Source, open_source
from kgan.training import evaluation, provenance

SAMPLES = 10_000
PICTURED, NEIGHBOURS = 8, 7
CHUNK = 1000
FEATURE_BYTES = 8192  # of an image, of Inception's

Progress = Callable[[str, int, int], None]


def evaluate(
    sources: str | os.PathLike | Sequence[str | os.PathLike],
    metrics: Sequence[str] | None = None,
    samples: int = SAMPLES,
    *,
    features: str = "auto",
    split: str = "train",
    checkpoint: str = "last",
    dataset: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    image_size: int | tuple[int, int] | None = None,
    label: str | None = None,
    inception_graph: str | os.PathLike | None = None,
    out: str | os.PathLike | None = None,
    progress: Progress | None = None,
    preparing: Report | None = None,
) -> dict:
    """Scores images against real ones, beside images that nobody had to generate.

    Runs get RUN/evaluation.json, RUN/neighbours.png and TensorBoard scalars.

    Args:
        sources: Runs of `kgan train` or of a VAE, SavedModels, folders of images, or .npz files
            with an array `images`; all are compared with one data set.
        metrics: Names in `kgan.metrics.METRICS`; by default all that the images can have, those
            of classes for what tells which of the classes of the data its images are of.
        samples: Images drawn from a generator, of seeds 0, 1, ...; of files at most so many.
        features: "auto", or as in `kgan.metrics.features.find`.
        split: "train", all images but the test images, "validation" or "test".
        checkpoint: Of the runs: "last" or "best".
        dataset: Real images; by default those of the first run.
        data_dir: As in `kgan.load`.
        image_size: As in `kgan.load`, of the real images and of folders.
        label: The column with the labels of the real images; by default the runs' own.
        inception_graph: The file of the 2015 graph, if it is not to be downloaded.
        out: A folder for all results instead of the runs' own.
        progress: Called as `progress(what, done, total)`.
        preparing: Called while data are prepared: see `kgan.load`.

    Returns:
        "sources": for each its "source", "scores", each with its conditions, "seconds" of
        sampling, features and metrics, and "left_out", why it has no scores of classes, in
        sentences; "baselines": scores by name.

    Raises:
        InputError: A source, the data or an option is wrong, or too few images for a metric.
    """
    given = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    check_samples(samples)
    if not given:
        raise InputError("Nothing to evaluate: expected a run, a SavedModel, a folder or an .npz.")
    if metrics is not None and not metrics:
        raise InputError(f"No metric: expected one or more of {', '.join(METRICS)}.")
    check_names(metrics or (), split)
    if out is not None:
        folder.require_writable(Path(names.check("--out", out)))
    opened = [open_source(source, checkpoint, image_size) for source in given]
    for source in opened if out is None else ():
        if source.run_dir:
            folder.refuse_links(source.run_dir)
            read_evaluation(source.run_dir)  # damaged, it is told before there is work to lose
    real = _real(opened, dataset, data_dir, image_size, label, preparing)
    opened = [_with_trained_on(source, real, dataset, data_dir) for source in opened]
    memory.require(
        samples * (2 * math.prod(real.image_shape) + FEATURE_BYTES),  # drawn, and noise beside
        f"Scoring {samples:,} images",
        "choose fewer --samples",
    )
    network = None
    if metrics is None or set(metrics) != {"parzen"}:
        network = evaluation.extractor(features, real, inception_graph, preparing)
    asked, every = [s for s in opened if _has_classes(s, real)], metrics is None
    if metrics is None:
        assert network is not None, "opened above"
        metrics = applicable(real, network, split, labelled=bool(asked))
    else:
        _check_classes(metrics, [source for source in opened if source not in asked], real)
    scorer = Scorer(real, network, metrics, split, evaluation.feature_cache())
    progress = progress or (lambda what, done, total: None)
    return _Evaluation(scorer, real, samples, progress, every).run(
        opened, None if out is None else Path(out)
    )


def _real(opened: list[Source], dataset, data_dir, image_size, label, preparing) -> Data:
    run = next((source.data for source in opened if source.data), None)
    # Runs of the classes of some other column than the data set's own labels.
    of_classes = next((source.data for source in opened if source.classes and source.data), None)
    if label is None and of_classes and _is_of(of_classes, dataset, data_dir):
        label = of_classes.label
    if dataset is None:
        if run is None:
            raise InputError(
                f"{opened[0].name} does not tell its data: name the real images with --dataset."
            )
        if run.name in DATASETS and not DATASETS.lines[run.name].space.is_image:
            raise InputError(
                f"{opened[0].name} was trained on {run.name!r}, points in the plane: expected "
                "models of images. What it covers stands in its evaluation.json when it is done."
            )
        dataset = run.name
        data_dir = run.data_dir if data_dir is None else data_dir
        image_size = run.image_size if image_size is None else image_size
        others = {source.data.name for source in opened if source.data} - {dataset}
        if others:
            raise InputError(
                f"The runs have several data sets ({dataset}, {', '.join(sorted(others))}): scores "
                "would not compare. Choose one with --dataset."
            )
        for source in opened:
            if source.run_dir is not None:
                record = open_record(source.run_dir)
                if changed := provenance.changed_since(record, data_dir, preparing):
                    raise provenance.other_data(record, changed)
    return evaluation.real_data(dataset, data_dir, image_size, label, preparing)


def _is_of(data: DataConfig, dataset, data_dir) -> bool:
    """Returns whether a run's data are the real images asked for, by default a run's."""
    return dataset is None or resolved(dataset, data_dir) == resolved(data.name, data_dir)


def _with_trained_on(source: Source, real: Data, dataset, data_dir) -> Source:
    """Returns a source that tells, of a run of the real images, which parts it has seen."""
    if source.run_dir is None or source.data is None or not _is_of(source.data, dataset, data_dir):
        return source
    record = open_record(source.run_dir)
    parts = record.trained_on
    if parts is None:  # KGAN 0.1 trained on all but a test split of the set's own.
        own_test = record.examples <= len(real.train) + len(real.validation)
        parts = ("train", "validation") if own_test else ("train", "validation", "test")
    return replace(source, about={**source.about, "trained_on": list(parts)})


def _has_classes(source: Source, real: Data) -> bool:
    return not _other_classes(source, real)


def _other_classes(source: Source, real: Data) -> str:
    """Returns how the classes of a source are not those of the real images, "" if they are."""
    if not source.classes:
        return "draws none"
    if real.labels is None:
        return "draws some, the real images have none"
    ours, theirs = source.column, real.labels.column
    # Runs of before the whole name was written down may have a part of it.
    if ours and theirs and ours not in (theirs, theirs.rpartition("/")[2]):
        found = f"those of the column {shown(ours)}, the labels are of {shown(theirs)}"
        return f"draws {found} (see --label)"
    return "" if source.classes == real.labels.names else "draws others"


def _check_classes(metrics: Sequence[str], without: list[Source], real: Data) -> None:
    of_classes = [name for name in metrics if METRICS.lines[name].labels]
    if of_classes and without:
        raise InputError(
            f"{of_classes[0]} takes images of the classes of {real.name!r}, "
            f"{without[0].name} {_other_classes(without[0], real)}: expected models of kgan train "
            "--conditional, or an .npz that kgan sample wrote with their classes. Leave it out of "
            "--metrics."
        )


class _Evaluation:
    def __init__(
        self, scorer: Scorer, real: Data, samples: int, progress: Progress, every_metric: bool
    ):
        self._scorer, self._real = scorer, real
        self._samples, self._progress = samples, progress
        self._every_metric = every_metric

    def run(self, opened: list[Source], out: Path | None) -> dict:
        self._progress("real images", 0, 1)
        self._scorer.prepare()
        found = [self._one(source, out, number) for number, source in enumerate(opened)]
        self._progress("baselines", 0, 1)
        baselines = self._scorer.baselines(self._samples)
        self._progress("baselines", 1, 1)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            all_scores = [score for entry in found for score in entry["scores"]]
            # A list: a source may be there twice.
            seconds = [{"source": entry["source"], **entry["seconds"]} for entry in found]
            scores.write(out, {"scores": all_scores, "baselines": baselines, "seconds": seconds})
        else:
            for source, entry in zip(opened, found, strict=True):
                if source.run_dir:
                    _record(source.run_dir, entry, baselines)
        return {"sources": found, "baselines": baselines}

    def _one(self, source: Source, out: Path | None, number: int) -> dict:
        clock = [time.monotonic()]
        images, labels = self._drawn(source)
        clock.append(time.monotonic())
        self._progress(f"features of {source.name}", 0, 1)
        seen = self._scorer.see(images, labels)
        clock.append(time.monotonic())
        self._progress(f"scores of {source.name}", 0, 1)
        found, left_out = self._scored(source, seen, len(images))
        clock.append(time.monotonic())
        place = source.run_dir if out is None else out
        if place is not None and "features" in seen:
            place.mkdir(parents=True, exist_ok=True)
            name = "neighbours.png" if place == source.run_dir else f"neighbours-{number}.png"
            self._picture(images, seen).save(place / name)
        stages = ("sampling", "features", "metrics")
        took = [round(after - before, 3) for before, after in itertools.pairwise(clock)]
        seconds = dict(zip(stages, took, strict=True))
        return {
            "source": source.name,
            "place": None if place is None else str(place),
            "scores": found,
            "seconds": seconds,
            "left_out": left_out,
        }

    def _scored(self, source: Source, seen: dict, count: int) -> tuple[list[dict], list[str]]:
        """Returns scores, and where nobody named the metrics why some of classes are left out."""
        conditions = source.conditions(count)
        if not self._every_metric:
            return self._scorer.score(seen, **conditions), []
        left_out: list[str] = []

        def too_few(error: TooFewError) -> None:
            left_out.append(f"class_recall of {source.name} is left out. {error}")

        found = self._scorer.score(seen, too_few=too_few, **conditions)
        other = _other_classes(source, self._real) if source.classes else ""
        if other:
            left_out.append(
                f"No scores of the classes of {self._real.name!r}: {source.name} {other}."
            )
        return found, left_out

    def _drawn(self, source: Source) -> tuple[np.ndarray, np.ndarray | None]:
        count = min(self._samples, source.count or self._samples)
        parts = []
        for start in range(0, count, CHUNK):
            self._progress(f"images of {source.name}", start, count)
            parts.append(source.draw(start, min(start + CHUNK, count)))
        images, labels = zip(*parts, strict=True)
        of_classes = _has_classes(source, self._real)
        return np.concatenate(images), np.concatenate(labels) if of_classes else None

    def _picture(self, images: np.ndarray, seen: dict):
        """Returns rows of an image and the training images nearest to it in feature space."""
        near = self._scorer.nearest(seen["features"][:PICTURED], NEIGHBOURS)
        rows = [
            np.concatenate([image[None], others])
            for image, others in zip(images[:PICTURED], near, strict=True)
        ]
        return pictures.grid(np.concatenate(rows), columns=NEIGHBOURS + 1)


def _record(run_dir: Path, entry: dict, baselines: dict) -> None:
    found = {"scores": entry["scores"], "baselines": baselines, "seconds": entry["seconds"]}
    scores.add(run_dir, found)
    values = {score["name"]: score["value"] for score in entry["scores"]}
    Board(run_dir).scalars(entry["scores"][0]["step"], values)
