"""Features of images: the shipped networks, any SavedModel, the graph of 2015, and their cache."""

import dataclasses
import hashlib
import http.client
import io
import json
import tarfile
import urllib.error

import numpy as np
import pytest
import tensorflow as tf

import kgan
from kgan.errors import InputError
from kgan.metrics import features, store
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
    about = json.loads((features.SHIPPED / "digits-cnn.json").read_text())
    accuracy = (found.probabilities.argmax(axis=1) == digits.test.labels).mean()
    assert accuracy == pytest.approx(about["test_accuracy"], abs=1e-5)
    assert about["test_images"] == len(found) == 299


@pytest.mark.parametrize("name", features.names())
def test_shipped_networks_are_small_recorded_and_named_by_their_bytes(name):
    path = features.SHIPPED / f"{name}.pb"
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


SIZE, STRIDE, CHANNELS, CLASSES = (6, 5), 2, 7, 4
FILTERS = RNG.normal(size=(3, 3, 3, CHANNELS)).astype(np.float32)
WEIGHTS = RNG.normal(size=(CHANNELS, CLASSES)).astype(np.float32)


@pytest.fixture(scope="module")
def graph():
    """A frozen graph with the nodes of the Inception graph of 2015, but few channels."""
    with tf.Graph().as_default() as built:
        contents = tf.constant(b"", name="DecodeJpeg/contents")
        decoded = tf.cast(tf.io.decode_jpeg(contents, channels=3), tf.float32, name="Cast")
        image = tf.expand_dims(decoded, 0, name="ExpandDims")
        resized = tf.raw_ops.ResizeBilinear(
            images=image,
            size=tf.constant(SIZE, name="ResizeBilinear/size"),
            align_corners=False,
            half_pixel_centers=False,
            name="ResizeBilinear",
        )
        centred = tf.raw_ops.Sub(x=resized, y=tf.constant(128.0), name="Sub")
        scaled = tf.raw_ops.Mul(x=centred, y=tf.constant(1 / 128), name="Mul")
        maps = tf.nn.relu(tf.nn.conv2d(scaled, tf.constant(FILTERS), STRIDE, "VALID"), name="conv")
        pooled = tf.raw_ops.AvgPool(
            value=maps, ksize=[1, 2, 2, 1], strides=[1, 1, 1, 1], padding="VALID", name="pool_3"
        )
        # Of one image only: why the graph is not read here.
        flat = tf.reshape(pooled, [1, CHANNELS], name="pool_3/_reshape")
        weights = tf.constant(WEIGHTS, name="softmax/weights")
        logits = tf.matmul(flat, weights, name="softmax/logits/MatMul")
        logits = tf.add(logits, tf.constant([9.0, -9, 5, 0]), name="softmax/logits")
        tf.nn.softmax(logits, name="softmax")
    return built.as_graph_def()


def interpolated(images, count, axis):
    """TensorFlow 1's bilinear: position i of the result is at i * (before / after)."""
    before = images.shape[axis]
    at = np.arange(count) * (before / count)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, before - 1)
    share = (at - low).reshape([-1 if i == axis else 1 for i in range(4)])
    return images.take(low, axis) * (1 - share) + images.take(high, axis) * share


def recomputed(images):
    x = interpolated(interpolated(images.astype(np.float64), SIZE[0], 1), SIZE[1], 2)
    x = (x - 128) / 128
    maps = np.zeros((len(x), 2, 2, CHANNELS))
    for row, column in np.ndindex(2, 2):
        top, left = row * STRIDE, column * STRIDE
        patch = x[:, top : top + 3, left : left + 3]
        maps[:, row, column] = np.maximum(np.einsum("nhwc,hwcd->nd", patch, FILTERS), 0)
    pooled = maps.mean(axis=(1, 2))
    chances = np.exp(pooled @ WEIGHTS)
    return pooled, chances / chances.sum(axis=1, keepdims=True)


def test_the_graph_of_2015_gives_its_pool_and_its_softmax_without_biases(graph):
    extractor = features._inception(graph, "0" * 16)
    found = extractor(COLOUR)
    pooled, chances = recomputed(COLOUR)
    np.testing.assert_allclose(found.features, pooled, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.probabilities, chances, rtol=1e-4)
    # The next size in the same extractor.
    wide = RNG.integers(0, 256, (3, 5, 12, 3), np.uint8)
    np.testing.assert_allclose(extractor(wide).features, recomputed(wide)[0], rtol=1e-4, atol=1e-5)
    assert extractor.name == "inception-2015"
    assert "299x299" in extractor.resizer


def test_the_graph_of_2015_takes_grey_as_colour(graph):
    extractor = features._inception(graph, "0" * 16)
    grey = COLOUR[..., :1]
    found = extractor(grey)
    np.testing.assert_array_equal(found.features, extractor(grey.repeat(3, axis=3)).features)
    np.testing.assert_allclose(
        found.features, recomputed(grey.repeat(3, axis=3))[0], rtol=1e-4, atol=1e-5
    )


def test_another_graph_is_refused_by_its_hash(graph, tmp_path, monkeypatch):
    path = tmp_path / "classify_image_graph_def.pb"
    path.write_bytes(graph.SerializeToString(deterministic=True))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(InputError, match=digest[:16]) as caught:
        features.inception(path)
    assert "009d6814d1bc560d" in str(caught.value)
    with pytest.raises(InputError, match=digest[:16]):
        features.find("inception-2015", path)
    monkeypatch.setattr(store, "INCEPTION_SHA256", digest)
    found = features.find("inception-2015", path)
    assert found.digest == digest[:16]
    np.testing.assert_allclose(found(COLOUR).features, recomputed(COLOUR)[0], rtol=1e-4, atol=1e-5)


def test_a_graph_that_is_not_there_is_named(tmp_path):
    for path in (tmp_path / "nothing.pb", tmp_path):
        with pytest.raises(InputError, match=str(path)) as caught:
            features.find("inception-2015", path)
        assert "classify_image_graph_def.pb" in str(caught.value)


class Web:
    """What urllib is told instead of the network's answer."""

    def __init__(self, monkeypatch):
        self.answer, self.asked = None, 0
        monkeypatch.setattr(store.urllib.request, "urlopen", self)

    def __call__(self, url, timeout):
        assert url.startswith("http://download.tensorflow.org/")
        assert timeout
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        file = io.BytesIO(self.answer)
        file.headers = {"Content-Length": str(len(self.answer))}
        return file


def archive(**files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as writer:
        for name, data in files.items():
            about = tarfile.TarInfo(f"{name}.pb")
            about.size = len(data)
            writer.addfile(about, io.BytesIO(data))
    return packed.getvalue()


@pytest.fixture
def web(monkeypatch):
    return Web(monkeypatch)


@pytest.mark.parametrize(
    "answer",
    [
        urllib.error.URLError("Name or service not known"),
        TimeoutError("timed out"),
        ConnectionResetError("reset"),
        http.client.BadStatusLine("rubbish"),
        b"<html>Log in to this network</html>",
        archive(classify_image_graph_def=b"x" * 9999)[:-30],
        archive(another=b"x"),
    ],
    ids=["offline", "timeout", "reset", "rubbish", "html", "truncated", "another"],
)
def test_without_the_graph_the_error_names_the_alternatives(answer, web, tmp_path):
    web.answer = answer
    with pytest.raises(InputError, match="Cannot download") as caught:
        store.downloaded(tmp_path / "kept")
    assert "--inception-graph" in str(caught.value)
    assert "--features" in str(caught.value)
    assert not list(tmp_path.rglob("*.pb"))


def test_a_wrong_graph_from_the_network_is_refused_and_not_kept(web, tmp_path):
    web.answer = archive(classify_image_graph_def=b"wrong")
    with pytest.raises(InputError, match=hashlib.sha256(b"wrong").hexdigest()[:16]):
        store.downloaded(tmp_path / "kept")
    assert not list(tmp_path.rglob("*.pb"))
    assert not list(tmp_path.rglob(".*"))


def test_the_right_graph_is_fetched_once(web, tmp_path, monkeypatch, graph):
    data = graph.SerializeToString(deterministic=True)
    web.answer = archive(classify_image_graph_def=data)
    monkeypatch.setattr(store, "INCEPTION_SHA256", hashlib.sha256(data).hexdigest())
    reports = []
    for _ in range(2):
        found = features.find(
            "inception-2015", folder=tmp_path / "kept", report=lambda *x: reports.append(x)
        )
        assert found(COLOUR).features.shape == (5, CHANNELS)
    assert web.asked == 1
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["classify_image_graph_def.pb"]
    assert reports[-1][0] == reports[-1][1] == len(web.answer)


def test_a_graph_that_cannot_be_kept_is_one_clear_error(web, tmp_path, monkeypatch):
    web.answer = archive(classify_image_graph_def=b"right")
    monkeypatch.setattr(store, "INCEPTION_SHA256", hashlib.sha256(b"right").hexdigest())
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="--inception-graph"):
        store.downloaded(tmp_path / "file" / "kept")


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
