"""Keras layers that Keras lacks, that are faster on a CPU, or the same on many devices."""

from kgan.layers.basis import Basis
from kgan.layers.batch_norm import BatchNormalization
from kgan.layers.bias import Bias
from kgan.layers.conditional_batch_norm import ConditionalBatchNormalization
from kgan.layers.conv import Conv2D, Conv2DTranspose
from kgan.layers.dropout import Dropout
from kgan.layers.gate import Gate
from kgan.layers.label_embedding import LabelEmbedding
from kgan.layers.maxout import Maxout
from kgan.layers.spectral_norm import SpectralNormalization, spectrally_normalized

__all__ = [
    "Basis",
    "BatchNormalization",
    "Bias",
    "ConditionalBatchNormalization",
    "Conv2D",
    "Conv2DTranspose",
    "Dropout",
    "Gate",
    "LabelEmbedding",
    "Maxout",
    "SpectralNormalization",
    "spectrally_normalized",
]
