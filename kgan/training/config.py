"""What a run is made from, as plain data that round-trips through JSON."""

import abc
import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kgan import names
from kgan.errors import InputError, shown, unknown
from kgan.training import typed

# Of what is counted, and of steps.
MOST, MOST_STEPS = 2**31 - 1, 10**9
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
LIKELIHOODS = ("bernoulli", "squared_error", "gaussian")
SCHEDULES = ("constant", "cosine")
BINARIZATIONS = ("none", "static", "dynamic")


@dataclass(frozen=True)
class DataConfig:
    """Where examples come from: see `kgan.load`."""

    name: str = "digits"
    data_dir: str | None = None
    image_size: tuple[int, int] | None = None


@dataclass(frozen=True)
class NetworkConfig:
    """Which networks are built; `generator` and `discriminator` hold the builders' options."""

    name: str = "dcgan"
    latent_dim: int = 100
    generator: dict[str, Any] = field(default_factory=dict)
    discriminator: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GameConfig:
    """The objective and its rhythm: see `kgan.GAN.compile`.

    Attributes:
        penalties: Weights by name in place of the objective's own; None for those.
    """

    objective: str = "non_saturating"
    discriminator_steps: int = 1
    penalties: dict[str, float] | None = None
    ema_decay: float = 0.999


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


@dataclass(frozen=True)
class CoderConfig:
    """Which autoencoder is built; `options` are those of its builders."""

    name: str = "conv_autoencoder"
    code_size: int = 64
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReconstructionConfig:
    """What an autoencoder is to reconstruct, from what; "auto" is resolved before training.

    Attributes:
        likelihood: "bernoulli" (cross-entropy), "squared_error", or for a VAE "gaussian".
        corruption: A kind in `data.kinds.KINDS`, put on the input alone.
        amount: Share of the elements, or the standard deviation: see `data.corrupt.Corruption`.
        binarization: "none", "static" (one draw an image) or, for a VAE, "dynamic" (every step).
        beta: Weight of a VAE's divergence.
    """

    likelihood: str = "auto"
    corruption: str = "auto"
    amount: float = 0.25
    binarization: str = "auto"
    beta: float = 1.0


def _adam(learning_rate: float, **options: float) -> Callable[[], dict[str, Any]]:
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

    # What `config.json` calls it, and the command that takes it.
    family: ClassVar[str]
    command: ClassVar[str]
    # Sections whose options go with their name.
    named: ClassVar[tuple[str, ...]]
    # Keys under which stand the options of a builder.
    built: ClassVar[tuple[str, ...]]
    # Settings that went, and the one that came instead.
    renamed: ClassVar[dict[str, str]] = {}

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
        names.check("data.name", self.data.name)
        if self.data.data_dir is not None:
            names.check("data.data_dir", self.data.data_dir)
        for key in ("steps", "log_every", "sample_every", "checkpoint_every"):
            _in_range(key, getattr(self, key), 1, MOST_STEPS)
        for key in ("batch_size", "accumulate", "checkpoints_kept"):
            _in_range(key, getattr(self, key), 1)
        _in_range("max_rollbacks", self.max_rollbacks, 0)
        _in_range("seed", self.seed, 0)
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        for key in self.named:
            if key == "network":
                continue
            optimizer = getattr(self, key)
            _require("optimizer", optimizer.get("name"), OPTIMIZERS)
            rate = optimizer.get("learning_rate", 1.0)
            typed.of_type(f"{key}.learning_rate", rate, float)
            if not 0 < rate < float("inf"):
                raise InputError(f"{key}.learning_rate is {rate}: expected a number above 0.")


@dataclass(frozen=True)
class RunConfig(Config):
    """A run of `kgan train`.

    Attributes:
        generator_optimizer: "name" and that optimizer's arguments; likewise the discriminator's.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    game: GameConfig = GameConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    generator_optimizer: dict[str, Any] = field(default_factory=_adam(2e-4, beta_1=0.5))
    discriminator_optimizer: dict[str, Any] = field(default_factory=_adam(2e-4, beta_1=0.5))

    family = "adversarial"
    command = "train"
    named = ("network", "generator_optimizer", "discriminator_optimizer")
    built = (
        "network.generator", "network.discriminator", "generator_optimizer",
        "discriminator_optimizer",
    )  # fmt: skip

    renamed = {"game.r1": "game.penalties.r1"}  # noqa: RUF012

    @classmethod
    def from_dict(cls, values):
        game = values.get("game") if isinstance(values, dict) else None
        if isinstance(game, dict) and "r1" in game:
            values = {**values, "game": _with_penalties(game)}
        return super().from_dict(values)

    def entries(self):
        own = self.game.penalties
        return {"game.penalties": _penalties_of(self.game.objective) if own is None else own}

    def headline(self):
        return self.game.objective

    def builders(self):
        from kgan.networks import NETWORKS

        network = _entry("model", self.network.name, NETWORKS)
        optimizers = map(_optimizer, (self.generator_optimizer, self.discriminator_optimizer))
        builders = network.generator, network.discriminator, *optimizers
        return dict(zip(self.built, builders, strict=True))

    def check(self):
        from kgan.losses import OBJECTIVES, check_penalties
        from kgan.metrics import metric_of
        from kgan.networks import NETWORKS

        super().check()
        _require("model", self.network.name, NETWORKS)
        _in_range("network.latent_dim", self.network.latent_dim, 1)
        _in_range("game.discriminator_steps", self.game.discriminator_steps, 1)
        _require("objective", self.game.objective, OBJECTIVES)
        if self.game.penalties is not None:
            check_penalties("game.penalties", self.game.penalties)
        metric_of(self.evaluation.score)
        _in_range("evaluation.samples", self.evaluation.samples, 1)
        _in_range("evaluation.every", self.evaluation.every, 0, MOST_STEPS)


@dataclass(frozen=True)
class PretrainConfig(Config):
    """A run of `kgan pretrain`.

    Attributes:
        optimizer: "name" and that optimizer's arguments.
        schedule: Of the learning rate over `steps`: "constant", or "cosine", half a period to 0
            (Loshchilov and Hutter 2017, equation 5).
        likelihood_samples: Importance samples an image for a VAE's test likelihood.
    """

    network: CoderConfig = field(default_factory=CoderConfig)
    reconstruction: ReconstructionConfig = ReconstructionConfig()
    optimizer: dict[str, Any] = field(default_factory=_adam(1e-3))
    schedule: str = "cosine"
    likelihood_samples: int = 200

    family = "pretraining"
    command = "pretrain"
    named = ("network", "optimizer")
    built = ("network.options", "optimizer")

    def headline(self):
        what = self.reconstruction
        parts = [
            f"code of {self.network.code_size}",
            what.likelihood,
            f"{what.binarization} binarization" if what.binarization != "none" else "",
            f"{what.corruption} {what.amount:g}" if what.corruption != "none" else "",
        ]
        return ", ".join(part for part in parts if part and not part.startswith("auto"))

    def builders(self):
        from kgan.networks import AUTOENCODERS

        network = _entry("model", self.network.name, AUTOENCODERS)
        builders = network.encoder, _optimizer(self.optimizer)
        return dict(zip(self.built, builders, strict=True))

    def check(self):
        from kgan.data import kinds
        from kgan.networks import AUTOENCODERS
        from kgan.training import contradictions

        super().check()
        _require("model", self.network.name, AUTOENCODERS)
        _in_range("network.code_size", self.network.code_size, 1)
        _in_range("likelihood_samples", self.likelihood_samples, 1)
        what = self.reconstruction
        _require("corruption", what.corruption, ("auto", *kinds.KINDS))
        kinds.check("masking" if what.corruption == "auto" else what.corruption, what.amount)
        _require("schedule", self.schedule, SCHEDULES)
        _require("likelihood", what.likelihood, ("auto", *LIKELIHOODS))
        _require("binarization", what.binarization, ("auto", *BINARIZATIONS))
        if what.beta < 0:
            raise InputError(f"reconstruction.beta is {what.beta}: expected 0 or more.")
        contradictions.check(self)


CONFIGS = {config.family: config for config in (RunConfig, PretrainConfig)}


def _in_range(key: str, value: int, least: int, most: int = MOST) -> None:
    if value < least:
        raise InputError(f"{key} is {shown(value)}: expected {least} or more.")
    if value > most:
        raise InputError(f"{key} is {shown(value)}: expected {most:,} at most.")


def _require(what: str, name: str, known) -> None:
    if not isinstance(name, str) or name not in known:
        raise unknown(what, name, known)


def _entry(what: str, name: str, table):
    _require(what, name, table)
    return table[name]


def _penalties_of(objective: Any) -> dict[str, float]:
    """Returns the penalties of an objective's own, none if it is not known."""
    from kgan.losses import OBJECTIVES

    known = isinstance(objective, str) and objective in OBJECTIVES
    return dict(OBJECTIVES.lines[objective].penalties) if known else {}


def _with_penalties(game: dict[str, Any]) -> dict[str, Any]:
    """Returns the game of a run of before penalties had names: its r1 came on top of others."""
    game = dict(game)
    r1 = typed.of_type("game.r1", game.pop("r1"), float)
    if r1:
        own = _penalties_of(game.get("objective", GameConfig.objective))
        game["penalties"] = {**own, "r1": r1}
    return game


def _optimizer(values: dict[str, Any]) -> Callable:
    from kgan.models import OPTIMIZERS

    return _entry("optimizer", values["name"], OPTIMIZERS)
