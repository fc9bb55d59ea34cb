"""Labels of classes: those of examples, those that are asked for, those that are drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kgan.errors import InputError, shown
from kgan.models.images import required

MANY_CLASSES = 2**31  # of a model that does not tell how many it has: as many as int32 holds


def to_labels(labels: Any, count: int | tf.Tensor, num_classes: int) -> tf.Tensor:
    """Returns the labels of a batch as int32 `(batch,)`, looked at as `to_range` does at images.

    Args:
        labels: Integers from 0 to `num_classes - 1`, `(batch,)` or `(batch, 1)`.
        count: Examples in the batch.
        num_classes: Number of classes.

    Raises:
        InputError: None are given, or of another type; where it is not in a graph, another number
            of them or other values too.
    """
    expected = f"expected integers from 0 to {num_classes - 1}, one an image"
    if labels is None:
        raise InputError(f"Labels are missing: {expected}.")
    labels = tf.convert_to_tensor(labels)
    if not labels.dtype.is_integer:
        raise InputError(f"Labels are {labels.dtype.name}: {expected}.")
    labels = tf.cast(labels, tf.int64)  # 8 bits do not hold the number of 256 classes.
    found = tf.size(labels)
    told = "Labels are", found, "numbers for", count, f"images: {expected}"
    with tf.control_dependencies(required(found == count, *told)):
        labels = tf.reshape(labels, [-1])
    ends = tf.reduce_min(labels), "to", tf.reduce_max(labels)
    fine = tf.reduce_all((labels >= 0) & (labels < num_classes))
    with tf.control_dependencies(required(fine, f"Labels: {expected}; they go from", *ends)):
        return tf.cast(labels, tf.int32)


def asked_labels(
    labels: Any, count: int, num_classes: int | None, least: int = 0
) -> np.ndarray | None:
    """Returns labels that a user asks for as int32 `(count,)`; None where there are no classes.

    Args:
        labels: One integer for all, or one each.
        count: How many are asked for.
        num_classes: Number of classes; None of a model that knows none, `MANY_CLASSES` of one that
            looks at their highest number itself.
        least: The lowest label: 0, or -1 where that one is to be drawn.

    Raises:
        InputError: Labels for a model without classes, none for one with them, of another type or
            number, or one out of range.
    """
    if num_classes is None:
        if labels is not None:
            raise InputError(
                f"Labels are {shown(labels)}, but the model was trained without classes: leave "
                "them out."
            )
        return None
    drawn = ", or -1 to draw it from the seed" if least < 0 else ""
    most = "" if num_classes == MANY_CLASSES else f" to {num_classes - 1}"
    expected = f"expected an integer from 0{most}{drawn}, or one for each row"
    if labels is None:
        raise InputError(f"Labels are missing: {expected}.")
    try:
        found = np.asarray(labels)
    except ValueError as error:  # rows of different lengths
        raise InputError(f"Labels are {shown(labels)}: {expected}.") from error
    if found.dtype.kind not in "iu":
        raise InputError(f"Labels are {shown(labels)}: {expected}.")
    if found.shape not in ((), (count,)):
        raise InputError(f"Labels are {found.shape} for {count} rows: {expected}.")
    each = found.ravel()
    wrong = each[(each < least) | (each >= num_classes)]
    if len(wrong):
        raise InputError(f"A label is {wrong[0]}: {expected}.")
    return np.full(count, found, np.int32)


def check_frequencies(frequencies: Any, num_classes: int) -> tuple[float, ...]:
    """Returns how often each class comes, all alike if None; they need not sum to 1.

    Raises:
        InputError: They are not one finite number of 0 or more a class, or all are 0.
    """
    if frequencies is None:
        return (1 / num_classes,) * num_classes
    try:
        found = np.asarray(frequencies, np.float64)
    except (TypeError, ValueError):
        found = np.zeros(0)
    fine = found.shape == (num_classes,) and (found >= 0).all()
    if not fine or not 0 < found.sum() < np.inf:
        raise InputError(
            f"class_frequencies are {shown(frequencies)}: expected {num_classes} finite numbers, "
            "one a class, 0 or more and not all 0."
        )
    return tuple(found.tolist())


def joined(x: tf.Tensor, labels: tf.Tensor | None) -> tf.Tensor | list[tf.Tensor]:
    """Returns what a network is called on: x, with labels where there are any."""
    return x if labels is None else [x, labels]


def labels_at(uniform: tf.Tensor, frequencies: Sequence[float]) -> tf.Tensor:
    """Returns the classes in whose shares of [0, 1) numbers lie, int32 `(batch,)`.

    Args:
        uniform: float32 `(batch,)` in [0, 1).
        frequencies: Of every class, as `check_frequencies` gives them; 0 is never drawn.
    """
    ends = np.cumsum(np.asarray(frequencies, np.float64))
    ends = (ends / ends[-1]).astype(np.float32)
    return tf.reduce_sum(tf.cast(uniform[:, None] >= ends[:-1], tf.int32), axis=1)
