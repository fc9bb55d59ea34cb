"""From a configuration to a compiled model and its data."""

import dataclasses
import math
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from kgan import memory, names
from kgan.data import Examples
from kgan.data.fingerprint import fingerprint
from kgan.data.split import Splits
from kgan.errors import InputError
from kgan.metrics.scores import Scorer
from kgan.training import adversarial, precision, pretraining, room
from kgan.training.config import Config
from kgan.training.settings import check_options
from kgan.training.strategy import Devices

FAMILIES = {"adversarial": adversarial, "pretraining": pretraining}


@dataclass
class Run:
    """A run that is ready to train.

    Attributes:
        config: With every "auto" resolved.
        data: All of its data; `Splits` where some of them are held out.
        model: Compiled.
        name: Data set and network, such as "mnist-dcgan"; also the SavedModel's name.
        devices: Where the model trains.
        fingerprint: Of the data as they were given: see `data.fingerprint`.
        scorer: What scores it while it trains, None if nothing does.
    """

    config: Config
    data: Examples | Splits
    model: keras.Model
    name: str
    devices: Devices
    fingerprint: dict[str, dict]
    scorer: Scorer | None = None

    @property
    def examples(self) -> Examples:
        """What it trains on."""
        return training_examples(self.data)

    @property
    def family(self):
        """The module with what its kind of run does its own way."""
        return FAMILIES[self.config.family]

    @property
    def images_per_step(self) -> int:
        """Real examples a training step."""
        return self.family.images_per_step(self.config)

    @property
    def total_steps(self) -> int:
        """Training steps altogether."""
        return self.config.steps * len(self.family.phases(self.model))


def training_examples(data: Examples | Splits) -> Examples:
    """Returns what is trained on."""
    return data.train if isinstance(data, Splits) else data


def steps_for_epochs(epochs: int, examples: Examples, config: Config) -> int:
    """Returns the steps in which every example is seen `epochs` times."""
    images = FAMILIES[config.family].images_per_step(config)
    return math.ceil(epochs * len(examples) / images)


def load_data(config: Config, report=None) -> Examples | Splits:
    """Returns the data of a configuration, split where its kind of run holds some out.

    Args:
        config: Any configuration.
        report: See `kgan.load`.
    """
    data = config.data
    return FAMILIES[config.family].load(
        data.name, data_dir=data.data_dir, image_size=data.image_size, report=report
    )


def prepare(config: Config, data: Examples | Splits, devices: Devices | None = None) -> Run:
    """Builds everything that a run needs, and so finds what is wrong before a file is written.

    Args:
        config: The configuration; whatever is "auto" in it is resolved.
        data: From `kgan.load`, or `kgan.split` for a `PretrainConfig`.
        devices: Where the model is to train; by default those of the strategy whose scope this is
            called in.

    Raises:
        InputError: Images that are not uint8, fewer data than a batch, a batch that cannot be
            divided among the replicas and pieces, or networks that cannot be built.
    """
    config.check()
    devices = devices or Devices()
    devices.check_batch(config.batch_size, config.accumulate)
    examples = training_examples(data)
    examples.space.check(examples.values, examples.name)
    if config.batch_size > len(examples):
        raise InputError(
            f"Batch size {config.batch_size} is larger than the data: {examples.name} has "
            f"{len(examples)} training examples; pass --batch-size {len(examples)} or less."
        )
    _check_batch(config, examples)
    config = dataclasses.replace(config, precision=precision.resolve(config.precision))
    found = fingerprint(data)
    config, data = FAMILIES[config.family].resolve(config, data)
    with devices.scope():
        model = build(config, examples.image_shape, examples.images)
    name = names.as_model(f"{examples.name}-{config.network.name}")
    scorer = FAMILIES[config.family].scorer(config, data)
    return Run(config, data, model, name, devices, found, scorer)


def build(
    config: Config, image_shape: tuple[int, ...], images: np.ndarray | None = None
) -> keras.Model:
    """Returns the compiled model of a configuration, its weights drawn from the seed.

    Args:
        config: With every "auto" resolved.
        image_shape: Shape of one example.
        images: The training data, for networks whose first weights depend on them.

    Raises:
        InputError: A network or an optimizer cannot be built from its options.
    """
    check_options(config)
    keras.utils.set_random_seed(config.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision.policy(config.precision))
    try:
        with room.for_variables(config.network.name):
            return FAMILIES[config.family].build(config, image_shape, images)
    except InputError:
        raise
    except (TypeError, ValueError, ArithmeticError, MemoryError, tf.errors.OpError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise InputError(f"{config.network.name} cannot be built so: {reason}") from error
    finally:
        keras.config.set_dtype_policy(before)


def _check_batch(config: Config, examples: Examples) -> None:
    """Checks that the examples of a step fit into memory, as they are and as floats.

    Raises:
        InputError: They do not.
    """
    count = FAMILIES[config.family].images_per_step(config)
    size = count * math.prod(examples.image_shape) * (examples.images.dtype.itemsize + 4)
    fix = "choose a smaller --batch-size or --image-size, or fewer --discriminator-steps"
    memory.require(size, f"A step of {count:,} examples", fix)
