"""Keras layers that Keras lacks, or that are faster on a CPU."""

from kgan.layers.batch_norm import BatchNormalization
from kgan.layers.conv import Conv2D, Conv2DTranspose
from kgan.layers.maxout import Maxout

__all__ = ["BatchNormalization", "Conv2D", "Conv2DTranspose", "Maxout"]
