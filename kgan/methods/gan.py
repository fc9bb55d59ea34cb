"""Two networks that train each other: `kgan train`."""

import inspect
import json
from dataclasses import dataclass, field
from typing import Any

from kgan import models
from kgan.errors import InputError
from kgan.losses import OBJECTIVES, check_penalties, own_penalties
from kgan.methods import schedules
from kgan.methods.base import DataSpec, Method
from kgan.methods.config import Config, adam, in_range, optimizer_class, require
from kgan.methods.settings import constructed, override, settings
from kgan.networks import NETWORKS
from kgan.runs.records import LARGEST_RECORD

MOST_OF_CLASSES = LARGEST_RECORD // 2  # bytes, which leave room for indentation and settings
PICTURED_POINTS = 2500
PICTURED, CLASSES = 8, 16  # images of a class, and classes at most in a picture


@dataclass(frozen=True)
class NetworkConfig:
    """Which networks are built.

    Attributes:
        generator: Options of its builder; likewise the discriminator's.
        conditional: Whether they take the class of an image too.
    """

    name: str = "dcgan"
    latent_dim: int = 100
    generator: dict[str, Any] = field(default_factory=dict)
    discriminator: dict[str, Any] = field(default_factory=dict)
    conditional: bool = False


@dataclass(frozen=True)
class GameConfig:
    """The objective and its rhythm: see `kgan.GAN.compile`.

    Attributes:
        penalties: Weights by name, or schedules, in place of the objective's own; None for those,
            which a run's config.json holds then.
        ema_half_life: In steps, a number or a schedule.
        augment: How images are changed before the discriminator sees them, names in
            `kgan.AUGMENTATIONS` with commas between, or "none".
    """

    objective: str = "non_saturating"
    discriminator_steps: int = 1
    penalties: dict[str, float | str] | None = None
    ema_half_life: float | str = 700.0
    augment: str = "none"

    @property
    def augmentations(self) -> tuple[str, ...]:
        """The names in `augment`."""
        return () if self.augment == "none" else tuple(self.augment.split(","))


@dataclass(frozen=True)
class GANConfig(Config):
    """A run of a GAN.

    Attributes:
        generator_optimizer: "name" and that optimizer's arguments; likewise the discriminator's.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    game: GameConfig = GameConfig()
    generator_optimizer: dict[str, Any] = field(default_factory=adam(2e-4, beta_1=0.5))
    discriminator_optimizer: dict[str, Any] = field(default_factory=adam(2e-4, beta_1=0.5))

    named = ("network", "generator_optimizer", "discriminator_optimizer")
    built = (
        "network.generator", "network.discriminator", "generator_optimizer",
        "discriminator_optimizer",
    )  # fmt: skip

    renamed = {  # noqa: RUF012
        "game.r1": "game.penalties.r1 now, as in --set game.penalties.r1=1",
        "game.ema_decay": "game.ema_half_life now, in steps, as in --set game.ema_half_life=700",
    }
    follows = {"game.penalties": "game.objective"}  # noqa: RUF012

    @property
    def scheduled(self):
        return (*super().scheduled, "game.ema_half_life")

    def entries(self):
        own = self.game.penalties
        return {"game.penalties": own_penalties(self.game.objective) if own is None else own}

    def headline(self):
        return f"{'conditional, ' * self.network.conditional}{self.game.objective}"

    def builders(self):
        require("model", self.network.name, NETWORKS)
        network = NETWORKS[self.network.name]
        optimizers = map(optimizer_class, (self.generator_optimizer, self.discriminator_optimizer))
        builders = network.generator, network.discriminator, *optimizers
        return dict(zip(self.built, builders, strict=True))

    def check(self):
        super().check()
        in_range("network.latent_dim", self.network.latent_dim, 1)
        in_range("game.discriminator_steps", self.game.discriminator_steps, 1)
        require("objective", self.game.objective, OBJECTIVES)
        models.check_augmentations(self.game.augmentations)
        self._check_scheduled("game.ema_half_life", self.game.ema_half_life)
        penalties = self.game.penalties
        if isinstance(penalties, dict):
            penalties = {
                name: min(schedules.check(f"game.penalties.{name}", weight, self.steps))
                for name, weight in penalties.items()
            }
        if penalties is not None:
            check_penalties("game.penalties", penalties)


class GANMethod(Method):
    """Algorithm 1 of Goodfellow et al. 2014: see `kgan.GAN`."""

    name = "gan"
    command = "train"
    Config = GANConfig
    draws = True
    use = "sample"
    diagnoses = True
    progress = (
        "loss D {discriminator_loss:.2f} G {generator_loss:.2f}",
        "D(x) {real_score:.2f} D(G(z)) {fake_score:.2f}",
    )

    def images_per_step(self, config):
        """Returns the real examples of all discriminator updates of a step."""
        return config.batch_size * config.game.discriminator_steps

    def columns(self, config, examples):
        return (examples.label,) if config.network.conditional else ()

    def resolve(self, config, data):
        spec = DataSpec.of(data.train)
        if config.network.conditional and len(spec.class_names) < 2:
            raise InputError(
                f"{data.train.name!r} has no classes to be conditional on: choose a set with two "
                "or more, such as a folder with a sub-folder for each, name their column with "
                "--label, or leave --conditional out."
            )
        if (config.network.conditional or config.data.balance) and 0 in spec.class_counts:
            empty = spec.class_names[spec.class_counts.index(0)]
            raise InputError(
                f"The class {empty!r} of {data.train.name!r} has no training example: expected "
                "some of every class, or neither --conditional nor --balance."
            )
        if config.game.augmentations and not data.train.space.is_image:
            raise InputError(
                f"game.augment is {config.game.augment}, but {data.train.name!r} holds points: "
                "leave --augment out."
            )
        size = len(json.dumps(spec.classes, indent=2)) if config.network.conditional else 0
        if size > MOST_OF_CLASSES:
            raise InputError(
                f"The {len(spec.class_names):,} classes of {data.train.name!r} take {size:,} bytes "
                f"in a run's config.json: expected {MOST_OF_CLASSES:,} at most. Give them shorter "
                "names, or leave --conditional out."
            )
        penalties = config.entries()["game.penalties"]
        config = override(config, {"game.penalties": penalties})
        key = "network.discriminator.normalization"
        if (
            any(penalties.values())
            and key in settings(config)
            and "normalization" not in config.network.discriminator
        ):
            # A penalty per example needs a discriminator that takes examples one by one.
            config = override(config, {key: "layer"})
        return config, data

    def build(self, config, spec):
        from kgan.methods.start import mean_image

        network, options = NETWORKS[config.network.name], dict(config.network.generator)
        if "mean_image" in inspect.signature(network.generator).parameters:
            options["mean_image"] = mean_image(spec.values)
        classes = {"num_classes": len(spec.class_names)} if config.network.conditional else {}
        frequencies = {}
        if classes and not config.data.balance:
            frequencies = {"class_frequencies": spec.class_counts}
        gan = models.GAN(
            network.generator(spec.shape, config.network.latent_dim, **classes, **options),
            network.discriminator(spec.shape, **classes, **config.network.discriminator),
            **classes,
            **frequencies,
            value_range=network.value_range,
            ema_half_life=schedules.made(
                "game.ema_half_life", config.game.ema_half_life, config.steps
            ),
            seed=config.seed,
        )
        gan.compile(
            objective=config.game.objective,
            generator_optimizer=constructed(config, "generator_optimizer"),
            discriminator_optimizer=constructed(
                config, "discriminator_optimizer", config.game.discriminator_steps
            ),
            discriminator_steps=config.game.discriminator_steps,
            penalties={
                name: schedules.made(f"game.penalties.{name}", weight, config.steps)
                for name, weight in config.entries()["game.penalties"].items()
            },
            augment=config.game.augmentations,
            accumulate=config.accumulate,
        )
        return gan

    def picture(self, model, data):
        """Returns samples of the moving average, of points over the data."""
        from kgan.runs import pictures

        if data.train.space.is_image and model.num_classes:
            return pictures.grid(_by_class(model), columns=PICTURED)
        if data.train.space.is_image:
            return pictures.grid(model.sample(range(64)))
        return pictures.scatter(
            model.sample(range(PICTURED_POINTS)), data.train.images[:PICTURED_POINTS]
        )

    def diagnose(self, model, data):
        from kgan.methods.diagnosis import diagnosed

        return diagnosed(model, data)

    def said(self, diagnoses):
        from kgan.methods.diagnosis import said

        return said(diagnoses)

    def score(self, model, data, config):
        """Returns how many of the modes it reaches where they are known, else nothing."""
        from kgan.methods.modes import modes_reached

        return {"scores": modes_reached(model, data.train, config.steps), "baselines": {}}


def _by_class(gan):
    """Returns images of the same seeds for each class, class by class."""
    labels = [label for label in range(min(gan.num_classes, CLASSES)) for _ in range(PICTURED)]
    return gan.sample([*range(PICTURED)] * (len(labels) // PICTURED), labels)
