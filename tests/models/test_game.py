"""What the two players minimise: objectives, and the penalties beside them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.errors import InputError
from kgan.layers import BatchNormalization
from kgan.losses import OBJECTIVES, PENALTIES, Penalty
from kgan.models import GAN
from kgan.models.step import Noise
from kgan.networks import dcgan
from tests.models.small import POINTS, sgd, weights


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_trains_both_players_on_both_networks(name, make_gan):
    gan = make_gan()
    gan.compile(name, penalties={"r1": 1.0, **OBJECTIVES[name].penalties}, run_eagerly=True)
    before = weights(gan.generator), weights(gan.discriminator)
    history = gan.fit(POINTS, batch_size=12, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert any((a != b).any() for a, b in zip(before[0], weights(gan.generator), strict=True))
    assert any((a != b).any() for a, b in zip(before[1], weights(gan.discriminator), strict=True))


def test_r1_adds_half_gamma_times_the_squared_gradient(make_gan):
    plain, penalised = make_gan(), make_gan()
    plain.compile(generator_optimizer=sgd(), discriminator_optimizer=sgd())
    penalised.compile(
        generator_optimizer=sgd(), discriminator_optimizer=sgd(), penalties={"r1": 6.0}
    )
    x = tf.constant(POINTS)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = plain.discriminator(x)
    norm = (tape.gradient(logits, x).numpy() ** 2).sum(1).mean()
    without, with_r1 = plain.train_step(x), penalised.train_step(x)
    difference = float(with_r1["discriminator_loss"]) - float(without["discriminator_loss"])
    assert difference == pytest.approx(3 * norm, rel=1e-4)


class Block(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.normalization = keras.layers.BatchNormalization()

    def call(self, x, training=False):
        return self.normalization(x, training=training)


def test_penalties_refuse_batch_statistics_however_deep():
    flat = dcgan.discriminator((8, 8, 1), width=2)
    inputs = keras.Input((8, 8, 1))
    nested = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.BatchNormalization()])
    deeper = keras.Sequential([keras.Input((8, 8, 1)), keras.Sequential([BatchNormalization()])])
    wrapped = keras.layers.TimeDistributed(keras.layers.BatchNormalization())
    heads = (nested, deeper, wrapped, Block())
    plain = dcgan.discriminator((8, 8, 1), width=2, normalization="none")
    for discriminator in (flat, *(keras.Model(inputs, plain(head(inputs))) for head in heads)):
        gan = GAN(dcgan.generator((8, 8, 1), 4, width=2), discriminator)
        for options in ({"objective": "wasserstein"}, {"penalties": {"r2": 1.0}}):
            with pytest.raises(InputError, match="couples examples"):
                gan.compile(**options)
        gan.compile("wasserstein", penalties={})
        gan.compile(penalties={"r1": 0})


def quadratic_gan():
    """D(x) = w.x^2 with the gradient 2 w x, and a linear generator: all has a closed form."""
    inputs = keras.Input((2,))
    logits = keras.layers.Dense(1, use_bias=False)(keras.ops.square(inputs))
    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    gan = GAN(generator, keras.Model(inputs, logits))
    gan.discriminator.set_weights([np.float32([[0.5], [-2.0]])])
    return gan, np.float32([0.5, -2.0])


@pytest.mark.parametrize("weights", [None, {"r1": 0.4, "r2": 3.0}, {"r2": 1.0}, {}], ids=str)
def test_penalties_replace_those_of_the_objective_and_gamma_enters_as_a_half(weights):
    gan, w = quadratic_gan()
    z = Noise(0, tf.constant(0, tf.int64), tf.constant(24)).normal("latents/0", 3)
    fake = gan.generator(z).numpy()
    gan.compile("relativistic", sgd(), sgd(), penalties=weights)
    assert gan.penalties == ({"r1": 1.0, "r2": 1.0} if weights is None else weights)
    loss = float(gan.train_step(tf.constant(POINTS))["discriminator_loss"])
    plain = np.log1p(np.exp(fake**2 @ w - POINTS**2 @ w))
    r1, r2 = (np.sum((2 * w * x) ** 2, axis=1) for x in (POINTS, fake))
    terms = sum(gan.penalties.get(k, 0) / 2 * v for k, v in {"r1": r1, "r2": r2}.items())
    assert loss == pytest.approx(np.mean(plain + terms), rel=1e-4)


def test_a_penalty_of_ones_own_stands_in_the_table(monkeypatch):
    monkeypatch.setitem(
        PENALTIES, "drift", Penalty(lambda critic, real, fake, mix: critic(real) ** 2, scale=3.0)
    )
    gan, w = quadratic_gan()
    gan.compile("hinge", sgd(), sgd(), penalties={"drift": 0.5})
    twin, _ = quadratic_gan()
    twin.generator.set_weights(gan.generator.get_weights())
    twin.compile("hinge", sgd(), sgd())
    with_drift, without = (
        float(model.train_step(tf.constant(POINTS))["discriminator_loss"]) for model in (gan, twin)
    )
    drift = np.mean((POINTS**2 @ w) ** 2)
    assert with_drift - without == pytest.approx(1.5 * drift, rel=1e-4)


def test_the_penalty_of_wasserstein_has_the_weight_10():
    inputs = keras.Input((2,))
    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    gan = GAN(generator, keras.Model(inputs, keras.layers.Dense(1)(inputs)))
    gan.discriminator.set_weights([np.float32([[3.0], [4.0]]), np.zeros(1)])
    z = Noise(0, tf.constant(0, tf.int64), tf.constant(24)).normal("latents/0", 3)
    w = np.float32([3.0, 4.0])
    plain = np.mean(gan.generator(z).numpy() @ w) - np.mean(POINTS @ w)
    gan.compile("wasserstein", sgd(), sgd())
    loss = float(gan.train_step(tf.constant(POINTS))["discriminator_loss"])
    assert loss == pytest.approx(plain + 10 * (5 - 1) ** 2, rel=1e-5)
