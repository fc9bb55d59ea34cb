"""Which optimizers are taken, and what their rates are."""

import keras
import pytest

import kgan
from tests.models.small import MODELS, compiled, gan


def test_rates_keep_their_ratio_through_zero():
    model = gan()
    model.compile("hinge", keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.4))
    assert float(model.optimizer.learning_rate) == pytest.approx(0.4)
    for rate in (0.2, 0.0, 0.8):
        model.optimizer.learning_rate = rate
        rates = [float(optimizer.learning_rate) for optimizer in model.optimizers]
        assert rates == pytest.approx([rate / 4, rate])


def test_names_and_configurations_of_optimizers_are_taken():
    model = gan()
    config = keras.optimizers.serialize(keras.optimizers.SGD(0.25))
    model.compile(generator_optimizer="adam", discriminator_optimizer=config)
    assert type(model.generator_optimizer) is keras.optimizers.Adam
    assert float(model.discriminator_optimizer.learning_rate) == 0.25
    for name in set(MODELS) - {"GAN", "ConditionalGAN"}:
        assert type(compiled(name, optimizer="sgd").optimizers[0]) is keras.optimizers.SGD
        with pytest.raises(kgan.InputError, match="Optimizer 'adm': expected one of"):
            compiled(name, optimizer="adm")
    one = keras.optimizers.Adam()
    with pytest.raises(kgan.InputError, match="the same optimizer: expected one for each"):
        model.compile(generator_optimizer=one, discriminator_optimizer=one)
