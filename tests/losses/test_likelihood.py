"""Every likelihood against SciPy, the divergence also against its Monte Carlo estimate."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, stats

from kgan.losses import likelihood

RNG = np.random.default_rng(0)
SHAPE = (5, 3, 4, 2)
MEANS, IMAGES = RNG.normal(size=SHAPE), RNG.uniform(size=SHAPE)
LATENT_MEANS, LOG_VARIANCES = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
STDS = np.exp(LOG_VARIANCES / 2)


def summed(terms):
    return terms.reshape(len(terms), -1).sum(axis=1)


def test_bernoulli_is_the_log_probability_of_binary_images():
    x = (IMAGES > 0.5).astype(float)
    expected = summed(-stats.bernoulli.logpmf(x, 1 / (1 + np.exp(-MEANS))))
    np.testing.assert_allclose(likelihood.bernoulli(MEANS, x), expected, rtol=1e-5)


def test_bernoulli_is_the_cross_entropy_of_grey_ones_least_at_their_own_logits():
    p = 1 / (1 + np.exp(-MEANS))
    expected = summed(-IMAGES * np.log(p) - (1 - IMAGES) * np.log(1 - p))
    np.testing.assert_allclose(likelihood.bernoulli(MEANS, IMAGES), expected, rtol=1e-5)
    own = likelihood.bernoulli(np.log(IMAGES) - np.log(1 - IMAGES), IMAGES).numpy()
    np.testing.assert_allclose(own, summed(stats.bernoulli.entropy(IMAGES)), rtol=1e-5)
    assert (own < expected).all()


def test_bernoulli_is_finite_for_certain_logits():
    logits, x = np.array([[1e4], [-1e4], [1e4], [-1e4]]), np.array([[1.0], [0.0], [0.0], [1.0]])
    np.testing.assert_array_equal(likelihood.bernoulli(logits, x), [0, 0, 1e4, 1e4])


@pytest.mark.parametrize("log_std", [-2.0, 0.0, 1.5])
def test_gaussian_is_the_log_density(log_std):
    expected = summed(-stats.norm.logpdf(IMAGES, MEANS, np.exp(log_std)))
    np.testing.assert_allclose(likelihood.gaussian(MEANS, IMAGES, log_std), expected, rtol=1e-5)


def test_gaussian_is_best_at_the_error_s_own_standard_deviation():
    """The optimal shared variance is the mean squared error (Rybkin et al. 2021, equation 9)."""
    best = 0.5 * np.log(np.mean((IMAGES - MEANS) ** 2))
    log_std = tf.Variable(best, dtype=tf.float32)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(likelihood.gaussian(MEANS, IMAGES, log_std))
    assert abs(float(tape.gradient(total, log_std))) < 1e-3


def test_squared_error():
    expected = summed((IMAGES - MEANS) ** 2)
    np.testing.assert_allclose(likelihood.squared_error(MEANS, IMAGES), expected, rtol=1e-5)


def test_log_normal_is_the_log_density_of_the_last_axis():
    z = RNG.normal(size=(7, 5, 3))
    expected = stats.norm.logpdf(z, LATENT_MEANS, STDS).sum(axis=-1)
    log_density = likelihood.log_normal(z, LATENT_MEANS, LOG_VARIANCES)
    np.testing.assert_allclose(log_density, expected, rtol=1e-4)
    standard = stats.multivariate_normal(np.zeros(3)).logpdf(z)
    np.testing.assert_allclose(likelihood.log_normal(z, 0.0, 0.0), standard, rtol=1e-5)


def test_the_divergence_is_its_integral_and_its_monte_carlo_estimate():
    divergence = likelihood.kl_standard_normal(LATENT_MEANS, LOG_VARIANCES).numpy()
    grid = np.linspace(-30, 30, 60_001)[:, None, None]
    log_q = stats.norm.logpdf(grid, LATENT_MEANS, STDS)
    terms = np.exp(log_q) * (log_q - stats.norm.logpdf(grid))
    np.testing.assert_allclose(
        divergence, integrate.trapezoid(terms, dx=0.001, axis=0).sum(1), rtol=1e-5
    )

    z = LATENT_MEANS + STDS * RNG.normal(size=(100_000, 5, 3))
    ratios = likelihood.log_normal(z, LATENT_MEANS, LOG_VARIANCES) - likelihood.log_normal(z, 0, 0)
    error = 5 * np.std(ratios, axis=0) / np.sqrt(len(z))
    assert (np.abs(np.mean(ratios, axis=0) - divergence) < error).all()


def test_the_divergence_is_zero_at_the_prior_alone():
    zeros = np.zeros((1, 3))
    assert float(likelihood.kl_standard_normal(zeros, zeros)[0]) == 0
    assert float(likelihood.kl_standard_normal(zeros, zeros + 1e-2)[0]) > 0
    assert float(likelihood.kl_standard_normal(zeros + 1e-2, zeros)[0]) > 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_sums_are_in_float32_whatever_comes_in(dtype):
    x = tf.cast(tf.ones((2, 64, 64)), dtype)
    for loss in (likelihood.bernoulli, likelihood.gaussian, likelihood.squared_error):
        assert loss(-x, x).dtype == tf.float32
    np.testing.assert_array_equal(likelihood.squared_error(-x, x), [4 * 64 * 64] * 2)
