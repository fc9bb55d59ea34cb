"""The Parzen estimate against scikit-learn's density, and what k-means makes of it."""

import tracemalloc

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KernelDensity

from kgan.errors import InputError
from kgan.metrics import distances
from kgan.metrics.parzen import SIGMAS, k_means_samples, parzen_log_likelihood

RNG = np.random.default_rng(0)
SAMPLES = RNG.uniform(0.1, 0.9, (120, 5))
VALIDATION = RNG.uniform(0.1, 0.9, (40, 5))
TEST = RNG.uniform(0, 1, (70, 5))


def digits():
    return RNG.permutation(load_digits().data.astype(np.float32) / 16)


def density(samples, points, sigma):
    # One leaf, for brute force: with more, its tree is off by 2% at narrow bandwidths.
    return KernelDensity(bandwidth=sigma, leaf_size=1000).fit(samples).score_samples(points)


@pytest.mark.parametrize("elements", [1, 7 * 120, 2**24])
def test_equals_scikit_learn_at_every_sigma_in_blocks_of_any_size(elements, monkeypatch):
    monkeypatch.setattr(distances, "ELEMENTS", elements)
    for sigma in (0.01, 0.1, 0.7):
        scores = parzen_log_likelihood(SAMPLES, VALIDATION, TEST, [sigma])
        expected = density(SAMPLES, TEST, sigma)
        np.testing.assert_allclose(scores["mean"], expected.mean(), rtol=1e-9)
        np.testing.assert_allclose(
            scores["standard_error"], expected.std() / np.sqrt(70), rtol=1e-9
        )
        assert scores["sigma"] == sigma


def test_sigma_is_the_best_on_validation_not_on_test():
    means = [density(SAMPLES, VALIDATION, sigma).mean() for sigma in SIGMAS]
    best = SIGMAS[np.argmax(means)]
    scores = parzen_log_likelihood(SAMPLES, VALIDATION, TEST)
    assert scores["sigma"] == best
    np.testing.assert_allclose(scores["mean"], density(SAMPLES, TEST, best).mean())
    assert all(type(value) is float for value in scores.values())
    # Validation images among the samples ask for the narrowest, whatever the test images are.
    copied = parzen_log_likelihood(SAMPLES, SAMPLES[:9], TEST, [0.01, 0.3])
    assert copied["sigma"] == 0.01 != best


def test_one_sample_is_one_gaussian():
    scores = parzen_log_likelihood(SAMPLES[:1], VALIDATION, SAMPLES[:1], [0.2])
    np.testing.assert_allclose(scores["mean"], -5 / 2 * np.log(2 * np.pi * 0.04))
    assert scores["standard_error"] == 0


def test_samples_too_far_for_an_exponential_still_count():
    zeros, ones = np.zeros((3, 4_000), np.float32), np.ones((2, 4_000), np.float32)
    scores = parzen_log_likelihood(zeros, ones, ones, [0.01])
    expected = -4_000 / 2e-4 - 2_000 * np.log(2 * np.pi * 1e-4)
    np.testing.assert_allclose(scores["mean"], expected, rtol=1e-12)


def test_more_noise_is_less_likely():
    images = digits()
    samples, noise = images[:700], RNG.normal(size=(700, 64))
    scores = [
        parzen_log_likelihood(np.clip(samples + s * noise, 0, 1), images[700:900], images[900:])
        for s in (0, 0.1, 0.2, 0.4)
    ]
    assert (np.diff([score["mean"] for score in scores]) < 0).all()


def test_memory_is_that_of_a_block(monkeypatch):
    monkeypatch.setattr(distances, "ELEMENTS", 2**17)
    samples, test = RNG.uniform(size=(2, 2_500, 4))
    unblocked = 2_500 * 2_500 * 8
    tracemalloc.start()
    parzen_log_likelihood(samples, test, test[:10], [0.1, 0.3])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < unblocked / 8


def test_centroids_score_above_as_many_training_images():
    # Theis et al. 2015, table 1: the measure's flaw, and the reason for the row.
    images = digits()
    train, validation, test = images[:1200], images[1200:1400], images[1400:]
    centroids = k_means_samples(train, 150)
    assert (centroids.shape, centroids.dtype) == ((150, 64), np.float32)
    assert centroids.min() >= 0
    assert centroids.max() <= 1
    scores = [parzen_log_likelihood(x, validation, test)["mean"] for x in (centroids, train[:150])]
    assert scores[0] > scores[1]


def test_centroids_are_means_repeat_by_seed_and_end_at_the_images_themselves():
    images = digits()[:300]
    np.testing.assert_allclose(k_means_samples(images, 1)[0], images.mean(axis=0), atol=0.02)
    first = k_means_samples(images, 20, seed=1)
    np.testing.assert_array_equal(first, k_means_samples(images, 20, seed=1))
    assert (first != k_means_samples(images, 20, seed=2)).any()
    every = k_means_samples(images[:30], 30)
    order = np.linalg.norm(every[:, None] - images[None, :30], axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(np.sort(order), np.arange(30))
    np.testing.assert_allclose(every, images[order], atol=1e-6)


def test_refused_inputs():
    broken = SAMPLES.copy()
    broken[:2, 0] = np.nan
    with pytest.raises(InputError, match=r"samples .* NaN or infinity in 2 rows"):
        parzen_log_likelihood(broken, VALIDATION, TEST)
    with pytest.raises(InputError, match=r"test of shape \(70, 4\) and samples of shape \(120, 5"):
        parzen_log_likelihood(SAMPLES, VALIDATION, TEST[:, :4])
    with pytest.raises(InputError, match=r"samples of shape \(0, 5\).*1 rows or more. Draw more"):
        parzen_log_likelihood(SAMPLES[:0], VALIDATION, TEST)
    with pytest.raises(InputError, match=r"test from 0.* to 255: .* Divide bytes by 255"):
        parzen_log_likelihood(SAMPLES, VALIDATION, np.linspace(0, 255, 10).reshape(2, 5))
    for sigmas in ([], [0.1, 0], [-1.0], [np.nan], 0.1):
        with pytest.raises(InputError, match=r"Received sigmas .*: expected one or more above 0"):
            parzen_log_likelihood(SAMPLES, VALIDATION, TEST, sigmas)
    for count in (0, 121):
        with pytest.raises(InputError, match=f"count is {count}: expected 1 to 120"):
            k_means_samples(SAMPLES, count)
