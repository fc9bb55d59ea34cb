"""Whether a model's variables fit into memory, told before they take it."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from kgan import memory


@contextlib.contextmanager
def for_variables(name: str) -> Iterator[None]:
    """Within it every variable is counted before it is made: weights, averages, optimizers' slots.

    Weights count twice, since there will be as many gradients.

    Args:
        name: What is built.

    Raises:
        InputError: All of them together, so far, need more memory than was free at first.
    """
    left, taken = memory.available(), 0

    def creator(make, **options):
        nonlocal taken
        size = _size(options["initial_value"], options.get("dtype"))
        taken += size * (2 if options.get("trainable") else 1)
        if left is not None and taken > left:
            raise memory.too_large(
                taken,
                left,
                f"{name} with the variables of its optimizers",
                "choose a smaller width, latent or code, or a smaller --image-size",
            )
        return make(**options)

    with tf.variable_creator_scope(creator):
        yield


def _size(value, dtype) -> int:
    """Returns a variable's bytes, its initial value drawn in a graph of its own: as a symbol."""
    if callable(value):
        with tf.Graph().as_default():
            value = value()
    shape = getattr(value, "shape", ())
    dtype = tf.as_dtype(dtype or getattr(value, "dtype", tf.float32))
    return tf.TensorShape(shape).num_elements() * dtype.size
