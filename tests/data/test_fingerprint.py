"""What data are: the same of copies, another wherever they changed, a few rows read."""

import json
from dataclasses import replace

import numpy as np
import pytest

import kgan
from kgan.data import Column, Examples
from kgan.data import fingerprint as module
from kgan.data.fingerprint import differences, fingerprint
from kgan.data.space import IMAGES
from kgan.data.split import Splits, subset

RNG = np.random.default_rng(0)
SMALL = Examples(
    RNG.integers(0, 256, (90, 4, 3, 1), np.uint8),
    {"label": Column(np.arange(90) % 3, ("a", "b", "c"))},
    IMAGES,
    "small",
)
OTHER_PIXELS = SMALL.values ^ (np.arange(90) == 89).astype(np.uint8)[:, None, None, None]


def labels(values, names=("a", "b", "c")):
    return {"label": Column(values, names)}


def test_a_copy_has_the_same_wherever_it_lies(tmp_path):
    np.save(tmp_path / "images.npy", SMALL.images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    twice = replace(SMALL, values=SMALL.values.repeat(2, 0), columns=labels(SMALL.labels.repeat(2)))
    attribute = {"attribute": Column(SMALL.labels % 2)}
    again = replace(SMALL, columns=labels(SMALL.labels.astype(np.int32)) | attribute, name="other")
    expected = fingerprint(SMALL)
    for copy in (replace(SMALL, values=mapped), subset(twice, np.arange(0, 180, 2)), again):
        assert fingerprint(copy) == expected
    assert json.loads(json.dumps(expected)) == expected


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"values": OTHER_PIXELS}, ["other training pixels"]),
        ({"columns": labels((SMALL.labels + 1) % 3)}, ["other training labels"]),
        ({"columns": labels(SMALL.labels, ("a", "c", "b"))}, ["other training class names"]),
        ({"columns": {}}, ["other training labels", "other training class names"]),
        (
            {"values": SMALL.values[1:], "columns": labels(SMALL.labels[1:])},
            ["90 training examples, now 89"],
        ),
        ({"values": SMALL.values[:, :2]}, ["training examples of 4x3x1, now 2x3x1"]),
        (
            {"values": SMALL.values.astype(np.float32)},
            ["training examples of uint8, now float32"],
        ),
        (
            {"values": OTHER_PIXELS, "columns": labels(SMALL.labels[::-1])},
            ["other training pixels", "other training labels"],
        ),
    ],
)
def test_what_differs_is_told_once(changes, told):
    assert differences(fingerprint(SMALL), fingerprint(replace(SMALL, **changes))) == told


def test_every_part_counts_and_only_what_both_tell():
    splits, other = Splits(SMALL, SMALL, SMALL, "x"), replace(SMALL, values=OTHER_PIXELS)
    before = fingerprint(splits)
    for part, name in (("train", "training"), ("validation", "validation"), ("test", "test")):
        now = fingerprint(replace(splits, **{part: other}))
        assert differences(before, now) == [f"other {name} pixels"]
    assert differences({"train": {"count": 90}}, fingerprint(other)) == []
    assert differences({"train": {"count": 91}}, now) == ["91 training examples, now 90"]


class Spied:
    """Images of which it is known which rows were read."""

    dtype = np.dtype(np.uint8)

    def __init__(self, count, *shape):
        self.shape, self.read = (count, *shape), []

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        self.read += list(rows)
        return np.zeros((len(rows), *self.shape[1:]), np.uint8)


@pytest.mark.parametrize(
    ("shape", "at_most"),
    [((8, 8, 1), 1024), ((64, 64, 3), 1024), ((512, 512, 3), 21), ((4096, 4096, 3), 1)],
)
def test_few_rows_are_read(shape, at_most):
    images = Spied(60_000, *shape)
    fingerprint(Examples(images, {}, IMAGES, "spied"))
    assert len(images.read) == at_most
    assert images.read == sorted(set(images.read))
    assert images.read[-1] == 59_999
    if at_most > 1:
        assert images.read[0] == 0
        assert max(np.diff(images.read)) <= 2 * 60_000 / at_most + 1


@pytest.mark.parametrize("count", [1, 5, 1023, 1024, 1025, 1500, 60_000, 10**9])
def test_rows_are_spread_and_have_no_rhythm(count):
    rows = module._spread(count, module.ROWS)
    assert (rows[0], rows[-1]) == (0, count - 1)
    assert len(rows) == min(count, module.ROWS)
    assert (np.diff(rows) > 0).all()
    if count > 1500:  # Every second, third, ... image of a set is met.
        for period in range(2, 100):
            assert set(rows % period) == set(range(period))


def test_points_have_one_too():
    ring = kgan.load("ring")
    moved = replace(ring, values=ring.values + np.float32(1e-3))
    found = differences(fingerprint(ring), fingerprint(moved))
    assert found == ["other training pixels"]
    assert fingerprint(ring)["train"]["shape"] == [2]
