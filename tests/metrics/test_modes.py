import numpy as np
import pytest

from kgan.metrics.modes import mode_coverage


def test_all_modes_alike_have_no_divergence():
    assert mode_coverage(np.arange(1000).repeat(3), 1000) == {"modes": 1000, "kl": 0.0}


def test_one_mode_diverges_by_the_logarithm_of_all():
    found = mode_coverage(np.full(50, 7), 1000)
    assert found == {"modes": 1, "kl": pytest.approx(np.log(1000))}


def test_planted_shares_have_their_divergence():
    modes = np.repeat([0, 3, 4], [10, 30, 60])
    shares = np.array([0.1, 0.3, 0.6])
    expected = np.sum(shares * np.log(shares / (1 / 5)))
    assert mode_coverage(modes, 5) == {"modes": 3, "kl": pytest.approx(expected)}
