"""Keras models that override `train_step`, and the optimizers they train with."""

from kgan.models.adam import Adam
from kgan.models.autoencoder import Autoencoder
from kgan.models.classifier import Classifier
from kgan.models.gan import GAN
from kgan.models.momentum_sgd import MomentumSGD
from kgan.models.stacked import StackedAutoencoder
from kgan.models.vae import VAE

__all__ = [
    "GAN",
    "OPTIMIZERS",
    "VAE",
    "Adam",
    "Autoencoder",
    "Classifier",
    "MomentumSGD",
    "StackedAutoencoder",
]

OPTIMIZERS = {"adam": Adam, "sgd": MomentumSGD}
