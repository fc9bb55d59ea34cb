"""One GAN for every adversarial objective (Goodfellow et al. 2014, Algorithm 1)."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kgan.errors import InputError, unknown
from kgan.losses import OBJECTIVES, PENALTIES, Objective, check_penalties
from kgan.models.adam import Adam
from kgan.models.counted import CountedModel, check_number, whole_number
from kgan.models.images import check_value_range
from kgan.models.optimizers import Optimizers, refuse_averages
from kgan.models.players import check_functional, check_generator, with_logits
from kgan.models.precision import all_layers, as_float32, in_float32
from kgan.models.seeds import check_seeds, checked_rows, in_batches, noise_seed, seed_latents
from kgan.models.step import TEST_STEP, Noise, an_optimizer, built_optimizer, minimize


@keras.saving.register_keras_serializable("kgan")
class GAN(CountedModel):
    """A generator and a discriminator that train each other under `fit`.

    Each training step makes `discriminator_steps` discriminator updates, each on its own real
    examples and fresh noise, then one generator update on fresh noise; a batch given to `fit`
    holds the real examples of all of them. Everything that samples uses an exponential moving
    average of the generator, in float32.

    `fit` logs `generator_loss`, `discriminator_loss`, `real_score` and `fake_score`, the means of
    sigmoid(D(x)) and sigmoid(D(G(z))), and `loss`, the sum of the two losses, which is no measure
    of quality and serves to notice NaN. `evaluate` gives the four of held-out images, of the
    moving average, under noise that is the same in every batch and every call. Keras's callbacks
    find the larger learning rate at `optimizer`; setting it scales both.

    Images are uint8, or floats in [0, 1], `(batch, height, width, channels)`. Points, `(batch, n)`,
    are finite floats and stay as they are. Anything else is refused, values in a batch by the step
    that meets them. What XLA compiles (a TPU, `jit_compile=True`, Keras's default on a GPU) sees
    types and shapes alone: there values are looked at in the first rows of arrays.

    Args:
        generator: From `(batch, latent_dim)` to `(batch, *image_shape)`.
        discriminator: From `(batch, *image_shape)` to `(batch,)` or `(batch, 1)` logits.
        value_range: What the generator's outputs span: where black and white are. Unused for
            points.
        ema_decay: Decay of the moving average, in [0, 1); early steps use less, so that the first
            samples are not those of the initial weights.
        seed: Seeds the training noise, which is a function of it and the step alone.
        **kwargs: Passed to `keras.Model`.

    Raises:
        InputError: Networks that do not fit each other, a generator whose last activation does not
            span `value_range`, a discriminator without logits, or a number out of its range.
    """

    parts_are = "discriminator_steps x accumulate"

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
        value_range = check_value_range(value_range)
        check_functional(generator=generator, discriminator=discriminator)
        check_generator(generator, value_range)
        discriminator = with_logits(discriminator)
        if generator.output_shape[1:] != discriminator.input_shape[1:]:
            raise InputError(
                f"The generator makes {generator.output_shape[1:]} and the discriminator takes "
                f"{discriminator.input_shape[1:]}: build both for one image_shape."
            )
        check_number("ema_decay", ema_decay, 1.0)
        self.generator, self.discriminator = generator, discriminator
        self.ema_generator = as_float32(generator)
        self.ema_generator.name, self.ema_generator.trainable = "ema_generator", False
        self.value_range, self.ema_decay, self.seed = value_range, ema_decay, noise_seed(seed)
        self.latent_dim = generator.input_shape[-1]
        self.image_shape = tuple(generator.output_shape[1:])
        self._count(("generator_loss", "discriminator_loss", "real_score", "fake_score"))

    def compile(
        self,
        objective: str | Objective = "non_saturating",
        generator_optimizer: keras.optimizers.Optimizer | str | dict | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | str | dict | None = None,
        discriminator_steps: int = 1,
        penalties: dict[str, float] | None = None,
        accumulate: int = 1,
        **kwargs,
    ):
        """Chooses the game that `fit` plays.

        Args:
            objective: A name in `kgan.OBJECTIVES`, or an `Objective`.
            generator_optimizer: One, its name or its configuration; default
                Adam(2e-4, beta_1=0.5), as DCGAN.
            discriminator_optimizer: Another; the same default.
            discriminator_steps: Discriminator updates for each of the generator's, k in the paper.
            penalties: Weights by a name in `kgan.PENALTIES`, in place of the objective's own;
                {} for none, None for the objective's.
            accumulate: Equal pieces that each batch is computed in, to save memory: the same
                updates, unless a network takes statistics of its batch.
            **kwargs: `run_eagerly`, `steps_per_execution` and `jit_compile`, as of Keras.

        Raises:
            InputError: An unknown objective or penalty, no discriminator step or piece, a negative
                weight, a penalty on a discriminator with batch statistics, no two optimizers,
                without averages of their own, or an option of Keras that means nothing here, such
                as `loss`.
        """
        if isinstance(objective, str):
            if objective not in OBJECTIVES:
                raise unknown("objective", objective, OBJECTIVES)
            objective = OBJECTIVES[objective]
        elif not isinstance(objective, Objective):
            raise InputError(
                f"objective is {objective!r}: expected a kgan.Objective, or one of "
                f"{', '.join(OBJECTIVES)}."
            )
        discriminator_steps = whole_number("discriminator_steps", discriminator_steps)
        if "r1" in kwargs:
            raise InputError(
                f"r1 is {kwargs['r1']!r}: it is one of the penalties now, pass "
                f'penalties={{"r1": {kwargs["r1"]!r}}}.'
            )
        penalties = objective.penalties if penalties is None else penalties
        check_penalties("penalties", penalties)
        penalties = {name: float(weight) for name, weight in penalties.items()}
        terms = [(PENALTIES[name], weight) for name, weight in penalties.items() if weight]
        if terms and any(
            isinstance(layer, keras.layers.BatchNormalization)
            for layer in all_layers(self.discriminator)
        ):
            raise InputError(
                "A gradient penalty is per example, but the discriminator has batch normalisation, "
                "which couples examples: build it with normalization 'layer' or 'none'."
            )
        generator_optimizer, discriminator_optimizer = (
            an_optimizer(optimizer or Adam(2e-4, beta_1=0.5))
            for optimizer in (generator_optimizer, discriminator_optimizer)
        )
        if generator_optimizer is discriminator_optimizer:
            raise InputError("Both networks were given the same optimizer: expected one for each.")
        refuse_averages(generator_optimizer, discriminator_optimizer)
        accumulate = whole_number("accumulate", accumulate)
        super().compile(**kwargs)
        self.accumulate = accumulate
        self.objective, self.discriminator_steps = objective, discriminator_steps
        self.penalties, self._penalties = penalties, terms
        self.generator_optimizer = built_optimizer(generator_optimizer, self.generator)
        self.discriminator_optimizer = built_optimizer(discriminator_optimizer, self.discriminator)
        self.optimizer = Optimizers(*self.optimizers)

    def _compile_arguments(self):
        named = (name for name, known in OBJECTIVES.items() if known == self.objective)
        own = "generator_optimizer", "discriminator_optimizer", "discriminator_steps"
        return {
            "objective": next(named, self.objective),
            **{name: getattr(self, name) for name in (*own, "penalties", "accumulate")},
        }

    def compile_from_config(self, config):
        if "r1" in config:  # of before an objective's penalties could be replaced
            config = dict(config)
            r1, objective = config.pop("r1"), config["objective"]
            if r1 and isinstance(objective, str):
                config["penalties"] = {**OBJECTIVES[objective].penalties, "r1": r1}
            elif r1:
                config["penalties"] = {"r1": r1}
        super().compile_from_config(config)

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

    @property
    def parts(self) -> int:
        return self.discriminator_steps * self.accumulate

    def _update(self, x, labels):
        k = self.discriminator_steps
        # Every k-th row each, of a multiple of k rows.
        reals = tf.unstack(tf.reshape(x, (-1, k, *self.image_shape)), axis=1)
        noise = Noise(self.seed, self.step.value, tf.shape(reals[-1])[0])
        for j, real in enumerate(reals):
            self._discriminator_step(real, noise, j)
        self._generator_step(reals[-1], noise.normal("latents", self.latent_dim))
        self._average()
        self.step.assign_add(1)
        logs = self._logs()
        return {**logs, "loss": logs["generator_loss"] + logs["discriminator_loss"]}

    def _measure(self, real, labels):
        step = tf.constant(TEST_STEP, tf.int64)
        noise = Noise(self.seed, step, tf.shape(real)[0], ragged=True)
        fake = self.ema_generator(noise.normal("latents", self.latent_dim), training=False)

        def discriminate(images):
            return in_float32(self.discriminator, images)

        mix = [noise.uniform("mix")] if self._penalties else []
        loss, logits = self._discriminator_losses(discriminate, real, fake, *mix)
        self._count_discriminator(loss, *logits)
        real_logits, fake_logits = logits
        self._means["generator_loss"].update_state(
            self.objective.generator_loss(
                real_logits if self.objective.paired else None, fake_logits
            )
        )
        return self._logs()

    def _discriminator_step(self, real, noise, j):
        latents = noise.normal(f"latents/{j}", self.latent_dim)
        fake = tf.stop_gradient(self.generator(latents, training=True))

        def discriminate(images):
            return self.discriminator(images, training=True)

        def losses(*inputs):
            return self._discriminator_losses(discriminate, *inputs)

        mix = [noise.uniform(f"mix/{j}")] if self._penalties else []
        loss, logits = minimize(
            losses,
            self.discriminator_optimizer,
            self.discriminator.trainable_variables,
            [real, fake, *mix],
            self.accumulate,
        )
        self._count_discriminator(loss, *logits)

    def _discriminator_losses(self, discriminate, real, fake, *mix):
        real_logits, fake_logits = discriminate(real), discriminate(fake)
        loss = self.objective.discriminator_loss(real_logits, fake_logits)
        for penalty, weight in self._penalties:
            loss += weight * penalty.scale * penalty.function(discriminate, real, fake, *mix)
        return loss, (real_logits, fake_logits)

    def _count_discriminator(self, loss, real_logits, fake_logits):
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

    def to_images(self, outputs):
        """Returns what the generator made as uint8 images; points in the plane stay float32."""
        if self._points:
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

        Raises:
            InputError: None are given, of another size, or with NaN or infinity.
        """
        return in_batches(self._generate, checked_rows("Latents", latents, self.latent_dim))

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
