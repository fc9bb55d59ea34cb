"""One convention for images in every model: uint8, or floats in [0, 1]; the rest in one line."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.data.corrupt import Corruption
from kgan.errors import InputError
from kgan.models import GAN, VAE, Autoencoder
from kgan.networks import stacked, variational
from tests.models.small import LABELLED, MODELS, SHAPE, assert_same, state

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (24, *SHAPE), dtype=np.uint8)
FLOATS = (GREY / 255).astype(np.float32)
LABELS = RNG.integers(0, 2, 24)
PLAYERS = "generator", "discriminator"
WRONG = {
    "int32": (GREY.astype(np.int32), "Images are int32: expected uint8, or floats in"),
    "int64": (GREY.astype(np.int64), "Images are int64"),
    "bool": (GREY > 127, "Images are bool"),
    "to 255": (GREY.astype(np.float32), "they go from 0.* to 255"),
    "from -1": (2 * FLOATS - 1, "they go from -1.* to 1"),
    "nan": (np.where(FLOATS > 0.99, np.nan, FLOATS), "hold NaN"),
    "objects": (GREY.astype(object), r"Images are (object|string): expected uint8, or floats in"),
    "text": (GREY.astype(str), r"Images are str.*: expected uint8, or floats in"),
    "a number": (np.array(5.0), r"Images are \(\): expected \(n, 4, 4, 1\)"),
    "transposed": (np.moveaxis(FLOATS, -1, 1), r"are \(.*, 1, 4, 4\): expected \(n, 4, 4, 1\)"),
    "no channels": (GREY[..., 0], r"are \(.*, 4, 4\): expected \(n, 4, 4, 1\)"),
}


def autoencoder(corruption=None):
    coders = stacked.encoders(SHAPE, 3, 8, 1)[0], variational.decoder(SHAPE, 3, 8, 1)
    return Autoencoder(*coders, corruption=corruption)


def made(make, **options):
    keras.utils.set_random_seed(0)
    model = make()
    model.compile(**options)
    return model


def refused(call, *args, match, **kwargs):
    with pytest.raises(InputError, match=match) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", MODELS)
def test_uint8_and_floats_are_the_same_images_and_anything_else_changes_nothing(name):
    # In the graph a conditional GAN looks at its images as any GAN.
    model = made(MODELS[name], run_eagerly=name == "ConditionalGAN")
    labels = [LABELS] if name in LABELLED else []
    scale = model.value_range[1] - model.value_range[0]
    expected = model.value_range[0] + scale * FLOATS
    for images in (GREY, FLOATS, FLOATS.astype(np.float64), tf.constant(FLOATS)):
        np.testing.assert_allclose(model.to_range(images), expected, atol=1e-6)
    fed = [model.evaluate(images, *labels, verbose=0) for images in (GREY, FLOATS)]
    np.testing.assert_allclose(*fed, rtol=1e-4)
    before = state(model)
    options = {"batch_size": 12, "verbose": 0}
    for images, told in WRONG.values():
        refused(model.fit, images, *labels, match=told, **options)
        if name in ("GAN", "Autoencoder"):  # A batch is looked at in the graph alone.
            refused(model.train_on_batch, images, *labels, match=told)
        for method in ("encode", "reconstruct", "elbo", "classify", "predict_on_batch"):
            takes_images = hasattr(model, method) and not isinstance(model, GAN)
            if takes_images:
                refused(getattr(model, method), images, match=told)
    assert_same(state(model), before)


def test_a_gan_makes_the_same_of_uint8_and_of_floats():
    """Floats in [0, 1] were once taken to be in [-1, 1]: samples twice as bright."""
    gans, dark = [], GREY // 4
    for images in (dark, dark / 255):
        sgd = {f"{name}_optimizer": keras.optimizers.SGD(0.1) for name in PLAYERS}
        gans.append(made(MODELS["GAN"], **sgd, run_eagerly=True))
        gans[-1].fit(images, batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(*(gan.get_weights() for gan in gans), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_an_autoencoder_has_no_targets_but_its_images():
    model = made(autoencoder)
    model.fit(GREY, GREY, verbose=0)
    model.fit(GREY, LABELS, verbose=0)
    others = "others as targets: expected images alone. To denoise, take a kgan.Autoencoder with"
    refused(model.fit, FLOATS, FLOATS**2, verbose=0, match=others)
    assert int(model.step.value) == 2


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(LABELLED)))
def test_images_of_another_shape_are_no_targets_either(name):
    model = made(MODELS[name], run_eagerly=True)
    for targets in (np.zeros((24, 16, 16, 3), np.uint8), GREY[..., 0], FLOATS**2):
        refused(model.train_on_batch, GREY, targets, match="Images were given with others")
        refused(model.test_on_batch, GREY, targets, match="expected images alone")
    assert int(model.step.value) == 0
    for targets in (GREY / 255, GREY, LABELS, np.eye(2)[LABELS]):
        model.test_on_batch(FLOATS, targets)
        model.test_on_batch(GREY, targets)


@pytest.mark.parametrize("name", MODELS)
def test_weights_of_examples_are_refused_before_anything_is_trained(name):
    model = made(MODELS[name])
    labels, weights = LABELS if name in LABELLED else None, np.ones(24)
    before = state(model)
    weighted = (
        {"sample_weight": weights},
        {"class_weight": {0: 0.0, 1: 1.0}},
        {"validation_data": (GREY, labels, weights)},
    )
    for options in weighted:
        refused(model.fit, GREY, labels, verbose=0, match="received sample or class", **options)
    refused(model.evaluate, GREY, labels, None, 0, weights, match="it weighs all examples alike")
    assert_same(state(model), before)


def test_xla_compiles_the_step_of_floats_too():
    model = made(autoencoder, jit_compile=True)
    refused(model.fit, FLOATS * 255, verbose=0, match="they go from 0.* to 255")
    model.fit(FLOATS, verbose=0)
    twin = made(autoencoder)
    twin.fit(FLOATS, verbose=0)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


class Sequence(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


@pytest.mark.parametrize("kind", ["arrays", "data set", "generator", "sequence", "batch"])
def test_a_nan_is_refused_in_whatever_it_comes_in_and_whenever(kind):
    images = np.concatenate([FLOATS, FLOATS])
    images[44, 3, 3] = np.nan
    batches = np.split(images, 6)
    data = {
        "arrays": images,
        "data set": tf.data.Dataset.from_tensor_slices(images).batch(8),
        "generator": ((batch,) for batch in batches),
        "sequence": Sequence(batches),
    }
    model = made(autoencoder, run_eagerly=kind in ("generator", "sequence"))
    if kind == "batch":
        refused(model.train_on_batch, batches[5], match="hold NaN")
        refused(model.test_on_batch, batches[5], match="hold NaN")
        return
    refused(model.fit, data[kind], batch_size=8 if kind == "arrays" else None,
            shuffle=False, verbose=0, match="hold NaN")  # fmt: skip
    assert int(model.step.value) == 5
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_models_feed_themselves_what_is_in_their_own_range():
    """Gaussian noise leaves [0, 1], and a range of [-1, 1] is none of images: no second look."""
    model = autoencoder(corruption=Corruption("gaussian", 0.9))
    model.compile(run_eagerly=True)
    assert np.isfinite(model.evaluate(FLOATS, verbose=0)).all()
    vae = made(MODELS["VAE"])
    assert np.isfinite(vae.log_likelihood(FLOATS, 3)).all()
    assert MODELS["Classifier"]().predict(FLOATS, verbose=0).shape == (24, 2)


def test_points_are_finite_floats_and_stay_as_they_are(make_gan):
    gan = make_gan()
    gan.compile()
    points = np.float32([[-3, 400], [0, 1]])
    np.testing.assert_array_equal(gan.to_range(points), points)
    gan.fit(points, verbose=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="infinity: expected finite") as served:
        tf.function(gan.to_range, autograph=False)(tf.constant(points + np.nan))
    assert "they go from] [nan] [to] [nan]" in str(served.value)
    refused(gan.fit, points + [np.inf, 1], verbose=0, match="Points hold NaN or infinity")
    refused(gan.fit, points.astype(np.uint8), verbose=0, match="Points are uint8: expected finite")
    refused(gan.fit, points[:, :1], verbose=0, match=r"Points are \(.*, 1\): expected \(n, 2\)")
    vae = VAE(variational.encoder((2,), 2, 4), variational.decoder((2,), 2, 4), "gaussian")
    assert np.isfinite(vae.elbo(points)).all()
    refused(vae.elbo, points * np.nan, match="Points hold NaN")


@pytest.mark.parametrize("name", LABELLED)
def test_labels_are_classes(name):
    model = made(MODELS[name], run_eagerly=True)
    wrong = {
        "Labels: expected integers from 0 to 1, one an image; they go from 0 to 3": LABELS * 3,
        "they go from -1": LABELS - 1,
        "Labels are float32": LABELS.astype(np.float32),
        "Labels are 48 numbers for 24 images": np.eye(2, dtype=np.int32)[LABELS],
        "Labels are missing": None,
    }
    before = state(model)
    for told, labels in wrong.items():
        refused(model.fit, GREY, labels, verbose=0, match=told)
        refused(model.evaluate, GREY, labels, verbose=0, match=told)
        refused(model.train_on_batch, GREY, labels, match=told)
    in_graph = made(MODELS[name])
    batches = tf.data.Dataset.from_tensor_slices((GREY, LABELS + 1)).batch(24)
    refused(in_graph.fit, batches, verbose=0, match="they go from 1 to 2")
    refused(in_graph.fit, batches.map(lambda x, y: x), verbose=0, match="Labels are missing")
    compiled = made(MODELS[name], jit_compile=True)
    refused(compiled.fit, GREY, LABELS + 1, verbose=0, match="they go from 1 to 2")
    assert_same(state(model), before)
    if name != "Classifier":
        return
    column = model.evaluate(GREY, LABELS[:, None], verbose=0)
    assert column == model.evaluate(GREY, LABELS.astype(np.uint8), verbose=0)
    assert column[1] == pytest.approx((model.classify(GREY).argmax(1) == LABELS).mean())
