"""How labels enter class-conditional networks, and where their features leave them."""

import keras
from keras import layers

from kgan.layers import (
    BatchNormalization,
    ConditionalBatchNormalization,
    LabelEmbedding,
    spectrally_normalized,
)

FEATURES = "features"  # the layer of a discriminator that gives phi(x), which tasks take


def label_input() -> keras.KerasTensor:
    """Returns the input for labels, int32 `(batch,)`."""
    return keras.Input((), name="labels", dtype="int32")


def with_embedding(
    latents: keras.KerasTensor, num_classes: int | None
) -> tuple[keras.KerasTensor | list, keras.KerasTensor]:
    """Returns a generator's inputs, and the latents with a learned vector of the label beside them.

    The vector has as many numbers as the latents, on the same scale.

    Args:
        latents: `(batch, latent_dim)`.
        num_classes: Number of classes; None without, which adds nothing.
    """
    if num_classes is None:
        return latents, latents
    labels, start = label_input(), keras.initializers.RandomNormal(stddev=1.0)
    vectors = LabelEmbedding(num_classes, latents.shape[-1], start)(labels)
    return [latents, labels], layers.Concatenate()([latents, vectors])


def batch_normalized(
    x: keras.KerasTensor, num_classes: int | None = None, labels: keras.KerasTensor | None = None
) -> keras.KerasTensor:
    """Returns `x` by batch normalisation, whose gain and bias the label chooses if there is one.

    Args:
        x: `(batch, ..., channels)`.
        num_classes: Number of classes; None without.
        labels: int32 `(batch,)`; None without classes.
    """
    if num_classes is None:
        return BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    layer = ConditionalBatchNormalization(num_classes, momentum=0.9, epsilon=1e-5)
    return layer([x, labels])


def projection(
    logits: keras.KerasTensor,
    features: keras.KerasTensor,
    labels: keras.KerasTensor,
    num_classes: int,
    initializer: keras.initializers.Initializer,
    spectral_normalization: bool = False,
) -> keras.KerasTensor:
    """Returns psi(phi(x)) + <e_y, phi(x)> (Miyato and Koyama 2018, equation 4), in float32.

    Args:
        logits: psi(phi(x)), `(batch, 1)`.
        features: phi(x), `(batch, units)`.
        labels: int32 `(batch,)`.
        num_classes: Number of classes.
        initializer: Of the vectors e.
        spectral_normalization: Whether their matrix is divided by its spectral norm.
    """
    embedding = LabelEmbedding(num_classes, features.shape[-1], initializer, dtype="float32")
    vectors = spectrally_normalized(embedding, spectral_normalization)(labels)
    product = layers.Dot(1, dtype="float32")([features, vectors])
    return layers.Add(dtype="float32")([logits, product])
