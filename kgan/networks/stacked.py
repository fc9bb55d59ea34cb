"""Fully connected layers of a stacked autoencoder (Vincent et al. 2010, section 3.5)."""

import itertools
import math

import keras
from keras import layers

from kgan.errors import InputError, unknown

MAX_DEPTH = 100
# Glorot and Bengio (2010) for what saturates, He et al. (2015) for what rectifies.
INITIALIZERS = {"sigmoid": "glorot_uniform", "relu": "he_uniform"}


def encoders(
    image_shape: tuple[int, ...],
    code_size: int,
    width: int = 1000,
    depth: int = 3,
    activation: str = "sigmoid",
) -> list[keras.Model]:
    """Returns one dense layer with its activation for each layer of the stack, the lowest first.

    Args:
        image_shape: Shape of one input.
        code_size: Units of the highest layer.
        width: Units of each other layer.
        depth: Layers, 1 to `MAX_DEPTH`.
        activation: "sigmoid" or "relu".

    Returns:
        Models from `(batch, *image_shape)` in [0, 1], then from the codes below, to float32 codes
        `(batch, units)`: in [0, 1] for sigmoid, 0 or more for ReLU.

    Raises:
        InputError: No layer or too many, or an unknown activation.
    """
    sizes = _sizes(image_shape, code_size, width, depth, activation)
    networks = []
    for layer, (below, above) in enumerate(itertools.pairwise(sizes)):
        inputs = keras.Input(image_shape if layer == 0 else (below,))
        x = layers.Flatten()(inputs) if layer == 0 else inputs
        x = layers.Dense(above, kernel_initializer=INITIALIZERS[activation])(x)
        codes = layers.Activation(activation, dtype="float32")(x)
        networks.append(keras.Model(inputs, codes, name=f"stacked_encoder_{layer}"))
    return networks


def decoders(
    image_shape: tuple[int, ...],
    code_size: int,
    width: int = 1000,
    depth: int = 3,
    activation: str = "sigmoid",
) -> list[keras.Model]:
    """Returns the linear way back of each of `encoders`, in the same order, with own weights.

    Args:
        image_shape: Shape of one output of the lowest.
        code_size: Units of the highest layer.
        width: Units of each other layer.
        depth: Layers, 1 to `MAX_DEPTH`.
        activation: Of the encoders; it decides how the kernels start.

    Returns:
        Models from codes `(batch, units)` to what the same encoder takes, float32 and unbounded:
        logits of what is in [0, 1], or values.

    Raises:
        InputError: No layer or too many, or an unknown activation.
    """
    sizes = _sizes(image_shape, code_size, width, depth, activation)
    networks = []
    for layer, (below, above) in enumerate(itertools.pairwise(sizes)):
        codes = keras.Input((above,))
        initializer = INITIALIZERS[activation]
        x = layers.Dense(below, kernel_initializer=initializer, dtype="float32")(codes)
        x = layers.Reshape(image_shape, dtype="float32")(x) if layer == 0 else x
        networks.append(keras.Model(codes, x, name=f"stacked_decoder_{layer}"))
    return networks


def _sizes(image_shape, code_size, width, depth, activation):
    """Returns the units from the pixels up to the code."""
    check_depth(depth, least=1)
    if activation not in INITIALIZERS:
        raise unknown("activation", activation, INITIALIZERS)
    return [math.prod(image_shape), *[width] * (depth - 1), code_size]


def check_depth(depth: int, least: int) -> None:
    """Raises an InputError unless a network can have so many layers."""
    if not least <= depth <= MAX_DEPTH:
        raise InputError(f"depth is {depth}: expected {least} to {MAX_DEPTH} layers.")
