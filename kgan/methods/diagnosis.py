"""How a GAN's training goes, beside its losses, and what that means in plain words."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kgan.data import Examples
from kgan.data.split import Splits
from kgan.metrics.diagnosis import accuracy, diversity, overfitting
from kgan.models import GAN

LOOKED_AT = 256  # examples of each kind
IN_A_ROW = 3  # diagnoses that say the same before it is told


def diagnosed(model: GAN, data: Splits) -> dict[str, float]:
    """Returns what the losses cannot tell: see `kgan.metrics.diagnosis`.

    Args:
        model: In training; it stays as it is.
        data: What it trains on, and what is held out.

    Returns:
        "diversity" of samples; how often the discriminator is right of training images,
        "real_accuracy", and of validation images, "held_out_accuracy", and its "overfitting" of
        these, which are left out where none are held out.
    """
    samples = model.sample(range(LOOKED_AT))
    train, train_labels = _some(data.train, model.num_classes)
    labels = None
    if model.num_classes is not None:
        labels = np.arange(LOOKED_AT, dtype=np.int32) % model.num_classes
        samples = model.sample(range(LOOKED_AT), labels)
    real, fake = model.discriminate(train, train_labels), model.discriminate(samples, labels)
    found = {"diversity": diversity(samples, train), "real_accuracy": accuracy(real, fake)}
    if len(data.validation):
        held_out = model.discriminate(*_some(data.validation, model.num_classes))
        found["held_out_accuracy"] = accuracy(held_out, fake)
        found["overfitting"] = overfitting(real, held_out, fake)
    return found


def _some(examples: Examples, num_classes: int | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns examples from all over a set, and their labels where they are needed."""
    rows = np.linspace(0, len(examples) - 1, min(LOOKED_AT, len(examples))).astype(int)
    labels = None if num_classes is None else np.asarray(examples.labels)[rows]
    return np.asarray(examples.values[rows]), labels


def _collapsed(found: dict[str, Any]) -> bool:
    return found["diversity"] < 0.2


def _won(found: dict[str, Any]) -> bool:
    return min(found["real_accuracy"], found.get("held_out_accuracy", 1.0)) > 0.995


def _overfits(found: dict[str, Any]) -> bool:
    return found.get("overfitting", 0.0) > 0.6 and not _won(found)


SAYINGS = (
    (
        _collapsed,
        "samples look alike: the generator has collapsed. Try a penalty on the discriminator "
        "(--set game.penalties.r1=1), another --objective or a smaller --learning-rate",
    ),
    (
        _won,
        "the discriminator tells all samples from real images: it has won, and the generator "
        "learns little. Try a penalty (--set game.penalties.r1=1) or a smaller "
        "discriminator_optimizer.learning_rate",
    ),
    (
        _overfits,
        "the discriminator knows the training images by heart: those held out look generated to "
        "it. Try --augment color,translation,cutout, or more images; later samples may be worse",
    ),
)


def said(diagnoses: Sequence[dict[str, Any]]) -> list[str]:
    """Returns what the newest of a run's diagnoses is the first to say, in sentences without end.

    A function of them alone, so that a run that goes on says the same.

    Args:
        diagnoses: All so far, the oldest first, as from `diagnosed`.
    """

    def holds(is_so, end):
        return end >= IN_A_ROW and all(map(is_so, diagnoses[end - IN_A_ROW : end]))

    count = len(diagnoses)
    return [text for is_so, text in SAYINGS if holds(is_so, count) and not holds(is_so, count - 1)]
