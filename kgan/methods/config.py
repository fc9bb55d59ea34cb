"""What every run is made from, as plain data that round-trips through JSON."""

import abc
import dataclasses
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar

from kgan import names
from kgan.errors import InputError, shown, unknown
from kgan.methods import method_of, models_of, schedules, typed
from kgan.methods.base import Method

# Of what is counted, and of steps.
MOST, MOST_STEPS = 2**31 - 1, 10**9
HOLD_OUTS = ("split", "none")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class DataConfig:
    """Where examples come from: see `kgan.load`, and which of them are trained on.

    Attributes:
        hold_out: "split", all but the validation and test images of `kgan.split`, or "none", all
            that `kgan.load` gives.
        label: The column with the labels; None for the set's own choice.
        balance: Whether every class is drawn equally often, however rare it is.
    """

    name: str = "digits"
    data_dir: str | None = None
    image_size: tuple[int, int] | None = None
    hold_out: str = "split"
    label: str | None = None
    balance: bool = False


@dataclass(frozen=True)
class EvaluationConfig:
    """What a run is scored by while it trains.

    Attributes:
        every: Steps between two scores, 0 for none.
        score: Which one decides what is best, such as "fid" or "coverage".
        samples: Images drawn for each.
        features: As in `training.evaluation.extractor`.
    """

    every: int = 0
    score: str = "fid"
    samples: int = 2000
    features: str = "auto"


def adam(learning_rate: float | str, **options: float) -> Callable[[], dict[str, Any]]:
    """Returns what makes the settings of that optimizer."""
    return lambda: {"name": "adam", "learning_rate": learning_rate, **options}


@dataclass(frozen=True)
class Config(abc.ABC):
    """What every run has.

    Attributes:
        steps: Updates: of the generator, of an autoencoder, of each layer of a stacked one.
        batch_size: Real examples an update, on all devices together.
        accumulate: Equal pieces that a batch is computed in, to save memory.
        seed: Decides the initial weights, the order of the data and the noise.
        precision: What the networks compute in; "auto" is resolved before training.
        log_every, sample_every, checkpoint_every: Steps between two of each.
        checkpoints_kept: How many, the newest.
        max_rollbacks: How often the run goes back to a checkpoint when a loss or a weight is not
            finite, before it gives up.
    """

    data: DataConfig = DataConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    steps: int = 20_000
    batch_size: int = 128
    accumulate: int = 1
    seed: int = 0
    precision: str = "auto"
    log_every: int = 50
    sample_every: int = 1000
    checkpoint_every: int = 500
    checkpoints_kept: int = 2
    max_rollbacks: int = 3

    network: Any = None

    # Sections whose options go with their name.
    named: ClassVar[tuple[str, ...]]
    # Keys under which stand the options of a builder.
    built: ClassVar[tuple[str, ...]]
    # Settings that went, and what came instead, in words.
    renamed: ClassVar[dict[str, str]] = {}
    # What goes back to its default where another setting changes.
    follows: ClassVar[dict[str, str]] = {}

    @property
    def scheduled(self) -> tuple[str, ...]:
        """The keys of single numbers that may have a schedule."""
        optimizers = (key for key in self.named if key != "network")
        return tuple(f"{key}.{name}" for key in optimizers for name in schedules.OF_OPTIMIZERS)

    @property
    def method(self) -> Method:
        """How it is trained."""
        return method_of(self.network.name)

    def to_dict(self) -> dict[str, Any]:
        """Returns nested dictionaries of plain values."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Config":
        """Returns the configuration that `to_dict` was taken from, its types not checked yet.

        Raises:
            InputError: A name is not known, or a section is none.
        """
        config = typed.made(cls, values)
        size = config.data.image_size
        size = tuple(size) if isinstance(size, list) else size
        return dataclasses.replace(config, data=dataclasses.replace(config.data, image_size=size))

    def entries(self) -> dict[str, dict[str, Any]]:
        """Returns, by dotted key, the settings that are dictionaries, their defaults if unset."""
        return {}

    @abc.abstractmethod
    def headline(self) -> str:
        """Returns what is trained for, in a phrase."""

    @abc.abstractmethod
    def builders(self) -> dict[str, Callable]:
        """Returns, by dotted key, the functions whose options stand there.

        Raises:
            InputError: A name is not known.
        """

    def check(self) -> None:
        """Checks every type, name and range that can be without loading TensorFlow.

        Raises:
            InputError: A setting is of another type or outside its range, a name is not known, or
                some contradict each other.
        """
        from kgan.models import OPTIMIZERS

        typed.check(self)
        require("model", self.network.name, models_of(type(self)))
        names.check("data.name", self.data.name)
        if self.data.data_dir is not None:
            names.check("data.data_dir", self.data.data_dir)
        for key in ("steps", "log_every", "sample_every", "checkpoint_every"):
            in_range(key, getattr(self, key), 1, MOST_STEPS)
        for key in ("batch_size", "accumulate", "checkpoints_kept"):
            in_range(key, getattr(self, key), 1)
        require("hold_out", self.data.hold_out, HOLD_OUTS)
        self._check_evaluation()
        in_range("max_rollbacks", self.max_rollbacks, 0)
        in_range("seed", self.seed, 0)
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        for key in self.named:
            if key == "network":
                continue
            optimizer = getattr(self, key)
            require("optimizer", optimizer.get("name"), OPTIMIZERS)
            for name in schedules.OF_OPTIMIZERS:
                self._check_scheduled(f"{key}.{name}", optimizer.get(name, 0.5))

    def _check_scheduled(self, key: str, value: Any) -> None:
        """Raises an InputError unless a rate, a beta_2 or a half-life, at all steps, is one."""
        least, most = schedules.check(key, typed.of_type(key, value, float | str), self.steps)
        name = key.rpartition(".")[2]
        if not (0 <= least <= most < float("inf")) or (name == "learning_rate" and most == 0):
            expected = "above 0" if name == "learning_rate" else "of 0 or more"
            raise InputError(f"{key} is {value}: expected a number {expected}.")
        if name == "beta_2" and most >= 1:
            raise InputError(f"{key} is {value}: expected a number below 1.")

    def _check_evaluation(self):
        from kgan.metrics import metric_of

        what = self.evaluation
        metric_of(what.score)
        in_range("evaluation.samples", what.samples, 1)
        in_range("evaluation.every", what.every, 0, MOST_STEPS)
        if what.every and not self.method.draws:
            raise InputError(
                f"evaluation.every is {what.every}, but {self.network.name} draws no images that "
                "could be scored: leave it out."
            )


def in_range(key: str, value: int, least: int, most: int = MOST) -> None:
    """Raises an InputError unless a setting is within its range, both ends included."""
    if value < least:
        raise InputError(f"{key} is {shown(value)}: expected {least} or more.")
    if value > most:
        raise InputError(f"{key} is {shown(value)}: expected {most:,} at most.")


def require(what: str, name: str, known: Collection[str]) -> None:
    """Raises an InputError unless a name is known."""
    if not isinstance(name, str) or name not in known:
        raise unknown(what, name, known)


def optimizer_class(values: dict[str, Any]) -> Callable:
    """Returns the class of the optimizer that settings name.

    Raises:
        InputError: There is none.
    """
    from kgan.models import OPTIMIZERS

    require("optimizer", values["name"], OPTIMIZERS)
    return OPTIMIZERS[values["name"]]
