"""Convolutions equal Keras's, to the second derivative, on every path of theirs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.layers import Conv2D, Conv2DTranspose, conv

PAIRS = {
    "conv": (keras.layers.Conv2D, Conv2D),
    "transposed": (keras.layers.Conv2DTranspose, Conv2DTranspose),
}
# kernel, stride, (height, width), channels in, channels out
CASES = [
    (4, 2, (8, 8), 5, 6),  # filter gradient by shifts
    (4, 2, (4, 6), 3, 130),  # one direction by phases, the other to depth
    (4, 2, (6, 4), 130, 1),
    ((4, 6), 2, (2, 4), 4, 129),
    ((2, 4), 2, (6, 2), 129, 2),
    (6, 3, (9, 6), 2, 130),
    (5, 1, (4, 4), 4, 130),  # stride 1
    (3, 1, (7, 5), 4, 3),
    (2, 1, (5, 3), 3, 4),  # uneven padding
    (1, 1, (3, 4), 2, 5),
    (4, 4, (4, 8), 3, 128),  # patches that do not overlap
    (3, 2, (8, 6), 3, 4),  # kernels and maps that the stride does not divide
    (5, 2, (7, 9), 2, 3),
    (4, 2, (5, 7), 128, 3),
    (1, 2, (5, 3), 4, 2),
    (4, 2, (18, 20), 5, 6),  # a large map
]


def derivatives(layer, inputs):
    """Returns the output and the first and second derivatives of a functional of it, float32."""
    x = tf.constant(inputs)
    rng = np.random.default_rng(2)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = layer(x)
            y32 = tf.cast(y, tf.float32)
            value = tf.reduce_sum(tf.sin(y32) * rng.normal(size=y.shape).astype("f4"))
        penalty = 0.0
        for slope in inner.gradient(value, [x, layer.kernel.value]):
            slope = tf.cast(slope, tf.float32)
            penalty += tf.reduce_mean(slope * (slope + rng.normal(size=slope.shape).astype("f4")))
    wanted = [x, *(variable.value for variable in layer.trainable_variables)]
    results = [y, *outer.gradient(value, wanted), *outer.gradient(penalty, wanted)]
    return [tf.cast(result, tf.float32).numpy() for result in results]


def pair(kind, inputs, dtype="float32", **options):
    """Returns Keras's layer and ours with the same weights."""
    theirs, ours = (layer(dtype=dtype, **options) for layer in PAIRS[kind])
    theirs.build(inputs.shape)
    ours.build(inputs.shape)
    rng = np.random.default_rng(1)
    ours.set_weights([0.2 * rng.normal(size=variable.shape) for variable in theirs.weights])
    theirs.set_weights(ours.get_weights())
    return theirs, ours


def images(size, channels, batch=3):
    return np.random.default_rng(0).normal(size=(batch, *size, channels)).astype("f4")


def assert_close(expected, found, tolerance):
    assert len(expected) == len(found)
    for i, (a, b) in enumerate(zip(expected, found, strict=True)):
        assert a.shape == b.shape
        error = np.abs(a - b).max() / np.abs(a).max()
        assert error < tolerance, f"result {i} is off by {error:.1e}"


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equal_keras_to_the_second_derivative(kind, case):
    kernel, stride, size, channels, filters = case
    inputs = images(size, channels)
    options = dict(filters=filters, kernel_size=kernel, strides=stride, padding="same")
    theirs, ours = pair(kind, inputs, **options)
    assert_close(derivatives(theirs, inputs), derivatives(ours, inputs), 5e-5)


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("case", CASES[:2] + CASES[-1:], ids=str)
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_as_exact_as_keras_in_16_bits(kind, case, dtype):
    kernel, stride, size, channels, filters = case
    inputs = images(size, channels)
    options = dict(filters=filters, kernel_size=kernel, strides=stride, padding="same")
    theirs, ours = pair(kind, inputs, dtype, **options)
    assert ours(inputs).dtype == theirs(inputs).dtype == dtype.removeprefix("mixed_")
    exact = derivatives(pair(kind, inputs, **options)[0], inputs)
    errors = [
        [np.abs(a - b).max() / np.abs(a).max() for a, b in zip(exact, found, strict=True)]
        for found in (derivatives(theirs, inputs), derivatives(ours, inputs))
    ]
    for keras_error, error in zip(*errors, strict=True):
        assert error < 2 * keras_error + 0.01


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("conv", {"padding": "valid"}),
        ("conv", {"padding": "same", "dilation_rate": 2}),
        ("conv", {"padding": "same", "strides": (1, 2)}),
        ("transposed", {"padding": "valid", "strides": 2}),
        ("transposed", {"padding": "same", "strides": 2, "output_padding": 1}),
        ("transposed", {"padding": "same", "strides": 2, "activation": "relu"}),
        ("conv", {"padding": "same", "strides": 2, "use_bias": False, "activation": "tanh"}),
    ],
    ids=str,
)
def test_other_options_are_keras(kind, options):
    inputs = images((8, 6), 4)
    theirs, ours = pair(kind, inputs, filters=6, kernel_size=3, **options)
    assert_close(derivatives(theirs, inputs), derivatives(ours, inputs), 5e-5)


def test_fast_paths_are_taken(monkeypatch):
    taken = []
    for name in ("_transposed_to_depth", "_transposed_by_phases", "_filter_gradient_by_shifts"):
        original = getattr(conv, name)

        def spy(*args, name=name, original=original):
            taken.append(name)
            return original(*args)

        monkeypatch.setattr(conv, name, spy)

    def paths(channels, filters, side, dtype="float32"):
        taken.clear()
        x = tf.constant(images((side, side), channels))
        layer = Conv2D(filters, 4, 2, padding="same", dtype=dtype)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = layer(x)
        tape.gradient(y, [x, layer.kernel.value])
        return set(taken)

    assert paths(3, 8, 32) == {"_transposed_to_depth"}
    assert paths(128, 256, 8) == {"_transposed_by_phases", "_filter_gradient_by_shifts"}
    assert paths(64, 128, 16) == set()
    assert paths(64, 128, 16, "mixed_bfloat16") == {"_filter_gradient_by_shifts"}
    monkeypatch.setattr(conv, "_has_gpu", lambda: True)
    assert paths(128, 256, 8, "mixed_bfloat16") == set()


@pytest.fixture
def network():
    inputs = keras.Input((None, None, 3))
    free = Conv2D(4, 4, 2, padding="same")(inputs)  # no static shape: Keras's own operation
    free = keras.Model(inputs, Conv2DTranspose(3, 4, 2, padding="same")(free))
    inputs = keras.Input((8, 4, 3))
    x = Conv2D(130, 4, 2, padding="same", activation="relu")(inputs)
    x = Conv2DTranspose(128, 4, 2, padding="same")(x)
    return keras.Model(inputs, free(Conv2DTranspose(3, 4, 2, padding="same")(x)))


def test_saved_model_has_a_free_batch(network, tmp_path):
    archive = keras.export.ExportArchive()
    archive.track(network)
    signature = [tf.TensorSpec((None, 8, 4, 3), tf.float32)]
    archive.add_endpoint("serve", lambda x: network(x, training=False), input_signature=signature)
    archive.write_out(str(tmp_path / "model"), verbose=False)
    served = tf.saved_model.load(str(tmp_path / "model"))
    for batch in (1, 3):
        x = images((8, 4), 3, batch)
        np.testing.assert_allclose(served.serve(x), network(x), rtol=1e-5, atol=1e-6)


def test_a_keras_file_brings_the_layers_back(network, tmp_path):
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in network.layers]
    x = images((8, 4), 3)
    np.testing.assert_array_equal(loaded(x), network(x))


@pytest.mark.parametrize("kind", PAIRS)
def test_config_is_keras(kind):
    options = dict(filters=3, kernel_size=4, strides=2, padding="same", name="a", use_bias=False)
    theirs, ours = (layer(**options) for layer in PAIRS[kind])
    assert ours.get_config() == theirs.get_config()
    assert type(ours).from_config(ours.get_config()).get_config() == theirs.get_config()


@pytest.mark.parametrize("jit", [False, True])
def test_compiled_steps_equal_eager_ones(jit):
    inputs = images((4, 4), 6)
    for kind in PAIRS:
        _, ours = pair(kind, inputs, filters=130, kernel_size=4, strides=2, padding="same")

        @tf.function(input_signature=[tf.TensorSpec((None, 4, 4, 6))], jit_compile=jit)
        def slopes(x, ours=ours):
            with tf.GradientTape() as tape:
                value = tf.reduce_sum(tf.sin(ours(x)))
            return tape.gradient(value, ours.kernel.value)

        with tf.GradientTape() as tape:
            value = tf.reduce_sum(tf.sin(ours(inputs)))
        assert_close(
            [tape.gradient(value, ours.kernel.value).numpy()], [slopes(inputs).numpy()], 1e-5
        )
