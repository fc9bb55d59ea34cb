"""SNGAN's residual networks (Miyato et al. 2018, appendix B.4) for any shape that halves evenly.

Maps of 32 and less have `width` channels, larger ones fewer: half at 64, a quarter at 128. A 1x1
convolution changes places with the pooling or the enlarging beside it, which is the same function
for a quarter of the work.
"""

import keras
from keras import initializers, layers

from kgan.layers import (
    Conv2D,
    Gate,
    spectrally_normalized,
)
from kgan.networks.labels import FEATURES, batch_normalized, label_input, projection
from kgan.networks.shapes import num_halvings

NAME = "residual"
LARGEST_WHOLE = 32  # the side up to which maps have all channels
SMALLEST_POOLED = 8  # a discriminator halves maps down to this


def _channels(width: int, side: int) -> int:
    return max(1, width * min(LARGEST_WHOLE, side) // side)


def _glorot(gain: float = 1.0) -> initializers.Initializer:
    """Returns Glorot and Bengio's uniform initialiser, times a gain."""
    return initializers.VarianceScaling(gain**2, "fan_avg", "uniform")


def _attended(x, convolution):
    """Returns self-attention over the positions of a map (Zhang et al. 2019, section 3).

    Queries and keys have an eighth of the channels, values half of them.

    Args:
        x: `(batch, height, width, channels)`.
        convolution: From a number of channels to a layer of 1x1 convolutions.
    """
    height, width, channels = x.shape[1:]
    few, half = max(1, channels // 8), max(1, channels // 2)
    query, key, value = (
        layers.Reshape((height * width, count))(convolution(count)(x)) for count in (few, few, half)
    )
    attended = layers.Attention(score_mode="dot")([query, value, key])
    attended = layers.Reshape((height, width, half))(attended)
    return Gate()([x, convolution(channels)(attended)])


def generator(
    image_shape: tuple[int, ...],
    latent_dim: int,
    num_classes: int | None = None,
    width: int = 64,
    attention: bool = False,
) -> keras.Model:
    """Returns a generator of residual blocks that enlarge, with batch normalisation.

    Args:
        image_shape: `(height, width, channels)`.
        latent_dim: Dimensions of the noise.
        num_classes: Number of classes, whose labels are a second input: they choose the gain and
            bias of every normalisation but the last. None for one input.
        width: Channels of the maps up to 32; 256 in the paper.
        attention: Whether the maps of half the image's size attend to themselves.

    Returns:
        A model from `(batch, latent_dim)`, or that and labels int32 `(batch,)`, to
        `(batch, *image_shape)` in [-1, 1].

    Raises:
        InputError: The network cannot be built for this shape.
    """
    halvings = num_halvings(NAME, image_shape)
    height, breadth = (side >> halvings for side in image_shape[:2])
    latents = keras.Input((latent_dim,), name="latents")
    inputs = latents if num_classes is None else [latents, label_input()]

    def normalized(x):
        return batch_normalized(x, num_classes, None if num_classes is None else inputs[1])

    def convolution(count, size=1, gain=1.0):
        return Conv2D(count, size, padding="same", kernel_initializer=_glorot(gain))

    gain = 2**0.5
    count = _channels(width, min(height, breadth))
    x = layers.Dense(height * breadth * count, kernel_initializer=_glorot())(latents)
    x = layers.Reshape((height, breadth, count))(x)
    for i in range(halvings):
        count = _channels(width, min(image_shape[:2]) >> (halvings - 1 - i))
        shortcut = layers.UpSampling2D()(convolution(count)(x))
        x = layers.UpSampling2D()(layers.ReLU()(normalized(x)))
        x = convolution(count, 3, gain)(x)
        x = convolution(count, 3, gain)(layers.ReLU()(normalized(x)))
        x = layers.Add()([x, shortcut])
        if attention and i == halvings - 2:
            x = _attended(x, convolution)
    x = layers.ReLU()(batch_normalized(x))
    x = convolution(image_shape[2], 3)(x)
    outputs = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(inputs, outputs, name="residual_generator")


def discriminator(
    image_shape: tuple[int, ...],
    num_classes: int | None = None,
    width: int = 64,
    spectral_normalization: bool = True,
    attention: bool = False,
) -> keras.Model:
    """Returns a discriminator of residual blocks: some that halve maps down to 8, then two more.

    Args:
        image_shape: `(height, width, channels)`.
        num_classes: Number of classes, whose labels are a second input: a projection of the
            summed maps (Miyato and Koyama 2018). None for one input.
        width: Channels of the maps up to 32; 128 in the paper.
        spectral_normalization: Whether every kernel is divided by its spectral norm.
        attention: Whether the maps of half the image's size attend to themselves.

    Returns:
        A model from `(batch, *image_shape)` in [-1, 1], or that and labels int32 `(batch,)`, to
        `(batch,)` logits.

    Raises:
        InputError: The network cannot be built for this shape.
    """
    num_halvings(NAME, image_shape)

    def normalized(layer):
        return spectrally_normalized(layer, spectral_normalization)

    def convolution(count, size=1, gain=1.0):
        return normalized(Conv2D(count, size, padding="same", kernel_initializer=_glorot(gain)))

    gain, side = 2**0.5, min(image_shape[:2])
    x = images = keras.Input(image_shape, name="images")
    first = True
    while first or side > SMALLEST_POOLED:
        before = x if first else layers.ReLU()(x)
        count = _channels(width, side if first else side // 2)
        y = convolution(count, 3, gain)(before)
        y = layers.AveragePooling2D(2)(convolution(count, 3, gain)(layers.ReLU()(y)))
        shortcut = convolution(count)(layers.AveragePooling2D(2)(x))
        x = layers.Add()([y, shortcut])
        if attention and first:
            x = _attended(x, convolution)
        first, side = False, side // 2
    for _ in range(2):
        y = convolution(count, 3, gain)(layers.ReLU()(x))
        y = convolution(count, 3, gain)(layers.ReLU()(y))
        x = layers.Add()([y, x])
    positions = x.shape[1] * x.shape[2]
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    x = layers.Rescaling(positions, name=FEATURES)(x)  # their sum, as in the paper
    head = layers.Dense(1, kernel_initializer=_glorot(), dtype="float32")
    inputs, logits = images, normalized(head)(x)
    if num_classes is not None:
        inputs = [images, label_input()]
        logits = projection(logits, x, inputs[1], num_classes, _glorot(), spectral_normalization)
    return keras.Model(
        inputs, layers.Reshape((), dtype="float32")(logits), name="residual_discriminator"
    )
