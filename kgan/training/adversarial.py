"""What a run of `kgan train` does its own way."""

import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from kgan.data import DATASETS, Examples
from kgan.data import load as load  # the family's own way to its data
from kgan.data.toy import MIXTURES
from kgan.errors import InputError
from kgan.losses import OBJECTIVES
from kgan.metrics.mixture import mixture_coverage
from kgan.metrics.scores import Scorer
from kgan.models import GAN, OPTIMIZERS
from kgan.names import command
from kgan.networks import NETWORKS
from kgan.runs import pictures
from kgan.training import evaluation
from kgan.training.config import RunConfig
from kgan.training.settings import construct, override, settings
from kgan.training.start import mean_image

POINT_SAMPLES = 2500


def progress(gan: GAN) -> tuple[str, ...]:
    """Returns the formats of the metrics in the progress bar, the most important first."""
    return (
        "loss D {discriminator_loss:.2f} G {generator_loss:.2f}",
        "D(x) {real_score:.2f} D(G(z)) {fake_score:.2f}",
    )


def advice(config: RunConfig, examples: Examples, run_dir: str | Path) -> str:
    """Returns what to do with a finished run."""
    return f"Draw from it with: {command('sample', run_dir)}"


def images_per_step(config: RunConfig) -> int:
    """Returns the real examples of all discriminator updates of a step."""
    return config.batch_size * config.game.discriminator_steps


def resolve(config: RunConfig, examples: Examples) -> tuple[RunConfig, Examples]:
    """Returns the configuration with what it leaves open decided, and the data as they are.

    Raises:
        InputError: Data with held-out parts.
    """
    if not isinstance(examples, Examples):
        raise InputError(
            "A GAN trains on one set of examples: pass kgan.load(...), or a part of "
            "kgan.split(...), such as its .train."
        )
    penalties = config.game.penalties
    if penalties is None:
        penalties = OBJECTIVES[config.game.objective].penalties
    key = "network.discriminator.normalization"
    if (
        any(penalties.values())
        and key in settings(config)
        and "normalization" not in config.network.discriminator
    ):
        # A penalty per example needs a discriminator that takes examples one by one.
        config = override(config, {key: "layer"})
    return config, examples


def build(config: RunConfig, image_shape: tuple[int, ...], images=None) -> GAN:
    """Returns the compiled GAN: see `training.build.build`."""
    network, options = NETWORKS[config.network.name], dict(config.network.generator)
    if "mean_image" in inspect.signature(network.generator).parameters:
        options["mean_image"] = mean_image(images)
    gan = GAN(
        network.generator(image_shape, config.network.latent_dim, **options),
        network.discriminator(image_shape, **config.network.discriminator),
        value_range=network.value_range,
        ema_decay=config.game.ema_decay,
        seed=config.seed,
    )
    gan.compile(
        objective=config.game.objective,
        generator_optimizer=construct(OPTIMIZERS, config.generator_optimizer),
        discriminator_optimizer=construct(OPTIMIZERS, config.discriminator_optimizer),
        discriminator_steps=config.game.discriminator_steps,
        penalties=config.game.penalties,
        accumulate=config.accumulate,
    )
    return gan


def scorer(config: RunConfig, examples: Examples) -> Scorer | None:
    """Returns what scores a run of these examples while it trains, None if nothing does."""
    if not config.evaluation.every:
        return None
    return evaluation.scorer(config.evaluation, evaluation.given_data(examples))


def phases(gan: GAN) -> list[Callable]:
    """Returns the calls of `fit` that a run consists of."""
    return [gan.fit]


def picture(gan: GAN, examples: Examples) -> Image.Image:
    """Returns what the moving-average generator makes of fixed seeds, over the data if points."""
    if len(gan.image_shape) == 3:
        return pictures.grid(gan.sample(range(64)))
    return pictures.scatter(gan.sample(range(POINT_SAMPLES)), examples.images[:POINT_SAMPLES])


def score(gan: GAN, examples: Examples, config: RunConfig) -> dict:
    """Returns the scores of a finished run: of a mixture of KGAN's, how much of it is covered."""
    for name, mixture in MIXTURES.items() if len(examples.image_shape) == 1 else ():
        if np.array_equal(examples.images, DATASETS[name]().images):
            return mixture_coverage(gan.sample(range(POINT_SAMPLES)), *mixture)
    return {}


def rows(summary: dict) -> list[tuple[str, ...]]:
    """Returns a summary's scores as a table's rows, its header first; none if it has none."""
    if "modes" not in summary:
        return []
    return [
        ("modes covered", "high-quality samples"),
        (str(summary["modes"]), f"{summary['high_quality']:.1%}"),
    ]
