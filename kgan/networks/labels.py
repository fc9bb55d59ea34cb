"""How labels enter class-conditional networks."""

import keras
from keras import layers

from kgan.layers import LabelEmbedding


def label_input() -> keras.KerasTensor:
    """Returns the input for labels, int32 `(batch,)`."""
    return keras.Input((), name="labels", dtype="int32")


def projection(
    logits: keras.KerasTensor,
    features: keras.KerasTensor,
    labels: keras.KerasTensor,
    num_classes: int,
    initializer: keras.initializers.Initializer,
) -> keras.KerasTensor:
    """Returns psi(phi(x)) + <e_y, phi(x)> (Miyato and Koyama 2018, equation 4), in float32.

    Args:
        logits: psi(phi(x)), `(batch, 1)`.
        features: phi(x), `(batch, units)`.
        labels: int32 `(batch,)`.
        num_classes: Number of classes.
        initializer: Of the vectors e.
    """
    embedding = LabelEmbedding(num_classes, features.shape[-1], initializer, dtype="float32")
    product = layers.Dot(1, dtype="float32")([features, embedding(labels)])
    return layers.Add(dtype="float32")([logits, product])
