import numpy as np
import tensorflow as tf

from kgan.data import Examples
from kgan.data.pipeline import batches, order
from kgan.data.space import IMAGES, POINTS

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
