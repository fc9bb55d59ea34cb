"""A comparison with and without pretraining, checked before anything is trained."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np

from kgan.data import Examples, licence, no_images, resolved
from kgan.data.fingerprint import fingerprint
from kgan.data.prepared import Report
from kgan.data.split import Splits, split, stratified
from kgan.errors import InputError
from kgan.tasks.finetune import ARMS, checks
from kgan.tasks.finetune.features import Encoder, encoder
from kgan.tasks.finetune.results import key_of
from kgan.tasks.finetune.supervised import Budget, budget
from kgan.training import provenance
from kgan.training.run import open_run

TUNED = ("pretrained", "random")  # trained whole, at a learning rate to be chosen
# What the softmax layer starts from: random weights, or the linear probe on the encoder's output
# (Kumar et al. 2022, section 3.4, LP-FT). Chosen by validation, as the learning rate is.
HEADS = ("fresh", "probe")
LEARNING_RATES = (0.001, 0.0003)
LABELS = (100, 1000, 10_000)  # those of them that there are, and all
SEEDS = 5
BATCH_SIZE = 128
IN_MEMORY = 2**30  # bytes of images that are gathered in memory


@dataclass(frozen=True)
class Experiment:
    """A comparison that is ready to run.

    Attributes:
        run_dir: The pretrained run.
        name: The run's name.
        source: Its encoder.
        splits: The data, in memory where they are small.
        arms: Of `ARMS`, in that order.
        labels: Numbers of labels, ascending.
        seeds: How many; they are 0, 1, ...
        learning_rates: To choose from.
        batch_size: Labels a step.
        steps: Updates at most, None for what `supervised.budget` makes of the number of labels.
        pretrained_on: Which of the parts' images the pretraining saw, in words; None if others.
        settings: What decides a result, beside arm, number of labels and seed.
        data_licence: Where it is known.
    """

    run_dir: Path
    name: str
    source: Encoder = field(repr=False)
    splits: Splits = field(repr=False)
    arms: tuple[str, ...]
    labels: tuple[int, ...]
    seeds: int
    learning_rates: tuple[float, ...]
    batch_size: int
    steps: int | None
    pretrained_on: str | None
    settings: dict
    data_licence: str | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.splits.train.class_names)

    @property
    def train_labels(self) -> np.ndarray:
        """The classes of the training examples, integers `(n,)`."""
        labels = self.splits.train.labels
        assert labels is not None  # `design` refuses data without
        return labels

    @property
    def total(self) -> int:
        """Classifiers to fit altogether."""
        return len(self.labels) * sum(map(self.fits, self.arms))

    def fits(self, arm: str) -> int:
        """Returns the classifiers of an arm to fit for each number of labels."""
        candidates = len(self.learning_rates) * len(HEADS)
        return self.seeds - 1 + candidates if arm in TUNED else self.seeds

    def work(self, arm: str, labels: int) -> tuple[str, int]:
        """Returns a fit's kind of work and how much it is.

        A training's steps at most; of a probe the images whose features it takes.
        """
        if arm in TUNED:
            return "training", self.budget(labels).steps
        return "probe", labels + len(self.splits.validation) + len(self.splits.test)

    @property
    def all_work(self) -> dict[str, int]:
        """All fits' work by kind."""
        total: dict[str, int] = {}
        for arm, labels in product(self.arms, self.labels):
            kind, work = self.work(arm, labels)
            total[kind] = total.get(kind, 0) + self.fits(arm) * work
        return total

    def rows_of(self, labels: int, seed: int) -> np.ndarray:
        """Returns which training examples keep their labels: the same for every arm."""
        if labels == len(self.splits.train):
            return np.arange(labels)
        return stratified(self.train_labels, labels, self.num_classes, seed)

    def budget(self, labels: int) -> Budget:
        """Returns how long a training on this many labels lasts at most."""
        return budget(labels, self.batch_size, self.steps)

    def uneven(self, replicas: int) -> list[int]:
        """Returns the numbers of labels whose batches cannot be divided among replicas."""
        return [n for n in self.labels if self.budget(n).batch_size % replicas]


def design(
    run_dir: str | Path,
    labels: Sequence[int | str] | None = None,
    seeds: int = SEEDS,
    *,
    arms: Sequence[str] = tuple(ARMS),
    dataset: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    image_size: int | tuple[int, int] | None = None,
    label: str | None = None,
    learning_rates: Sequence[float] = LEARNING_RATES,
    steps: int | None = None,
    batch_size: int = BATCH_SIZE,
    preparing: Report | None = None,
) -> Experiment:
    """Reads the run and its data, and so finds what is wrong before anything is trained.

    Args:
        run_dir: A run of `kgan train` on images, or of `kgan pretrain`, with a checkpoint.
        labels: Numbers of labels; "all" is the whole training split. By default 100, 1,000 and
            10,000, as far as there are so many, and all.
        seeds: How many repetitions, each on labels of its own.
        arms: Which classifiers to compare: see `finetune`.
        dataset: Other data than the run's, with images of the same shape.
        data_dir: As in `kgan.load`.
        image_size: As in `kgan.load`.
        label: The column with the labels; by default the run's own, of other data the set's own.
        learning_rates: To choose from for each arm and number of labels.
        steps: Updates at most; by default as many as `supervised.budget` says.
        batch_size: Labels a step, where there are so many.
        preparing: Called while data are prepared: see `kgan.load`.

    Raises:
        InputError: The run, the data or an option is wrong.
    """
    checks.check(labels, arms, seeds, learning_rates, steps, batch_size)
    record, run_dir = checks.finetunable(run_dir), Path(run_dir)
    model, name = open_run(run_dir)
    own, named, changed = record.config.data, dataset is not None, None
    if dataset is None or resolved(dataset, data_dir) == resolved(own.name, data_dir):
        dataset, label = own.name, own.label if label is None else label
        data_dir = own.data_dir if data_dir is None else data_dir
        image_size = own.image_size if image_size is None else image_size
        changed = provenance.changed_since(record, data_dir, preparing)
        if changed and not named:
            raise provenance.other_data(record, changed)
    splits = split(dataset, data_dir=data_dir, image_size=image_size, label=label, report=preparing)
    _check_data(splits, record.spec.shape)
    splits = Splits(
        in_memory(splits.train),
        in_memory(splits.validation, limit=None),
        in_memory(splits.test, limit=None),
        splits.rule,
    )
    if labels is None:
        labels = [*(n for n in LABELS if n < len(splits.train)), "all"]
    counts = sorted({len(splits.train) if isinstance(n, str) else n for n in labels})
    source = encoder(model)
    parts = [len(part) for part in (splits.train, splits.validation, splits.test)]
    experiment = Experiment(
        run_dir=run_dir,
        name=name,
        source=source,
        splits=splits,
        arms=tuple(arm for arm in ARMS if arm in arms),
        labels=tuple(counts),
        seeds=seeds,
        learning_rates=tuple(learning_rates),
        batch_size=batch_size,
        steps=steps,
        pretrained_on=None if changed is None else _seen(record.trained_on, changed),
        settings={
            "dataset": splits.train.name,
            "image_shape": list(splits.train.image_shape),
            "split": splits.rule,
            "sizes": parts,
            "fingerprint": key_of(fingerprint(splits)),
            "learning_rates": list(learning_rates),
            "starts": list(HEADS),
            "steps": steps,
            "batch_size": batch_size,
            "encoder": _digest(source),
        },
        data_licence=licence(os.fspath(dataset), data_dir),
    )
    for count in counts:
        for seed in range(seeds):
            _check_subset(experiment, count, seed)
    return experiment


def _check_data(splits: Splits, image_shape: tuple[int, ...]) -> None:
    train, test = splits.train, splits.test
    if not train.space.is_image:
        raise no_images(train.name)
    if train.image_shape != image_shape:
        channels = "" if train.image_shape[2] == image_shape[2] else (
            f" with {image_shape[2]} channel{'s' if image_shape[2] > 1 else ''}"
        )  # fmt: skip
        raise InputError(
            f"{train.name!r} has images of {'x'.join(map(str, train.image_shape))}, the run's "
            f"network takes {'x'.join(map(str, image_shape))}: choose a --dataset{channels}, or "
            f"give --image-size {image_shape[0]}x{image_shape[1]}."
        )
    if train.labels is None or test.labels is None:
        raise InputError(
            f"{train.name!r} has no labels: choose a --dataset with them, such as a folder with a "
            "sub-folder for each class."
        )
    if len(train.class_names) < 2:
        raise InputError(f"{train.name!r} has one class: expected two or more.")


def _check_subset(experiment: Experiment, labels: int, seed: int) -> None:
    chosen = experiment.train_labels[experiment.rows_of(labels, seed)]
    missing = np.setdiff1d(np.arange(experiment.num_classes), chosen)
    if len(missing):
        name = experiment.splits.train.class_names[missing[0]]
        raise InputError(
            f"{labels:,} labels (seed {seed}) have no example of the class {name!r}: ask for more "
            "--labels, or choose a set with some of every class."
        )


def in_memory(examples: Examples, limit: int | None = IN_MEMORY) -> Examples:
    """Returns the examples with their images in memory, as they are if those are over `limit`.

    Args:
        examples: Any.
        limit: Bytes, None for no limit.
    """
    size = np.prod(examples.images.shape, dtype=np.int64) * examples.images.dtype.itemsize
    if limit is not None and size > limit:
        return examples
    return replace(examples, values=np.array(examples.images))


def _seen(trained_on: tuple[str, ...] | None, changed: list[str]) -> str:
    """Returns what a run was trained on, from its parts of the data and how those differ now."""
    if changed:
        return (
            f"data of the same name that were others ({'; '.join(changed)}): test images may be "
            "among them"
        )
    if trained_on is None:
        return "the same data, all but a test split of the set's own (KGAN 0.1 held nothing out)"
    told = {
        1: "the training part",
        2: "the training and validation parts",
        3: "all parts, validation and test included",
    }
    return f"the same data: {told[len(trained_on)]}"


def _digest(source: Encoder) -> str:
    digest = hashlib.sha256()
    for weight in source.network.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:16]
