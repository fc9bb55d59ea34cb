"""A vector a class."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kgan")
class LabelEmbedding(keras.layers.Layer):
    """A linear map of the one-hot label: `keras.layers.Embedding` with dense gradients.

    Classes are few, so that the product costs little, and its gradient is a tensor as all others
    are: it sums over pieces and replicas, is scaled, and has second derivatives. A label outside 0
    to `num_classes - 1` gives zeros.

    Args:
        num_classes: Number of classes.
        units: Numbers of a vector.
        embeddings_initializer: Of the `(num_classes, units)` weights.
        **kwargs: As of `keras.layers.Layer`.

    Call arguments:
        labels: integers (batch,).

    Returns:
        (batch, units).
    """

    def __init__(self, num_classes, units, embeddings_initializer="uniform", **kwargs):
        super().__init__(**kwargs)
        self.num_classes, self.units = num_classes, units
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            shape=(self.num_classes, self.units),
            initializer=self.embeddings_initializer,
            name="embeddings",
        )

    def call(self, labels):
        one_hot = ops.one_hot(labels, self.num_classes, dtype=self.compute_dtype)
        return ops.matmul(one_hot, self.embeddings)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "units": self.units,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }
