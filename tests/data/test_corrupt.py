"""Corruptions: the shares and values that the paper states, and no element more."""

import keras
import numpy as np
import pytest

from kgan.data.corrupt import Corruption
from kgan.data.kinds import KINDS
from kgan.errors import InputError

X = np.random.default_rng(0).uniform(0.01, 0.99, (40, 25, 20, 3)).astype(np.float32)
AMOUNTS = (0.1, 0.25, 0.6)


class Noise:
    """Draws by stream from NumPy, and counts the draws."""

    def __init__(self):
        self.drawn = []

    def uniform(self, stream, shape):
        return self._rng(stream).uniform(size=(len(X), *shape)).astype(np.float32)

    def normal(self, stream, shape):
        return self._rng(stream).normal(size=(len(X), *shape)).astype(np.float32)

    def _rng(self, stream):
        self.drawn.append(stream)
        return np.random.default_rng([0, stream])


def corrupt(kind, amount):
    return np.asarray(Corruption(kind, amount)(X, Noise(), 0))


def assert_share(chosen, probability):
    """Within 5 standard deviations of a binomial share."""
    bound = 5 * np.sqrt(probability * (1 - probability) / chosen.size)
    assert abs(chosen.mean() - probability) < bound


def test_none_is_the_input_and_draws_nothing():
    noise = Noise()
    assert Corruption()(X, noise, 0) is X
    assert noise.drawn == []


@pytest.mark.parametrize("amount", AMOUNTS)
def test_masking_sets_a_share_to_zero_and_leaves_the_rest(amount):
    y = corrupt("masking", amount)
    assert_share(y == 0, amount)
    np.testing.assert_array_equal(y[y != 0], X[y != 0])


@pytest.mark.parametrize("amount", AMOUNTS)
def test_salt_and_pepper_sets_a_share_by_a_fair_coin_and_leaves_the_rest(amount):
    y = corrupt("salt_and_pepper", amount)
    assert_share(y == 0, amount / 2)
    assert_share(y == 1, amount / 2)
    untouched = (y != 0) & (y != 1)
    np.testing.assert_array_equal(y[untouched], X[untouched])


@pytest.mark.parametrize("amount", AMOUNTS)
def test_gaussian_adds_that_standard_deviation_and_does_not_clip(amount):
    y = corrupt("gaussian", amount)
    added = (y - X) / amount
    assert abs(added.mean()) < 5 / np.sqrt(X.size)
    assert abs(added.std() - 1) < 5 / np.sqrt(2 * X.size)
    assert y.min() < 0
    assert y.max() > 1


def test_an_amount_of_one_touches_everything():
    assert (corrupt("masking", 1.0) == 0).all()
    assert np.isin(corrupt("salt_and_pepper", 1.0), [0, 1]).all()


@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_same_noise_gives_the_same_result_on_every_shape(kind):
    corruption = Corruption(kind, 0.5)
    noise = Noise()
    y = np.asarray(corruption(X, noise, 3))
    assert noise.drawn == [3]
    np.testing.assert_array_equal(y, corruption(X, Noise(), 3))
    assert (y != np.asarray(corruption(X, Noise(), 4))).any()
    assert y.dtype == np.float32
    assert y.shape == X.shape
    codes = np.asarray(corruption(X.reshape(40, -1), Noise(), 3))
    np.testing.assert_array_equal(codes.reshape(X.shape), y)


@pytest.mark.parametrize("amount", [0.0, -0.1, 1.001, float("nan")])
def test_amounts_out_of_range(amount):
    with pytest.raises(InputError, match=r"amount.*expected above 0 and at most 1.*'none'"):
        Corruption("masking", amount)


def test_unknown_kind():
    with pytest.raises(InputError, match=r"Unknown corruption 'mask'.*Did you mean 'masking'"):
        Corruption("mask")


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip_through_keras(kind):
    corruption = Corruption(kind, 0.375)
    config = keras.saving.serialize_keras_object(corruption)
    assert keras.saving.deserialize_keras_object(config) == corruption
