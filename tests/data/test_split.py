"""Parts of a data set: all of it, nothing twice, never copied; and subsets of labels."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgan import data
from kgan.data import pipeline, tfds
from kgan.data.examples import Column, Examples
from kgan.data.space import IMAGES
from kgan.data.split import Rows, parts_of, split, stratified, subset
from kgan.errors import InputError


@pytest.fixture(scope="module")
def tested_tfds(tmp_path_factory):
    """A data_dir with `kgan_tested`: 50 training images, 20 test images without labels."""
    import tensorflow_datasets as tf_datasets

    class KganTested(tf_datasets.core.GeneratorBasedBuilder):
        VERSION = tf_datasets.core.Version("1.0.0")

        def _info(self):
            features = {
                "image": tf_datasets.features.Image(shape=(4, 4, 1)),
                "label": tf_datasets.features.ClassLabel(names=["even", "odd"]),
            }
            return self.dataset_info_from_configs(
                features=tf_datasets.features.FeaturesDict(features)
            )

        def _split_generators(self, dl_manager):
            return {"train": self._examples(0, 50), "test": self._examples(100, 120, -1)}

        def _generate_examples(self, *args):
            raise NotImplementedError

        def _examples(self, start, stop, label=None):
            for i in range(start, stop):
                pixels = np.full((4, 4, 1), i, np.uint8)
                yield i, {"image": pixels, "label": i % 2 if label is None else label}

    folder = tmp_path_factory.mktemp("tested")
    KganTested(data_dir=folder).download_and_prepare()
    return folder


def parts(splits):
    return splits.train, splits.validation, splits.test


def test_digits_are_divided_as_stated_and_always_alike():
    whole = data.load("digits")
    splits = split("digits")
    assert [len(part) for part in parts(splits)] == [1198, 300, 299]
    rows = np.concatenate([part.images.rows for part in parts(splits)])
    assert sorted(rows) == list(range(1797))
    for part, again in zip(parts(splits), parts(split("digits")), strict=True):
        np.testing.assert_array_equal(part.images, whole.images[part.images.rows])
        np.testing.assert_array_equal(part.labels, whole.labels[part.images.rows])
        np.testing.assert_array_equal(part.images, again.images)
        assert part.image_shape == (8, 8, 1)
        assert part.class_names == whole.class_names
    assert splits.train.images.rows[:5].tolist() == [1356, 1340, 887, 1337, 538]
    assert "fixed permutation" in splits.rule
    for part, same in zip(parts(splits), parts(parts_of(whole)), strict=True):
        np.testing.assert_array_equal(part.images, same.images)


def test_its_own_test_split_and_the_end_of_train(tested_tfds):
    whole = data.load("kgan_tested", data_dir=tested_tfds)
    splits = split("kgan_tested", data_dir=tested_tfds)
    assert [len(part) for part in parts(splits)] == [40, 10, 20]
    for part, rows in ((splits.train, slice(40)), (splits.validation, slice(40, 50))):
        np.testing.assert_array_equal(part.images, whole.images[rows])
        np.testing.assert_array_equal(part.labels, whole.labels[rows])
        assert isinstance(part.images, np.memmap)
        assert not part.images.flags.owndata
    assert splits.train.images.base is splits.validation.images.base
    assert splits.test.images.min() == 100
    assert splits.test.labels is None
    assert splits.rule == "the set's own test split; validation: the last 10 of train"
    assert (whole.test_size, splits.test.test_size) == (20, 0)
    given = parts_of(whole)
    for part, same in ((splits.train, given.train), (splits.validation, given.validation)):
        np.testing.assert_array_equal(part.images, same.images)
    assert given.test.images.shape == (0, 4, 4, 1)


def test_the_splits_of_a_set_are_read_from_disk(tested_tfds, small_tfds, tmp_path, monkeypatch):
    monkeypatch.setattr(tfds, "_reachable", lambda host: pytest.fail("asked the network"))
    assert tfds.splits("kgan_tested", tested_tfds) == ("train", "test")
    assert tfds.splits("kgan_small", small_tfds) == ("train", "unknown")
    assert tfds.splits("mnist", tmp_path) == ()
    with pytest.raises(InputError, match="Could not open"):
        tfds.splits("kgan_small:9.0.0", small_tfds)


def test_sets_without_a_test_split_are_permuted(small_tfds, save, noise):
    splits = split("kgan_small", data_dir=small_tfds)
    assert [len(part) for part in parts(splits)] == [66, 17, 17]
    for i in range(7):
        folder = save(f"{i}.png", noise(2, 2))
    splits = split(folder, image_size=4)
    assert [len(part) for part in parts(splits)] == [4, 2, 1]
    assert splits.train.image_shape == (4, 4, 1)
    assert splits.train.labels is None


def test_a_folder_named_as_a_set_is_the_folder(save, noise, monkeypatch):
    for i in range(4):
        folder = save(f"mnist/{i}.png", noise(2, 2))
    monkeypatch.chdir(folder)
    assert [len(part) for part in parts(split("mnist"))] == [2, 1, 1]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_small_to_divide(count, save, noise):
    for i in range(count):
        folder = save(f"{i}.png", noise(2, 2))
    with pytest.raises(InputError, match=f"has {count} examples.*expected 4 or more.*larger"):
        split(folder)


def test_points_are_divided_like_images():
    whole, splits = data.load("ring"), split("ring")
    assert [len(part) for part in parts(splits)] == [66_666, 16_667, 16_667]
    together = np.concatenate([part.values[:] for part in parts(splits)])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(whole.values, axis=0))


@pytest.mark.parametrize(("name", "train"), [("mnist", 60_000), ("cifar10", 50_000)])
def test_the_sizes_that_the_docstring_states(name, train, monkeypatch):
    def load(name, *, split, **_):
        count = {"train": train, "test": 10_000}[split]
        images = np.broadcast_to(np.uint8(0), (count, 8, 8, 1))
        test_size = 10_000 if split == "train" else 0
        return Examples(
            images, {"label": Column(np.zeros(count, np.int32))}, IMAGES, name, test_size
        )

    monkeypatch.setattr(tfds, "load", load)
    splits = split(name)
    assert [len(part) for part in parts(splits)] == [train - 10_000, 10_000, 10_000]
    assert splits.rule == "the set's own test split; validation: the last 10,000 of train"


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_real_sets_have_a_test_split(real_tfds, name):
    assert tfds.splits(name, real_tfds) == ("train", "test")


def test_two_shapes_in_one_set(tested_tfds, monkeypatch):
    real = tfds.load

    def load(name, *, split, **options):
        size = 2 if split == "test" else None
        return real(name, split=split, **{**options, "image_size": size})

    monkeypatch.setattr(tfds, "load", load)
    with pytest.raises(InputError, match=r"\(4, 4, 1\) and tests on \(2, 2, 1\).*--image-size"):
        split("kgan_tested", data_dir=tested_tfds)


def examples(count=20):
    images = np.arange(count * 12, dtype=np.uint8).reshape(count, 2, 2, 3)
    label = Column(np.arange(count, dtype=np.int32), tuple(map(str, range(count))))
    return Examples(images, {"label": label, "odd": Column(label.values % 2)}, IMAGES, "x")


@pytest.mark.parametrize(
    "index",
    [0, -1, np.int64(2), slice(None), slice(1, 3), slice(None, None, -2), [0, 0, 3], ..., []]
    + [np.array([True, False, True, False])],
    ids=repr,
)
def test_rows_index_as_their_array_does(index):
    images = examples().images
    rows = np.array([7, 3, 11, 0])
    lazy = Rows(images, rows)
    np.testing.assert_array_equal(lazy[index], images[rows][index])
    assert lazy[index].dtype == np.uint8


def test_rows_look_like_an_array():
    images = examples().images
    rows = np.array([7, 3, 11, 0])
    lazy = Rows(images, rows)
    assert (lazy.shape, lazy.dtype, lazy.ndim, len(lazy)) == ((4, 2, 2, 3), np.uint8, 4, 4)
    np.testing.assert_array_equal(np.asarray(lazy), images[rows])
    assert np.asarray(lazy, np.float32).dtype == np.float32
    np.testing.assert_array_equal(list(lazy), images[rows])
    with pytest.raises(IndexError):
        lazy[4]
    with pytest.raises(ValueError, match="an array is a copy"):
        lazy.__array__(copy=False)


@pytest.mark.parametrize("rows", [np.array([5, 1, 1]), slice(3, 9), np.arange(0)], ids=repr)
def test_subsets_of_subsets(rows):
    whole = examples()
    for outer in (slice(2, 18), np.arange(19, 3, -1)):
        part = subset(subset(whole, outer), rows)
        np.testing.assert_array_equal(part.images, whole.images[outer][rows])
        np.testing.assert_array_equal(part.labels, whole.labels[outer][rows])
        np.testing.assert_array_equal(part.columns["odd"].values, part.labels % 2)
        array = part.images.array if isinstance(part.images, Rows) else part.images
        assert np.shares_memory(array, whole.images) or not len(part)
        assert (part.name, part.class_names) == (whole.name, whole.class_names)
    unlabelled = dataclasses.replace(whole, columns={})
    assert subset(unlabelled, rows).labels is None


def test_the_pipeline_reads_subsets():
    whole = examples()
    rows = np.array([4, 9, 2, 17])
    lazy = subset(whole, rows)
    eager = dataclasses.replace(lazy, values=whole.values[rows])
    for one, other in zip(
        pipeline.batches(lazy, 3, seed=1, start=0, stop=5),
        pipeline.batches(eager, 3, seed=1, start=0, stop=5),
        strict=True,
    ):
        assert one.shape == (3, 2, 2, 3)
        np.testing.assert_array_equal(one, other)


def test_stratified_on_balanced_classes_is_exact_random_and_shuffled():
    labels = np.repeat(np.arange(10, dtype=np.int32), 50)
    chosen = stratified(labels, 100, 10, seed=0)
    assert chosen.dtype == np.int64
    assert len(set(chosen.tolist())) == 100
    assert np.bincount(labels[chosen]).tolist() == [10] * 10
    assert (np.diff(labels[chosen]) < 0).sum() > 20
    np.testing.assert_array_equal(chosen, stratified(labels, 100, 10, seed=0))
    assert set(chosen) != set(stratified(labels, 100, 10, seed=1))


def test_stratified_draws_every_example_equally_often():
    labels = np.repeat([0, 1], [10, 30])
    counts = sum(np.bincount(stratified(labels, 8, 2, seed), minlength=40) for seed in range(2000))
    # Binomial(2000, 1/5) for each example, within 5 standard deviations.
    assert np.abs(counts - 400).max() < 5 * np.sqrt(2000 * 0.2 * 0.8)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.data())
def test_stratified_allocation(sizes, draw):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    count = draw.draw(st.integers(len(sizes), len(labels)))
    chosen = stratified(labels, count, len(sizes), seed=0)
    assert len(chosen) == len(set(chosen.tolist())) == count
    shares = np.bincount(labels[chosen], minlength=len(sizes))
    assert shares.min() >= 1
    assert (shares <= sizes).all()
    due = count * np.array(sizes) / len(labels)
    if (due >= 1).all():
        assert np.abs(shares - due).max() < 1
    # One rate of labels for every class, up to rounding, save for those lifted to one.
    assert max((shares - 1) / sizes) < min((shares + 1) / sizes)
    assert (shares <= np.maximum(due + 1, 1)).all()


def test_all_of_the_labels():
    labels = np.array([0, 1, 1, 2, 2, 2])
    assert sorted(stratified(labels, 6, 3, seed=0)) == list(range(6))


@pytest.mark.parametrize(
    ("count", "num_classes", "message"),
    [
        (70_000, 10, "Asked for 70,000 labels, there are 1,000: ask for at most that, or 'all'."),
        (5, 10, "5 labels cannot hold one of each of 10 classes: ask for 10 or more."),
        (50, 11, "The class '10' has no example among the 1,000 labels"),
    ],
)
def test_impossible_label_subsets(count, num_classes, message):
    with pytest.raises(InputError, match=message):
        stratified(np.arange(1000) % 10, count, num_classes, seed=0)
