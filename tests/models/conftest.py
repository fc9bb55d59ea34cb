import keras
import pytest

from kgan.layers import BatchNormalization
from kgan.models import GAN
from kgan.networks import mlp


@pytest.fixture
def make_gan():
    """Returns a function that builds a small GAN of points in the plane."""

    def make(seed=0, dropout=0.0, batch_norm=False, **options):
        keras.utils.set_random_seed(seed)
        discriminator = mlp.discriminator(
            (2,), width=8, pieces=2, input_dropout=0.0, dropout=dropout, init_range=0.5
        )
        generator = mlp.generator((2,), 3, width=8, init_range=0.5)
        if batch_norm:
            outputs = BatchNormalization()(generator.outputs[0])
            generator = keras.Model(generator.inputs, outputs)
        return GAN(generator, discriminator, **options)

    return make
