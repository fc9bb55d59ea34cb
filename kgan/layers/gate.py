"""A learned weight of a branch."""

import keras


@keras.saving.register_keras_serializable("kgan")
class Gate(keras.layers.Layer):
    """x + gamma * branch, with one learned gamma that starts at 0 (Zhang et al. 2019, equation 3).

    Call arguments:
        inputs: A list of x and the branch, of one shape.
    """

    def build(self, input_shape):
        self.gamma = self.add_weight(shape=(), initializer="zeros", name="gamma")

    def call(self, inputs):
        x, branch = inputs
        return x + self.gamma * branch

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])
