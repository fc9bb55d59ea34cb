"""Features of images: the shipped networks, any SavedModel, and their cache."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
import tensorflow as tf

import kgan
from kgan.errors import InputError
from kgan.metrics import CLASSIFIERS, features, store
from kgan.metrics.features import Extractor

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (5, 9, 7, 3), np.uint8)


@pytest.fixture(scope="module")
def digits():
    return kgan.split("digits")


@pytest.fixture(scope="module")
def images(digits):
    """450 digits."""
    return np.asarray(digits.train.images[:450])


@pytest.fixture(scope="module")
def network():
    return features.find("digits-cnn")


def test_the_shipped_digits_network_is_as_accurate_as_its_record_says(network, digits):
    found = network(digits.test.images)
    assert found.features.shape == (299, 64)
    assert found.features.dtype == np.float32
    assert found.features.min() >= 0
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    about = json.loads((CLASSIFIERS / "digits-cnn.json").read_text())
    accuracy = (found.probabilities.argmax(axis=1) == digits.test.labels).mean()
    assert accuracy == pytest.approx(about["test_accuracy"], abs=1e-5)
    assert about["test_images"] == len(found) == 299


@pytest.mark.parametrize("name", features.names())
def test_shipped_networks_are_small_recorded_and_named_by_their_bytes(name):
    path = CLASSIFIERS / f"{name}.pb"
    assert path.stat().st_size < 2e6
    assert 0.5 < json.loads(path.with_suffix(".json").read_text())["test_accuracy"] <= 1
    found = features.find(name)
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    shown = found(RNG.integers(0, 256, (2, 32, 32, found.channels), np.uint8))
    np.testing.assert_allclose(shown.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_a_row_depends_on_its_image_alone(network, images):
    everything, few = network(images), network(images[:10])
    np.testing.assert_array_equal(few.features, everything.features[:10])
    np.testing.assert_array_equal(few.probabilities, everything.probabilities[:10])
    assert len(everything) == len(everything.probabilities) == 450


def test_rows_that_are_read_by_slices_give_the_same(network, digits):
    lazy = digits.validation.images
    found = network(lazy)
    np.testing.assert_array_equal(found.features, network(np.asarray(lazy)).features)


def shrunk(images, count):
    """Square images by triangles as wide as two pixels of the result: bilinear, antialiased."""
    scale = images.shape[1] / count
    centres, pixels = (np.arange(count) + 0.5) * scale, np.arange(images.shape[1]) + 0.5
    weights = np.maximum(1 - np.abs(centres[:, None] - pixels) / scale, 0)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.round(np.einsum("ip,npqc,jq->nijc", weights, images, weights)).astype(np.uint8)


def test_images_of_other_sizes_are_resized(network, images):
    large = RNG.integers(0, 256, (20, 32, 32, 1), np.uint8)
    found = network(large)
    assert found.features.shape == (20, 64)
    np.testing.assert_allclose(found.features, network(shrunk(large, 8)).features, atol=0.05)
    tall = images[:20].repeat(4, axis=1).repeat(3, axis=2)
    sure = network(images[:20]).probabilities.argmax(axis=1)
    assert (network(tall).probabilities.argmax(axis=1) == sure).mean() > 0.8
    assert "8x8" in network.resizer


def test_colour_into_a_grey_network_is_one_clear_error(network):
    with pytest.raises(InputError, match="take images of 1 channel, received 9x7x3") as caught:
        network(COLOUR)
    assert "inception-2015" in str(caught.value)


def test_unknown_features_list_what_there_is(tmp_path):
    for name in ("digit-cnn", str(tmp_path), "nowhere:encode"):
        with pytest.raises(InputError, match=r"Known: .*digits-cnn.*inception-2015.*SavedModel"):
            features.find(name)


def counting(calls, digest="0" * 16):
    """An extractor that tells images by their mean and counts how often it is asked."""

    def call(batch):
        calls.append(len(batch))
        means = tf.reduce_mean(tf.cast(batch, tf.float32), (1, 2, 3))[:, None]
        return tf.concat([means, means**2], 1), tf.concat([means / 255, 1 - means / 255], 1)

    return Extractor("means", digest, "none", call, 1, None)


def test_the_network_is_given_one_batch_size_whatever_is_asked_for(images):
    # Another one may choose other kernels, and round otherwise.
    calls = []
    for count in (450, 10, 1):
        found = counting(calls)(images[:count])
        means = images[:count].mean(axis=(1, 2, 3))
        np.testing.assert_allclose(found.features[:, 0], means, rtol=1e-5)
    assert calls == [features.BATCH] * 5


@pytest.fixture
def kept(tmp_path, images):
    """A counting extractor, its calls, a cache with the features of 30 images, and these."""
    calls = []
    extractor = counting(calls)
    first = extractor(images[:30], tmp_path / "cache")
    assert len(calls) == 1
    return extractor, calls, tmp_path / "cache", first


def test_the_second_time_features_are_read_not_computed(kept, images):
    extractor, _, cache, first = kept
    broken = dataclasses.replace(extractor, call=None)
    again = broken(images[:30], cache)
    np.testing.assert_array_equal(again.features, first.features)
    np.testing.assert_array_equal(again.probabilities, first.probabilities)
    assert [path.suffix for path in cache.iterdir()] == [".npz"]


def test_features_without_probabilities_are_kept_too(tmp_path, images):
    extractor = dataclasses.replace(
        counting([]), call=lambda batch: (tf.cast(batch[:, 0, :, 0], tf.float32), None)
    )
    for _ in range(2):
        found = extractor(images[:30], tmp_path)
        assert found.probabilities is None
        np.testing.assert_array_equal(found.features, images[:30, 0, :, 0])
        extractor = dataclasses.replace(extractor, call=None)


def test_other_images_and_other_networks_never_share_a_file(kept, images):
    extractor, calls, cache, _ = kept
    one_pixel = images[:30].copy()
    one_pixel[29, 7, 7, 0] ^= 1
    others = [images[:29], one_pixel, images[:30][::-1], images[:30].reshape(30, 4, 16, 1)]
    for count, other in enumerate(others, 2):
        found = extractor(other, cache)
        assert len(calls) == count
        np.testing.assert_allclose(found.features[:, 0], other.mean(axis=(1, 2, 3)), rtol=1e-5)
    counting(calls, "1" * 16)(images[:30], cache)
    dataclasses.replace(extractor, name="others")(images[:30], cache)
    assert len(calls) == len(list(cache.iterdir())) == 7


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "another"])
def test_a_damaged_file_is_computed_again_and_replaced(damage, kept, images):
    extractor, calls, cache, first = kept
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    data = bytearray(whole)
    data[data.find(first.features.tobytes()) + 5] ^= 1
    path.write_bytes(
        {"flipped": bytes(data), "truncated": whole[:-40], "empty": b"", "another": b"{}"}[damage]
    )
    again = extractor(images[:30], cache)
    assert len(calls) == 2
    np.testing.assert_array_equal(again.features, first.features)
    extractor(images[:30], cache)
    assert len(calls) == 2


def test_whichever_byte_of_a_file_is_wrong_what_is_read_is_right_or_nothing(tmp_path):
    arrays = {"features": RNG.normal(size=(45, 2)).astype(np.float32), "chances": np.eye(3)}
    path = tmp_path / "file.npz"
    store.write(path, **arrays)
    whole = path.read_bytes()
    detected = 0
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1
        path.write_bytes(data)
        found = store.read(path)
        detected += found is None
        if found is not None:
            assert found.keys() == arrays.keys(), place
            assert all((found[name] == arrays[name]).all() for name in arrays), place
    assert detected > len(whole) / 2


def test_a_cache_that_cannot_be_written_does_no_harm(images, tmp_path):
    calls = []
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "cache"):
        found = counting(calls)(images[:30], folder)
        np.testing.assert_allclose(
            found.features[:, 0], images[:30].mean(axis=(1, 2, 3)), rtol=1e-5
        )
    assert len(calls) == 2
    assert (tmp_path / "file").read_text() == "in the way"


SHAPE = (8, 8, 1)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Tiny untrained models and the folders of their SavedModels, by kind."""
    coder, network = kgan.AUTOENCODERS["conv_autoencoder"], kgan.NETWORKS["dcgan"]
    models = {
        "autoencoder": kgan.Autoencoder(
            coder.encoder(SHAPE, 6, width=2), coder.decoder(SHAPE, 6, width=2)
        ),
        "classifier": kgan.Classifier(coder.encoder(SHAPE, 6, width=2), 10),
        "gan": kgan.GAN(
            network.generator(SHAPE, 3, width=4), network.discriminator(SHAPE, width=4)
        ),
    }
    root = tmp_path_factory.mktemp("exported")
    return {kind: (model, kgan.export(model, root, kind)) for kind, model in models.items()}


def test_encode_is_the_first_choice_of_a_saved_model(exported, images):
    model, path = exported["autoencoder"]
    for name in (str(path), f"{path}:encode"):
        extractor = features.find(name)
        found = extractor(images[:30])
        np.testing.assert_allclose(found.features, model.encode(images[:30]), rtol=1e-4, atol=1e-5)
        assert found.probabilities is None
        assert extractor.name == "autoencoder-1-encode"
        assert "8x8" in extractor.resizer


def test_classify_gives_probabilities_as_features_too(exported, images):
    model, path = exported["classifier"]
    found = features.find(str(path))(images[:30])
    np.testing.assert_allclose(found.probabilities, model.classify(images[:30]), rtol=1e-4)
    np.testing.assert_array_equal(found.features, found.probabilities)


def test_discriminate_gives_logits_and_no_classes(exported, images):
    model, path = exported["gan"]
    found = features.find(f"{path}:discriminate")(images[:30])
    logits = model.discriminator(model.to_range(images[:30]), training=False)
    np.testing.assert_allclose(found.features, logits[:, None], rtol=1e-3, atol=1e-4)
    assert found.probabilities is None


def test_an_endpoint_that_is_not_there_lists_those_that_are(exported):
    with pytest.raises(InputError, match=r"no endpoint 'embed'.*: it has classify, serving_def"):
        features.find(f"{exported['classifier'][1]}:embed")
    with pytest.raises(InputError, match=r"no endpoint 'encode'.*: it has discriminate\."):
        features.find(str(exported["gan"][1]))
    with pytest.raises(InputError, match="no endpoint 'generate'"):
        features.find(f"{exported['gan'][1]}:generate")


def test_a_saved_model_is_named_by_its_weights(exported, tmp_path):
    model, path = exported["autoencoder"]
    again = kgan.export(model, tmp_path, "autoencoder")
    coder = kgan.AUTOENCODERS["conv_autoencoder"]
    other = kgan.Autoencoder(coder.encoder(SHAPE, 6, width=2), coder.decoder(SHAPE, 6, width=2))
    different = kgan.export(other, tmp_path, "autoencoder")
    digests = [features.find(str(path)).digest for path in (path, path, again, different)]
    assert digests[0] == digests[1]
    assert len(set(digests)) > 1
    assert digests[3] != digests[0]


def test_saved_models_that_will_not_do(exported, tmp_path):
    with pytest.raises(InputError, match="1 channel, received 9x7x3"):
        features.find(str(exported["autoencoder"][1]))(COLOUR)
    (tmp_path / "saved_model.pb").write_bytes(b"rubbish")
    with pytest.raises(InputError, match="no SavedModel that can be loaded"):
        features.find(str(tmp_path))
