"""Fully connected encoder and decoder of a variational autoencoder (Kingma and Welling 2014, C)."""

import math

import keras
from keras import layers, ops

from kgan.networks.stacked import check_depth


def encoder(
    image_shape: tuple[int, ...],
    code_size: int,
    width: int = 400,
    depth: int = 1,
    activation: str = "tanh",
) -> keras.Model:
    """Returns hidden layers under two linear heads (appendix C.2, equation 12).

    Args:
        image_shape: Shape of one input.
        code_size: Dimensions of the latent.
        width: Units of each hidden layer.
        depth: Hidden layers, 0 to 100; 0 is linear.
        activation: Of the hidden layers.

    Returns:
        A model from `(batch, *image_shape)` in [0, 1] to `[mean, log_variance]`, each float32
        `(batch, code_size)`, unbounded.
    """
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
    mean_image=None,
) -> keras.Model:
    """Returns hidden layers under one linear output (appendix C.1, equation 11).

    Args:
        image_shape: Shape of one output.
        code_size: Dimensions of the latent.
        width: Units of each hidden layer.
        depth: Hidden layers, 0 to 100; 0 is linear.
        activation: Of the hidden layers.
        mean_image: For a Bernoulli likelihood alone, whose outputs are logits: `image_shape` in
            [0, 1]; the output biases start at its logits, so that training starts from the
            marginals of the data. Zeros if None.

    Returns:
        A model from `(batch, code_size)` to float32 `(batch, *image_shape)`, unbounded: logits of a
        Bernoulli likelihood, means of a Gaussian one.
    """
    check_depth(depth, least=0)
    inputs = keras.Input((code_size,), name="latents")
    x = inputs
    for _ in range(depth):
        x = layers.Dense(width, activation=activation)(x)
    output = layers.Dense(math.prod(image_shape), dtype="float32")
    x = output(x)
    if mean_image is not None:
        mean = ops.clip(ops.reshape(mean_image, (-1,)), 1e-3, 1 - 1e-3)
        output.bias.assign(ops.log(mean) - ops.log(1 - mean))
    return keras.Model(
        inputs, layers.Reshape(image_shape, dtype="float32")(x), name="variational_decoder"
    )
