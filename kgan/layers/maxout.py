"""Maxout units."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kgan")
class Maxout(keras.layers.Layer):
    """h_i(x) = max_j (x W_ij + b_ij) (Goodfellow et al. 2013, Maxout networks, section 3).

    Args:
        units: Number of outputs.
        pieces: Number of affine pieces of each output.
        kernel_initializer: Initialiser of the `(features, units * pieces)` kernel.
        **kwargs: Passed to `keras.layers.Layer`.

    Maps `(batch, features)` to `(batch, units)`.
    """

    def __init__(self, units, pieces=5, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units, self.pieces = units, pieces
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units * self.pieces),
            initializer=self.kernel_initializer,
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(self.units * self.pieces,), initializer="zeros", name="bias"
        )

    def call(self, inputs):
        affine = ops.add(ops.matmul(inputs, self.kernel), self.bias)
        return ops.max(ops.reshape(affine, (-1, self.units, self.pieces)), axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
