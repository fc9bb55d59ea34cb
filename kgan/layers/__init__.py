"""Keras layers that Keras lacks, that are faster on a CPU, or the same on many devices."""

from kgan.layers.batch_norm import BatchNormalization
from kgan.layers.bias import Bias
from kgan.layers.conditional_batch_norm import ConditionalBatchNormalization
from kgan.layers.conv import Conv2D, Conv2DTranspose
from kgan.layers.dropout import Dropout
from kgan.layers.label_embedding import LabelEmbedding
from kgan.layers.maxout import Maxout

__all__ = [
    "BatchNormalization",
    "Bias",
    "ConditionalBatchNormalization",
    "Conv2D",
    "Conv2DTranspose",
    "Dropout",
    "LabelEmbedding",
    "Maxout",
]
