"""Dropout is Keras's on one device; its pieces are those of the whole."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.errors import InputError
from kgan.layers import Dropout
from kgan.layers.rows import piece


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_it_drops_what_keras_drops(dtype):
    inputs = np.random.default_rng(0).normal(size=(6, 5, 3)).astype("f4")
    theirs, mine = (kind(0.3, seed=4, dtype=dtype) for kind in (keras.layers.Dropout, Dropout))
    for _ in range(3):
        expected, found = (layer(inputs, training=True) for layer in (theirs, mine))
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(mine(inputs, training=False), theirs(inputs, training=False))


def test_pieces_drop_what_the_whole_drops_call_by_call():
    inputs = tf.ones((8, 32))
    whole, in_pieces = Dropout(0.5, seed=1), Dropout(0.5, seed=1)
    first, second = (whole(inputs, training=True) for _ in range(2))
    drawn, found = [], []
    for number in range(4):
        with piece(number, 4, drawn):
            found.append([in_pieces(inputs[:2], training=True) for _ in range(2)])
    np.testing.assert_array_equal(np.concatenate([part[0] for part in found]), first)
    np.testing.assert_array_equal(np.concatenate([part[1] for part in found]), second)
    # The next batch draws what the whole would draw next.
    np.testing.assert_array_equal(in_pieces(inputs, training=True), whole(inputs, training=True))


def test_it_round_trips_and_refuses_a_shape_of_its_noise():
    layer = Dropout(0.25, seed=3, name="a")
    assert Dropout.from_config(layer.get_config()).get_config() == layer.get_config()
    with pytest.raises(InputError, match=r"noise_shape is .*: expected None"):
        Dropout(0.5, noise_shape=(None, 1))
