import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.data import digits
from kgan.data.corrupt import Corruption
from kgan.errors import InputError
from kgan.models import StackedAutoencoder
from kgan.models.step import Noise
from kgan.networks import stacked

DIGITS = digits.load().images
SHAPE = (8, 8, 1)
KINDS = {"sigmoid": "bernoulli", "relu": "squared_error"}


def stack(activation="sigmoid", width=12, depth=3, code_size=5, **options):
    keras.utils.set_random_seed(0)
    shape = (SHAPE, code_size, width, depth, activation)
    return StackedAutoencoder(
        stacked.encoders(*shape),
        stacked.decoders(*shape),
        code_likelihood=KINDS[activation],
        **options,
    )


def weights(model):
    networks = zip(model.encoders, model.decoders, strict=True)
    return [[*encoder.get_weights(), *decoder.get_weights()] for encoder, decoder in networks]


def changed(before, after):
    pairs = zip(before, after, strict=True)
    return [any((a != b).any() for a, b in zip(*pair, strict=True)) for pair in pairs]


def activate(activation, x):
    return 1 / (1 + np.exp(-x)) if activation == "sigmoid" else np.maximum(x, 0)


@pytest.mark.parametrize("activation", KINDS)
def test_a_layer_reconstructs_clean_codes_from_its_own_corrupted_input(activation):
    """Layer 1 in NumPy: nothing below is corrupted or moved, nothing above is touched."""
    model = stack(activation, corruption=Corruption("masking", 0.5))
    model.compile(keras.optimizers.SGD(0.1))
    for encoder in model.encoders:  # Codes that differ from 0 throughout.
        encoder.layers[-2].bias.assign(np.linspace(0.5, 1, encoder.output_shape[-1]))
    before = weights(model)
    model.train_layer(1)
    logs = model.train_step(tf.constant(DIGITS[:16]))

    (w0, b0, *_), (w1, b1, v1, c1), _ = before
    x = activate(activation, DIGITS[:16].reshape(16, 64).astype(np.float32) / 255 @ w0 + b0)
    uniform = Noise(0, tf.constant(0), tf.constant(16)).uniform("corruption", 12).numpy()
    values = activate(activation, np.where(uniform < 0.5, 0, x) @ w1 + b1) @ v1 + c1
    reconstructed = activate(activation, values)
    if activation == "sigmoid":
        loss = -(x * np.log(reconstructed) + (1 - x) * np.log(1 - reconstructed))
    else:
        loss = (values - x) ** 2
    assert float(logs["loss"]) == pytest.approx(loss.sum(1).mean(), rel=1e-5)
    assert float(logs["mse"]) == pytest.approx(((reconstructed - x) ** 2).mean(), rel=1e-5)
    assert changed(before, weights(model)) == [False, True, False]


def test_fit_trains_every_layer_in_turn_and_the_others_stay_to_the_bit():
    model = stack()
    model.compile(run_eagerly=True)
    states = [weights(model)]

    class Record(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            states.append(weights(model))

    histories = model.fit(DIGITS[:64], batch_size=16, epochs=2, verbose=0, callbacks=[Record()])
    assert [len(history.history["loss"]) for history in histories] == [2, 2, 2]
    for layer in range(3):
        assert changed(states[layer], states[layer + 1]) == [i == layer for i in range(3)]
    assert int(model.step.value) == 3 * 2 * 4
    assert [int(optimizer.iterations) for optimizer in model.optimizers] == [8, 8, 8]
    model.fit_layer(1, DIGITS[:64], batch_size=16, verbose=0)
    assert changed(states[-1], weights(model)) == [False, True, False]


@pytest.mark.parametrize("activation", KINDS)
def test_the_whole_is_all_encoders_and_then_all_decoders(activation):
    model = stack(activation)
    x = DIGITS[:5].reshape(5, 64).astype(np.float32) / 255
    for encoder, _ in zip(model.encoders, model.decoders, strict=True):
        w, b = encoder.get_weights()
        x = activate(activation, x @ w + b)
    np.testing.assert_allclose(model.encode(DIGITS[:5]), x, atol=1e-5)
    for layer in (2, 1, 0):
        w, b = model.decoders[layer].get_weights()
        x = x @ w + b
        x = activate(activation if layer else "sigmoid", x)
    images = model.predict(DIGITS[:5], verbose=0)
    np.testing.assert_allclose(images.reshape(5, 64), x, atol=1e-5)
    np.testing.assert_array_equal(model.reconstruct(DIGITS[:5]), np.round(images * 255))
    model.compile(run_eagerly=True)
    mse = model.evaluate(DIGITS[:5], verbose=0, return_dict=True)["mse"]
    assert mse == pytest.approx(np.mean((images - DIGITS[:5] / 255) ** 2), rel=1e-5)


@pytest.mark.parametrize("activation", KINDS)
def test_truncated_is_the_autoencoder_of_the_lowest_layers(activation):
    corruption = Corruption("masking", 0.5)
    model = stack(activation, likelihood="squared_error", corruption=corruption, seed=3)
    whole, lowest = model.truncated(3), model.truncated(1)
    two = model.truncated(2)
    np.testing.assert_array_equal(whole.encode(DIGITS[:9]), model.encode(DIGITS[:9]))
    np.testing.assert_array_equal(whole.reconstruct(DIGITS[:9]), model.reconstruct(DIGITS[:9]))
    np.testing.assert_array_equal(lowest.corrupt(DIGITS[:9]), model.corrupt(DIGITS[:9]))
    assert (two.likelihood, two.corruption, two.seed) == ("squared_error", corruption, 3)
    assert two.code_size == 12
    before = lowest.reconstruct(DIGITS[:9])
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    model.fit_layer(0, DIGITS[:32], verbose=0)
    assert (lowest.reconstruct(DIGITS[:9]) != before).any()
    own = model.decoders[0](model.encoders[0](DIGITS[:9] / np.float32(255)))
    expected = np.round(np.clip(own, 0, 1) * 255)
    np.testing.assert_allclose(lowest.reconstruct(DIGITS[:9]), expected, atol=1)
    assert {id(v) for v in two.trainable_variables} == {
        id(v) for network in model.encoders[:2] + model.decoders[:2] for v in network.weights
    }


@pytest.mark.parametrize("activation", KINDS)
def test_greedy_training_beats_the_mean_image(activation):
    model = stack(activation, width=64, depth=2, code_size=32)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(DIGITS[:1500], batch_size=64, epochs=5, verbose=0)
    test = DIGITS[1500:] / 255
    mse = model.evaluate(DIGITS[1500:], verbose=0, return_dict=True)["mse"]
    assert mse < 0.7 * np.mean((test - DIGITS[:1500].mean(0) / 255) ** 2)


def test_weights_are_counted_once_and_the_whole_shares_them():
    model = stack()
    counted = [v for network in model.networks for v in network.weights]
    assert len(counted) == len({id(v) for v in counted}) == 3 * 4
    own = [v for network in model.encoders + model.decoders for v in network.weights]
    assert {id(v) for v in counted} == {id(v) for v in own}


def test_reduced_precision_trains_and_codes_are_float32():
    full = stack()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = stack()
    finally:
        keras.config.set_dtype_policy(before)
    for network, twin in zip(model.networks, full.networks, strict=True):
        network.set_weights(twin.get_weights())
    np.testing.assert_array_equal(model.encode(DIGITS[:9]), full.encode(DIGITS[:9]))
    np.testing.assert_array_equal(model.reconstruct(DIGITS[:9]), full.reconstruct(DIGITS[:9]))
    assert model.encoders[0].compute_dtype == "bfloat16"
    model.compile(run_eagerly=True)
    for history in model.fit(DIGITS[:320], batch_size=64, epochs=3, verbose=0):
        assert history.history["loss"][-1] < history.history["loss"][0]


def test_keras_saves_and_loads_it_compiled_and_it_trains_on_alike(tmp_path):
    model = stack("relu", corruption=Corruption("gaussian", 0.1), likelihood="squared_error")
    model.compile(keras.optimizers.Adam(2e-3), run_eagerly=True)
    options = {"epochs": 1, "shuffle": False, "verbose": 0}
    model.fit(DIGITS[:64], validation_split=0.5, **options)
    model.save(tmp_path / "stacked.keras")
    loaded = keras.saving.load_model(tmp_path / "stacked.keras")
    np.testing.assert_array_equal(loaded.reconstruct(DIGITS[:9]), model.reconstruct(DIGITS[:9]))
    assert (loaded.likelihood, loaded.code_likelihood) == ("squared_error", "squared_error")
    assert loaded.corruption == model.corruption
    for each in (model, loaded):
        each.fit(DIGITS[:64], **options)
    assert loaded.layer == 2
    assert changed(weights(model), weights(loaded)) == [False] * 3


def test_wrong_calls_say_what_was_expected():
    model = stack()
    model.compile()
    for layer in (-1, 3):
        with pytest.raises(InputError, match="expected 0 to 2"):
            model.fit_layer(layer, DIGITS)
    for depth in (0, 4):
        with pytest.raises(InputError, match=f"depth is {depth}: expected 1 to 3"):
            model.truncated(depth)
    with pytest.raises(InputError, match="2 encoders and 3 decoders"):
        StackedAutoencoder(model.encoders[:2], model.decoders)
    with pytest.raises(InputError, match="build both for one image_shape"):
        StackedAutoencoder(model.encoders, model.decoders[::-1])
    with pytest.raises(InputError, match="the lowest first"):
        StackedAutoencoder(model.encoders[::-1], model.decoders[::-1])
    with pytest.raises(InputError, match="Unknown code likelihood 'gauss'"):
        StackedAutoencoder(model.encoders, model.decoders, code_likelihood="gauss")
    with pytest.raises(InputError, match="depth is 0"):
        stack(depth=0)
    with pytest.raises(InputError, match="Known: relu, sigmoid"):
        stacked.encoders(SHAPE, 5, activation="tanh")
