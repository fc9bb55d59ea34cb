"""From a step's number to its batch: the one place that knows order, sharding and dtype."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from kgan.data.examples import Column, Examples
from kgan.errors import InputError

GATHERED = 2**26  # bytes of values of which a copy is worth a step without Python


@dataclass(frozen=True)
class Shard:
    """The replicas that one host feeds: `count` of them, from number `first`, of `total`."""

    first: int = 0
    count: int = 1
    total: int = 1


WHOLE = Shard()


def order(positions: tf.Tensor, num_examples: int | tf.Tensor, seed: int | tf.Tensor) -> tf.Tensor:
    """Returns which examples stand at these positions of the endless, reshuffled stream.

    Every epoch of `num_examples` positions is a permutation of its own, computed index by index,
    so that a position's example needs no memory and no history.

    Args:
        positions: int64 `(n,)`, from 0.
        num_examples: Size of the data set; int64 `(n,)` where every position is of its own stream.
        seed: The run's seed, or likewise.

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
        max_index=tf.cast(num_examples, tf.int64) - 1,
        rounds=8,
    )


def _splitmix64(value) -> tf.Tensor:
    """Returns a well-mixed int64 hash (Steele et al. 2014, figure 17, SplitMix64)."""
    z = tf.cast(value, tf.uint64) + 0x9E3779B97F4A7C15
    z = tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, 30)) * 0xBF58476D1CE4E5B9
    z = tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, 27)) * 0x94D049BB133111EB
    return tf.cast(tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, 31)), tf.int64)


def batches(
    examples: Examples,
    batch_size: int,
    seed: int,
    start: int,
    stop: int,
    columns: Sequence[str] = (),
    *,
    shard: Shard = WHOLE,
    balanced: str | None = None,
    static: bool = True,
) -> tf.data.Dataset:
    """Returns the batches of steps `start` to `stop - 1`, each a function of (seed, step) alone.

    Args:
        examples: Read by index, from memory or from a memory map. With columns, values that are a
            small NumPy array in memory are gathered from a copy there.
        batch_size: Rows a step, over all of its discriminator updates and all replicas; a multiple
            of their number.
        seed: The run's seed.
        start: First step.
        stop: The step after the last.
        columns: Names of those whose values come with the examples'.
        shard: For which replicas: the elements of a step are their parts of its batch, in turn.
        balanced: A column of which every class is drawn equally often, however rare it is.
        static: Whether the number of rows is part of the shape; without it a step traced for one
            size serves every other.

    Returns:
        A data set of `(batch_size / shard.total, *image_shape)` in the examples' own dtype; with
        columns of tuples of that and an int32 `(batch_size / shard.total,)` for each.

    Raises:
        InputError: No such column, or none that can be balanced.
    """
    rows = batch_size // shard.total
    values = examples.values
    small = columns and type(values) is np.ndarray and values.nbytes <= GATHERED
    readers = [(_gathered if small else _read)(values)]
    readers += [_gathered(examples.column(name).values) for name in columns]
    ordered: Callable[[tf.Tensor], tf.Tensor]
    if balanced is None:
        ordered = functools.partial(order, num_examples=len(examples), seed=seed)
    else:
        ordered = _balanced(examples.column(balanced), balanced, seed)

    def batch(element):
        step, number = element // shard.count, shard.first + element % shard.count
        first = step * batch_size + number * rows
        chosen = ordered(tf.range(first, first + rows))
        chosen = tf.ensure_shape(chosen, (rows if static else None,))
        found = tuple(read(chosen) for read in readers)
        return found if columns else found[0]

    elements = tf.data.Dataset.range(start * shard.count, stop * shard.count)
    # None of it needs rewriting, which would take longer than tracing it.
    return elements.map(tf.autograph.experimental.do_not_convert(batch)).prefetch(2)


def _balanced(column: Column, name: str, seed: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns what `order` is, with every class once in each block of as many positions.

    A class so comes once a block, and then gives what stands there in its own reshuffled stream.

    Raises:
        InputError: A class has no example.
    """
    values, count = column.values, column.num_classes
    sizes = np.bincount(values, minlength=count)
    if not sizes.all():
        empty = int(np.argmin(sizes))
        raise InputError(
            f"The class {column.names[empty] if column.names else empty!r} of the column {name!r} "
            "has no example: balance by a column with some of every class."
        )
    with tf.device("CPU"):
        members = tf.constant(np.argsort(values, kind="stable"), tf.int64)
        firsts, lengths = (tf.constant(a, tf.int64) for a in (np.cumsum(sizes) - sizes, sizes))
        # Of each class's stream, and last that of the order of the classes.
        seeds = _splitmix64(_splitmix64(seed) + tf.range(count + 1, dtype=tf.int64))

    def ordered(positions):
        classes = order(positions, count, seeds[count])
        found = order(positions // count, tf.gather(lengths, classes), tf.gather(seeds, classes))
        return tf.gather(members, tf.gather(firsts, classes) + found)

    return ordered


def _read(array):
    """Returns a function from int64 `(n,)` to those rows, read when they are asked for."""

    def rows(chosen):
        found = tf.numpy_function(lambda index: np.asarray(array[index]), [chosen], array.dtype)
        found.set_shape((*chosen.shape, *array.shape[1:]))
        return found

    return rows


def _gathered(array: np.ndarray):
    """Returns what `_read` returns, without Python at every step, from a copy in host memory."""
    with tf.device("CPU"):
        whole = tf.constant(array)
    return lambda chosen: tf.gather(whole, chosen)
