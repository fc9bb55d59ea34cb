"""DCGAN (Radford et al. 2016) for any shape whose sides halve evenly, 8x8 to 128x128 and beyond.

One rule sizes both networks: halve both sides until the shorter one is 4, at least twice. The
width doubles with every halving, to at most 8 times `width`.
"""

import keras
from keras import initializers, layers

from kgan.errors import InputError
from kgan.layers import (
    BatchNormalization,
    ConditionalBatchNormalization,
    Conv2D,
    Conv2DTranspose,
)
from kgan.networks.labels import label_input, projection

NORMALIZATIONS = ("batch", "layer", "none")


def num_halvings(image_shape: tuple[int, ...]) -> int:
    """Returns how often both sides of `(height, width, channels)` are halved.

    Raises:
        InputError: The sides cannot be halved twice, or the shorter one not down to 7 or less.
    """
    if len(image_shape) != 3:
        raise InputError(
            f"dcgan makes images (height, width, channels), received shape {tuple(image_shape)}: "
            "use the model 'mlp'."
        )
    height, width = image_shape[:2]
    halvings = 0
    while height % 2 == 0 and width % 2 == 0 and (min(height, width) > 4 or halvings < 2):
        height, width, halvings = height // 2, width // 2, halvings + 1
    if halvings < 2 or min(height, width) > 7 or min(image_shape[:2]) < 8:
        near = "x".join(str(_nearest(side)) for side in image_shape[:2])
        raise InputError(
            f"dcgan cannot make {image_shape[0]}x{image_shape[1]} images: both sides must be 8 or "
            f"more and halve evenly, twice or more, until the shorter one is 7 or less; resize "
            f"with --image-size {near}."
        )
    return halvings


def _nearest(side: int) -> int:
    power = 1 << max(3, side.bit_length() - 1)
    return min((power, 2 * power), key=lambda size: abs(size - side))


def _normal() -> initializers.Initializer:
    return initializers.RandomNormal(stddev=0.02)


def _normalize(normalization: str, x):
    if normalization == "batch":
        return BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return layers.GroupNormalization(1)(x) if normalization == "layer" else x


def generator(
    image_shape: tuple[int, ...],
    latent_dim: int,
    num_classes: int | None = None,
    width: int = 64,
) -> keras.Model:
    """Returns a generator of 4x4 stride-2 transposed convolutions with batch normalisation.

    Args:
        image_shape: `(height, width, channels)`.
        latent_dim: Dimensions of the noise.
        num_classes: Number of classes, whose labels are a second input: they choose the gain and
            bias of every normalisation. None for one input.
        width: Channels of the last hidden map.

    Returns:
        A model from `(batch, latent_dim)`, or that and labels int32 `(batch,)`, to
        `(batch, *image_shape)` in [-1, 1].

    Raises:
        InputError: The network cannot be built for this shape.
    """
    halvings = num_halvings(image_shape)
    height, breadth = (side >> halvings for side in image_shape[:2])
    channels = [width * min(8, 1 << i) for i in reversed(range(halvings))]

    latents = keras.Input((latent_dim,), name="latents")
    inputs = latents if num_classes is None else [latents, label_input()]

    def normalized(x):
        if num_classes is None:
            return _normalize("batch", x)
        layer = ConditionalBatchNormalization(num_classes, momentum=0.9, epsilon=1e-5)
        return layer([x, inputs[1]])

    x = layers.Dense(height * breadth * channels[0], use_bias=False, kernel_initializer=_normal())(
        latents
    )
    x = layers.Reshape((height, breadth, channels[0]))(x)
    x = layers.ReLU()(normalized(x))
    for count in channels[1:]:
        x = Conv2DTranspose(
            count, 4, 2, padding="same", use_bias=False, kernel_initializer=_normal()
        )(x)
        x = layers.ReLU()(normalized(x))
    x = Conv2DTranspose(image_shape[2], 4, 2, padding="same", kernel_initializer=_normal())(x)
    outputs = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(inputs, outputs, name="dcgan_generator")


def discriminator(
    image_shape: tuple[int, ...],
    num_classes: int | None = None,
    width: int = 64,
    normalization: str = "batch",
) -> keras.Model:
    """Returns a discriminator of 4x4 stride-2 convolutions with LeakyReLU of slope 0.2.

    Of classes it is a projection discriminator (Miyato and Koyama 2018). Its phi is the flattened
    last map, as for the logit without classes: after two or three halvings a position sees 10 to 22
    pixels, so that a map that is pooled first would show the class as a bag of patches.

    Args:
        image_shape: `(height, width, channels)`.
        num_classes: Number of classes, whose labels are a second input; None for one input.
        width: Channels of the first map.
        normalization: "batch", "layer" or "none", after every convolution but the first. "batch"
            makes one example's logit depend on the others', which gradient penalties forbid.

    Returns:
        A model from `(batch, *image_shape)` in [-1, 1], or that and labels int32 `(batch,)`, to
        `(batch,)` logits.

    Raises:
        InputError: The network cannot be built for this shape, or the normalisation is unknown.
    """
    if normalization not in NORMALIZATIONS:
        raise InputError(
            f"Unknown normalization {normalization!r}. Known: {', '.join(NORMALIZATIONS)}."
        )
    halvings = num_halvings(image_shape)
    x = images = keras.Input(image_shape, name="images")
    for i in range(halvings):
        normalized = i > 0 and normalization != "none"
        x = Conv2D(
            width * min(8, 1 << i),
            4,
            2,
            padding="same",
            use_bias=not normalized,
            kernel_initializer=_normal(),
        )(x)
        x = _normalize(normalization, x) if normalized else x
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Flatten()(x)
    inputs, logits = images, layers.Dense(1, kernel_initializer=_normal(), dtype="float32")(x)
    if num_classes is not None:
        inputs = [images, label_input()]
        logits = projection(logits, x, inputs[1], num_classes, _normal())
    return keras.Model(
        inputs, layers.Reshape((), dtype="float32")(logits), name="dcgan_discriminator"
    )
