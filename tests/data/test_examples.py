"""Columns go where their examples go; one of them is the label; wrong ones are refused."""

import pickle
import re
from dataclasses import replace

import numpy as np
import pytest

import kgan
from kgan.data import DATASETS
from kgan.data.examples import Column, Examples
from kgan.data.space import IMAGES, POINTS, space_of
from kgan.data.split import parts_of, split, subset
from kgan.errors import InputError

VALUES = np.arange(24, dtype=np.uint8).reshape(24, 1, 1, 1)
KIND, SMILING = np.arange(24, dtype=np.int32) % 3, np.arange(24, dtype=np.int32) // 12
FACES = Examples(
    VALUES,
    {"kind": Column(KIND, tuple("abc")), "attributes/Smiling": Column(SMILING)},
    IMAGES,
    "faces",
)


def test_the_label_is_a_column_and_stays_it():
    assert (FACES.labels, FACES.class_names) == (None, ())
    kind = FACES.labelled_by("kind")
    assert kind.class_names == ("a", "b", "c")
    again = pickle.loads(pickle.dumps(subset(kind, np.array([5, 1, 3]))))
    assert (again.labels.tolist(), again.class_names) == ([2, 1, 0], ("a", "b", "c"))
    assert again.column("Smiling").values.tolist() == [0, 0, 0]
    parts = parts_of(FACES.labelled_by("Smiling"))
    for part in (parts.train, parts.validation, parts.test):
        np.testing.assert_array_equal(part.labels, part.values[:].ravel() // 12)
        np.testing.assert_array_equal(part.column("kind").values, part.values[:].ravel() % 3)


def test_classes_are_counted_by_their_names_or_numbers():
    assert Column(np.zeros(3, np.int32), ("a", "b")).num_classes == 2
    assert Column(np.int32([0, 4])).num_classes == 5
    assert Column(np.zeros(0, np.int32)).num_classes == 0


@pytest.mark.parametrize("label", ["smiling", "label"])
def test_a_label_that_is_no_column_lists_them(label):
    with pytest.raises(InputError, match=f"of 'faces': '{label}'. Known: attributes/Smiling, kind"):
        FACES.labelled_by(label)
    with pytest.raises(InputError, match="'x' has no columns, and so no 'kind'"):
        Examples(VALUES, {}, IMAGES, "x").labelled_by("kind")


@pytest.mark.parametrize("name", ["digits", "ring"])
def test_the_embedded_sets_have_their_one_column(name):
    assert kgan.load(name, label="label").label == "label"
    with pytest.raises(InputError, match=f"column of '{name}': 'kind'. Known: label."):
        kgan.load(name, label="kind")


def test_splits_of_a_set_have_the_label_asked_for():
    assert split("digits", label="label").test.label == "label"
    with pytest.raises(InputError, match="Unknown column"):
        split("digits", label="kind")


def test_wrong_examples_are_refused():
    with pytest.raises(InputError, match=r"kgan.Column\(labels, names\)"):
        Examples(VALUES, None, (), "old")
    with pytest.raises(InputError, match="'kind' of 'faces' has 24 values for 23 examples"):
        replace(FACES, values=VALUES[1:])


@pytest.mark.parametrize(
    ("values", "names", "told"),
    [
        ([0, -1], (), "holds -1: expected whole numbers (n,) from 0 to 1,048,575"),
        ([0, 2], ("a", "b"), "holds 2: expected whole numbers (n,) from 0 to 1, the class"),
        (np.uint64([2**64 - 1]), (), "holds 18446744073709551615: expected"),
        ([0, 2**20], (), "holds 1048576: expected"),
        (np.float32([0, 1]), (), "holds float32 (2,): expected"),
        ([0.0, np.nan], (), "holds float64 (2,): expected"),
        (np.zeros((2, 1), int), (), "holds int64 (2, 1): expected"),
        (["a", "b"], (), "holds <U1 (2,): expected"),
        ([[0], [0, 1]], (), "holds [[0], [0, 1]]: expected"),
        ([0, 1], ("a", "a"), "Two classes are called 'a': expected a name of its own for each"),
        ([0, 1], ("a", "b\tc"), "A class is called 'b\\tc': expected text of 1,024 characters"),
        ([0, 1], ("a", "b\n"), "without control characters"),
        ([0, 1], ("a", "\x1b[2J"), "without control characters"),
        ([0, 1], ("a", "\udcff"), "without control characters"),
        ([0, 1], ("a", "b" * 1025), "text of 1,024 characters at most"),
        ([0, 1], ("a", 1), "A class is called 1: expected text"),
        ([0, 1], "ab", "The class names are 'ab': expected a tuple"),
    ],
)
def test_a_column_that_gives_no_example_its_class_is_refused(values, names, told):
    with pytest.raises(InputError, match=re.escape(told)) as raised:
        Column(values, names)
    assert "\n" not in str(raised.value)


def test_whole_numbers_of_any_kind_are_a_column_and_int32_are_not_copied():
    for values in ([1, 0], (1, 0), np.uint8([1, 0]), np.int64([1, 0])):
        column = Column(values, ["a", "b"])
        assert (column.values.dtype, column.values.tolist()) == (np.int32, [1, 0])
        assert column.names == ("a", "b")
    assert np.shares_memory(Column(KIND).values, KIND)
    part = subset(FACES, slice(3, 9))
    assert np.shares_memory(part.column("kind").values, KIND)
    with pytest.raises(InputError, match=r"column 'kind' of 'x' is \[0, 1\]: .*kgan\.Column\("):
        Examples(VALUES[:2], {"kind": [0, 1]}, IMAGES, "x")


def test_parts_are_of_what_was_given_whatever_it_is():
    """Also of a part, and of a set whose own test split is elsewhere."""
    parts = parts_of(FACES)
    assert parts_of(parts) is parts
    inner = parts_of(parts.train)
    rows = np.concatenate([p.values[:] for p in (inner.train, inner.validation, inner.test)])
    np.testing.assert_array_equal(np.sort(rows.ravel()), np.sort(parts.train.values[:].ravel()))
    other = Examples(np.zeros((4, 2, 2, 1), np.uint8), {}, IMAGES, "faces")
    with pytest.raises(InputError, match=re.escape("(1, 1, 1) and tests on (2, 2, 1)")):
        parts_of(replace(FACES, test_size=4), other)


@pytest.mark.parametrize(
    ("shape", "space"), [((8, 8, 1), IMAGES), ((1, 1, 3), IMAGES), ((2,), POINTS)]
)
def test_a_shape_has_one_space(shape, space):
    assert space_of(shape) is space
    assert space.is_image == (len(shape) == 3)
    space.check(np.zeros((0, *shape), space.dtype), "none")


@pytest.mark.parametrize("shape", [(), (3,), (8, 8), (2, 2, 2, 2)])
def test_other_shapes_have_none(shape):
    with pytest.raises(InputError, match=r"uint8 images \(n, height, .*float32 points \(n, 2\)"):
        space_of(shape)


@pytest.mark.parametrize(
    ("space", "values"),
    [
        (IMAGES, np.zeros((4, 8, 8, 1), np.float32)),
        (IMAGES, np.zeros((4, 8, 8), np.uint8)),
        (POINTS, np.zeros((4, 2), np.float64)),
        (POINTS, np.zeros((4, 3), np.float32)),
        (POINTS, np.zeros((4, 8, 8, 1), np.uint8)),
    ],
)
def test_values_of_another_space_are_refused(space, values):
    found = re.escape(f"mine holds {values.dtype} {values.shape}: expected {space}")
    with pytest.raises(InputError, match=found):
        space.check(values, "mine")


@pytest.mark.parametrize(
    "name", [name for name, line in DATASETS.lines.items() if line.source is None]
)
def test_an_embedded_set_is_of_the_space_of_its_line(name):
    line = DATASETS[name]
    examples = line.load()
    assert examples.space == line.space
    line.space.check(examples.values, name)
    if line.space.is_image:
        assert (examples.values.min(), examples.values.max()) == (0, 255)
    assert ":" not in line.about
