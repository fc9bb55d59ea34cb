"""Encoder and decoder of a variational autoencoder, and the dense ones of Kingma and Welling 2014.

Those of images of more than 1,024 values are convolutional: see `conv_variational`.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kgan.networks import conv_variational
from kgan.networks.architecture import architecture_of, check_options
from kgan.networks.stacked import check_depth


def encoder(
    image_shape: tuple[int, ...],
    code_size: int,
    width: int = 400,
    depth: int = 1,
    activation: str = "tanh",
    architecture: str = "auto",
    channels: int = 16,
    start: Any = None,
) -> keras.Model:
    """Returns hidden layers under two linear heads (appendix C.2, equation 12), or convolutions.

    Args:
        image_shape: Shape of one input.
        code_size: Dimensions of the latent.
        width: Dense: units of each hidden layer.
        depth: Dense: hidden layers, 0 to 100; 0 is linear.
        activation: Dense: of the hidden layers.
        architecture: "dense", "conv", or "auto", by the shape: see `architecture_of`.
        channels: Conv: of the first map; each of the four convolutions has twice as many.
        start: Conv: the linear model to start as, with `mean` `image_shape`, `to_images`
            `(code_size, pixels)`, `to_latents` `(pixels, code_size)` and `log_variance`
            `(code_size,)`. None to start at random.

    Returns:
        A model from `(batch, *image_shape)` in [0, 1] to `[mean, log_variance]`, each float32
        `(batch, code_size)`, unbounded.

    Raises:
        InputError: The architecture is unknown or cannot be built for this shape, an option is one
            of the other architecture, or the depth is out of its range.
    """
    if _architecture(image_shape, architecture, width, depth, activation, channels) == "conv":
        return conv_variational.encoder(image_shape, code_size, channels, start)
    check_depth(depth, least=0)
    inputs = keras.Input(image_shape, name="images")
    x = layers.Flatten()(inputs)
    for _ in range(depth):
        x = layers.Dense(width, activation=activation)(x)
    mean = layers.Dense(code_size, dtype="float32", name="mean")(x)
    log_variance = layers.Dense(code_size, dtype="float32", name="log_variance")(x)
    return keras.Model(inputs, [mean, log_variance], name="variational_encoder")


def decoder(
    image_shape: tuple[int, ...],
    code_size: int,
    width: int = 400,
    depth: int = 1,
    activation: str = "tanh",
    architecture: str = "auto",
    channels: int = 16,
    mean_image: np.ndarray | None = None,
    start: Any = None,
) -> keras.Model:
    """Returns hidden layers under one linear output (appendix C.1, equation 11), or convolutions.

    Args:
        image_shape: Shape of one output.
        code_size: Dimensions of the latent.
        width: As of `encoder`.
        depth: As of `encoder`.
        activation: As of `encoder`.
        architecture: As of `encoder`.
        channels: Conv: of the last hidden map.
        mean_image: For a Bernoulli likelihood alone, whose outputs are logits: `image_shape` in
            [0, 1]; the output biases start at its logits, so that training starts from the
            marginals of the data. Zeros if None.
        start: For a Gaussian likelihood alone, whose outputs are means: as of `encoder`. The output
            biases start at its mean, the only part that dense layers take.

    Returns:
        A model from `(batch, code_size)` to float32 `(batch, *image_shape)`, unbounded: logits of a
        Bernoulli likelihood, means of a Gaussian one.

    Raises:
        InputError: As of `encoder`.
    """
    bias = None
    if mean_image is not None:
        mean = ops.clip(ops.reshape(mean_image, (-1,)), 1e-3, 1 - 1e-3)
        bias = ops.log(mean) - ops.log(1 - mean)
    elif start is not None:
        bias = ops.reshape(start.mean, (-1,))
    if _architecture(image_shape, architecture, width, depth, activation, channels) == "conv":
        return conv_variational.decoder(image_shape, code_size, channels, bias, start)
    check_depth(depth, least=0)
    inputs = keras.Input((code_size,), name="latents")
    x = inputs
    for _ in range(depth):
        x = layers.Dense(width, activation=activation)(x)
    output = layers.Dense(math.prod(image_shape), dtype="float32")
    x = output(x)
    if bias is not None:
        output.bias.assign(bias)
    return keras.Model(
        inputs, layers.Reshape(image_shape, dtype="float32")(x), name="variational_decoder"
    )


def _architecture(image_shape, architecture, width, depth, activation, channels) -> str:
    chosen = architecture_of(image_shape, architecture)
    given = {"width": width, "depth": depth, "activation": activation, "channels": channels}
    check_options(chosen, given)
    return chosen
