"""Fused batch normalisation equals Keras's, and is exact where Keras's is not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.layers import BatchNormalization

SHAPES = [(5, 4, 3, 6), (9, 6), (3, 5, 6), (7, 1, 2, 4)]


def make(cls, shape, dtype="float32", **options):
    layer = cls(dtype=dtype, **options)
    layer.build(shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.uniform(0.5, 1.5, variable.shape) for variable in layer.weights])
    return layer


def values(shape, scale=2.0, shift=1.0):
    return (scale * np.random.default_rng(0).normal(size=shape) + shift).astype("f4")


def first_order(layer, inputs):
    x = tf.constant(inputs)
    weights = np.random.default_rng(2).normal(size=inputs.shape).astype("f4")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        value = tf.reduce_sum(tf.cast(y, tf.float32) * weights)
    wanted = [x, *(variable.value for variable in layer.trainable_variables)]
    results = [y, *tape.gradient(value, wanted), *layer.get_weights()]
    return [np.asarray(tf.cast(result, tf.float32)) for result in results]


def assert_close(expected, found, tolerance):
    for i, (a, b) in enumerate(zip(expected, found, strict=True)):
        error = np.abs(a - b).max() / np.abs(a).max()
        assert error < tolerance, f"result {i} is off by {error:.1e}"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"scale": False, "momentum": 0.5}, {"center": False, "epsilon": 1e-7}], ids=str
)
def test_output_gradients_and_moving_statistics_are_keras(shape, options):
    inputs = values(shape)
    expected = first_order(make(keras.layers.BatchNormalization, shape, **options), inputs)
    assert_close(expected, first_order(make(BatchNormalization, shape, **options), inputs), 2e-5)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_16_bits_keep_their_statistics_in_float32(dtype):
    inputs = tf.cast(tf.cast(values((64, 6), 0.5, 3.0), dtype.removeprefix("mixed_")), tf.float32)
    expected = first_order(make(keras.layers.BatchNormalization, inputs.shape), inputs.numpy())
    layer = make(BatchNormalization, inputs.shape, dtype)
    found = first_order(layer, inputs.numpy())
    assert layer(inputs, training=True).dtype == dtype.removeprefix("mixed_")
    assert_close(expected, found, 0.02)
    assert_close(expected[-2:], found[-2:], 1e-5)


def test_a_step_is_fused():
    layer = make(BatchNormalization, (4, 6))
    graph = tf.function(lambda x: layer(x, training=True)).get_concrete_function(values((4, 6)))
    assert "FusedBatchNormV3" in {op.type for op in graph.graph.get_operations()}


@pytest.mark.parametrize(
    "call",
    [
        {"training": False},
        {"training": True, "frozen": True},
        {"training": True, "axis": 1},
        {"training": True, "mask": True},
        {"training": True, "dtype": "float64"},
    ],
    ids=str,
)
def test_other_calls_are_keras_to_the_bit(call):
    inputs = values((5, 4, 6))
    mask = np.arange(20).reshape(5, 4) % 3 > 0 if call.get("mask") else None
    outputs = []
    for cls in (keras.layers.BatchNormalization, BatchNormalization):
        layer = make(
            cls, inputs.shape, call.get("dtype", "float32"), axis=call.get("axis", -1),
            synchronized=False,
        )  # fmt: skip
        layer.trainable = not call.get("frozen")
        outputs.append([layer(inputs, training=call["training"], mask=mask), *layer.get_weights()])
    for a, b in zip(*outputs, strict=True):
        np.testing.assert_array_equal(a, b)


def directional(layer, inputs):
    """Returns d/dx sum(v * d/dx sum(w * sin(layer(x))))."""
    x = tf.constant(inputs, layer.dtype)
    v, w = (np.random.default_rng(i).normal(size=inputs.shape) for i in (3, 4))
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = tf.reduce_sum(tf.sin(layer(x, training=True)) * tf.constant(w, layer.dtype))
        slope = tf.reduce_sum(inner.gradient(value, x) * tf.constant(v, layer.dtype))
    return slope, outer.gradient(slope, x).numpy()


@pytest.mark.parametrize("shape", [(5, 3), (2, 2, 2, 2)], ids=str)
def test_second_derivatives_are_exact(shape):
    inputs = values(shape).astype("f8")
    theirs = make(keras.layers.BatchNormalization, shape, "float64")
    numeric = np.zeros(shape)
    for index in np.ndindex(shape):
        shift = np.zeros(shape)
        shift[index] = 1e-4
        ends = [directional(theirs, inputs + sign * shift)[0] for sign in (1, -1)]
        numeric[index] = (ends[0] - ends[1]) / 2e-4
    exact = directional(make(BatchNormalization, shape), inputs)[1]
    assert_close([numeric], [exact], 1e-4)


def test_config_is_keras_but_for_synchronisation():
    layer = BatchNormalization(momentum=0.9, epsilon=1e-5, name="a", scale=False)
    theirs = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="a", scale=False)
    assert layer.get_config() == {**theirs.get_config(), "synchronized": True}
    assert BatchNormalization.from_config(layer.get_config()).get_config() == layer.get_config()
