"""One GAN for every adversarial objective (Goodfellow et al. 2014, Algorithm 1)."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kgan.errors import InputError, unknown
from kgan.losses import OBJECTIVES, Objective, penalties
from kgan.models.adam import Adam
from kgan.models.counted import CountedModel
from kgan.models.precision import as_float32
from kgan.models.seeds import check_seeds, in_batches, seed_latents
from kgan.models.step import Noise, built_optimizer, minimize


@keras.saving.register_keras_serializable("kgan")
class GAN(CountedModel):
    """A generator and a discriminator that train each other under `fit`.

    Each training step makes `discriminator_steps` discriminator updates, each on its own real
    examples and fresh noise, then one generator update on fresh noise; a batch given to `fit`
    holds the real examples of all of them. Everything that samples uses an exponential moving
    average of the generator, in float32.

    Args:
        generator: From `(batch, latent_dim)` to `(batch, *image_shape)`.
        discriminator: From `(batch, *image_shape)` to `(batch,)` logits.
        value_range: What the generator's outputs span for uint8 images. Unused for points in the
            plane, which stay as they are.
        ema_decay: Decay of the moving average, in [0, 1); early steps use less, so that the first
            samples are not those of the initial weights.
        seed: Seeds the training noise, which is a function of it and the step alone.
        **kwargs: Passed to `keras.Model`.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        value_range: tuple[float, float] = (-1.0, 1.0),
        ema_decay: float = 0.999,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if generator.output_shape[1:] != discriminator.input_shape[1:]:
            raise InputError(
                f"The generator makes {generator.output_shape[1:]} and the discriminator takes "
                f"{discriminator.input_shape[1:]}: build both for one image_shape."
            )
        if not 0 <= ema_decay < 1:
            raise InputError(f"ema_decay is {ema_decay}: expected 0 or more and below 1.")
        self.generator, self.discriminator = generator, discriminator
        self.ema_generator = as_float32(generator)
        self.value_range, self.ema_decay, self.seed = tuple(value_range), ema_decay, int(seed)
        self.latent_dim = generator.input_shape[-1]
        self.image_shape = tuple(generator.output_shape[1:])
        self._count(("generator_loss", "discriminator_loss", "real_score", "fake_score"))

    def compile(
        self,
        objective: str | Objective = "non_saturating",
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_steps: int = 1,
        r1: float = 0.0,
        accumulate: int = 1,
        **kwargs,
    ):
        """Chooses the game that `fit` plays.

        Args:
            objective: A name in `kgan.OBJECTIVES`, or an `Objective`.
            generator_optimizer: Default Adam(2e-4, beta_1=0.5), as DCGAN.
            discriminator_optimizer: The same default.
            discriminator_steps: Discriminator updates for each of the generator's, k in the paper.
            r1: Weight gamma of (gamma / 2) |grad D(x)|^2, added to any objective.
            accumulate: Equal pieces that each batch is computed in, to save memory: the same
                updates, unless a network takes statistics of its batch.
            **kwargs: Passed to `keras.Model.compile`.

        Raises:
            InputError: An unknown objective, no discriminator step or piece, a negative weight, or
                a penalty on a discriminator with batch statistics.
        """
        if isinstance(objective, str):
            if objective not in OBJECTIVES:
                raise unknown("objective", objective, OBJECTIVES)
            objective = OBJECTIVES[objective]
        if discriminator_steps < 1:
            raise InputError(f"discriminator_steps is {discriminator_steps}: expected 1 or more.")
        if r1 < 0:
            raise InputError(f"r1 is {r1}: expected 0 or more.")
        terms = objective.penalties + (((penalties.r1, r1 / 2),) if r1 else ())
        if terms and any(_couples_examples(layer) for layer in self.discriminator.layers):
            raise InputError(
                "A gradient penalty is per example, but the discriminator has batch normalisation, "
                "which couples examples: build it with normalization 'layer' or 'none'."
            )
        super().compile(optimizer=None, **kwargs)
        self._compute_in(accumulate)
        self.objective, self.discriminator_steps = objective, discriminator_steps
        self._penalties = terms
        self.generator_optimizer = built_optimizer(
            generator_optimizer or Adam(2e-4, beta_1=0.5), self.generator
        )
        self.discriminator_optimizer = built_optimizer(
            discriminator_optimizer or Adam(2e-4, beta_1=0.5), self.discriminator
        )

    @property
    def networks(self) -> tuple[keras.Model, ...]:
        """The networks whose weights are the model."""
        return self.generator, self.discriminator, self.ema_generator

    @property
    def optimizers(self) -> tuple[keras.optimizers.Optimizer, ...]:
        """The built optimizers, after `compile`."""
        return self.generator_optimizer, self.discriminator_optimizer

    def call(self, latents, training=False):
        return self.ema_generator(latents, training=False)

    def train_step(self, data):
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        k = self.discriminator_steps
        reals = [self.to_range(images[j::k]) for j in range(k)]
        noise = Noise(self.seed, self.step.value, tf.shape(reals[-1])[0], streams=2 * k + 1)
        for j, real in enumerate(reals):
            self._discriminator_step(real, noise, j)
        self._generator_step(reals[-1], noise.normal(k, self.latent_dim))
        self._average()
        self.step.assign_add(1)
        return self._logs()

    def _discriminator_step(self, real, noise, j):
        latents = noise.normal(j, self.latent_dim)
        fake = tf.stop_gradient(self.generator(latents, training=True))

        def discriminate(images):
            return self.discriminator(images, training=True)

        def losses(real, fake, *mix):
            real_logits, fake_logits = discriminate(real), discriminate(fake)
            loss = self.objective.discriminator_loss(real_logits, fake_logits)
            for penalty, weight in self._penalties:
                loss += weight * penalty(discriminate, real, fake, *mix)
            return loss, (real_logits, fake_logits)

        mix = [noise.uniform(self.discriminator_steps + 1 + j)] if self._penalties else []
        loss, (real_logits, fake_logits) = minimize(
            losses,
            self.discriminator_optimizer,
            self.discriminator.trainable_variables,
            [real, fake, *mix],
            self.accumulate,
        )
        self._means["discriminator_loss"].update_state(loss)
        self._means["real_score"].update_state(tf.sigmoid(real_logits))
        self._means["fake_score"].update_state(tf.sigmoid(fake_logits))

    def _generator_step(self, real, latents):
        def losses(real, latents):
            fake_logits = self.discriminator(self.generator(latents, training=True), training=True)
            real_logits = self.discriminator(real, training=True) if self.objective.paired else None
            return self.objective.generator_loss(real_logits, fake_logits), ()

        loss, _ = minimize(
            losses,
            self.generator_optimizer,
            self.generator.trainable_variables,
            [real, latents],
            self.accumulate,
        )
        self._means["generator_loss"].update_state(loss)

    def _average(self):
        step = tf.cast(self.step.value, tf.float32)
        rate = 1 - tf.minimum(self.ema_decay, (1 + step) / (10 + step))
        for mean, variable in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            mean.assign_add(rate * (variable - mean))

    def to_range(self, images):
        """Returns float32 images in the model's own range; floats are taken to be in it already."""
        if keras.backend.standardize_dtype(images.dtype) != "uint8":
            return ops.cast(images, "float32")
        low, high = self.value_range
        return ops.cast(images, "float32") * ((high - low) / 255) + low

    def to_images(self, outputs):
        """Returns what the generator made as uint8 images; points in the plane stay float32."""
        if len(self.image_shape) != 3:
            return outputs
        low, high = self.value_range
        scaled = (ops.cast(outputs, "float32") - low) * (255 / (high - low))
        return ops.cast(ops.round(ops.clip(scaled, 0, 255)), "uint8")

    @tf.function(reduce_retracing=True)
    def _generate(self, latents):
        return self.to_images(self.ema_generator(latents, training=False))

    def generate(self, latents) -> np.ndarray:
        """Returns what the moving-average generator makes of float32 latents `(n, latent_dim)`.

        Returns:
            uint8 `(n, height, width, channels)`; float32 `(n, 2)` for points in the plane.
        """
        return in_batches(self._generate, np.asarray(latents, np.float32))

    def sample(self, seeds) -> np.ndarray:
        """Returns one image a seed, as `generate` does: image i depends on `seeds[i]` alone.

        The latent to the bit, the image up to rounding, which may move a pixel by one level.

        Args:
            seeds: Integers `(n,)` from 0 to 2^63 - 1.

        Raises:
            InputError: A seed out of range, or none.
        """
        return self.generate(seed_latents(check_seeds(seeds), self.latent_dim))

    def get_config(self):
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "value_range": self.value_range,
            "ema_decay": self.ema_decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        networks = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("generator", "discriminator")
        }
        return cls(**{**config, **networks})


def _couples_examples(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization)
