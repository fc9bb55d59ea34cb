"""Dropout that is the same on any number of replicas."""

import keras
import tensorflow as tf

from kgan.errors import InputError
from kgan.layers.rows import share


@keras.saving.register_keras_serializable("kgan")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` (Srivastava et al. 2014), whose mask is that of the global batch.

    Under a strategy Keras gives every replica the same mask. Here the mask of the whole batch is
    drawn everywhere, and each replica, and each piece of an accumulated batch, takes its rows: so
    they equal one device that has the batch at once, which drops what Keras drops, to the bit.

    Args:
        rate: Share of the inputs to drop, from 0 to below 1.
        **kwargs: As of `keras.layers.Dropout`, but for `noise_shape`.

    Call arguments:
        inputs: `(batch, ...)`.
        training: Whether to drop anything.

    Raises:
        InputError: A noise_shape.
    """

    def __init__(self, rate, **kwargs):
        super().__init__(rate, **kwargs)
        if self.noise_shape is not None:
            raise InputError(
                f"noise_shape is {self.noise_shape}: expected None, every element is dropped by "
                "itself; take keras.layers.Dropout for others."
            )

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        number, count, seed = share(self.seed_generator)
        batch = tf.shape(inputs)[0]
        kept = tf.nn.experimental.stateless_dropout(
            tf.ones([batch * count, *inputs.shape[1:]], inputs.dtype),
            rate=self.rate,
            seed=tf.cast(seed, tf.int32),
        )
        return inputs * kept[number * batch : (number + 1) * batch]
