import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.data import digits
from kgan.data.corrupt import Corruption
from kgan.errors import InputError
from kgan.models import Autoencoder
from kgan.models.precision import in_float32
from kgan.models.step import Noise
from kgan.networks import conv_autoencoder

DIGITS = digits.load().images
SHAPE = (8, 8, 1)


def conv(weights=0, code_size=6, width=4, **options):
    keras.utils.set_random_seed(weights)
    return Autoencoder(
        conv_autoencoder.encoder(SHAPE, code_size, width),
        conv_autoencoder.decoder(SHAPE, code_size, width),
        **options,
    )


def linear(code_size, **options):
    """Without hidden layers: what it can do at best is known."""
    keras.utils.set_random_seed(0)
    encoder = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(code_size)]
    )
    decoder = keras.Sequential(
        [keras.Input((code_size,)), keras.layers.Dense(64), keras.layers.Reshape(SHAPE)]
    )
    return Autoencoder(encoder, decoder, **options)


@pytest.mark.parametrize("corruption", [None, Corruption("masking", 0.5)])
@pytest.mark.parametrize("likelihood", ["bernoulli", "squared_error"])
def test_a_step_descends_the_loss_of_the_clean_images(likelihood, corruption):
    model, twin = (linear(5, likelihood=likelihood, corruption=corruption) for _ in range(2))
    model.compile(keras.optimizers.SGD(0.01))
    logs = model.train_step(tf.constant(DIGITS[:16]))

    x = DIGITS[:16].astype(np.float32) / 255
    given = x
    if corruption:
        uniform = Noise(0, tf.constant(0), tf.constant(16)).uniform("corruption", SHAPE).numpy()
        given = np.where(uniform < 0.5, 0, x)
    (w, b), (v, c) = (network.get_weights() for network in twin.networks)
    values = ((given.reshape(16, 64) @ w + b) @ v + c).reshape(x.shape)
    if likelihood == "bernoulli":
        chances = 1 / (1 + np.exp(-values))
        loss = -(x * np.log(chances) + (1 - x) * np.log(1 - chances))
        slope, reconstructed = chances - x, chances
    else:
        loss, slope, reconstructed = (values - x) ** 2, 2 * (values - x), np.clip(values, 0, 1)
    assert float(logs["loss"]) == pytest.approx(loss.sum((1, 2, 3)).mean(), rel=1e-5)
    assert float(logs["mse"]) == pytest.approx(((reconstructed - x) ** 2).mean(), rel=1e-5)
    bias = model.decoder.get_weights()[1]
    np.testing.assert_allclose(bias, c - 0.01 * slope.reshape(16, 64).mean(0), atol=1e-6)
    assert int(model.step.value) == 1


def test_metrics_are_means_over_the_examples_of_uneven_batches():
    model = linear(5)
    model.compile(run_eagerly=True)
    whole = model.evaluate(DIGITS[:20], batch_size=20, verbose=0)
    assert model.evaluate(DIGITS[:20], batch_size=16, verbose=0) == pytest.approx(whole, rel=1e-5)


def test_a_linear_one_comes_down_to_pca_and_not_below():
    x = DIGITS.reshape(len(DIGITS), 64) / 255
    eigenvalues = np.linalg.eigvalsh(np.cov(x.T, bias=True))
    pca = eigenvalues[:-4].sum()
    model = linear(4, likelihood="squared_error")
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.02, 564)))
    model.fit(np.tile(DIGITS, (10, 1, 1, 1)), batch_size=128, epochs=4, verbose=0)
    loss = model.evaluate(DIGITS, batch_size=599, verbose=0)[0]
    assert pca - 1e-4 < loss < 1.05 * pca
    assert pca < 0.6 * eigenvalues.sum()


def test_denoising_brings_the_clean_image_back():
    model = conv(width=8, code_size=16, corruption=Corruption("salt_and_pepper", 0.2))
    model.compile(keras.optimizers.Adam(5e-3))
    model.fit(DIGITS[:1500], batch_size=64, epochs=5, verbose=0)
    test = DIGITS[1500:]
    noisy = model.corrupt(test)

    def error(images):
        return np.mean((images / 255 - test / 255) ** 2)

    assert error(model.reconstruct(noisy)) < 0.6 * error(noisy)
    assert error(model.reconstruct(noisy)) < np.var(test / 255, axis=0).mean()


def test_evaluation_corrupts_alike_every_time_and_training_never_twice():
    seen = []

    def corruption(x, noise, name):
        seen.append(noise.uniform(name).numpy())
        return x * seen[-1][:, None, None, None]

    model = linear(4, corruption=corruption)
    model.compile(run_eagerly=True)
    first, again = (model.evaluate(DIGITS[:9], batch_size=9, verbose=0) for _ in range(2))
    assert first == again
    np.testing.assert_array_equal(*seen)
    model.fit(DIGITS[:18], batch_size=9, epochs=2, verbose=0)
    assert len(np.unique(np.concatenate(seen[1:]))) == 5 * 9
    model.encode(DIGITS[:3]), model.reconstruct(DIGITS[:3]), model.predict(DIGITS[:3], verbose=0)
    assert len(seen) == 6


def test_corrupted_rows_are_the_corruption_of_their_position_alone():
    model = conv(corruption=Corruption("masking", 0.5))
    grey = np.full((70, *SHAPE), 200, np.uint8)
    together = model.corrupt(grey)
    np.testing.assert_array_equal(model.corrupt(grey[:3]), together[:3])
    assert len(np.unique(together.reshape(70, -1), axis=0)) == 70
    assert set(np.unique(together)) == {0, 200}
    np.testing.assert_array_equal(conv().corrupt(DIGITS[:70]), DIGITS[:70])
    gaussian = conv(corruption=Corruption("gaussian", 1.0)).corrupt(grey)
    assert (gaussian.min(), gaussian.max(), gaussian.dtype) == (0, 255, np.uint8)


def test_an_images_code_and_reconstruction_depend_on_it_alone():
    model = conv()
    model.compile(run_eagerly=True)
    model.fit(DIGITS[:64], batch_size=32, verbose=0)
    codes, images = model.encode(DIGITS[:70]), model.reconstruct(DIGITS[:70])
    assert (codes.shape, codes.dtype) == ((70, 6), np.float32)
    assert (images.shape, images.dtype) == ((70, *SHAPE), np.uint8)
    for i in (0, 1, 40, 63, 64, 69):
        np.testing.assert_array_equal(model.encode(DIGITS[i : i + 1]), codes[i : i + 1])
    np.testing.assert_allclose(model.decode(codes), images, atol=1)
    np.testing.assert_allclose(model.encode(DIGITS[:5] / 255), codes[:5], atol=1e-5)
    predicted = model.predict(DIGITS[:70], verbose=0)
    assert predicted.dtype == np.float32
    assert np.abs(predicted * 255 - images).max() <= 0.51


def test_nothing_outlives_the_weights_that_it_was_computed_from():
    model, other = conv(weights=0), conv(weights=1)
    model.encode(DIGITS[:3]), model.decode(np.zeros((3, 6)))  # Trace.
    for network, source in zip(model.networks, other.networks, strict=True):
        network.set_weights(source.get_weights())
    np.testing.assert_array_equal(model.encode(DIGITS[:3]), other.encode(DIGITS[:3]))
    np.testing.assert_array_equal(model.reconstruct(DIGITS[:3]), other.reconstruct(DIGITS[:3]))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_reduced_precision_trains_and_all_else_is_float32(policy):
    full = conv(width=2, corruption=Corruption("masking"))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = conv(width=2, corruption=Corruption("masking"))
        for network, twin in zip(model.networks, full.networks, strict=True):
            network.set_weights(twin.get_weights())
        np.testing.assert_array_equal(model.encode(DIGITS[:9]), full.encode(DIGITS[:9]))
        np.testing.assert_array_equal(model.reconstruct(DIGITS[:9]), full.reconstruct(DIGITS[:9]))
        assert model(DIGITS[:9]).dtype == tf.float32
        full.compile(run_eagerly=True)
        model.compile(run_eagerly=True)
        assert model.evaluate(DIGITS[:99], verbose=0) == full.evaluate(DIGITS[:99], verbose=0)
        model.compile(keras.optimizers.Adam(1e-2))
        history = model.fit(DIGITS[:192], batch_size=32, epochs=3, verbose=0).history
    finally:
        keras.config.set_dtype_policy(before)
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert all(w.dtype == "float32" for n in model.networks for w in n.trainable_variables)
    assert model.decoder(np.zeros((1, 6))).dtype == tf.float32
    assert model.encoder.layers[1].compute_dtype == policy.removeprefix("mixed_")
    scales = isinstance(model.optimizers[0], keras.optimizers.LossScaleOptimizer)
    assert scales == (policy == "mixed_float16")


def test_float32_for_a_call_leaves_the_policies_as_they_were():
    layer = keras.layers.Dense(2, dtype="mixed_bfloat16")
    inner = keras.Sequential([keras.Input((2,)), layer])
    outer = keras.Sequential([keras.Input((2,)), inner, keras.layers.Activation("linear")])
    inner.set_weights([np.full((2, 2), 1.001), np.zeros(2)])
    x = np.array([[1.003, 0.0]], np.float32)
    assert float(outer(x)[0, 0]) == 1.0
    assert float(in_float32(outer, x)[0, 0]) == pytest.approx(1.003 * 1.001, abs=1e-7)
    with pytest.raises(ValueError, match="incompatible"):
        in_float32(outer, np.ones((1, 3), np.float32))
    assert layer.compute_dtype == "bfloat16"


def test_training_is_a_function_of_the_seed():
    def trained(seed):
        model = linear(3, corruption=Corruption("gaussian"), seed=seed)
        model.compile(run_eagerly=True)
        model.fit(DIGITS[:64], batch_size=16, shuffle=False, verbose=0)
        return model.encoder.get_weights()[0]

    np.testing.assert_array_equal(trained(0), trained(0))
    assert (trained(0) != trained(1)).any()


def test_keras_saves_and_loads_it_compiled_and_it_trains_on_alike(tmp_path):
    model = conv(corruption=Corruption("masking", 0.3), likelihood="squared_error", seed=4)
    model.compile(keras.optimizers.Adam(2e-3), run_eagerly=True)
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss"),
        keras.callbacks.EarlyStopping("val_loss", min_delta=1e9, patience=1),
    ]
    history = model.fit(
        DIGITS[:64],
        validation_data=(DIGITS[64:96],),
        epochs=9,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )
    assert set(history.history) == {"loss", "mse", "val_loss", "val_mse"}
    assert len(history.history["loss"]) == 2
    loaded = keras.saving.load_model(tmp_path / "best.keras")
    np.testing.assert_array_equal(loaded.encode(DIGITS[:9]), model.encode(DIGITS[:9]))
    assert loaded.corruption == model.corruption
    assert (loaded.likelihood, loaded.seed) == ("squared_error", 4)
    assert int(loaded.step.value) == int(model.step.value) == 4
    for each in (model, loaded):
        each.fit(DIGITS[:64], epochs=1, shuffle=False, verbose=0)
    np.testing.assert_array_equal(loaded.encode(DIGITS[:9]), model.encode(DIGITS[:9]))


def test_wrong_calls_say_what_was_expected():
    model = conv()
    with pytest.raises(InputError, match="Did you mean 'bernoulli'"):
        conv(likelihood="bernouli")
    with pytest.raises(InputError, match="build both for one image_shape"):
        Autoencoder(model.encoder, conv_autoencoder.decoder(SHAPE, 5, 2))
    for images in (np.zeros((2, 9, 8, 1)), np.zeros((0, *SHAPE)), np.uint8(3)):
        with pytest.raises(InputError, match=r"expected \(n, 8, 8, 1\)|expected one or more"):
            model.encode(images)
    with pytest.raises(InputError, match="int64: expected uint8"):
        model.reconstruct(DIGITS.astype(np.int64))
    with pytest.raises(InputError, match=r"expected one or more rows of 6 finite floats"):
        model.decode(np.zeros((2, 5)))
