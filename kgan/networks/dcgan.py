"""DCGAN (Radford et al. 2016) for any shape whose sides halve evenly, 8x8 to 128x128 and beyond.

One rule sizes both networks: halve both sides until the shorter one is 4, at least twice. The
width doubles with every halving, to at most 8 times `width`.
"""

import keras
from keras import initializers, layers

from kgan.errors import InputError
from kgan.layers import (
    Conv2D,
    Conv2DTranspose,
    spectrally_normalized,
)
from kgan.networks.labels import FEATURES, batch_normalized, label_input, projection
from kgan.networks.shapes import num_halvings

NORMALIZATIONS = ("batch", "layer", "none")


def _normal() -> initializers.Initializer:
    return initializers.RandomNormal(stddev=0.02)


def _normalize(normalization: str, x):
    if normalization == "batch":
        return batch_normalized(x)
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
    halvings = num_halvings("dcgan", image_shape)
    height, breadth = (side >> halvings for side in image_shape[:2])
    channels = [width * min(8, 1 << i) for i in reversed(range(halvings))]

    latents = keras.Input((latent_dim,), name="latents")
    inputs = latents if num_classes is None else [latents, label_input()]

    def normalized(x):
        return batch_normalized(x, num_classes, None if num_classes is None else inputs[1])

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
    spectral_normalization: bool = False,
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
        spectral_normalization: Whether every kernel is divided by its spectral norm.

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
    halvings = num_halvings("dcgan", image_shape)
    x = images = keras.Input(image_shape, name="images")
    for i in range(halvings):
        normalized = i > 0 and normalization != "none"
        convolution = Conv2D(
            width * min(8, 1 << i),
            4,
            2,
            padding="same",
            use_bias=not normalized,
            kernel_initializer=_normal(),
        )
        x = spectrally_normalized(convolution, spectral_normalization)(x)
        x = _normalize(normalization, x) if normalized else x
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Flatten(name=FEATURES)(x)
    head = layers.Dense(1, kernel_initializer=_normal(), dtype="float32")
    inputs, logits = images, spectrally_normalized(head, spectral_normalization)(x)
    if num_classes is not None:
        inputs = [images, label_input()]
        logits = projection(logits, x, inputs[1], num_classes, _normal(), spectral_normalization)
    return keras.Model(
        inputs, layers.Reshape((), dtype="float32")(logits), name="dcgan_discriminator"
    )
