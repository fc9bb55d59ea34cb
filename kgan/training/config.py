"""What a run is made from, as plain data that round-trips through JSON."""

import dataclasses
import inspect
import json
from dataclasses import dataclass, field
from typing import Any

from kgan.errors import InputError, unknown

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


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
    """The objective and its rhythm: see `kgan.GAN.compile`."""

    objective: str = "non_saturating"
    discriminator_steps: int = 1
    r1: float = 0.0
    ema_decay: float = 0.999


def _adam() -> dict[str, Any]:
    return {"name": "adam", "learning_rate": 2e-4, "beta_1": 0.5}


@dataclass(frozen=True)
class RunConfig:
    """A whole run.

    Attributes:
        steps: Generator updates.
        batch_size: Real examples a discriminator update.
        seed: Decides the initial weights, the order of the data and the noise.
        precision: What the networks compute in; "auto" is resolved before training.
        generator_optimizer: "name" and that optimizer's arguments; likewise the discriminator's.
        log_every, sample_every, checkpoint_every: Steps between two of each.
    """

    data: DataConfig = DataConfig()
    network: NetworkConfig = field(default_factory=NetworkConfig)
    game: GameConfig = GameConfig()
    generator_optimizer: dict[str, Any] = field(default_factory=_adam)
    discriminator_optimizer: dict[str, Any] = field(default_factory=_adam)
    steps: int = 20_000
    batch_size: int = 128
    seed: int = 0
    precision: str = "auto"
    log_every: int = 50
    sample_every: int = 1000
    checkpoint_every: int = 500

    def to_dict(self) -> dict[str, Any]:
        """Returns nested dictionaries of plain values."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunConfig":
        """Returns the configuration that `to_dict` was taken from."""
        nested = {"data": DataConfig, "network": NetworkConfig, "game": GameConfig}
        values = {
            key: nested[key](**value) if key in nested else value for key, value in values.items()
        }
        size = values["data"].image_size
        size = None if size is None else tuple(size)
        return cls(**{**values, "data": dataclasses.replace(values["data"], image_size=size)})


def settings(config: RunConfig) -> dict[str, Any]:
    """Returns every setting by its dotted key, with its value or, if unset, its default."""
    from kgan.models import OPTIMIZERS
    from kgan.networks import NETWORKS

    if config.network.name not in NETWORKS:
        raise unknown("model", config.network.name, NETWORKS)
    network = NETWORKS[config.network.name]
    flat: dict[str, Any] = {}
    for key, value in config.to_dict().items():
        if key.endswith("_optimizer"):
            if value["name"] not in OPTIMIZERS:
                raise unknown("optimizer", value["name"], OPTIMIZERS)
            value = {"name": value["name"], **_options(OPTIMIZERS[value["name"]], value)}
        if key == "network":
            for player in ("generator", "discriminator"):
                value[player] = _options(getattr(network, player), value[player])
        flat.update(_flatten(key, value))
    return flat


def _options(function, given: dict[str, Any]) -> dict[str, Any]:
    """Returns the plain-valued keyword arguments of `function`, as given or by default."""
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if isinstance(parameter.default, (bool, int, float, str))
        and not (name == "name" or parameter.kind is parameter.VAR_KEYWORD)
    }
    return {**defaults, **{key: value for key, value in given.items() if key != "name"}}


def _flatten(prefix: str, value) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    flat = {}
    for key, item in value.items():
        flat.update(_flatten(f"{prefix}.{key}", item))
    return flat


def override(config: RunConfig, changes: dict[str, Any]) -> RunConfig:
    """Returns `config` with some settings changed, and checked.

    Args:
        config: What to start from.
        changes: Values by dotted key, such as `{"generator_optimizer.beta_1": 0.0}`.

    Raises:
        InputError: An unknown key, or a value of the wrong type or range.
    """
    values = config.to_dict()
    # The names first: they decide which other keys exist, and the old options go with the old name.
    for section in ("network", "generator_optimizer", "discriminator_optimizer"):
        name = changes.get(f"{section}.name", values[section]["name"])
        if name != values[section]["name"]:
            values[section] = {"name": name}
    config = RunConfig.from_dict(values)
    values = config.to_dict()
    known = settings(config)
    for key, value in changes.items():
        if key not in known:
            raise unknown("setting", key, known)
        place, path = values, key.split(".")
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = _checked(key, value, known[key])
    config = RunConfig.from_dict(values)
    _check_ranges(config)
    return config


def _checked(key: str, value, current):
    if key in ("data.data_dir", "data.image_size"):
        return value
    kind = type(current)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise InputError(
            f"{key} is {value!r}: expected {_KINDS[kind]}, such as {json.dumps(current)}."
        )
    return value


_KINDS = {bool: "true or false", int: "an integer", float: "a number", str: "a word"}


def _check_ranges(config: RunConfig) -> None:
    from kgan.losses import OBJECTIVES

    flat = config.to_dict()
    at_least_one = ("steps", "batch_size", "log_every", "sample_every", "checkpoint_every")
    wrong = [(key, flat[key]) for key in at_least_one if flat[key] < 1]
    if config.network.latent_dim < 1:
        wrong.append(("network.latent_dim", config.network.latent_dim))
    if config.game.discriminator_steps < 1:
        wrong.append(("game.discriminator_steps", config.game.discriminator_steps))
    for key, value in wrong:
        raise InputError(f"{key} is {value}: expected 1 or more.")
    for player in ("generator_optimizer", "discriminator_optimizer"):
        rate = flat[player].get("learning_rate", 1.0)
        if not 0 < rate < float("inf"):
            raise InputError(f"{player}.learning_rate is {rate}: expected a number above 0.")
    if not 0 <= config.seed < 2**31:
        raise InputError(f"seed is {config.seed}: expected 0 to {2**31 - 1}.")
    if config.game.objective not in OBJECTIVES:
        raise unknown("objective", config.game.objective, OBJECTIVES)
    if config.precision not in PRECISIONS:
        raise unknown("precision", config.precision, PRECISIONS)


def parse_setting(text: str) -> tuple[str, Any]:
    """Returns the key and the value of KEY=VALUE; the value is JSON, or else a word.

    Raises:
        InputError: There is no "=" or no key.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InputError(f"--set {text!r}: expected KEY=VALUE, such as batch_size=64.")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value
