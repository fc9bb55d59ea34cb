"""Keras models that override `train_step`, and the optimizers they train with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kgan.errors import InputError, unknown
from kgan.tables import Named, Table

OPTIMIZERS = Table(__name__, {"adam": "adam:Adam", "sgd": "momentum_sgd:MomentumSGD"})

MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Change:
    """A way to change images at random.

    Attributes:
        function: From images `(batch, height, width, channels)` in [-1, 1] and draws, uniform in
            [0, 1), to images.
        draws: How many an image needs.
    """

    function: Named
    draws: int


AUGMENTATIONS = Table(
    __name__,
    {
        "flip": Change("augment:flip", 1),
        "color": Change("augment:color", 3),
        "translation": Change("augment:translation", 2),
        "cutout": Change("augment:cutout", 2),
    },
)

_CLASSES = Table(
    __name__,
    {
        "GAN": "gan:GAN",
        "VAE": "vae:VAE",
        "Adam": "adam:Adam",
        "Autoencoder": "autoencoder:Autoencoder",
        "Classifier": "classifier:Classifier",
        "MomentumSGD": "momentum_sgd:MomentumSGD",
        "Schedule": "schedules:Schedule",
        "StackedAutoencoder": "stacked:StackedAutoencoder",
    },
)


def check_augmentations(names: Sequence[str]) -> None:
    """Raises an InputError unless augmentations are known and stand there once."""
    for name in names:
        if name not in AUGMENTATIONS:
            raise unknown("augmentation", name, AUGMENTATIONS)
    if len(set(names)) < len(names):
        raise InputError(f"Augmentations are {', '.join(names)}: expected each once.")


def half_life(decay: float) -> float:
    """Returns the steps after which a moving average of that decay holds half of what it held."""
    return math.log(0.5) / math.log(decay) if decay else 0.0


__all__ = ["AUGMENTATIONS", "MAX_SEED", "OPTIMIZERS", "half_life", *_CLASSES]


def __getattr__(name: str):
    if name in _CLASSES:
        return _CLASSES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
