import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.losses import OBJECTIVES

REAL = np.array([-30.0, -2.0, 0.0, 0.5, 3.0, 40.0], np.float32)
FAKE = np.array([25.0, 1.0, 0.0, -0.5, -4.0, -35.0], np.float32)


def log_sigmoid(x):
    return -np.logaddexp(0, -np.asarray(x, np.float64))


EXPECTED = {
    "minimax": (lambda r, f: -log_sigmoid(r) - log_sigmoid(-f), lambda r, f: log_sigmoid(-f)),
    "non_saturating": (
        lambda r, f: -log_sigmoid(r) - log_sigmoid(-f),
        lambda r, f: -log_sigmoid(f),
    ),
    "least_squares": (
        lambda r, f: ((r - 1) ** 2 + f**2) / 2,
        lambda r, f: (f - 1) ** 2 / 2,
    ),
    "hinge": (
        lambda r, f: np.maximum(0, 1 - r) + np.maximum(0, 1 + f),
        lambda r, f: -f,
    ),
    "wasserstein": (lambda r, f: f - r, lambda r, f: -f),
    "relativistic": (
        lambda r, f: -log_sigmoid(np.float64(r) - f),
        lambda r, f: -log_sigmoid(np.float64(f) - r),
    ),
}


def test_every_objective_has_an_expectation():
    assert EXPECTED.keys() == OBJECTIVES.keys()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_equal_numpy_even_for_large_logits(name):
    objective = OBJECTIVES[name]
    for loss, expected in zip(
        (objective.discriminator_loss, objective.generator_loss), EXPECTED[name], strict=True
    ):
        values = keras.ops.convert_to_numpy(loss(REAL, FAKE))
        assert values.shape == REAL.shape
        np.testing.assert_allclose(values, expected(REAL, FAKE), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_equal_central_differences(name):
    objective = OBJECTIVES[name]
    # Away from the hinge's corners, where there is no derivative.
    real, fake = np.array([-1.7, 0.3, 2.2]), np.array([0.4, -2.5, 1.6])
    for loss in (objective.discriminator_loss, objective.generator_loss):
        for which in (0, 1):
            inputs = [tf.constant(real), tf.constant(fake)]
            with tf.GradientTape() as tape:
                tape.watch(inputs[which])
                value = loss(*inputs)
            gradient = tape.gradient(value, inputs[which])
            gradient = np.zeros(3) if gradient is None else gradient.numpy()
            step = np.zeros((2, 1))
            step[which] = 1e-5
            up = loss(tf.constant(real + step[0]), tf.constant(fake + step[1]))
            down = loss(tf.constant(real - step[0]), tf.constant(fake - step[1]))
            np.testing.assert_allclose(gradient, (up - down).numpy() / 2e-5, atol=1e-7)


def generator_gradient(name, logits):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = OBJECTIVES[name].generator_loss(tf.zeros_like(logits), logits)
    return tape.gradient(loss, logits).numpy()


def test_minimax_saturates_where_non_saturating_does_not():
    """Both push the same way; with D(G(z)) = d their gradients are -d and -(1 - d)."""
    logits = np.linspace(-12, 12, 49)
    d = 1 / (1 + np.exp(-logits))
    minimax = generator_gradient("minimax", logits)
    non_saturating = generator_gradient("non_saturating", logits)
    assert (minimax < 0).all()
    assert (non_saturating < 0).all()
    np.testing.assert_allclose(minimax, -d, rtol=1e-9)
    np.testing.assert_allclose(non_saturating, -(1 - d), rtol=1e-9)
    # Where samples are bad, by a factor of exp(-logit).
    np.testing.assert_allclose(non_saturating[0] / minimax[0], np.exp(12), rtol=1e-6)
