"""One GAN for every adversarial objective (Goodfellow et al. 2014, Algorithm 1)."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from kgan.errors import InputError
from kgan.losses import Objective, with_named_penalties
from kgan.models import half_life
from kgan.models.adam import Adam
from kgan.models.augment import Augmentation
from kgan.models.counted import check_number, whole_number
from kgan.models.game import Game, name_of, objective_of, penalties_of
from kgan.models.generative import GenerativeModel
from kgan.models.images import check_value_range
from kgan.models.judging import Judge
from kgan.models.labels import check_frequencies, joined, labels_at
from kgan.models.optimizers import Optimizers, refuse_averages
from kgan.models.players import checked_players
from kgan.models.precision import as_float32, in_float32
from kgan.models.schedules import Scheduled, least, loaded, of_optimizer, of_values, saved, value_at
from kgan.models.seeds import noise_seed
from kgan.models.step import (
    TEST_STEP,
    Noise,
    an_optimizer,
    built_optimizer,
    iterate_norms,
    minimize,
)


@keras.saving.register_keras_serializable("kgan")
class GAN(Judge, GenerativeModel):
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

    With `num_classes` both networks take labels as well, and so do `fit` and `evaluate`: integers
    `(batch,)`, whose the real examples are. Labels of fakes are drawn by `class_frequencies`; where
    real and fake are compared in pairs (an objective that is `paired`, a gradient penalty between
    them), fakes take the labels of the reals, as in R3GAN (Huang et al. 2024), so that a pair
    differs in nothing else.

    Images are uint8, or floats in [0, 1], `(batch, height, width, channels)`. Points, `(batch, n)`,
    are finite floats and stay as they are. Anything else is refused, values in a batch by the step
    that meets them. What XLA compiles (a TPU, `jit_compile=True`, Keras's default on a GPU) sees
    types and shapes alone: there values are looked at in the first rows of arrays.

    Args:
        generator: From `(batch, latent_dim)`, or that and labels int32 `(batch,)`, to
            `(batch, *image_shape)`.
        discriminator: From `(batch, *image_shape)`, or that and labels, to `(batch,)` or
            `(batch, 1)` logits.
        value_range: What the generator's outputs span: where black and white are. Unused for
            points.
        ema_half_life: Steps after which what the moving average holds of a step counts half, a
            number of 0 or more or a `kgan.Schedule`; early steps use less, so that the first
            samples are not those of the initial weights.
        seed: Seeds the training noise, which is a function of it and the step alone.
        num_classes: Number of classes of networks that take labels; None of those that do not.
        class_frequencies: How often each class comes, `num_classes` numbers of 0 or more, such as
            counts; None for all alike. Unused without classes.
        **kwargs: Passed to `keras.Model`.

    Raises:
        InputError: Networks that do not fit each other or the classes, a generator whose last
            activation does not span `value_range`, a discriminator without logits, or a number out
            of its range.
    """

    parts_are = "discriminator_steps x accumulate"

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        value_range: tuple[float, float] = (-1.0, 1.0),
        ema_half_life: Scheduled = 700.0,
        seed: int = 0,
        num_classes: int | None = None,
        class_frequencies: Sequence[float] | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        value_range = check_value_range(value_range)
        if num_classes is not None:
            num_classes = whole_number("num_classes", num_classes)
            class_frequencies = check_frequencies(class_frequencies, num_classes)
        elif class_frequencies is not None:
            raise InputError("class_frequencies are given without num_classes: pass both or none.")
        discriminator = checked_players(generator, discriminator, value_range, num_classes)
        check_number("ema_half_life", least(ema_half_life))
        self.generator, self.discriminator = generator, discriminator
        self.ema_generator = as_float32(generator)
        self.ema_generator.name, self.ema_generator.trainable = "ema_generator", False
        self.value_range, self.seed = value_range, noise_seed(seed)
        self.ema_half_life = ema_half_life
        self.num_classes, self.class_frequencies = num_classes, class_frequencies
        self.latent_dim = generator.inputs[0].shape[-1]
        self.image_shape = tuple(generator.output_shape[1:])
        self._count(("generator_loss", "discriminator_loss", "real_score", "fake_score"))

    def compile(
        self,
        objective: str | Objective = "non_saturating",
        generator_optimizer: keras.optimizers.Optimizer | str | dict | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | str | dict | None = None,
        discriminator_steps: int = 1,
        penalties: dict[str, Scheduled] | None = None,
        augment: Sequence[str] = (),
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
            penalties: Weights by a name in `kgan.PENALTIES`, numbers or a `kgan.Schedule` of the
                steps, in place of the objective's own; {} for none, None for the objective's.
            augment: Names in `kgan.AUGMENTATIONS` of how real and generated images are changed at
                random before the discriminator sees them in training (Zhao et al. 2020); a
                gradient penalty is at the images as they are then.
            accumulate: Equal pieces that each batch is computed in, to save memory: the same
                updates, unless a network takes statistics of its batch.
            **kwargs: `run_eagerly`, `steps_per_execution` and `jit_compile`, as of Keras.

        Raises:
            InputError: An unknown objective, penalty or augmentation, a number out of its range,
                augmentations of points, a penalty on a discriminator with batch statistics, no two
                optimizers, without averages of their own, or an option of Keras that means nothing
                here, such as `loss`.
        """
        objective = objective_of(objective)
        discriminator_steps = whole_number("discriminator_steps", discriminator_steps)
        if "r1" in kwargs:
            raise InputError(
                f"r1 is {kwargs['r1']!r}: it is one of the penalties now, pass "
                f'penalties={{"r1": {kwargs["r1"]!r}}}.'
            )
        penalties = penalties_of(objective, penalties, self.discriminator)
        augmentation = Augmentation(augment, self.value_range)
        if augment and self._points:
            raise InputError(
                f"Augmentations are {augment}, and examples are points: leave them out."
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
        self.accumulate, self._augmentation = accumulate, augmentation
        self.objective, self.discriminator_steps = objective, discriminator_steps
        self.penalties, self._game = penalties, Game(objective, penalties)
        self.generator_optimizer = built_optimizer(generator_optimizer, self.generator)
        self.discriminator_optimizer = built_optimizer(discriminator_optimizer, self.discriminator)
        self.optimizer = Optimizers(*self.optimizers)

    def _compile_arguments(self):
        own = "generator_optimizer", "discriminator_optimizer", "discriminator_steps"
        return {
            "objective": name_of(self.objective),
            **{name: getattr(self, name) for name in (*own, "penalties", "accumulate")},
            "augment": self._augmentation.names,
        }

    def compile_from_config(self, config):
        super().compile_from_config(with_named_penalties(config))

    @property
    def networks(self) -> tuple[keras.Model, ...]:
        """The networks whose weights are the model."""
        return self.generator, self.discriminator, self.ema_generator

    @property
    def optimizers(self) -> tuple[keras.optimizers.Optimizer, ...]:
        """The built optimizers, after `compile`."""
        return self.generator_optimizer, self.discriminator_optimizer

    def call(self, inputs, training=False):
        """Returns what the moving average makes of latents, or of latents and labels."""
        return self.ema_generator(inputs, training=False)

    def scheduled(self):
        own = {"ema_half_life": self.ema_half_life, **self.penalties}
        return {
            **of_optimizer(self.generator_optimizer, "generator_"),
            **of_optimizer(self.discriminator_optimizer, "discriminator_"),
            **of_values(own, self.step.value),
        }

    @property
    def parts(self) -> int:
        return self.discriminator_steps * self.accumulate

    def _update(self, x, labels):
        k = self.discriminator_steps
        # Every k-th row each, of a multiple of k rows.
        reals = tf.unstack(tf.reshape(x, (-1, k, *self.image_shape)), axis=1)
        classes = [None] * k
        if self.num_classes is not None:
            classes = tf.unstack(tf.reshape(labels, (-1, k)), axis=1)
        noise = Noise(self.seed, self.step.value, tf.shape(reals[-1])[0])
        for j, (real, labels) in enumerate(zip(reals, classes, strict=True)):
            self._discriminator_step(real, labels, noise, f"/{j}")
        self._generator_step(reals[-1], classes[-1], noise)
        self._average()
        self.step.assign_add(1)
        logs = self._logs()
        return {**logs, "loss": logs["generator_loss"] + logs["discriminator_loss"]}

    def _fake_labels(self, noise, name, real_labels, paired):
        if self.num_classes is None or paired:
            return real_labels
        return labels_at(noise.uniform(name), self.class_frequencies)

    def _measure(self, real, labels):
        labels = None if self.num_classes is None else labels
        step = tf.constant(TEST_STEP, tf.int64)
        noise = Noise(self.seed, step, tf.shape(real)[0], ragged=True)
        fake_labels = self._fake_labels(noise, "labels", labels, self._game.paired)
        latents = noise.normal("latents", self.latent_dim)
        fake = self.ema_generator(joined(latents, fake_labels), training=False)

        def discriminate(images, labels):
            return in_float32(self.discriminator, joined(images, labels))

        mix = noise.uniform("mix") if self._game.penalised else None
        loss, logits = self._game.discriminator_losses(
            discriminate, real, fake, labels, fake_labels, mix, self.step.value
        )
        self._count_discriminator(loss, *logits)
        real_logits, fake_logits = logits
        self._means["generator_loss"].update_state(
            self.objective.generator_loss(
                real_logits if self.objective.paired else None, fake_logits
            )
        )
        return self._logs()

    def _discriminator_step(self, real, labels, noise, update):
        iterate_norms(self.discriminator)
        fake_labels = self._fake_labels(noise, f"labels{update}", labels, self._game.paired)
        latents = noise.normal(f"latents{update}", self.latent_dim)
        fake = tf.stop_gradient(self.generator(joined(latents, fake_labels), training=True))
        real = self._augmentation(real, self._augmentation.drawn(noise, f"real{update}"))
        fake = self._augmentation(fake, self._augmentation.drawn(noise, f"fake{update}"))

        def discriminate(images, labels):
            return self.discriminator(joined(images, labels), training=True)

        def losses(*inputs):
            return self._game.discriminator_losses(discriminate, *inputs, self.step.value)

        mix = noise.uniform(f"mix{update}") if self._game.penalised else None
        loss, logits = minimize(
            losses,
            self.discriminator_optimizer,
            self.discriminator.trainable_variables,
            [real, fake, labels, fake_labels, mix],
            self.accumulate,
        )
        self._count_discriminator(loss, *logits)

    def _count_discriminator(self, loss, real_logits, fake_logits):
        self._means["discriminator_loss"].update_state(loss)
        self._means["real_score"].update_state(tf.sigmoid(real_logits))
        self._means["fake_score"].update_state(tf.sigmoid(fake_logits))

    def _generator_step(self, real, labels, noise):
        paired = self.objective.paired

        def losses(latents, fake_labels, draws, real, labels):
            fake = self.generator(joined(latents, fake_labels), training=True)
            fake = self._augmentation(fake, draws)
            fake_logits = self.discriminator(joined(fake, fake_labels), training=True)
            real_logits = None
            if paired:
                real_logits = self.discriminator(joined(real, labels), training=True)
            return self.objective.generator_loss(real_logits, fake_logits), ()

        fake_labels = self._fake_labels(noise, "labels", labels, paired)
        latents = noise.normal("latents", self.latent_dim)
        draws = self._augmentation.drawn(noise, "fake")
        if paired:
            real = self._augmentation(real, self._augmentation.drawn(noise, "real"))
        loss, _ = minimize(
            losses,
            self.generator_optimizer,
            self.generator.trainable_variables,
            [latents, fake_labels, draws, *((real, labels) if paired else (None, None))],
            self.accumulate,
        )
        self._means["generator_loss"].update_state(loss)

    def _average(self):
        step = tf.cast(self.step.value, tf.float32)
        half_life = tf.cast(value_at(self.ema_half_life, self.step.value), tf.float32)
        decay = tf.pow(0.5, 1 / half_life)  # 0 of a half-life of 0
        rate = 1 - tf.minimum(decay, (1 + step) / (10 + step))
        for mean, variable in zip(self.ema_generator.weights, self.generator.weights, strict=True):
            mean.assign_add(rate * (variable - mean))

    def get_config(self):
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "value_range": self.value_range,
            "ema_half_life": saved(self.ema_half_life),
            "seed": self.seed,
            "num_classes": self.num_classes,
            "class_frequencies": self.class_frequencies,
        }

    @classmethod
    def from_config(cls, config):
        config = {**config}
        if "ema_decay" in config:  # of KGAN 0.1
            config["ema_half_life"] = half_life(config.pop("ema_decay"))
        config["ema_half_life"] = loaded(config["ema_half_life"])
        networks = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("generator", "discriminator")
        }
        return cls(**{**config, **networks})
