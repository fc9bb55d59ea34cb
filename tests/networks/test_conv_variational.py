"""Started as a linear model a convolutional VAE is that model, and learns on from there."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

import kgan
from kgan.errors import InputError
from kgan.networks import AUTOENCODERS
from kgan.networks.architecture import architecture_of

SHAPE, LATENTS, PIXELS = (12, 10, 10), 4, 1200


def model(**options):
    rng = np.random.default_rng(0)
    start = SimpleNamespace(
        mean=rng.uniform(0.3, 0.9, SHAPE).astype(np.float32),
        to_images=rng.normal(size=(LATENTS, PIXELS)).astype(np.float32),
        to_latents=rng.normal(size=(PIXELS, LATENTS)).astype(np.float32),
        log_variance=rng.normal(size=LATENTS).astype(np.float32),
    )
    coder = AUTOENCODERS["vae"]
    return start, *(
        build(SHAPE, LATENTS, channels=2, start=start, **options)
        for build in (coder.encoder, coder.decoder)
    )


def test_it_starts_as_the_linear_model():
    start, encoder, decoder = model()
    x = np.random.default_rng(1).uniform(size=(5, *SHAPE)).astype(np.float32)
    mean, log_variance = encoder(x)
    expected = (x - start.mean).reshape(5, -1) @ start.to_latents
    np.testing.assert_allclose(mean, expected, atol=2e-4)
    np.testing.assert_array_equal(log_variance, np.tile(start.log_variance, (5, 1)))
    z = np.random.default_rng(2).normal(size=(5, LATENTS)).astype(np.float32)
    expected = start.mean + (z @ start.to_images).reshape(5, *SHAPE)
    np.testing.assert_allclose(decoder(z), expected, atol=1e-5)
    np.testing.assert_array_equal(decoder(np.zeros((1, LATENTS)))[0], start.mean)


def test_training_moves_the_convolutions_and_not_the_linear_maps():
    _, encoder, decoder = model()
    vae = kgan.VAE(encoder, decoder, "gaussian")
    vae.compile(keras.optimizers.SGD(1e-6))
    names = [v.path for v in vae.trainable_variables]
    assert not [name for name in names if "linear/" in name or "centre/" in name]
    fixed = [v for n in vae.networks for v in n.non_trainable_weights]
    before = [np.array(v) for v in fixed], [np.array(v) for v in vae.trainable_variables]
    vae.fit(np.random.default_rng(1).integers(0, 256, (8, *SHAPE), np.uint8), verbose=0)
    for old, variable in zip(before[0], fixed, strict=True):
        np.testing.assert_array_equal(old, variable)
    moved = [(old != v).any() for old, v in zip(before[1], vae.trainable_variables, strict=True)]
    assert sum(moved) >= 4  # Zeros at the ends keep those behind them still at the first step.


def test_it_saves_and_loads_whole(tmp_path):
    vae = kgan.VAE(*model()[1:], "gaussian")
    vae.compile()
    vae.save(tmp_path / "vae.keras")
    twin = keras.saving.load_model(tmp_path / "vae.keras")
    np.testing.assert_array_equal(twin.sample(range(3)), vae.sample(range(3)))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((28, 28, 1), "dense"), ((32, 32, 1), "dense"), ((32, 32, 3), "conv"), ((33, 32, 1), "conv"),
     ((4, 400, 3), "dense"), ((2,), "dense")],
)  # fmt: skip
def test_large_images_get_convolutions(shape, expected):
    assert architecture_of(shape) == expected
    assert architecture_of(shape, "dense") == "dense"
    layers = AUTOENCODERS["vae"].encoder(shape, 3).layers
    assert any("conv" in layer.name for layer in layers) == (expected == "conv")


def test_an_unknown_architecture_is_refused():
    with pytest.raises(InputError, match=r"Unknown architecture 'cnn'.*auto, conv, dense"):
        architecture_of((8, 8, 1), "cnn")


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [((32, 32, 3), {"width": 50}, r"width is 50, but .* conv: .* of dense.*architecture=dense"),
     ((32, 32, 3), {"activation": "relu"}, "activation is 'relu', but .* conv"),
     ((8, 8, 1), {"channels": 8}, r"channels is 8, but .* dense: .* architecture=conv")],
)  # fmt: skip
def test_an_option_of_the_other_architecture_is_not_ignored(shape, options, message):
    for build in (AUTOENCODERS["vae"].encoder, AUTOENCODERS["vae"].decoder):
        with pytest.raises(InputError, match=message):
            build(shape, 3, **options)
    AUTOENCODERS["vae"].encoder((32, 32, 3), 3, architecture="dense", width=5)
