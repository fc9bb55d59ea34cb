"""From a configuration to a compiled model and its data."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from kgan import memory, names
from kgan.data import Examples, load
from kgan.data.fingerprint import fingerprint
from kgan.data.prepared import Report
from kgan.data.split import Splits, parts_of, split, subset
from kgan.errors import InputError
from kgan.methods.base import DataSpec, Method, Phase
from kgan.methods.config import Config
from kgan.methods.settings import check_options
from kgan.metrics.scores import Scorer
from kgan.training import evaluation, precision, room
from kgan.training.strategy import Devices


@dataclass
class Run:
    """A run that is ready to train.

    Attributes:
        config: With every "auto" resolved.
        data: Its parts.
        model: Compiled.
        name: Data set and network, such as "mnist-dcgan"; also the SavedModel's name.
        devices: Where the model trains.
        fingerprint: Of the data that were given, with the labels in use: see `data.fingerprint`.
        scorer: What scores it while it trains, None if nothing does.
    """

    config: Config
    data: Splits
    model: keras.Model
    name: str
    devices: Devices
    fingerprint: dict[str, dict]
    scorer: Scorer | None = None

    @property
    def examples(self) -> Examples:
        """What it trains on."""
        return self.data.train

    @property
    def trained_on(self) -> tuple[str, ...] | None:
        """Which of the parts that `kgan.split` makes of the data are trained on, None if unknown.

        It is of data of which a part was given to be all.
        """
        if self.config.data.hold_out == "split":
            return ("train",)
        if not self.examples.whole:
            return None
        own_test = self.examples.test_size
        return ("train", "validation") if own_test else ("train", "validation", "test")

    @property
    def spec(self) -> DataSpec:
        """What its model knows of them."""
        return DataSpec.of(self.examples)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that come with the examples in every batch."""
        return self.method.columns(self.config, self.examples)

    @property
    def method(self) -> Method:
        """How it is trained."""
        return self.config.method

    @property
    def images_per_step(self) -> int:
        """Real examples a training step."""
        return self.method.images_per_step(self.config)

    @property
    def phases(self) -> Sequence[Phase]:
        """What its training consists of."""
        return self.method.phases(self.model, self.config)

    @property
    def total_steps(self) -> int:
        """Training steps altogether."""
        return sum(phase.steps for phase in self.phases)


def steps_for_epochs(epochs: int, data: Examples | Splits, config: Config) -> int:
    """Returns the steps in which every example is seen `epochs` times."""
    images = config.method.images_per_step(config)
    return math.ceil(epochs * len(_parts(config, data).train) / images)


def load_data(config: Config, report: Report | None = None) -> Examples | Splits:
    """Returns the data of a configuration, in parts where some are held out.

    Args:
        config: Any configuration.
        report: See `kgan.load`.
    """
    data, read = config.data, load if config.data.hold_out == "none" else split
    return read(
        data.name,
        data_dir=data.data_dir,
        image_size=data.image_size,
        label=data.label,
        report=report,
    )


def _parts(config: Config, data: Examples | Splits) -> Splits:
    """Returns what to train on and what to hold out of it."""
    if config.data.hold_out == "none":
        if isinstance(data, Splits):
            raise InputError(
                "data.hold_out is none, but the data come in parts: pass kgan.load(...), or leave "
                "hold_out out."
            )
        nothing = subset(data, slice(0, 0))
        return Splits(data, nothing, nothing, "nothing is held out")
    return data if isinstance(data, Splits) else parts_of(data)


def _labelled_by(data: Splits, column: str) -> Splits:
    label = data.train.labelled_by(column).label
    parts = {part: getattr(data, part) for part in ("train", "validation", "test")}
    # A test split may be without.
    labelled = {name: dataclasses.replace(part, label=label) for name, part in parts.items()}
    return dataclasses.replace(data, **labelled)


def prepare(config: Config, data: Examples | Splits, devices: Devices | None = None) -> Run:
    """Builds everything that a run needs, and so finds what is wrong before a file is written.

    Args:
        config: The configuration; whatever is "auto" in it is resolved.
        data: From `kgan.split`, or from `kgan.load`, of which then the same parts are held out, or
            none, as `config.data.hold_out` says. What is named in `config.data` is not read.
        devices: Where the model is to train; by default those of the strategy whose scope this is
            called in.

    Raises:
        InputError: Images that are not uint8, fewer data than a batch, a batch that cannot be
            divided among the replicas and pieces, or networks that cannot be built.
    """
    config.check()
    devices = devices or Devices()
    devices.check_batch(config.batch_size, config.accumulate)
    data = _parts(config, data)
    examples = data.train
    examples.space.check(examples.values, examples.name)
    if config.batch_size > len(examples):
        raise InputError(
            f"Batch size {config.batch_size} is larger than the data: {examples.name} has "
            f"{len(examples)} training examples; pass --batch-size {len(examples)} or less."
        )
    _check_batch(config, examples)
    if config.data.label is not None:
        data = _labelled_by(data, config.data.label)
        examples = data.train
    if config.data.balance and examples.labels is None:
        raise InputError(
            f"{examples.name!r} has no labels to balance: choose a set with them, or leave "
            "--balance out."
        )
    config = dataclasses.replace(config, precision=precision.resolve(config.precision))
    found = fingerprint(data.train if config.data.hold_out == "none" else data)
    config, data = config.method.resolve(config, data)
    with devices.scope():
        model = build(config, DataSpec.of(examples))
    name = names.as_model(f"{examples.name}-{config.network.name}")
    scorer = None
    if config.evaluation.every:
        parts = parts_of(examples) if config.data.hold_out == "none" else data
        real, frequencies = evaluation.as_data(parts), model.class_frequencies
        scorer = evaluation.scorer(config.evaluation, real, frequencies)
    return Run(config, data, model, name, devices, found, scorer)


def build(config: Config, spec: DataSpec) -> keras.Model:
    """Returns the compiled model of a configuration, its weights drawn from the seed.

    Args:
        config: With every "auto" resolved.
        spec: Of the data.

    Raises:
        InputError: A network or an optimizer cannot be built from its options.
    """
    check_options(config)
    keras.utils.set_random_seed(config.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision.policy(config.precision))
    try:
        with room.for_variables(config.network.name):
            return config.method.build(config, spec)
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
    count = config.method.images_per_step(config)
    size = count * math.prod(examples.image_shape) * (examples.images.dtype.itemsize + 4)
    fix = "choose a smaller --batch-size or --image-size, or fewer --discriminator-steps"
    memory.require(size, f"A step of {count:,} examples", fix)
