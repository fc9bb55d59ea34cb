import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from kgan.metrics.diagnosis import accuracy, diversity, overfitting

RNG = np.random.default_rng(0)


def test_overfitting_goes_from_0_to_1_whatever_the_logits_scale_and_zero_are():
    train, fake = RNG.normal(4, 1, 300), RNG.normal(-2, 1, 300)
    assert overfitting(train, train, fake) == 0
    assert overfitting(train, fake, fake) == 1
    halfway = (train + fake) / 2
    assert overfitting(train, halfway, fake) == pytest.approx(0.5)
    assert overfitting(3 * train + 7, 3 * halfway + 7, 3 * fake + 7) == pytest.approx(0.5)
    assert overfitting(fake, train, train) == 0  # told apart the wrong way round


def test_accuracy_is_the_area_under_the_curve():
    real, fake = np.round(RNG.normal(1, 1, 200), 1), np.round(RNG.normal(0, 1, 150), 1)
    known = [1] * len(real) + [0] * len(fake)
    expected = roc_auc_score(known, np.concatenate([real, fake]))
    assert accuracy(real, fake) == pytest.approx(expected)
    assert accuracy(real, real) == 0.5


def test_diversity_is_a_ratio_of_variances():
    real = RNG.integers(0, 256, (400, 4, 4, 1), dtype=np.uint8)
    assert diversity(real, real) == 1
    assert diversity(real[:1].repeat(50, 0), real) == 0
    halved = real.astype(np.float32) / 2
    assert diversity(halved, real) == pytest.approx(0.25)
    assert diversity(real, real[:1]) == 1
