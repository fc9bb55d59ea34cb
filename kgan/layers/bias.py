"""A number added to every element."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kgan")
class Bias(keras.layers.Layer):
    """x + b, b of the shape of one example and 0 at first.

    Args:
        **kwargs: Passed to `keras.layers.Layer`.

    Maps `(batch, ...)` to the same shape.
    """

    def build(self, input_shape):
        self.bias = self.add_weight(shape=input_shape[1:], initializer="zeros", name="bias")

    def call(self, inputs):
        return ops.add(inputs, self.bias)

    def compute_output_shape(self, input_shape):
        return input_shape
