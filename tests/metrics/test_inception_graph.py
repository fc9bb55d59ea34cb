"""The Inception graph of 2015: what it computes, and how it is fetched."""

import errno
import gzip
import hashlib
import http.client
import io
import tarfile
import tracemalloc
import urllib.error
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

from kgan.errors import InputError
from kgan.metrics import features, store

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (5, 9, 7, 3), np.uint8)
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
        assert url == store.INCEPTION_URL
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


def test_a_file_that_cannot_be_opened_is_no_failed_download(web, tmp_path, monkeypatch):
    web.answer = archive(classify_image_graph_def=b"right")

    def full(path, mode):
        raise OSError(errno.ENOSPC, "No space left on device", path)

    monkeypatch.setattr(store, "open", full, raising=False)
    with pytest.raises(InputError, match=r"Cannot write .*\(No space left on device\): set KGAN"):
        store.downloaded(tmp_path / "kept")


class Endless:
    """An answer without end, and how much of it was read."""

    headers: ClassVar[dict] = {"Content-Length": "1" * 5000}

    def __init__(self, start):
        self.read_bytes, self._start = 0, start

    def read(self, size):
        self.read_bytes += size
        start, self._start = self._start[:size], self._start[size:]
        return start + bytes(size - len(start))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize("start", [b"", gzip.compress(bytes(99), 1)], ids=["zeros", "archive"])
def test_an_endless_download_ends(start, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "INCEPTION_BYTES", 4 * store.CHUNK)
    answer = Endless(start)
    monkeypatch.setattr(store.urllib.request, "urlopen", lambda *_, **__: answer)
    with pytest.raises(InputError, match="Cannot download"):
        store.downloaded(tmp_path / "kept")
    assert answer.read_bytes == 4 * store.CHUNK
    assert not [*(tmp_path / "kept").iterdir()]


def packed(**header):
    """Returns an archive of one member's header, which may say more than is there."""
    member = tarfile.TarInfo("classify_image_graph_def.pb")
    for key, value in header.items():
        setattr(member, key, value)
    return gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


@pytest.mark.parametrize(
    "answer",
    [
        gzip.compress(bytes(64 << 20), 1),
        packed(size=1 << 62),
        packed(type=tarfile.XHDTYPE, size=1 << 62),
        packed(type=tarfile.SYMTYPE, linkname="classify_image_graph_def.pb"),
        packed(type=tarfile.DIRTYPE),
    ],
    ids=["bomb", "large", "large header", "loop", "folder"],
)
def test_an_archive_is_unpacked_no_further_than_the_graph_goes(answer, web, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "INCEPTION_BYTES", 16 << 20)
    web.answer = answer
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"Cannot download|is not the Inception graph"):
            store.downloaded(tmp_path / "kept")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_file_without_end_is_not_the_graph(monkeypatch):
    monkeypatch.setattr(store, "INCEPTION_BYTES", 4 * store.CHUNK)
    with pytest.raises(InputError, match=r"is not the Inception graph .*: it is larger than the"):
        store.check_inception(Path("/dev/zero"))


def test_the_graph_is_asked_for_over_tls():
    assert store.INCEPTION_URL.startswith("https://")
