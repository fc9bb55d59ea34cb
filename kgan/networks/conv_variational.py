"""Convolutional encoder and decoder of a variational autoencoder, each beside a linear map.

Started as a linear model they are that model exactly: what the convolutions add starts at 0, and
they learn what it misses. The linear maps and the mean image stay as they start: with thousands of
inputs above 0, one step of Adam would move a latent by more than its range. Without a start they
are 0.
"""

import math
from typing import Any

import keras
from keras import layers, ops

from kgan.layers import Bias, Conv2DTranspose
from kgan.networks import conv_autoencoder


def encoder(
    image_shape: tuple[int, ...], code_size: int, channels: int, start: Any = None
) -> keras.Model:
    """Returns the mean and the log-variance of q(z|x): see `variational.encoder`."""
    inputs = keras.Input(image_shape, name="images")
    centre = Bias(trainable=False, dtype="float32", name="centre")
    linear = _linear(code_size, use_bias=False)
    head = layers.Dense(code_size, dtype="float32", name="correction")
    log_variance = layers.Dense(code_size, dtype="float32", name="log_variance")
    x = centre(inputs)
    straight = linear(layers.Flatten(dtype="float32")(x))
    features = conv_autoencoder.features(x, channels, "none")
    mean = layers.Add(dtype="float32", name="mean")([straight, head(features)])
    outputs = [mean, log_variance(features)]
    if start is not None:
        centre.bias.assign(-start.mean)
        linear.kernel.assign(start.to_latents)
        log_variance.bias.assign(start.log_variance)
        for layer in (head, log_variance):
            layer.kernel.assign(ops.zeros_like(layer.kernel))
    return keras.Model(inputs, outputs, name="variational_encoder")


def decoder(
    image_shape: tuple[int, ...], code_size: int, channels: int, bias: Any = None, start: Any = None
) -> keras.Model:
    """Returns the images' means, or logits: see `variational.decoder`.

    Args:
        image_shape: Shape of one output.
        code_size: Dimensions of the latent.
        channels: Of the last hidden map.
        bias: `(pixels,)`, of the linear map. Zeros if None.
        start: As of `variational.encoder`.
    """
    inputs = keras.Input((code_size,), name="latents")
    linear = _linear(math.prod(image_shape))
    straight = layers.Reshape(image_shape, dtype="float32")(linear(inputs))
    curved = conv_autoencoder.images(inputs, image_shape, channels, "none")
    outputs = layers.Add(dtype="float32")([straight, curved])
    model = keras.Model(inputs, outputs, name="variational_decoder")
    if bias is not None:
        linear.bias.assign(bias)
    if start is not None:
        linear.kernel.assign(start.to_images)
        last = [layer for layer in model.layers if isinstance(layer, Conv2DTranspose)][-1]
        last.kernel.assign(ops.zeros_like(last.kernel))
    return model


def _linear(units, **options):
    return layers.Dense(
        units,
        kernel_initializer="zeros",
        trainable=False,
        dtype="float32",
        name="linear",
        **options,
    )
