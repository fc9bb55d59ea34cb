"""The Inception score against closed forms."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from kgan.errors import InputError
from kgan.metrics.inception_score import inception_score

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(203, 7)) * 3
PROBABILITIES = softmax(LOGITS, axis=1)


def mean(probabilities, splits=1):
    return inception_score(probabilities, splits)["mean"]


def test_sure_and_varied_answers_score_the_number_of_classes():
    np.testing.assert_allclose(mean(np.tile(np.eye(6), (20, 1)), 10), 6)


def test_unsure_or_uniform_answers_score_1():
    np.testing.assert_allclose(mean(np.full((50, 8), 1 / 8), 5), 1)
    np.testing.assert_allclose(mean(np.tile(np.eye(8)[:1], (50, 1)), 5), 1)
    np.testing.assert_allclose(mean(np.tile(PROBABILITIES[:1], (50, 1)), 5), 1)


def test_doubt_lowers_the_score_by_its_entropy():
    scores = []
    for doubt in (0.0, 0.1, 0.3, 0.6, 1.0):
        rows = (1 - doubt) * np.tile(np.eye(5), (4, 1)) + doubt / 5
        entropy = -np.sum(rows[0] * np.log(np.maximum(rows[0], 1e-300)))
        scores.append(mean(rows))
        np.testing.assert_allclose(scores[-1], 5 * np.exp(-entropy))
    assert (np.diff(scores) < 0).all()


def test_splits_are_contiguous_and_cover_every_row():
    values = []
    for i in range(10):
        part = LOGITS[i * 203 // 10 : (i + 1) * 203 // 10]
        marginal = softmax(part, axis=1).mean(axis=0)
        gain = softmax(part, axis=1) * (log_softmax(part, axis=1) - np.log(marginal))
        values.append(np.exp(gain.sum(axis=1).mean()))
    expected = {"mean": np.mean(values), "standard_deviation": np.std(values)}
    assert inception_score(PROBABILITIES) == pytest.approx(expected, rel=1e-9)
    by_class = np.repeat(np.eye(10), 30, axis=0)
    np.testing.assert_allclose(mean(by_class, 10), 1)
    np.testing.assert_allclose(mean(by_class), 10)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-6), (np.float16, 1e-2)])
def test_answers_of_lower_precision(dtype, rtol):
    actual = mean(PROBABILITIES.astype(dtype), 10)
    np.testing.assert_allclose(actual, mean(PROBABILITIES, 10), rtol=rtol)


def test_refused_inputs():
    broken = PROBABILITIES.copy()
    broken[5, 0] = np.nan
    with pytest.raises(InputError, match="NaN or infinity in 1 rows"):
        inception_score(broken)
    for rows in (LOGITS, PROBABILITIES * 1.01, PROBABILITIES + [0.1, -0.1, 0, 0, 0, 0, 0]):
        with pytest.raises(InputError, match=r"expects probabilities.*softmax"):
            inception_score(rows)
    with pytest.raises(InputError, match=r"\(9, 7\): the Inception score expects 10 rows.*Draw"):
        inception_score(PROBABILITIES[:9])
    with pytest.raises(InputError, match=r"\(7,\), float64: .* expects floats \(n, d\)"):
        inception_score(PROBABILITIES[0])
    with pytest.raises(InputError, match="splits is 0"):
        inception_score(PROBABILITIES, 0)
