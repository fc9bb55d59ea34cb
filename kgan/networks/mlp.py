"""Fully connected networks, as in Goodfellow et al. 2014 (the authors' MNIST model).

They make points in the plane as well as images: an output of shape `(2,)` is left linear.
"""

import math

import keras
import numpy as np
from keras import initializers, layers, ops

from kgan.layers import Dropout, Maxout, spectrally_normalized
from kgan.networks.labels import FEATURES, label_input, projection, with_embedding


def generator(
    image_shape: tuple[int, ...],
    latent_dim: int,
    num_classes: int | None = None,
    width: int = 1200,
    init_range: float = 0.05,
    mean_image: np.ndarray | None = None,
) -> keras.Model:
    """Returns a ReLU network with two hidden layers.

    Args:
        image_shape: Shape of one output: `(height, width, channels)`, or `(2,)` for points.
        latent_dim: Dimensions of the noise.
        num_classes: Number of classes, whose labels are a second input: each has a vector beside
            the noise, as many numbers on the same scale. None for one input.
        width: Units of each hidden layer.
        init_range: Kernels start uniform in plus or minus this.
        mean_image: `image_shape` in [0, 1]; the output biases start at its logits, so that the
            first samples have the marginals of the data. Zeros if None.

    Returns:
        A model from `(batch, latent_dim)`, or that and labels int32 `(batch,)`, to
        `(batch, *image_shape)`: in [0, 1] for images (sigmoid), unbounded for points.
    """
    is_image = len(image_shape) == 3

    def kernel():
        return initializers.RandomUniform(-init_range, init_range)

    inputs, x = with_embedding(keras.Input((latent_dim,), name="latents"), num_classes)
    x = layers.Dense(width, activation="relu", kernel_initializer=kernel())(x)
    x = layers.Dense(width, activation="relu", kernel_initializer=kernel())(x)
    output = layers.Dense(
        math.prod(image_shape),
        kernel_initializer=kernel(),
        activation="sigmoid" if is_image else None,
        dtype="float32",
    )
    x = output(x)
    if is_image and mean_image is not None:
        mean = ops.clip(ops.reshape(mean_image, (-1,)), 1e-3, 1 - 1e-3)
        output.bias.assign(ops.log(mean) - ops.log(1 - mean))
    return keras.Model(
        inputs, layers.Reshape(image_shape, dtype="float32")(x), name="mlp_generator"
    )


def discriminator(
    image_shape: tuple[int, ...],
    num_classes: int | None = None,
    width: int = 240,
    pieces: int = 5,
    input_dropout: float = 0.2,
    dropout: float = 0.5,
    init_range: float = 0.005,
    spectral_normalization: bool = False,
) -> keras.Model:
    """Returns two maxout layers with dropout (Goodfellow et al. 2013, 2014).

    Args:
        image_shape: Shape of one input.
        num_classes: Number of classes, whose labels are a second input: a projection of the last
            hidden layer (Miyato and Koyama 2018). None for one input.
        width: Maxout units of each hidden layer.
        pieces: Affine pieces of each unit.
        input_dropout: Share of the inputs dropped, from 0 to below 1.
        dropout: Share of each hidden layer dropped, from 0 to below 1.
        init_range: Kernels start uniform in plus or minus this.
        spectral_normalization: Whether every kernel is divided by its spectral norm.

    Returns:
        A model from `(batch, *image_shape)`, or that and labels int32 `(batch,)`, to `(batch,)`
        logits.
    """

    def kernel():
        return initializers.RandomUniform(-init_range, init_range)

    def normalized(layer):
        return spectrally_normalized(layer, spectral_normalization)

    inputs = images = keras.Input(image_shape, name="images")
    x = Dropout(input_dropout)(layers.Flatten()(images))
    x = normalized(Maxout(width, pieces, kernel_initializer=kernel()))(x)
    x = Dropout(dropout)(x)
    x = normalized(Maxout(width, pieces, kernel_initializer=kernel()))(x)
    x = Dropout(dropout, name=FEATURES)(x)
    logits = normalized(layers.Dense(1, kernel_initializer=kernel(), dtype="float32"))(x)
    if num_classes is not None:
        inputs = [images, label_input()]
        logits = projection(logits, x, inputs[1], num_classes, kernel(), spectral_normalization)
    return keras.Model(
        inputs, layers.Reshape((), dtype="float32")(logits), name="mlp_discriminator"
    )
