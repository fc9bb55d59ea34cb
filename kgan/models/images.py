"""The door of every model: uint8 images, or floats in [0, 1], and one line for anything else."""

import contextlib
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from kgan.errors import InputError

ROUNDING = 1e-6  # What resizing and scaling leave beyond [0, 1].
FLOAT32 = float(np.finfo(np.float32).max)
TOLD = re.compile(r"assertion failed: \[((?:Images|Points|Labels)\b.*)\]")
SHAPE = re.compile(
    r"Shape of tensor \S+ \[(\S*)\] is not compatible with expected shape \[\?,(\S*)\]\.\s+"
    r"\[\[\{\{node \S*(Images|Points)"
)


def to_range(
    images: Any, image_shape: tuple[int, ...], value_range: tuple[float, float] | None
) -> tf.Tensor:
    """Returns images as float32 in a model's own range.

    A value that is refused in a graph is an InvalidArgumentError there, see `told`; XLA
    looks at none.

    Args:
        images: `(batch, *image_shape)`: uint8, or floats in [0, 1]; for points finite floats.
        image_shape: Of one of them.
        value_range: What black and white become; None for points, which stay as they are.

    Raises:
        InputError: Another type or shape; where it is not in a graph, other values too.
    """
    if not hasattr(images, "dtype"):
        images = _array(images, value_range is None)
    points = value_range is None
    form = _checked_form(images, image_shape, points)
    x = ops.cast(images, "float32")
    if x.shape.rank is None or None in x.shape[1:]:
        x = tf.ensure_shape(x, [None, *image_shape], name=_name(points))
    if form == "uint8":
        assert value_range is not None  # `_checked_form` lets no point be uint8
        low, high = value_range
        return x * ((high - low) / 255) + low
    low, high = _bounds(points)
    # A NaN fails a comparison too.
    fine = tf.reduce_all((x >= low) & (x <= high))
    told = _refusal(points), tf.reduce_min(x), "to", tf.reduce_max(x)
    with tf.control_dependencies(required(fine, *told)):
        x = tf.identity(x)
    if value_range is None:
        return x
    low, high = value_range
    return x * (high - low) + low


def checked(images: Any, image_shape: tuple[int, ...], points: bool = False) -> np.ndarray:
    """Returns one or more images as an array, uint8 or float32, all that `to_range` asks for held.

    Args:
        images: As of `to_range`.
        image_shape: Of one of them.
        points: Whether they are points.

    Raises:
        InputError: None are given, or of another type or shape, or with other values.
    """
    images = _array(images, points)
    form = _checked_form(images, image_shape, points)
    if not len(images):
        raise InputError(f"{_name(points)} are {images.shape}: expected one or more.")
    if form == "uint8":
        return images
    with np.errstate(over="ignore"):
        images = images.astype(np.float32, copy=False)
    low, high = _bounds(points)
    if not ((images >= low) & (images <= high)).all():
        raise InputError(f"{_refusal(points)} {images.min()} to {images.max()}.")
    return images


def check_value_range(value_range: Any) -> tuple[float, float]:
    """Returns the range as two floats.

    Raises:
        InputError: It is not two finite numbers, the lower one first.
    """
    with contextlib.suppress(TypeError, ValueError):
        low, high = map(float, value_range)
        if math.isfinite(low) and math.isfinite(high) and low < high:
            return low, high
    raise InputError(
        f"value_range is {value_range!r}: expected two finite numbers, the lower one first, such "
        "as (-1.0, 1.0)."
    )


def required(fine: tf.Tensor, *sentence: str | tf.Tensor) -> list:
    """Returns what to wait for: that a condition holds.

    Args:
        fine: Boolean scalar tensor.
        *sentence: The refusal, without its full stop: words, and scalar tensors between them. It
            begins as `TOLD` asks.

    Raises:
        InputError: It does not hold, outside a graph.
    """
    if not tf.executing_eagerly():
        # Its parts are joined by `told`: XLA formats no strings.
        return [tf.debugging.Assert(fine, sentence)]
    if not fine:
        parts = (part.numpy() if isinstance(part, tf.Tensor) else part for part in sentence)
        raise InputError(f"{' '.join(map(str, parts))}.")
    return []


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turns what `to_range` and `required` find in a graph into an InputError."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found, shape = TOLD.search(str(error)), SHAPE.search(str(error))
        if found:
            raise InputError(f"{found[1].replace('] [', ' ')}.") from None
        if shape:
            given, expected, name = (part.replace(",", ", ") for part in shape.groups())
            raise InputError(f"{name} are ({given}): expected (n, {expected}).") from None
        raise


def _name(points):
    return "Points" if points else "Images"


def _bounds(points):
    return (-FLOAT32, FLOAT32) if points else (-ROUNDING, 1 + ROUNDING)


def _refusal(points):
    if points:
        return f"Points hold NaN or infinity: {_expected(points)}; they go from"
    return f"Images hold NaN, or floats outside [0, 1]: {_expected(points)}; they go from"


def _expected(points):
    return f"expected {'finite floats' if points else 'uint8, or floats in [0, 1]'}"


def _array(images, points):
    try:
        return np.asarray(images)
    except ValueError as error:  # Rows of different lengths.
        raise InputError(
            f"{_name(points)} are no array: {_expected(points)}, of one shape."
        ) from error


def _checked_form(images, image_shape, points) -> str:
    """Returns the type of images after a look at it and at their shape, as far as it is known."""
    dtype = getattr(images.dtype, "name", str(images.dtype))
    if not (dtype == "uint8" and not points) and "float" not in dtype:
        raise InputError(f"{_name(points)} are {dtype}: {_expected(points)}.")
    shape = tf.TensorShape(images.shape)
    if not shape.is_compatible_with([None, *image_shape]):
        expected = ", ".join(["n", *map(str, image_shape)])
        last = "" if points else ", channels last"
        raise InputError(f"{_name(points)} are {tuple(shape)}: expected ({expected}){last}.")
    return dtype
