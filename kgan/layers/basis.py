"""A learned map of the lowest resolution, and its weights."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kgan")
class Basis(keras.layers.Layer):
    """A learned map whose channels are scaled by the input (Huang et al. 2024, appendix).

    The way in of R3GAN's generator, as StyleGAN's learned constant (Karras et al. 2019, section 2)
    with a weight of the latents for every channel.

    Args:
        height: Of the map.
        width: Of the map.
        **kwargs: As of `keras.layers.Layer`.

    Maps `(batch, channels)` to `(batch, height, width, channels)`.
    """

    def __init__(self, height, width, **kwargs):
        super().__init__(**kwargs)
        self.height, self.width = height, width

    def build(self, input_shape):
        self.basis = self.add_weight(
            shape=(self.height, self.width, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="basis",
        )

    def call(self, inputs):
        return inputs[:, None, None] * ops.expand_dims(self.basis, 0)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "height": self.height, "width": self.width}
