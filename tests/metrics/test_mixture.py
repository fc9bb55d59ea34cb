import numpy as np

from kgan.metrics.mixture import mixture_coverage

MODES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])


def test_counts_modes_and_close_samples():
    samples = np.array([[0.0, 0.29], [0.31, 0.0], [10.0, 0.3], [5.0, 5.0]])
    assert mixture_coverage(samples, MODES, 0.1) == {"modes": 2, "high_quality": 0.5}


def test_the_mixture_itself_is_covered_with_the_gaussian_share():
    rng = np.random.default_rng(0)
    samples = MODES[rng.integers(3, size=50_000)] + 0.1 * rng.normal(size=(50_000, 2))
    score = mixture_coverage(samples, MODES, 0.1)
    # In the plane a Gaussian has 1 - exp(-9/2) of its mass within 3 standard deviations.
    assert score["modes"] == 3
    np.testing.assert_allclose(score["high_quality"], 1 - np.exp(-4.5), atol=2e-3)
