"""An autoencoder, denoising if its inputs are corrupted (Vincent et al. 2010)."""

import itertools
from collections.abc import Collection
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import ArrayLike

from kgan.errors import InputError, unknown
from kgan.losses.likelihood import bernoulli, squared_error
from kgan.models.adam import Adam
from kgan.models.counted import CountedModel, whole_number
from kgan.models.images import checked
from kgan.models.players import check_functional
from kgan.models.precision import in_float32
from kgan.models.schedules import of_optimizer
from kgan.models.seeds import checked_rows, in_batches, noise_seed
from kgan.models.step import Noise, an_optimizer, built_optimizer, minimize

RECONSTRUCTION_LOSSES = {"bernoulli": bernoulli, "squared_error": squared_error}


@keras.saving.register_keras_serializable("kgan")
class Autoencoder(CountedModel):
    """An encoder and a decoder that learn to reconstruct images from codes under `fit`.

    With a corruption it is a denoising autoencoder: codes are of the corrupted images and the loss
    compares with the clean ones (Vincent et al. 2010, section 3). `fit` logs `loss`, the mean over
    the examples of the likelihood's sum over the pixels, and `mse`, the squared error of a pixel
    in [0, 1], both of the reconstruction of the corrupted images. `evaluate` does so too, under
    noise that is the same in every batch and every call. All else corrupts nothing, and computes
    in float32 whatever the networks train in.

    Images are uint8, or floats in [0, 1]; anything else is refused as by `kgan.GAN`.

    Args:
        encoder: From `(batch, *image_shape)` in [0, 1] to `(batch, code_size)`.
        decoder: From `(batch, code_size)` to float32 `(batch, *image_shape)`: logits for
            "bernoulli", values for "squared_error".
        likelihood: "bernoulli", the cross-entropy of grey levels as probabilities, or
            "squared_error".
        corruption: `(x, noise, name) -> corrupted x`, such as `kgan.data.corrupt.Corruption`;
            None for none.
        seed: Seeds the corruption, which is a function of it, the step and the row alone.
        **kwargs: Passed to `keras.Model`.

    Raises:
        InputError: An unknown likelihood, or networks that do not fit each other.
    """

    # What a subclass has otherwise.
    _likelihoods: ClassVar[Collection[str]] = RECONSTRUCTION_LOSSES
    _logged: ClassVar[tuple[str, ...]] = ("loss", "mse")
    _codes = "Codes"
    _points = False

    value_range = (0.0, 1.0)

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        likelihood: str = "bernoulli",
        corruption=None,
        seed: int = 0,
        **kwargs,
    ):
        # Under a mixed policy Keras would round the images of `call` to 16 bits.
        super().__init__(**{"dtype": "float32", **kwargs})
        if likelihood not in self._likelihoods:
            raise unknown("likelihood", likelihood, self._likelihoods)
        check_fit(encoder, decoder)
        self.encoder, self.decoder = encoder, decoder
        self.likelihood, self.corruption, self.seed = likelihood, corruption, noise_seed(seed)
        self.image_shape = tuple(encoder.input_shape[1:])
        self.code_size = decoder.input_shape[-1]
        self._count(self._logged)

    def compile(
        self,
        optimizer: keras.optimizers.Optimizer | str | dict | None = None,
        accumulate: int = 1,
        **kwargs,
    ):
        """Chooses the optimizer.

        Args:
            optimizer: One, its name or its configuration; default Adam(1e-3).
            accumulate: As of `kgan.GAN.compile`.
            **kwargs: As of `kgan.GAN.compile`.

        Raises:
            InputError: No piece, or no optimizer.
        """
        optimizer = an_optimizer(optimizer or Adam(1e-3))
        self._check_optimizer(optimizer)
        accumulate = whole_number("accumulate", accumulate)
        super().compile(**kwargs)
        self.accumulate = accumulate
        self._prepare(optimizer)

    def _check_optimizer(self, optimizer):
        """Refuses an optimizer that a subclass has no use for."""

    def _prepare(self, optimizer):
        self.optimizer = built_optimizer(optimizer, self)

    @property
    def networks(self) -> tuple[keras.Model, ...]:
        """The networks whose weights are the model."""
        return self.encoder, self.decoder

    def scheduled(self):
        return of_optimizer(self.optimizers[0])

    @property
    def optimizers(self) -> tuple[keras.optimizers.Optimizer, ...]:
        """The built optimizers, after `compile`."""
        return (self.optimizer,)

    def call(self, images, training=False):
        """Returns float32 `(batch, *image_shape)`: what `to_images` rounds to grey levels."""
        return self._reconstruction(self.outputs(self.code(images)))

    def _update(self, x, labels):
        pair = self.encoder, self.decoder, self.optimizer
        return self._train(x, *pair, self.likelihood, self._reconstruction)

    def _train(self, x, encoder, decoder, optimizer, likelihood, reconstruction):
        """Updates a pair of networks to reconstruct clean `x`; returns the logs."""
        corrupted = self._corrupted(x, self.step.value)

        def losses(corrupted, x):
            outputs = decoder(encoder(corrupted, training=True), training=True)
            per_example = RECONSTRUCTION_LOSSES[likelihood](outputs, x)
            return per_example, (per_example, outputs)

        variables = encoder.trainable_variables + decoder.trainable_variables
        _, (per_example, outputs) = minimize(
            losses, optimizer, variables, [corrupted, x], self.accumulate
        )
        self.step.assign_add(1)
        return self._compared(per_example, reconstruction(outputs), x)

    def _measure(self, x, labels):
        outputs = self.outputs(in_float32(self.encoder, self._corrupted(x, -1, ragged=True)))
        loss = RECONSTRUCTION_LOSSES[self.likelihood](outputs, x)
        return self._compared(loss, self._reconstruction(outputs), x)

    def _compared(self, loss, reconstruction, x):
        axes = tuple(range(1, len(x.shape)))
        return self._seen({"loss": loss, "mse": ops.mean((reconstruction - x) ** 2, axis=axes)})

    def _seen(self, values):
        """Adds `(batch,)` values to the means; returns those as logs."""
        for name, mean in self._means.items():
            mean.update_state(values[name])
        return self._logs()

    def _corrupted(self, x, step, ragged=False):
        """Returns corrupted `x`; training counts its steps from 0, so that all others are below."""
        if self.corruption is None:
            return x
        noise = Noise(self.seed, step, tf.shape(x)[0], ragged=ragged)
        return self.corruption(x, noise, "corruption")

    def _reconstruction(self, outputs):
        if self.likelihood == "bernoulli":
            return ops.sigmoid(outputs)
        return ops.clip(outputs, 0.0, 1.0)

    def code(self, images: tf.Tensor | np.ndarray) -> tf.Tensor:
        """Returns float32 codes `(batch, code_size)` of a batch, in a graph or not.

        Args:
            images: uint8 `(batch, *image_shape)`, or floats in [0, 1].
        """
        return in_float32(self.encoder, self.to_range(images))

    def outputs(self, codes: tf.Tensor) -> tf.Tensor:
        """Returns the decoder's float32 `(batch, *image_shape)`, in a graph or not.

        Args:
            codes: float32 `(batch, code_size)`.
        """
        return in_float32(self.decoder, codes)

    def to_images(self, outputs: tf.Tensor) -> tf.Tensor:
        """Returns the decoder's outputs as uint8 images."""
        return _to_grey_levels(self._reconstruction(outputs))

    @tf.function(autograph=False, reduce_retracing=True)
    def _encode(self, images):
        return self.code(images)

    @tf.function(autograph=False, reduce_retracing=True)
    def _decode(self, codes):
        return self.to_images(self.outputs(codes))

    @tf.function(autograph=False, reduce_retracing=True)
    def _reconstruct(self, images):
        return self.to_images(self.outputs(self.code(images)))

    @tf.function(autograph=False, reduce_retracing=True)
    def _corrupt(self, images, step):
        return _to_grey_levels(self._corrupted(self.to_range(images), step))

    def encode(self, images: ArrayLike) -> np.ndarray:
        """Returns the codes of images.

        Args:
            images: uint8 `(n, *image_shape)`, or floats in [0, 1].

        Returns:
            float32 `(n, code_size)`; a row depends on its image alone, up to rounding.

        Raises:
            InputError: None are given, or of another shape or type, or with other values.
        """
        return in_batches(self._encode, self._checked(images))

    def decode(self, codes: ArrayLike) -> np.ndarray:
        """Returns what the decoder makes of codes.

        Args:
            codes: `(n, code_size)`.

        Returns:
            uint8 `(n, *image_shape)`.

        Raises:
            InputError: None are given, of another size, or with NaN or infinity.
        """
        return in_batches(self._decode, checked_rows(self._codes, codes, self.code_size))

    def reconstruct(self, images: ArrayLike) -> np.ndarray:
        """Returns the reconstructions of images as they are: of corrupted ones, give those.

        Args:
            images: uint8 `(n, *image_shape)`, or floats in [0, 1].

        Returns:
            uint8 `(n, *image_shape)`.

        Raises:
            InputError: None are given, or of another shape or type, or with other values.
        """
        return in_batches(self._reconstruct, self._checked(images))

    def corrupt(self, images: ArrayLike) -> np.ndarray:
        """Returns images as the model's corruption leaves them, always under the same noise.

        Args:
            images: uint8 `(n, *image_shape)`, or floats in [0, 1].

        Returns:
            uint8 `(n, *image_shape)`; the noise of row i is a function of the seed and i alone.

        Raises:
            InputError: None are given, or of another shape or type, or with other values.
        """
        steps = itertools.count(-1, -1)  # One a batch: else every 64th row had the same noise.

        def corrupt(chunk):
            return self._corrupt(chunk, tf.constant(next(steps), tf.int64))

        return in_batches(corrupt, self._checked(images))

    def _checked(self, images):
        return checked(images, self.image_shape, self._points)

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "likelihood": self.likelihood,
            "corruption": keras.saving.serialize_keras_object(self.corruption),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        objects = ("encoder", "decoder", "encoders", "decoders", "corruption")
        given = {name: config[name] for name in objects if name in config}
        return cls(**{**config, **keras.saving.deserialize_keras_object(given)})

    def _compile_arguments(self):
        return {"optimizer": self.optimizers[0], "accumulate": self.accumulate}


def check_fit(encoder: keras.Model, decoder: keras.Model) -> None:
    """Raises an InputError unless the decoder takes what the encoder gives, and the reverse."""
    check_functional(encoder=encoder, decoder=decoder)
    there = encoder.input_shape[1:], tuple(encoder.outputs[0].shape[1:])
    back = decoder.output_shape[1:], decoder.input_shape[1:]
    if there != back:
        raise InputError(
            f"The encoder goes from {there[0]} to {there[1]} and the decoder from {back[1]} to "
            f"{back[0]}: build both for one image_shape and one code_size."
        )


def _to_grey_levels(values):
    return ops.cast(ops.round(ops.clip(values, 0.0, 1.0) * 255), "uint8")
