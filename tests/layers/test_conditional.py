"""Layers that take labels, against NumPy and what they are made of."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.layers import BatchNormalization, ConditionalBatchNormalization, LabelEmbedding

RNG = np.random.default_rng(0)
LABELS = np.array([2, 0, 2, 1, 0], np.int32)


def made(shape, dtype="float32", **options):
    layer = ConditionalBatchNormalization(3, dtype=dtype, **options)
    layer.build([(None, *shape[1:]), (None,)])
    rng = np.random.default_rng(1)
    layer.gain.embeddings.assign(rng.uniform(0.5, 1.5, (3, shape[-1])))
    layer.bias.embeddings.assign(rng.normal(size=(3, shape[-1])))
    return layer


@pytest.mark.parametrize("shape", [(5, 4), (5, 3, 2, 4)], ids=str)
def test_it_normalises_by_the_batch_and_scales_by_the_class(shape):
    x, layer = RNG.normal(2.0, 3.0, shape).astype("f4"), made(shape, momentum=0.9, epsilon=1e-5)
    axes = tuple(range(len(shape) - 1))
    mean, variance = x.mean(axes), x.var(axes)
    gain, bias = (
        part.embeddings.numpy()[LABELS].reshape(-1, *(1,) * (len(shape) - 2), 4)
        for part in (layer.gain, layer.bias)
    )
    expected = gain * (x - mean) / np.sqrt(variance + 1e-5) + bias
    np.testing.assert_allclose(layer([x, LABELS], training=True), expected, atol=1e-5)
    np.testing.assert_allclose(layer.normalization.moving_mean, 0.1 * mean, rtol=1e-5)
    moved = 0.9 + 0.1 * variance
    np.testing.assert_allclose(layer.normalization.moving_variance, moved, rtol=1e-5)
    still = gain * (x - 0.1 * mean) / np.sqrt(moved + 1e-5) + bias
    np.testing.assert_allclose(layer([x, LABELS]), still, atol=1e-5)


def test_it_begins_as_batch_normalisation_without_classes():
    x = RNG.normal(2.0, 3.0, (5, 3, 2, 4)).astype("f4")
    layer, plain = ConditionalBatchNormalization(3), BatchNormalization()
    for training in (True, False):
        np.testing.assert_allclose(
            layer([x, LABELS], training=training), plain(x, training=training), atol=1e-6
        )


def test_its_slopes_are_those_of_its_formula():
    x, layer = tf.constant(RNG.normal(size=(5, 4)), tf.float32), made((5, 4))
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(layer([x, LABELS], training=True) ** 3)
    gain, bias = layer.gain.embeddings, layer.bias.embeddings
    found = tape.gradient(value, [gain.value, bias.value, x])
    with tf.GradientTape() as tape:
        tape.watch(x)
        mean, variance = tf.nn.moments(x, [0])
        normal = (x - mean) / tf.sqrt(variance + layer.epsilon)
        y = normal * tf.gather(gain.value, LABELS) + tf.gather(bias.value, LABELS)
        value = tf.reduce_sum(y**3)
    expected = tape.gradient(value, [gain.value, bias.value, x])
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, tf.convert_to_tensor(b), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_16_bits_keep_their_weights_and_statistics_in_float32(dtype):
    x = RNG.normal(2.0, 3.0, (5, 4)).astype("f4")
    layer, wide = made((5, 4), dtype), made((5, 4))
    outputs = layer([x, LABELS], training=True)
    assert outputs.dtype == dtype.removeprefix("mixed_")
    assert all(weight.dtype == "float32" for weight in layer.weights)
    np.testing.assert_allclose(
        tf.cast(outputs, tf.float32), wide([x, LABELS], training=True), atol=0.05
    )


def test_layers_of_labels_round_trip():
    for layer in (
        ConditionalBatchNormalization(3, 0.8, 1e-4, False, name="a"),
        LabelEmbedding(3, 4, keras.initializers.RandomNormal(stddev=0.5), name="b"),
    ):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


def test_an_embedding_is_the_row_of_its_label_and_so_is_its_gradient():
    layer = LabelEmbedding(3, 4, "normal")
    with tf.GradientTape() as tape:
        vectors = layer(LABELS)
        value = tf.reduce_sum(vectors * np.arange(5, dtype="f4")[:, None])
    np.testing.assert_array_equal(vectors, layer.embeddings.numpy()[LABELS])
    slope = tape.gradient(value, layer.embeddings.value)
    assert isinstance(slope, tf.Tensor), "dense"
    np.testing.assert_array_equal(slope, np.float32([[5] * 4, [3] * 4, [2] * 4]))
    np.testing.assert_array_equal(layer(tf.constant([3, -1])), np.zeros((2, 4)))
