"""From a configuration to a compiled model and its data."""

import dataclasses
import inspect
import math
from dataclasses import dataclass

import keras
import numpy as np

from kgan.data import Examples, load
from kgan.data.toy import MIXTURES
from kgan.errors import InputError
from kgan.losses import OBJECTIVES
from kgan.models import GAN, OPTIMIZERS
from kgan.networks import NETWORKS
from kgan.training import precision
from kgan.training.config import RunConfig, override, settings


@dataclass
class Run:
    """A run that is ready to train.

    Attributes:
        config: With every "auto" resolved.
        examples: What it trains on.
        gan: Compiled.
        name: Data set and network, such as "mnist-dcgan"; also the SavedModel's name.
    """

    config: RunConfig
    examples: Examples
    gan: GAN
    name: str

    @property
    def images_per_step(self) -> int:
        """Real examples a training step."""
        return self.config.batch_size * self.config.game.discriminator_steps

    @property
    def mixture(self) -> tuple[np.ndarray, float] | None:
        """Centres `(m, 2)` and standard deviation where the data are a mixture in the plane."""
        return MIXTURES.get(self.config.data.name)


def steps_for_epochs(epochs: int, examples: Examples, config: RunConfig) -> int:
    """Returns the steps in which the discriminator sees every example `epochs` times."""
    return math.ceil(epochs * len(examples) / (config.batch_size * config.game.discriminator_steps))


def prepare(config: RunConfig, examples: Examples) -> Run:
    """Builds everything that a run needs, and so finds what is wrong before a file is written.

    Args:
        config: The configuration; "auto" precision is resolved.
        examples: From `load_examples`.

    Raises:
        InputError: The data are fewer than a batch, or the networks cannot be built.
    """
    if config.batch_size > len(examples):
        raise InputError(
            f"Batch size {config.batch_size} is larger than the data: {examples.name} has "
            f"{len(examples)} examples; pass --batch-size {len(examples)} or less."
        )
    config = _resolved(config)
    return Run(config, examples, build(config, examples), f"{examples.name}-{config.network.name}")


def _resolved(config: RunConfig) -> RunConfig:
    """Returns the configuration with what it leaves open decided."""
    config = dataclasses.replace(config, precision=precision.resolve(config.precision))
    known = settings(config)
    penalised = OBJECTIVES[config.game.objective].penalties or config.game.r1
    key = "network.discriminator.normalization"
    if penalised and key in known and "normalization" not in config.network.discriminator:
        # A penalty per example needs a discriminator that takes examples one by one.
        return override(config, {key: "layer"})
    return config


def load_examples(config: RunConfig, report=None) -> Examples:
    """Returns the training examples of a configuration: see `kgan.load`."""
    data = config.data
    return load(data.name, data_dir=data.data_dir, image_size=data.image_size, report=report)


def build(config: RunConfig, examples: Examples) -> GAN:
    """Returns the compiled GAN of a configuration, its weights drawn from the seed.

    Raises:
        InputError: A network or an optimizer cannot be built from its options.
    """
    network, options = NETWORKS[config.network.name], dict(config.network.generator)
    if "mean_image" in inspect.signature(network.generator).parameters:
        options["mean_image"] = _mean_image(examples)
    keras.utils.set_random_seed(config.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision.policy(config.precision))
    try:
        shape = examples.image_shape
        gan = GAN(
            network.generator(shape, config.network.latent_dim, **options),
            network.discriminator(shape, **config.network.discriminator),
            value_range=network.value_range,
            ema_decay=config.game.ema_decay,
            seed=config.seed,
        )
        gan.compile(
            objective=config.game.objective,
            generator_optimizer=_optimizer(config.generator_optimizer),
            discriminator_optimizer=_optimizer(config.discriminator_optimizer),
            discriminator_steps=config.game.discriminator_steps,
            r1=config.game.r1,
        )
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{config.network.name} cannot be built so: {reason}") from error
    finally:
        keras.config.set_dtype_policy(before)
    return gan


def _mean_image(examples: Examples, at_most: int = 10_000) -> np.ndarray | None:
    """Returns the mean of the first images in [0, 1], None for points in the plane."""
    if len(examples.image_shape) != 3:
        return None
    return np.mean(examples.images[:at_most], axis=0, dtype=np.float64) / 255


def _optimizer(values: dict) -> keras.optimizers.Optimizer:
    options = {key: value for key, value in values.items() if key != "name"}
    return OPTIMIZERS[values["name"]](**options)
