"""Keras models that override `train_step`, and the optimizers they train with."""

from kgan.models.adam import Adam
from kgan.models.gan import GAN
from kgan.models.momentum_sgd import MomentumSGD

__all__ = ["GAN", "OPTIMIZERS", "Adam", "MomentumSGD"]

OPTIMIZERS = {"adam": Adam, "sgd": MomentumSGD}
