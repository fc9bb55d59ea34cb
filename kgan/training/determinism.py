"""The same bits from the same step."""

import tensorflow as tf


def enable() -> None:
    """Turns on TensorFlow's op determinism, for the whole process."""
    tf.config.experimental.enable_op_determinism()
