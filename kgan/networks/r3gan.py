"""R3GAN's networks (Huang et al. 2024, section 3) for any shape that halves evenly.

Residual blocks 1x1, grouped 3x3, 1x1 with LeakyReLU and no normalisation, which start as the
identity. Maps of 8 and less have `width` channels, larger ones half as many at every doubling, at
least a quarter: on a CPU the largest maps cost most.
"""

import math

import keras
from keras import initializers, layers

from kgan.layers import Basis, Conv2D, LabelEmbedding, spectrally_normalized
from kgan.networks.labels import FEATURES, label_input, with_embedding
from kgan.networks.shapes import num_halvings

NAME = "r3gan"
SLOPE = 0.2
EXPANSION = 2  # channels within a block, by those without
GROUP = 16  # channels of a group


def _channels(width: int, halvings_left: int) -> int:
    """Returns the channels of a map that is halved so often before the smallest one."""
    return max(1, width >> min(2, max(0, halvings_left - 1)))


def _he(gain: float = 1.0) -> initializers.Initializer:
    """Returns He et al.'s normal initialiser for LeakyReLU, times a gain."""
    return initializers.VarianceScaling(
        gain**2 * 2 / (1 + SLOPE**2), "fan_in", "untruncated_normal"
    )


def _linear() -> initializers.Initializer:
    return initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal")


def _blocks(x, number: int, depth: int, normalized):
    """Returns what residual blocks make of a map.

    The variance of what is added at first is 0, as in Fixup (Zhang et al. 2019): the last kernels
    start at 0 and the others are scaled by the number of blocks to the power of -1/4.

    Args:
        x: `(batch, height, width, channels)`.
        number: Of blocks.
        depth: Blocks in the whole network.
        normalized: From a layer to the one that is used.
    """
    count, gain = x.shape[-1], depth**-0.25
    inner = EXPANSION * count
    groups = max(1, inner // GROUP) if inner % GROUP == 0 else 1
    for _ in range(number):
        y = normalized(Conv2D(inner, 1, kernel_initializer=_he(gain)))(x)
        y = layers.LeakyReLU(SLOPE)(y)
        y = normalized(
            Conv2D(inner, 3, padding="same", groups=groups, kernel_initializer=_he(gain))
        )(y)
        y = layers.LeakyReLU(SLOPE)(y)
        y = normalized(Conv2D(count, 1, use_bias=False, kernel_initializer="zeros"))(y)
        x = layers.Add()([x, y])
    return x


def generator(
    image_shape: tuple[int, ...],
    latent_dim: int,
    num_classes: int | None = None,
    width: int = 256,
    blocks: int = 1,
) -> keras.Model:
    """Returns a generator without normalisation and without a last activation.

    Args:
        image_shape: `(height, width, channels)`.
        latent_dim: Dimensions of the noise.
        num_classes: Number of classes, whose labels are a second input: each has a learned vector
            beside the noise, as many numbers. None for one input.
        width: Channels of the smallest maps.
        blocks: Residual blocks at every resolution; 2 in the paper.

    Returns:
        A model from `(batch, latent_dim)`, or that and labels int32 `(batch,)`, to
        `(batch, *image_shape)`, unbounded; black and white are at -1 and 1.

    Raises:
        InputError: The network cannot be built for this shape.
    """
    halvings = num_halvings(NAME, image_shape)
    height, breadth = (side >> halvings for side in image_shape[:2])
    inputs, x = with_embedding(keras.Input((latent_dim,), name="latents"), num_classes)
    x = layers.Dense(width, use_bias=False, kernel_initializer=_linear())(x)
    x = Basis(height, breadth)(x)
    depth = blocks * (halvings + 1)
    for i in range(halvings + 1):
        if i:
            count = _channels(width, i)
            if count != x.shape[-1]:
                x = Conv2D(count, 1, use_bias=False, kernel_initializer=_linear())(x)
            x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = _blocks(x, blocks, depth, lambda layer: layer)
    x = Conv2D(image_shape[2], 1, kernel_initializer=_linear())(x)
    outputs = layers.Activation("linear", dtype="float32")(x)
    return keras.Model(inputs, outputs, name="r3gan_generator")


def discriminator(
    image_shape: tuple[int, ...],
    num_classes: int | None = None,
    width: int = 256,
    blocks: int = 1,
    spectral_normalization: bool = False,
) -> keras.Model:
    """Returns a discriminator, the generator's mirror image.

    Args:
        image_shape: `(height, width, channels)`.
        num_classes: Number of classes, whose labels are a second input: the logit is the product
            of the features with the label's learned vector over the root of their number. None
            for one input.
        width: Channels of the smallest maps.
        blocks: Residual blocks at every resolution; 2 in the paper.
        spectral_normalization: Whether every kernel but that of the smallest map's weights is
            divided by its spectral norm.

    Returns:
        A model from `(batch, *image_shape)`, or that and labels int32 `(batch,)`, to `(batch,)`
        logits.

    Raises:
        InputError: The network cannot be built for this shape.
    """
    halvings = num_halvings(NAME, image_shape)

    def normalized(layer):
        return spectrally_normalized(layer, spectral_normalization)

    images = keras.Input(image_shape, name="images")
    depth = blocks * (halvings + 1)
    first = Conv2D(_channels(width, halvings), 1, kernel_initializer=_linear())
    x = normalized(first)(images)
    for i in reversed(range(halvings + 1)):
        x = _blocks(x, blocks, depth, normalized)
        if i:
            x = layers.AveragePooling2D(2)(x)
            count = _channels(width, i - 1)
            if count != x.shape[-1]:
                x = normalized(Conv2D(count, 1, use_bias=False, kernel_initializer=_linear()))(x)
    # The basis of the way back: one number of every channel.
    even = initializers.RandomNormal(stddev=(x.shape[1] * x.shape[2]) ** -0.5)
    x = layers.DepthwiseConv2D(x.shape[1:3], use_bias=False, depthwise_initializer=even)(x)
    x = layers.Flatten(name=FEATURES)(x)
    inputs = images
    if num_classes is None:
        head = layers.Dense(1, use_bias=False, kernel_initializer=_linear(), dtype="float32")
        logits = normalized(head)(x)
    else:
        inputs = [images, label_input()]
        embedding = LabelEmbedding(
            num_classes, x.shape[-1], initializers.RandomNormal(stddev=1.0), dtype="float32"
        )
        product = layers.Dot(1, dtype="float32")([x, normalized(embedding)(inputs[1])])
        logits = layers.Rescaling(1 / math.sqrt(x.shape[-1]), dtype="float32")(product)
    return keras.Model(
        inputs, layers.Reshape((), dtype="float32")(logits), name="r3gan_discriminator"
    )
