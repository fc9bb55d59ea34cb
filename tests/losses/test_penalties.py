import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.losses import penalties

RNG = np.random.default_rng(0)
A = RNG.normal(size=(5, 5))
B = RNG.normal(size=5)
REAL, FAKE = RNG.normal(size=(7, 5)), RNG.normal(size=(7, 5))
MIX = RNG.uniform(size=7)


def quadratic(x):
    """D(x) = x'Ax/2 + b'x, with gradient (A + A')x/2 + b."""
    return tf.einsum("ni,ij,nj->n", x, A, x) / 2 + tf.linalg.matvec(x, B)


def gradient(x):
    return x @ (A + A.T) / 2 + B


def penalty(name, mix=MIX):
    function = getattr(penalties, name)
    return function(quadratic, tf.constant(REAL), tf.constant(FAKE), tf.constant(mix)).numpy()


def test_r1_and_r2_are_squared_gradient_norms():
    np.testing.assert_allclose(penalty("r1"), (gradient(REAL) ** 2).sum(1), rtol=1e-5)
    np.testing.assert_allclose(penalty("r2"), (gradient(FAKE) ** 2).sum(1), rtol=1e-5)


def test_wasserstein_penalty_is_taken_on_the_line_between_the_pair():
    between = MIX[:, None] * REAL + (1 - MIX[:, None]) * FAKE
    expected = (np.linalg.norm(gradient(between), axis=1) - 1) ** 2
    np.testing.assert_allclose(penalty("wasserstein_gradient_penalty"), expected, rtol=1e-5)


def test_wasserstein_penalty_is_finite_where_the_gradient_vanishes():
    x = tf.Variable(np.ones((2, 3)))
    with tf.GradientTape() as tape:
        value = penalties.wasserstein_gradient_penalty(
            lambda y: tf.reduce_sum(0 * y * x, axis=1), x + 0, x + 0, tf.zeros(2, tf.float64)
        )
    np.testing.assert_allclose(value, 1, atol=1e-5)
    assert np.isfinite(tape.gradient(value, x).numpy()).all()


@pytest.mark.parametrize("name", ["r1", "r2", "wasserstein_gradient_penalty"])
def test_weight_gradient_equals_central_differences(name):
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(6, activation="tanh", dtype="float64"),
            keras.layers.Dense(1, dtype="float64"),
            keras.layers.Reshape((), dtype="float64"),
        ]
    )
    kernel = network.layers[0].kernel.value

    def value():
        real, fake = tf.constant(REAL), tf.constant(FAKE)
        return tf.reduce_sum(getattr(penalties, name)(network, real, fake, tf.constant(MIX)))

    with tf.GradientTape() as tape:
        loss = value()
    gradient = tape.gradient(loss, kernel).numpy()
    start, step = kernel.numpy(), 1e-2
    for index in ((0, 0), (3, 4)):
        ends = []
        for sign in (1, -1):
            moved = start.copy()
            moved[index] += sign * step
            kernel.assign(moved)
            ends.append(float(value()))
        kernel.assign(start)
        # The squared norm is taken in float32: a wide step keeps its rounding small.
        np.testing.assert_allclose(gradient[index], (ends[0] - ends[1]) / (2 * step), rtol=2e-2)
