"""A learned weight of a branch."""

import keras


@keras.saving.register_keras_serializable("kgan")
class Gate(keras.layers.Layer):
    """x + gamma * branch, with one learned gamma (Zhang et al. 2019, equation 3).

    Args:
        initializer: Of gamma; 0 begins without the branch.
        **kwargs: As of `keras.layers.Layer`.

    Call arguments:
        inputs: A list of x and the branch, of one shape.
    """

    def __init__(self, initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        self.gamma = self.add_weight(shape=(), initializer=self.initializer, name="gamma")

    def call(self, inputs):
        x, branch = inputs
        return x + self.gamma * branch

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        initializer = keras.initializers.serialize(self.initializer)
        return {**super().get_config(), "initializer": initializer}
