"""From a step's number to its batch: the one place that knows order, sharding and dtype."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from kgan.data.examples import Examples


@dataclass(frozen=True)
class Shard:
    """The replicas that one host feeds: `count` of them, from number `first`, of `total`."""

    first: int = 0
    count: int = 1
    total: int = 1


WHOLE = Shard()


def order(positions: tf.Tensor, num_examples: int, seed: int) -> tf.Tensor:
    """Returns which examples stand at these positions of the endless, reshuffled stream.

    Every epoch of `num_examples` positions is a permutation of its own, computed index by index,
    so that a position's example needs no memory and no history.

    Args:
        positions: int64 `(n,)`, from 0.
        num_examples: Size of the data set.
        seed: The run's seed.

    Returns:
        int64 `(n,)` in [0, num_examples).
    """
    epochs = positions // num_examples
    # The shuffle is biased under keys that differ in a few bits, as (seed, epoch) would: hash them.
    words = [_splitmix64(_splitmix64(seed) + 3 * epochs + word) for word in range(3)]
    keys = tf.stack([tf.cast(word, tf.uint32) for word in words], axis=1)
    return tf.raw_ops.RandomIndexShuffle(
        index=positions % num_examples,
        seed=keys,
        max_index=tf.constant(num_examples - 1, tf.int64),
        rounds=8,
    )


def _splitmix64(value) -> tf.Tensor:
    """Returns a well-mixed int64 hash (Steele et al. 2014, figure 17, SplitMix64)."""
    z = tf.cast(value, tf.uint64) + 0x9E3779B97F4A7C15
    z = tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, 30)) * 0xBF58476D1CE4E5B9
    z = tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, 27)) * 0x94D049BB133111EB
    return tf.cast(tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, 31)), tf.int64)


def batches(
    examples: Examples, batch_size: int, seed: int, start: int, stop: int, shard: Shard = WHOLE
) -> tf.data.Dataset:
    """Returns the batches of steps `start` to `stop - 1`, each a function of (seed, step) alone.

    Args:
        examples: Read by index, from memory or from a memory map.
        batch_size: Rows a step, over all of its discriminator updates and all replicas; a multiple
            of their number.
        seed: The run's seed.
        start: First step.
        stop: The step after the last.
        shard: For which replicas: the elements of a step are their parts of its batch, in turn.

    Returns:
        A data set of `(batch_size / shard.total, *image_shape)` in the examples' own dtype.
    """
    images, rows_each = _rows(examples.images), batch_size // shard.total

    def batch(element):
        rows = images(_chosen(element, batch_size, len(examples), seed, shard))
        return tf.ensure_shape(rows, (rows_each, *examples.image_shape))

    return _elements(start, stop, shard).map(batch).prefetch(2)


def labelled_batches(
    examples: Examples, batch_size: int, seed: int, start: int, stop: int, shard: Shard = WHOLE
) -> tf.data.Dataset:
    """Returns the batches that `batches` returns, with their labels.

    Args:
        examples: With labels; images that are a NumPy array in memory are gathered there.
        batch_size: As in `batches`.
        seed: As in `batches`.
        start: As in `batches`.
        stop: As in `batches`.
        shard: As in `batches`.

    Returns:
        A data set of images `(rows, *image_shape)` and int32 labels `(rows,)`. Its static batch
        dimension is None, so that a step traced for one size serves every other.
    """
    read = _gathered if type(examples.images) is np.ndarray else _rows
    images, labels = read(examples.images), _gathered(examples.labels.astype(np.int32))

    def batch(element):
        chosen = _chosen(element, batch_size, len(examples), seed, shard)
        return images(chosen), labels(chosen)

    return _elements(start, stop, shard).map(batch).prefetch(2)


def _elements(start: int, stop: int, shard: Shard) -> tf.data.Dataset:
    return tf.data.Dataset.range(start * shard.count, stop * shard.count)


def _chosen(element, batch_size: int, num_examples: int, seed: int, shard: Shard) -> tf.Tensor:
    """Returns which examples make an element, int64 `(rows,)`, its static size None."""
    step, number = element // shard.count, shard.first + element % shard.count
    rows = batch_size // shard.total
    first = step * batch_size + number * rows
    return order(tf.range(first, first + rows), num_examples, seed)


def _rows(array):
    """Returns a function from int64 `(n,)` to those rows, read when they are asked for."""

    def rows(chosen):
        read = tf.numpy_function(lambda index: np.asarray(array[index]), [chosen], array.dtype)
        read.set_shape((None, *array.shape[1:]))
        return read

    return rows


def _gathered(array: np.ndarray):
    """Returns what `_rows` returns, without Python at every step, from a copy in host memory."""
    with tf.device("CPU"):
        whole = tf.constant(array)
    return lambda chosen: tf.gather(whole, chosen)
