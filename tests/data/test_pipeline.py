"""Which examples stand in which batch: a function of (seed, step), on any number of replicas."""

import numpy as np
import pytest
import tensorflow as tf

from kgan.data import Column, Examples, pipeline
from kgan.data.pipeline import Shard, batches, order
from kgan.data.space import IMAGES, POINTS
from kgan.data.split import subset
from kgan.errors import InputError

N = 37
PIXELS = np.arange(N, dtype=np.uint8).reshape(N, 1, 1, 1)
EXAMPLES = Examples(PIXELS, {}, IMAGES, "numbers")


def stream(seed, batch_size, start, stop):
    return [b.numpy().ravel() for b in batches(EXAMPLES, batch_size, seed, start, stop)]


def test_every_epoch_is_a_permutation_of_its_own():
    rows = np.concatenate(stream(0, N // 2, 0, 12))
    epochs = [rows[i * N : (i + 1) * N] for i in range(len(rows) // N)]
    assert len(epochs) == 5
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(N))
    assert len({epoch.tobytes() for epoch in epochs}) == 5
    assert (epochs[0] != np.arange(N)).any()


def test_a_batch_is_a_function_of_seed_and_step():
    whole = stream(3, 8, 0, 20)
    for start in (1, 7, 19):
        for a, b in zip(stream(3, 8, start, 20), whole[start:], strict=True):
            np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(stream(4, 8, 0, 20), whole, strict=True))


def test_order_is_uniform_over_positions():
    """An example stands in each tenth of an epoch about equally often."""
    epochs, size = 3000, 1000
    positions = tf.range(epochs, dtype=tf.int64) * size + 123
    tenths = order(positions, size, seed=1).numpy() // (size // 10)
    counts = np.bincount(tenths, minlength=10)
    assert abs(counts - epochs / 10).max() < 5 * np.sqrt(epochs / 10)


def test_examples_keep_their_type_and_shape():
    points = np.random.default_rng(0).normal(size=(10, 2)).astype(np.float32)
    (batch,) = batches(Examples(points, {}, POINTS, "points"), 10, 0, 0, 1)
    assert batch.dtype == tf.float32
    np.testing.assert_array_equal(np.sort(batch.numpy(), 0), np.sort(points, 0))
    element = batches(EXAMPLES, 4, 0, 0, 1).element_spec
    assert (element.shape, element.dtype) == ((4, 1, 1, 1), tf.uint8)


SIZES = (5, 1, 20, 11)  # of the classes: 37 examples, scattered
LABELS = np.random.default_rng(1).permutation(np.repeat(range(4), SIZES)).astype(np.int32)
HALVES = Column(np.arange(N) % 2)
LABELLED = Examples(PIXELS, {"label": Column(LABELS), "half": HALVES}, IMAGES, "numbers")


def rows_of(dataset):
    return np.concatenate([np.ravel(batch) for batch in dataset])


@pytest.mark.parametrize("lazy", [False, True])
def test_columns_come_with_their_examples_in_the_order_asked(lazy):
    examples = subset(LABELLED, np.arange(N)) if lazy else LABELLED
    expected = stream(3, 8, 2, 9)
    found = list(batches(examples, 8, 3, 2, 9, ["half", "label"]))
    for rows, (values, halves, labels) in zip(expected, found, strict=True):
        np.testing.assert_array_equal(np.ravel(values), rows)
        np.testing.assert_array_equal(halves, rows % 2)
        np.testing.assert_array_equal(labels, LABELS[rows])
        assert (halves.dtype, labels.dtype) == (tf.int32, tf.int32)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("columns", [(), ("label",)])
def test_the_number_of_rows_is_static_unless_asked_otherwise(lazy, columns):
    examples = subset(LABELLED, np.arange(N)) if lazy else LABELLED
    for static, rows in ((True, 4), (False, None)):
        specs = batches(examples, 4, 0, 0, 1, columns, static=static).element_spec
        for spec in specs if columns else [specs]:
            assert spec.shape.as_list() in ([rows, 1, 1, 1], [rows])


def test_values_in_memory_are_gathered_without_python_where_there_are_columns(monkeypatch):
    lazy, asked, real = subset(LABELLED, np.arange(N)), [], tf.numpy_function
    monkeypatch.setattr(tf, "numpy_function", lambda *call: asked.append(call) or real(*call))
    batches(LABELLED, 4, 0, 0, 1, ["label"])
    assert not asked
    batches(LABELLED, 4, 0, 0, 1)
    batches(lazy, 4, 0, 0, 1, ["label"])
    assert len(asked) == 2


def test_large_values_in_memory_are_read_without_a_copy_of_all(monkeypatch):
    monkeypatch.setattr(pipeline, "GATHERED", PIXELS.nbytes - 1)
    copied, real = [], pipeline._gathered
    monkeypatch.setattr(pipeline, "_gathered", lambda a: copied.append(a) or real(a))
    found = list(batches(LABELLED, 8, 3, 2, 9, ["label"]))
    np.testing.assert_array_equal([np.ravel(v) for v, _ in found], stream(3, 8, 2, 9))
    assert [values is LABELLED.labels for values in copied] == [True]  # The labels alone.


def balanced(start, stop, batch_size=8, examples=LABELLED, seed=2, **options):
    return batches(examples, batch_size, seed, start, stop, balanced="label", **options)


def test_balanced_classes_are_drawn_equally_often():
    rows = rows_of(balanced(0, 5 * N, 4))
    blocks = LABELS[rows].reshape(-1, 4)
    np.testing.assert_array_equal(np.sort(blocks, axis=1), [range(4)] * len(blocks))
    assert len({block.tobytes() for block in blocks}) == 24  # all orders of four classes
    for first in range(0, len(rows) - N, 4):  # as many as the set has, from any block on
        counts = np.bincount(LABELS[rows[first : first + N]], minlength=4)
        assert counts.max() - counts.min() <= 1


def test_balanced_every_example_of_a_class_is_met_equally_often():
    rows = rows_of(balanced(0, 200, 7))
    met = np.bincount(rows, minlength=N)
    for label in range(4):
        of_class = met[label == LABELS]
        assert of_class.max() - of_class.min() <= 1
        mine = rows[LABELS[rows] == label]
        passes = [mine[i : i + SIZES[label]] for i in range(0, len(mine), SIZES[label])]
        for one in passes[:-1]:
            np.testing.assert_array_equal(np.sort(one), np.flatnonzero(label == LABELS))
        if SIZES[label] > 1:
            assert len({one.tobytes() for one in passes[:9]}) > 1


@pytest.mark.parametrize("replicas", [2, 4])
def test_balanced_batches_are_the_same_on_any_number_of_replicas(replicas):
    whole = rows_of(balanced(3, 11))
    for hosts in {1, replicas}:
        count = replicas // hosts
        parts = [
            rows_of(balanced(3, 11, shard=Shard(host * count, count, replicas)))
            for host in range(hosts)
        ]
        together = np.concatenate([part.reshape(8, -1) for part in parts], axis=1)
        np.testing.assert_array_equal(together.ravel(), whole)


def test_balanced_batches_are_a_function_of_seed_and_step():
    whole = rows_of(balanced(0, 20)).reshape(20, 8)
    for start in (1, 7, 19):
        np.testing.assert_array_equal(rows_of(balanced(start, 20)), whole[start:].ravel())
    assert (rows_of(balanced(0, 20, seed=3)) != whole.ravel()).any()


def test_balanced_streams_of_classes_of_one_size_are_not_alike():
    labels = np.repeat(np.arange(2), 50).astype(np.int32)
    values = np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1)
    examples = Examples(values, {"label": Column(labels)}, IMAGES, "two")
    rows = rows_of(balanced(0, 100, 2, examples))
    first, second = rows[rows < 50], rows[rows >= 50] - 50
    # Of two independent permutations each place agrees once in 50.
    assert (first == second).mean() < 0.2


def test_what_cannot_be_balanced_is_refused():
    named = Column(np.int32([0, 2] * 18 + [0]), ("a", "b", "c"))
    for column, message in (
        (named, "The class 'b' of the column 'label' has no example"),
        (Column(np.int32([0, 2] * 18 + [0])), "The class 1 of the column"),
    ):
        with pytest.raises(InputError, match=message):
            balanced(0, 1, examples=Examples(PIXELS, {"label": column}, IMAGES, "x"))
    with pytest.raises(InputError, match="Known: half, label"):
        batches(LABELLED, 4, 0, 0, 1, balanced="sex")
    with pytest.raises(InputError, match="Known: half, label"):
        batches(LABELLED, 4, 0, 0, 1, ["sex"])
