"""A small convolutional encoder for classifiers, as VGG's first stages (Simonyan 2015)."""

import keras
from keras import layers

from kgan.layers import BatchNormalization, Conv2D


def encoder(image_shape: tuple[int, ...], width: int, stages: int) -> keras.Model:
    """Returns pairs of 3x3 convolutions with batch normalisation, averaged over the last map.

    Args:
        image_shape: `(height, width, channels)`.
        width: Channels of the first stage; each further one has twice as many.
        stages: Of two convolutions each, the map halved between them.

    Returns:
        A model from `(batch, *image_shape)` to `(batch, width * 2 ** (stages - 1))`, 0 or more.
    """
    inputs = keras.Input(image_shape, name="images")
    x = inputs
    for stage in range(stages):
        for _ in range(2):
            x = Conv2D(width << stage, 3, padding="same", use_bias=False,
                       kernel_initializer="he_normal")(x)  # fmt: skip
            x = layers.ReLU()(BatchNormalization(momentum=0.9)(x))
        if stage < stages - 1:
            x = layers.MaxPooling2D(2)(x)
    codes = layers.GlobalAveragePooling2D(dtype="float32")(x)
    return keras.Model(inputs, codes, name="encoder")
