"""The convergence theory of the minimax game, on finite sample spaces."""

import numpy as np
import pytest
import tensorflow as tf

from kgan.losses import OBJECTIVES
from kgan.losses.divergence import (
    game_value,
    jensen_shannon,
    kullback_leibler,
    optimal_discriminator,
)


def distributions(seed, outcomes=9):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(outcomes)), rng.dirichlet(np.ones(outcomes))


@pytest.mark.parametrize("seed", range(5))
def test_no_discriminator_beats_p_over_p_plus_q(seed):
    p, q = distributions(seed)
    best = optimal_discriminator(p, q)
    np.testing.assert_allclose(best, p / (p + q))
    rng = np.random.default_rng(seed)
    for other in rng.uniform(0.01, 0.99, size=(200, len(p))):
        assert game_value(other, p, q) < game_value(best, p, q)
    for nudge in (-1e-3, 1e-3):
        assert game_value(best + nudge, p, q) < game_value(best, p, q)


@pytest.mark.parametrize("seed", range(5))
def test_value_at_the_optimum_is_minus_log_4_plus_twice_the_jensen_shannon_divergence(seed):
    p, q = distributions(seed)
    value = game_value(optimal_discriminator(p, q), p, q)
    assert value == pytest.approx(-np.log(4) + 2 * jensen_shannon(p, q), abs=1e-12)


def test_at_equality_the_discriminator_is_one_half_and_the_value_minus_log_4():
    p, _ = distributions(0)
    np.testing.assert_allclose(optimal_discriminator(p, p), 0.5)
    assert game_value(np.full_like(p, 0.5), p, p) == pytest.approx(-np.log(4))


def test_divergences_at_their_extremes():
    p, q = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.25, 0.75])
    assert jensen_shannon(p, q) == pytest.approx(np.log(2))
    assert jensen_shannon(p, p) == 0
    assert kullback_leibler(p, q) == np.inf
    assert game_value(optimal_discriminator(p, q), p, q) == pytest.approx(0, abs=1e-12)


def test_gradient_descent_on_the_loss_finds_the_optimal_discriminator():
    """The objective that `fit` minimises has its minimum at p / (p + q)."""
    p, q = distributions(1)
    logits = tf.Variable(np.zeros_like(p))
    loss = OBJECTIVES["minimax"].discriminator_loss
    never = tf.constant(-1e3, tf.float64)

    @tf.function
    def descend():
        with tf.GradientTape() as tape:
            real_term, fake_term = loss(logits, never), loss(-never, logits)
            value = tf.reduce_sum(p * real_term + q * fake_term)
        logits.assign_sub(4 * tape.gradient(value, logits))

    for _ in range(3000):
        descend()
    np.testing.assert_allclose(tf.sigmoid(logits), optimal_discriminator(p, q), atol=1e-4)


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_alternating_optimisation_drives_q_to_p(name):
    """Proposition 2: an optimal D, then a step of G, over and over."""
    p, start = distributions(2, outcomes=6)
    free = tf.Variable(np.log(start))
    divergences = []

    @tf.function
    def descend(logits):
        with tf.GradientTape() as tape:
            loss = OBJECTIVES[name].generator_loss(logits, logits)
            expected = tf.reduce_sum(tf.nn.softmax(free) * loss)
        free.assign_sub(1.0 * tape.gradient(expected, free))
        return tf.nn.softmax(free)

    q = start
    for _ in range(3000):
        d = optimal_discriminator(p, q)
        q = descend(tf.constant(np.log(d) - np.log1p(-d))).numpy()
        divergences.append(jensen_shannon(p, q))
    assert divergences[-1] < 1e-6 < divergences[0]
    np.testing.assert_allclose(tf.nn.softmax(free), p, atol=2e-3)
    if name == "minimax":
        assert (np.diff(divergences) < 1e-12).all()
