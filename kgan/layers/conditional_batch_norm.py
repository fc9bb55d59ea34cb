"""Batch normalisation whose gain and bias come from the label."""

import keras
from keras import ops

from kgan.layers.batch_norm import BatchNormalization
from kgan.layers.label_embedding import LabelEmbedding


@keras.saving.register_keras_serializable("kgan")
class ConditionalBatchNormalization(keras.layers.Layer):
    """Class-conditional batch normalisation (Dumoulin et al. 2017, equation 5).

    gain_y (x - mean) / std + bias_y. The statistics are those of the batch, of all its classes, and
    of all replicas: see `BatchNormalization`. Gains start at 1 and biases at 0, so that it begins
    as a batch normalisation without classes.

    Args:
        num_classes: Number of classes.
        momentum: Weight of the past in the moving statistics.
        epsilon: Added to the variance.
        synchronized: As of `BatchNormalization`.
        **kwargs: As of `keras.layers.Layer`.

    Call arguments:
        inputs: A list of x (batch, ..., channels) and labels, integers (batch,).
        training: As of `BatchNormalization`.

    Returns:
        As x.
    """

    def __init__(self, num_classes, momentum=0.99, epsilon=1e-3, synchronized=True, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.momentum, self.epsilon, self.synchronized = momentum, epsilon, synchronized

    def build(self, input_shape):
        shape, labels = input_shape
        self.normalization = BatchNormalization(
            momentum=self.momentum,
            epsilon=self.epsilon,
            synchronized=self.synchronized,
            center=False,
            scale=False,
            dtype=self.dtype_policy,
            name="normalization",
        )
        self.gain, self.bias = (
            LabelEmbedding(self.num_classes, shape[-1], start, dtype=self.dtype_policy, name=name)
            for name, start in (("gain", "ones"), ("bias", "zeros"))
        )
        self.normalization.build(shape)
        self.gain.build(labels)
        self.bias.build(labels)

    def call(self, inputs, training=None):
        x, labels = inputs
        shape = (-1, *(1,) * (len(x.shape) - 2), x.shape[-1])
        gain, bias = (ops.reshape(part(labels), shape) for part in (self.gain, self.bias))
        return self.normalization(x, training=training) * gain + bias

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "synchronized": self.synchronized,
        }
