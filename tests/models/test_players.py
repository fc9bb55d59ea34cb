"""What networks two players may be, and what is done to a discriminator to make it one."""

import keras
import numpy as np
import pytest

from kgan.errors import InputError
from kgan.models import GAN, Classifier
from kgan.networks import dcgan, mlp
from tests.models.small import sgd, weights


@pytest.mark.parametrize(
    "value_range", [(1, 1), (1, -1), (0, np.inf), (np.nan, 1), (0, 1, 2), "ab", None, 1], ids=str
)
def test_a_range_is_two_finite_numbers_the_lower_one_first(value_range):
    networks = dcgan.generator((8, 8, 1), 3, width=2), dcgan.discriminator((8, 8, 1), width=2)
    with pytest.raises(InputError, match=r"value_range is .*: expected two finite numbers"):
        GAN(*networks, value_range=value_range)
    with pytest.raises(InputError, match="value_range is"):
        Classifier(keras.Model(networks[1].inputs, networks[1].layers[-2].output), 2,
                   value_range=value_range)  # fmt: skip


def ends_in(shape, *tail):
    inputs = keras.Input((3,))
    outputs = keras.layers.Dense(int(np.prod(shape)))(inputs)
    for layer in tail:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def test_a_generator_must_span_the_range():
    shape, layers = (4, 4, 1), keras.layers
    reshape, cast = layers.Reshape(shape), layers.Activation("linear", dtype="float32")
    judge = mlp.discriminator(shape, width=2, pieces=2)
    tails = {
        "sigmoid": [layers.Dense(16, activation="sigmoid"), reshape],
        "sigmoid ": [layers.Activation("sigmoid"), reshape, cast],
        "sigmoid  ": [keras.ops.sigmoid, reshape],
        "hardsigmoid": [reshape, keras.Sequential([layers.Activation("hard_sigmoid")])],
    }
    for name, tail in tails.items():
        generator = ends_in(shape, *tail)
        with pytest.raises(InputError, match=f"{name.strip()}.*pass value_range=.0.0, 1.0"):
            GAN(generator, judge)
        GAN(generator, judge, value_range=(0, 1))
    generator = ends_in(shape, layers.Activation("tanh"), reshape)
    with pytest.raises(InputError, match=r"tanh.*pass value_range=.-1.0, 1.0"):
        GAN(generator, judge, value_range=(0, 1))
    for tail in ([reshape], [layers.Activation("sigmoid"), layers.Rescaling(2.0, -1.0), reshape]):
        GAN(ends_in(shape, *tail), judge)
    GAN(ends_in((2,), layers.Activation("sigmoid")), mlp.discriminator((2,), width=2, pieces=2))
    with pytest.raises(InputError, match=r"expected one input, \(batch, latent_dim\)"):
        GAN(keras.Sequential([keras.Input((1, 1, 3)), layers.Reshape((3,))]), judge)


def test_a_discriminator_must_give_one_logit_an_example():
    layers, generator = keras.layers, ends_in((3,))
    for units in (10, 2):
        with pytest.raises(InputError, match=rf"gives .*None, {units}.*expected one logit"):
            GAN(generator, ends_in((units,)))
    for tail in ([layers.Activation("sigmoid")], [layers.Dense(1, "sigmoid"), layers.Reshape(())]):
        with pytest.raises(InputError, match="ends in sigmoid: expected logits"):
            GAN(generator, ends_in((1,), *tail))
    column = ends_in((1,))
    gan = GAN(generator, column)
    x = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    np.testing.assert_array_equal(gan.discriminator(x), np.ravel(column(x)))
    gan.compile("relativistic", sgd(), sgd(), run_eagerly=True)
    before = weights(column)
    gan.fit(x, verbose=0)
    assert (before[0] != weights(column)[0]).any(), "the weights are those that were given"
