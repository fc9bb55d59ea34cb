"""Batches that divide among the updates, pieces and replicas of a step."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from kgan.errors import InputError


def in_equal_parts(train: Callable, model: keras.Model) -> Callable:
    """Returns a training function that gives every replica as many rows, a multiple of the parts.

    Rows beyond that are left out, and a batch with none left is skipped. Batches of static size
    that need nothing of it are read in the graph, as `train` does.

    Args:
        train: Of Keras: from an iterator of batches to logs, `model.steps_per_execution` steps.
        model: With `parts`, what the rows of a replica must divide by, and `parts_are`, that in
            words; with `warn_of_rows`, called with a message where rows are left out.
    """
    logs = {}

    def function(iterator):
        nonlocal logs
        replicas = model.distribute_strategy.num_replicas_in_sync
        if model.parts * replicas == 1 or _divides(iterator, model.parts):
            return train(iterator)
        batches = [_cut(data, model) for data in _next(iterator, model.steps_per_execution)]
        batches = [data for data in batches if data is not None]
        if batches:
            logs = train(iter(batches))
        return logs or model.get_metrics_result()

    return function


def _divides(iterator, parts: int) -> bool:
    """Returns whether all of its batches are known to divide."""
    specs = tf.nest.flatten(getattr(iterator, "element_spec", None), expand_composites=True)
    rows = {spec.shape[0] if isinstance(spec, tf.TensorSpec) else None for spec in specs}
    same = rows.pop() if len(rows) == 1 else None
    return same is not None and same % parts == 0


def _next(iterator, count: int) -> list:
    """Returns the next batches, fewer at the end of the data.

    Raises:
        StopIteration: There is none.
    """
    found = [next(iterator)]
    for _ in range(count - 1):
        try:
            found.append(next(iterator))
        except (StopIteration, tf.errors.OutOfRangeError):
            break
    return found


def _cut(data, model):
    """Returns a batch in equal parts for the replicas, None if no row is left."""
    strategy = model.distribute_strategy
    replicas, parts = strategy.num_replicas_in_sync, model.parts
    leaves = tf.nest.flatten(data)
    kinds = (tf.distribute.DistributedValues, tf.Tensor, np.ndarray)
    arrays = [i for i, leaf in enumerate(leaves) if isinstance(leaf, kinds)]
    if not arrays:
        return data  # No data that `fit` makes: the step refuses them.
    shares = {i: strategy.experimental_local_results(leaves[i]) for i in arrays}
    counts = [len(share) for share in shares[arrays[0]]]
    several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    equal = len(set(counts)) == 1 and counts[0] and counts[0] % parts == 0
    if equal and (several or len(counts) == replicas):
        return data
    if several:
        raise InputError(
            f"A worker's replicas were fed {counts} rows: expected equal shares, multiples of "
            f"{parts}. Drop the rest of the data, as of tf.data's batch(..., drop_remainder=True)."
        )
    multiple = parts * replicas
    total = sum(counts)
    left_out, rows = total % multiple, total // multiple * parts
    if left_out:
        what = f"{left_out} of the {total} rows of a batch left out, and so of others"
        model.warn_of_rows(
            f"{what if rows else f'A batch of {total} rows left out, and so others'}: a step takes "
            f"multiples of {multiple}, which is {model.parts_are} x replicas."
        )
    if not rows:
        return None
    for i, share in shares.items():
        leaves[i] = _shared_out(strategy, share, rows)
    return tf.nest.pack_sequence_as(data, leaves)


def _shared_out(strategy, shares, rows: int):
    """Returns the first rows of all shares together, so many for each replica."""
    whole = shares[0] if len(shares) == 1 else tf.concat(shares, 0)
    if strategy.num_replicas_in_sync == 1:
        return whole[:rows]

    def own(context):
        first = context.replica_id_in_sync_group * rows
        return whole[first : first + rows]

    return strategy.experimental_distribute_values_from_function(own)
