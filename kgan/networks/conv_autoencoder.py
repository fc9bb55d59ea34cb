"""Four convolutions to a code and four transposed ones back, for any shape from 8x8 on.

One rule sizes both networks: each convolution halves both sides, rounding up, while the shorter one
is above 4, and keeps them after that; the width doubles with each. The way back makes the same
sides in reverse, cutting the row or column by which twice the half is too long.
"""

import itertools
import math

import keras
from keras import initializers, layers

from kgan.errors import InputError, unknown
from kgan.layers import BatchNormalization, Conv2D, Conv2DTranspose

DEPTH = 4
NORMALIZATIONS = ("batch", "none")


def encoder(
    image_shape: tuple[int, ...], code_size: int, width: int = 32, normalization: str = "batch"
) -> keras.Model:
    """Returns four convolutions with ReLU and a linear code.

    Args:
        image_shape: `(height, width, channels)`, both sides 8 or more.
        code_size: Dimensions of a code.
        width: Channels of the first map.
        normalization: "batch" (Ioffe and Szegedy 2015) or "none", after every convolution.

    Returns:
        A model from `(batch, *image_shape)` in [0, 1] to float32 `(batch, code_size)`.

    Raises:
        InputError: The network cannot be built for this shape, or the normalisation is unknown.
    """
    inputs = keras.Input(image_shape, name="images")
    x = features(inputs, width, normalization)
    codes = layers.Dense(code_size, dtype="float32")(x)
    return keras.Model(inputs, codes, name="conv_encoder")


def decoder(
    image_shape: tuple[int, ...], code_size: int, width: int = 32, normalization: str = "batch"
) -> keras.Model:
    """Returns a dense layer and four transposed convolutions, `encoder` in reverse.

    Args:
        image_shape: `(height, width, channels)`, both sides 8 or more.
        code_size: Dimensions of a code.
        width: Channels of the last hidden map.
        normalization: "batch" or "none", after every layer but the last.

    Returns:
        A model from `(batch, code_size)` to float32 `(batch, *image_shape)`, unbounded: logits or
        values.

    Raises:
        InputError: The network cannot be built for this shape, or the normalisation is unknown.
    """
    inputs = keras.Input((code_size,), name="codes")
    x = images(inputs, image_shape, width, normalization)
    return keras.Model(inputs, x, name="conv_decoder")


def features(x: keras.KerasTensor, width: int, normalization: str) -> keras.KerasTensor:
    """Returns the encoder's last map, flat, of images `(batch, height, width, channels)`.

    Args:
        x: A Keras tensor.
        width: As of `encoder`.
        normalization: As of `encoder`.

    Raises:
        InputError: As of `encoder`.
    """
    sides, channels = _sides(x.shape[1:], normalization), x.shape[-1]
    for i, (before, after) in enumerate(itertools.pairwise(sides)):
        kernel, stride = _kernel(before, after)
        initializer = _he(channels * kernel**2)
        channels = width << i
        x = Conv2D(
            channels,
            kernel,
            stride,
            padding="same",
            use_bias=normalization == "none",
            kernel_initializer=initializer,
        )(x)
        x = layers.ReLU()(_normalize(normalization, x))
    return layers.Flatten()(x)


def images(
    codes: keras.KerasTensor, image_shape: tuple[int, ...], width: int, normalization: str
) -> keras.KerasTensor:
    """Returns what the decoder makes of codes `(batch, code_size)`, float32 and unbounded.

    Args:
        codes: A Keras tensor.
        image_shape: As of `decoder`.
        width: As of `decoder`.
        normalization: As of `decoder`.

    Raises:
        InputError: As of `decoder`.
    """
    sides = _sides(image_shape, normalization)[::-1]
    channels = width << (DEPTH - 1)
    with_bias = normalization == "none"
    x = layers.Dense(
        math.prod(sides[0]) * channels, use_bias=with_bias, kernel_initializer=_he(codes.shape[-1])
    )(codes)
    x = layers.Reshape((*sides[0], channels))(x)
    x = layers.ReLU()(_normalize(normalization, x))
    for i, (before, after) in enumerate(itertools.pairwise(sides)):
        kernel, stride = _kernel(after, before)
        last = i == DEPTH - 1
        # An output element sees a kernel's every stride-th tap each way.
        fan_in = channels * (kernel // stride) ** 2
        channels = image_shape[2] if last else channels // 2
        dtype = {"dtype": "float32"} if last else {}
        x = Conv2DTranspose(
            channels,
            kernel,
            stride,
            padding="same",
            use_bias=with_bias or last,
            kernel_initializer=_he(fan_in),
            **dtype,
        )(x)
        excess = tuple((0, stride * b - a) for b, a in zip(before, after, strict=True))
        if excess != ((0, 0), (0, 0)):
            x = layers.Cropping2D(excess, **dtype)(x)
        if not last:
            x = layers.ReLU()(_normalize(normalization, x))
    return x


def _sides(image_shape, normalization):
    """Returns the sides of the image and of the map after each convolution."""
    if normalization not in NORMALIZATIONS:
        raise unknown("normalization", normalization, NORMALIZATIONS)
    if len(image_shape) != 3 or min(image_shape[:2]) < 8:
        raise InputError(
            f"conv_autoencoder takes images (height, width, channels) of 8x8 or more, received "
            f"shape {tuple(image_shape)}: resize with --image-size, or use the model 'stacked'."
        )
    sides = [tuple(image_shape[:2])]
    for _ in range(DEPTH):
        height, width = sides[-1]
        halves = min(height, width) > 4
        sides.append((-(-height // 2), -(-width // 2)) if halves else (height, width))
    return sides


def _kernel(larger, smaller):
    """Returns the kernel and the stride between two maps; 4 is a multiple of 2 (Odena 2016)."""
    return (3, 1) if larger == smaller else (4, 2)


def _he(fan_in):
    # Not Keras's: of a transposed convolution it takes the fan out, and all taps of a stride.
    return initializers.RandomNormal(stddev=math.sqrt(2 / fan_in))


def _normalize(normalization, x):
    return BatchNormalization(momentum=0.9)(x) if normalization == "batch" else x
