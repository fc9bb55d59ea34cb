"""What a pretrained model makes of an image: a classifier's encoder, and frozen features."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from kgan.errors import InputError
from kgan.models import GAN, VAE, Autoencoder, StackedAutoencoder
from kgan.models.precision import as_float32
from kgan.networks.labels import FEATURES

FEATURE_BATCH = 256
POOLED = 4  # the side of the pooled maps, in cells
_ACTIVATIONS = (layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU)


@dataclass(frozen=True)
class Encoder:
    """The part of a model that is pretrained.

    Attributes:
        network: From `(batch, *image_shape)` in `value_range` to `(batch, ...)`; it shares the
            model's weights.
        value_range: What it takes uint8 images in.
        to_range: From uint8 images to float32 in `value_range`.
        judges: Whether it is a discriminator, whose features are its activations; the features of
            other encoders are their codes.
    """

    network: keras.Model
    value_range: tuple[float, float]
    to_range: Callable
    judges: bool


def encoder(model: keras.Model) -> Encoder:
    """Returns the encoder of a model.

    Of an autoencoder its encoder, of a VAE the mean of q(z|x), of a GAN the discriminator up to
    its layer called "features".

    Args:
        model: As `kgan.open_run` returns it.

    Raises:
        InputError: The model has none.
    """
    if isinstance(model, GAN):
        # The images alone: labels of a conditional one enter after its features.
        if not any(layer.name == FEATURES for layer in model.discriminator.layers):
            raise InputError(
                f"The discriminator has no layer named {FEATURES!r}: give that name to the one "
                "whose output its features are."
            )
        features = model.discriminator.get_layer(FEATURES).output
        network = keras.Model(model.discriminator.inputs[0], features, name="encoder")
        return Encoder(network, model.value_range, model.to_range, judges=True)
    if isinstance(model, VAE):
        mean = keras.Model(model.encoder.inputs, model.encoder.outputs[0], name="encoder")
        return Encoder(mean, (0.0, 1.0), model.to_range, judges=False)
    if isinstance(model, (Autoencoder, StackedAutoencoder)):
        return Encoder(model.encoder, (0.0, 1.0), model.to_range, judges=False)
    raise InputError(
        f"{type(model).__name__} has no encoder: expected a GAN, Autoencoder, StackedAutoencoder "
        "or VAE."
    )


class EncoderFeatures:
    """Frozen features of images, in float32 whatever the encoder trains in.

    Encoders give their codes. Discriminators give the activations of their convolutions, each
    map max-pooled to 4x4, flattened and concatenated (Radford et al. 2016, section 5.1); those
    without maps the activations of their hidden layers.

    Args:
        source: The encoder; only its architecture is used.
    """

    def __init__(self, source: Encoder):
        self._copy, self._to_range = as_float32(source.network), source.to_range
        outputs = self._copy.outputs
        if source.judges:
            outputs = [pooled(maps) for maps in _activations(self._copy)]
        flat = [layers.Flatten(dtype="float32")(output) for output in outputs]
        joined = flat[0] if len(flat) == 1 else layers.Concatenate(dtype="float32")(flat)
        self._network = keras.Model(self._copy.inputs, joined)

    def __call__(self, weights: list[np.ndarray], images, rows: np.ndarray) -> np.ndarray:
        """Returns the features of some images, computed in batches of one size.

        Args:
            weights: Of the encoder, as `get_weights` gives them.
            images: uint8 `(n, *image_shape)`, read by index.
            rows: int64 `(m,)` in [0, n).

        Returns:
            float32 `(m, features)`.
        """
        self._copy.set_weights(weights)
        found = np.empty((len(rows), self._network.output_shape[-1]), np.float32)
        for start in range(0, len(rows), FEATURE_BATCH):
            part = rows[start : start + FEATURE_BATCH]
            inputs = self._to_range(np.asarray(images[np.resize(part, FEATURE_BATCH)]))
            found[start : start + len(part)] = self._network.predict_on_batch(inputs)[: len(part)]
        return found


def _activations(network: keras.Model) -> list:
    """Returns the tensors that a discriminator's features are made of."""
    maps = [x.output for x in network.layers if _activates(x) and len(x.output.shape) == 4]
    if maps:
        return maps
    # What the layers with a kernel are given, the first of them (the image) left out.
    hidden = [layer.input for layer in network.layers if getattr(layer, "kernel", None) is not None]
    return [*hidden[1:], network.outputs[0]]


def _activates(layer: layers.Layer) -> bool:
    function = getattr(layer, "activation", None)
    if isinstance(layer, _ACTIVATIONS):
        return function is not keras.activations.linear
    return function not in (None, keras.activations.linear)


def pooled(maps: keras.KerasTensor) -> keras.KerasTensor:
    """Returns maps max-pooled to at most 4x4 cells; other tensors as they are.

    Cell i of a side of n covers the rows from floor(i n / 4) to ceil((i + 1) n / 4), so that cells
    overlap where 4 does not divide n. Sides of 4 or less stay.

    Args:
        maps: `(batch, height, width, channels)`.

    Returns:
        `(batch, min(height, 4), min(width, 4), channels)`.
    """
    for axis in (1, 2) if len(maps.shape) == 4 else ():
        size = maps.shape[axis]
        if size > POOLED:
            cells = [
                ops.max(ops.take(maps, np.arange(*window), axis=axis), axis=axis, keepdims=True)
                for window in _windows(size)
            ]
            maps = ops.concatenate(cells, axis=axis)
    return maps


def _windows(size: int) -> list[tuple[int, int]]:
    return [(i * size // POOLED, -(-(i + 1) * size // POOLED)) for i in range(POOLED)]
