"""Keras models that override `train_step`, and the optimizers they train with."""

import math

from kgan.tables import Table

OPTIMIZERS = Table(__name__, {"adam": "adam:Adam", "sgd": "momentum_sgd:MomentumSGD"})

MAX_SEED = 2**63 - 1

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


def half_life(decay: float) -> float:
    """Returns the steps after which a moving average of that decay holds half of what it held."""
    return math.log(0.5) / math.log(decay) if decay else 0.0


__all__ = ["MAX_SEED", "OPTIMIZERS", "half_life", *_CLASSES]


def __getattr__(name: str):
    if name in _CLASSES:
        return _CLASSES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
