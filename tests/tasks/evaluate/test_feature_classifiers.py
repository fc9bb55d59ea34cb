"""The classifiers behind the scores: how their images are changed, and how they are frozen."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kgan
from kgan import metrics
from kgan.metrics import features
from kgan.networks.conv_classifier import encoder
from kgan.tasks.evaluate.feature_classifiers import RECIPES, augmented, freeze

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(1, 256, (64, 6, 5, 2), np.uint8)  # no zeros of their own


def moved(image, down, right):
    """The image moved, zeros where nothing was."""
    height, width, _ = image.shape
    padded = np.pad(image, ((9, 9), (9, 9), (0, 0)))
    return padded[9 - down : 9 - down + height, 9 - right : 9 - right + width]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("shift", [0, 1, 2])
def test_images_move_by_at_most_shift_and_zeros_come_in(shift, flip):
    found = augmented(tf.constant(IMAGES), shift, flip, 7).numpy()
    assert found.dtype == np.uint8
    reach = range(-shift, shift + 1)
    seen = set()
    for image, result in zip(IMAGES, found, strict=True):
        ways = {
            (down, right, mirrored): moved(image, down, right)[:, :: -1 if mirrored else 1]
            for down in reach
            for right in reach
            for mirrored in ({False, flip})
        }
        (way,) = (way for way, expected in ways.items() if (expected == result).all())
        seen.add(way)
    # Each way is taken, in both directions.
    assert {way[0] for way in seen} == {way[1] for way in seen} == set(reach)
    assert {way[2] for way in seen} == {False, flip}


def test_each_step_moves_otherwise_and_a_step_always_alike():
    first, again, next_ = (augmented(tf.constant(IMAGES), 2, True, step) for step in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first.numpy() != next_.numpy()).any()
    np.testing.assert_array_equal(augmented(tf.constant(IMAGES), 0, False, 7), IMAGES)


def test_a_frozen_classifier_is_the_classifier(tmp_path, monkeypatch):
    keras.utils.set_random_seed(0)
    classifier = kgan.Classifier(encoder((8, 8, 1), 4, 2), 10, value_range=(-1.0, 1.0))
    # Batch statistics that are not those of the start.
    weights = [w + RNG.normal(scale=0.05, size=w.shape) for w in classifier.network.get_weights()]
    classifier.network.set_weights(weights)
    (tmp_path / "tiny-cnn.pb").write_bytes(freeze(classifier))
    for module in (metrics, features):
        monkeypatch.setattr(module, "CLASSIFIERS", tmp_path)
    assert features.names() == ["tiny-cnn"]
    images = np.asarray(kgan.split("digits").test.images)
    found = features.find("tiny-cnn")(images)
    expected = classifier.classify(images)
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-4, atol=1e-6)
    codes = classifier.encoder(classifier.to_range(images), training=False)
    np.testing.assert_allclose(found.features, codes, rtol=1e-4, atol=1e-5)
    assert found.features.shape == (299, 8)
    assert expected.std(axis=0).max() > 1e-3


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_fit_their_images(name):
    shape = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "cifar10": (32, 32, 3)}[name]
    recipe = RECIPES[name]
    network = encoder(shape, recipe.width, recipe.stages)
    assert network.output_shape == (None, recipe.width * 2 ** (recipe.stages - 1))
    # Float32 weights of a classifier that is shipped in less than 2 MB.
    assert network.count_params() * 4 < 2e6
