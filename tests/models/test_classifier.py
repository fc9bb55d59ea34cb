import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.errors import InputError
from kgan.models import Classifier
from kgan.serving import export

SHAPE = (4, 4, 1)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, *SHAPE), dtype=np.uint8)
LABELS = (IMAGES.mean(axis=(1, 2, 3)) > 127).astype(np.int32)


def classifier(policy="float32", **options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, activation="relu", dtype=policy)(inputs)
    x = keras.layers.BatchNormalization(dtype=policy)(x)
    return Classifier(keras.Model(inputs, x), 2, **options)


def test_the_loss_is_the_cross_entropy_and_the_accuracy_counts():
    model = classifier()
    model.compile()
    scores = model.evaluate(IMAGES, LABELS, verbose=0, return_dict=True)
    probabilities = model.classify(IMAGES)
    chosen = probabilities[np.arange(len(LABELS)), LABELS]
    assert scores["loss"] == pytest.approx(-np.log(chosen).mean(), rel=1e-5)
    assert scores["accuracy"] == pytest.approx((probabilities.argmax(1) == LABELS).mean())


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_probabilities_are_in_float32_of_the_weights_of_now(policy):
    model = classifier(policy)
    model.compile(keras.optimizers.SGD(0.1))
    before = model.classify(IMAGES)
    model.fit(IMAGES, LABELS, epochs=3, verbose=0)
    after = model.classify(IMAGES)
    assert (before != after).any()
    twin = classifier()
    twin.network.set_weights(model.network.get_weights())
    np.testing.assert_allclose(after, twin.predict(IMAGES, verbose=0), atol=1e-6)
    np.testing.assert_allclose(after.sum(1), 1, atol=1e-6)
    assert after.dtype == np.float32


def test_a_step_is_that_of_keras():
    """One SGD step equals that of a plain Keras model with the same weights."""
    model = classifier()
    plain = keras.models.clone_model(model.network)
    plain.set_weights(model.network.get_weights())
    plain.compile(
        keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    model.compile(keras.optimizers.SGD(0.1))
    plain.train_on_batch(IMAGES.astype(np.float32) / 255, LABELS)
    model.fit(IMAGES, LABELS, batch_size=40, shuffle=False, verbose=0)
    for mine, theirs in zip(model.network.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    assert int(model.step) == 1


def test_uint8_goes_to_the_encoders_range():
    model = classifier(value_range=(-1.0, 1.0))
    extremes = model.to_range(np.resize(np.uint8([0, 255]), (1, *SHAPE)))
    np.testing.assert_allclose(np.unique(extremes), [-1, 1], atol=1e-6)


def test_round_trip_through_the_config():
    model = classifier(class_names=("dark", "light"), value_range=(-1.0, 1.0))
    twin = Classifier.from_config(model.get_config())
    twin.network.set_weights(model.network.get_weights())
    np.testing.assert_array_equal(twin.classify(IMAGES), model.classify(IMAGES))
    assert twin.class_names == ("dark", "light")
    assert twin.value_range == (-1.0, 1.0)


def test_half_precision_scales_its_loss():
    model = classifier("mixed_float16")
    model.compile()
    assert isinstance(model.optimizers[0], keras.optimizers.LossScaleOptimizer)


def test_export_classifies_as_the_model(tmp_path):
    model = classifier("mixed_bfloat16")
    path = export(model, tmp_path, "x-classifier")
    call = tf.saved_model.load(str(path)).signatures["serving_default"]
    found = call(images=tf.constant(IMAGES))["probabilities"]
    np.testing.assert_allclose(found, model.classify(IMAGES), atol=1e-6)
    assert found.dtype == tf.float32


@pytest.mark.parametrize(("dtype", "classes"), [("uint8", 256), ("int8", 200)])
def test_small_integers_label_many_classes(dtype, classes):
    model = Classifier(keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten()]), classes)
    labels = np.resize(np.array([0, 100, 127], dtype), len(IMAGES))
    model.compile(run_eagerly=True)
    model.fit(IMAGES, labels, verbose=0)
    assert model.evaluate(IMAGES, labels, verbose=0) == model.evaluate(
        IMAGES, labels.astype(np.int64), verbose=0
    )


def test_wrong_calls_are_refused():
    model = classifier()
    with pytest.raises(InputError, match=r"expected \(n, 4, 4, 1\)"):
        model.classify(IMAGES[:, :3])
    with pytest.raises(InputError, match="2 or more"):
        Classifier(model.encoder, 1)
    with pytest.raises(InputError, match="3 class names"):
        classifier(class_names=("a", "b", "c"))
