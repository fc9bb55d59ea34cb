"""Sets of tensorflow-datasets: read as they are from disk, and honest where they are not."""

import io
import re
import time

import numpy as np
import pytest

from kgan import data
from kgan.data import tfds as source
from kgan.data.split import split
from kgan.errors import InputError

EVEN = np.arange(100) % 2 == 0


def test_pixels_labels_and_alpha(small_tfds):
    examples = data.load("kgan_small", data_dir=small_tfds)
    assert examples.images.shape == (100, 4, 6, 3)
    assert examples.class_names == ("even", "odd")
    # The library shuffles as it writes: opaque images show their number, transparent ones white.
    number = examples.images[:, 0, 0, 0]
    assert sorted(number[examples.labels == 0]) == np.arange(100)[EVEN].tolist()
    assert (number[examples.labels == 1] == 255).all()
    assert (examples.images == number[:, None, None, None]).all()


def test_unknown_labels_are_none(small_tfds):
    examples = data.load("kgan_small", data_dir=small_tfds, split="unknown")
    assert len(examples) == 100
    assert (examples.labels, examples.class_names) == (None, ())


NO_YES = ("no", "yes")


def test_every_class_of_an_example_is_a_column(small_tfds):
    faces = data.load("kgan_faces", data_dir=small_tfds)
    number = faces.values[:, 0, 0, 0]
    told = {name: (column.values.tolist(), column.names) for name, column in faces.columns.items()}
    assert told == {  # not identity/number nor right/x: they hold 64 and above
        "attributes/Smiling": ((number % 3 == 0).tolist(), NO_YES),
        "attributes/Young": ((number % 2 == 0).tolist(), NO_YES),
        "face/pose": ((number % 7).tolist(), tuple("0123456")),
        "left/x": ((number % 64).tolist(), tuple(map(str, range(64)))),
    }
    assert all(column.values.dtype == np.int32 for column in faces.columns.values())
    assert (faces.labels, faces.class_names) == (None, ())
    small = data.load("kgan_small", data_dir=small_tfds)
    assert list(small.columns) == ["coarse_label", "label"]
    unknown = data.load("kgan_small", data_dir=small_tfds, split="unknown")
    assert list(unknown.columns) == ["coarse_label"]
    below_zero = data.load("kgan_faces", data_dir=small_tfds, split="unknown")
    assert "right/x" not in below_zero.columns


@pytest.mark.parametrize("label", ["attributes/Smiling", "Smiling"])
def test_any_column_is_the_label_if_asked(label, small_tfds):
    faces = data.load("kgan_faces", data_dir=small_tfds, label=label)
    assert (faces.label, faces.class_names) == ("attributes/Smiling", NO_YES)
    np.testing.assert_array_equal(faces.labels, faces.values[:, 0, 0, 0] % 3 == 0)
    parts = split("kgan_faces", data_dir=small_tfds, label=label)
    for part in (parts.train, parts.validation, parts.test):
        np.testing.assert_array_equal(part.labels, part.values[:][:, 0, 0, 0] % 3 == 0)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("Smiles", "column of 'kgan_faces': 'Smiles'. Known: attributes/Smiling, attributes/Young"),
        ("name", "column of 'kgan_faces': 'name'. Known: attributes/Smiling"),
        ("x", "column of 'kgan_faces': 'x'. Known: left/x, right/x."),
        ("", "column of 'kgan_faces': ''. Known: attributes/Smiling"),
    ],
)
def test_no_such_column_is_told_before_anything_is_prepared(
    label, message, small_tfds, cache, monkeypatch
):
    monkeypatch.setattr(source, "_read", lambda *_: pytest.fail("read"))
    with pytest.raises(InputError, match=re.escape(message)):
        data.load("kgan_faces", data_dir=small_tfds, label=label)


def test_a_column_of_too_many_numbers_is_no_label(small_tfds):
    with pytest.raises(InputError, match=r"'right/x'\. Known: attributes/Smiling, .*, left/x\."):
        data.load("kgan_faces", data_dir=small_tfds, label="right/x")


class Info:
    supervised_keys = None

    def __init__(self, *labels, supervised=None):
        import tensorflow_datasets as tfds

        labels = {name: tfds.features.ClassLabel(num_classes=2) for name in labels}
        self.features = tfds.features.FeaturesDict({**labels, "a_number": np.int64})
        self.supervised_keys = supervised and ("image", supervised)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (("coarse_label", "label"), "label"),
        (("label_azimuth", "label_category"), "label_azimuth"),
        (("label_azimuth", "label_category", "label_category"), "label_category"),
        (("label", "other", "other"), "label"),
        (("kind", "a_number"), "kind"),
        ((), None),
    ],
)
def test_the_label_of_a_set_s_own_choice(info, expected):
    names, supervised = info[:2], info[2] if len(info) > 2 else None
    names = [name for name in names if name != "a_number"]
    assert source._label_key(Info(*names, supervised=supervised)) == expected


def test_sixteen_bits_and_several_sizes(small_tfds):
    with pytest.raises(InputError, match=r"several sizes.*4x4 \(\d\).*--image-size 4"):
        data.load("kgan_deep", data_dir=small_tfds)
    examples = data.load("kgan_deep", data_dir=small_tfds, image_size=4)
    assert sorted(examples.images[:, 0, 0, 0]) == list(range(8))
    assert examples.images.shape == (8, 4, 4, 1)


def test_slices_versions_and_sizes(small_tfds, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(small_tfds))
    assert len(data.load("kgan_small", split="train[:10%]+unknown[:7]")) == 17
    assert data.load("kgan_small:1.0.0", image_size=2).image_shape == (2, 2, 3)


@pytest.mark.parametrize("split", ["valid", "", "train[", "train[:0]"])
def test_unknown_split_lists_them(small_tfds, split):
    with pytest.raises(InputError, match="Known: train, unknown"):
        data.load("kgan_small", data_dir=small_tfds, split=split)


def test_wrong_version(small_tfds):
    with pytest.raises(InputError, match="Could not open"):
        data.load("kgan_small:9.0.0", data_dir=small_tfds)


def test_no_image_set():
    with pytest.raises(InputError, match="no 8- or 16-bit images, but label, text"):
        data.load("imdb_reviews")


def test_damaged_records(small_tfds, tmp_path):
    import shutil

    copy = shutil.copytree(small_tfds, tmp_path / "copy")
    for path in copy.glob("kgan_small/*/*train*tfrecord*"):
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="Could not read"):
        data.load("kgan_small", data_dir=copy)


def test_second_load_reads_no_records(small_tfds, monkeypatch):
    data.load("kgan_small", data_dir=small_tfds)
    monkeypatch.setattr(source, "_read", lambda *_: iter(()))
    assert len(data.load("kgan_small", data_dir=small_tfds)) == 100


def test_on_disk_asks_no_network(small_tfds, monkeypatch):
    monkeypatch.setattr(source, "_reachable", lambda host: pytest.fail("asked the network"))
    data.load("kgan_small", data_dir=small_tfds)


def test_no_network_says_how_to_bring_it(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "_reachable", lambda host: False)
    expected = rf"'svhn_cropped' is not in '{re.escape(str(tmp_path))}'.*tfds build svhn_cropped"
    with pytest.raises(InputError, match=expected + ".*--data-dir or TFDS_DATA_DIR"):
        data.load("svhn_cropped", data_dir=tmp_path)


def test_a_failed_download_is_told(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def fail(*args, **kwargs):
        raise ConnectionError("line 1\nline 2")

    monkeypatch.setattr(source, "_reachable", lambda host: True)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(InputError, match=r"Could not download .*\(line 1 line 2\).*tfds build"):
        data.load("svhn_cropped", data_dir=tmp_path)


def test_a_silent_network_is_given_up_in_time(tmp_path, monkeypatch):
    def silent(*_, **__):
        return io.BytesIO(time.sleep(60))

    monkeypatch.setattr(source.urllib.request, "urlopen", silent)
    start = time.monotonic()
    with pytest.raises(InputError, match="no network"):
        data.load("svhn_cropped", data_dir=tmp_path)
    assert time.monotonic() - start < 15


def test_what_arrives_is_counted_not_what_was_announced(small_tfds):
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=5, data_dir=small_tfds):
        examples = data.load("kgan_small")
    assert examples.images.shape == (5, 4, 6, 3)
    assert len(examples.labels) == 5


def test_real_mnist(real_tfds):
    examples = data.load("mnist", data_dir=real_tfds)
    assert examples.images.shape == (60_000, 28, 28, 1)
    assert np.bincount(examples.labels)[:3].tolist() == [5923, 6742, 5958]
    assert round(examples.images.mean() / 255, 4) == 0.1307  # as the field's papers have it


def test_real_cifar10(real_tfds):
    examples = data.load("cifar10", data_dir=real_tfds, split="test")
    assert examples.images.shape == (10_000, 32, 32, 3)
    assert np.bincount(examples.labels).tolist() == [1000] * 10
    assert examples.class_names[0] == "airplane"
