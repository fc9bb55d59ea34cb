"""The settings of a configuration by dotted key: listed, changed, checked."""

import dataclasses
import inspect
import json
from collections.abc import Collection
from typing import Any

from kgan.errors import InputError, shown, unknown
from kgan.methods import method_of, models_for, schedules
from kgan.methods.config import Config
from kgan.methods.typed import finite, of_type
from kgan.networks.architecture import ARCHITECTURES, own_options


def settings(config: Config, builders: bool = True) -> dict[str, Any]:
    """Returns every setting by its dotted key, with its value or, if unset, its default.

    Args:
        config: Any configuration.
        builders: Whether to ask the builders for theirs, which loads TensorFlow.

    Raises:
        InputError: A network or an optimizer is not known.
    """
    values = config.to_dict()
    for key, builder in (config.builders() if builders else {}).items():
        place, last = _place(values, key)
        place[last] = {**_defaults(builder), **place[last]}
    return _flatten("", values, config.entries())


def _defaults(function) -> dict[str, Any]:
    """Returns the plain-valued keyword arguments of `function`."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if isinstance(parameter.default, (bool, int, float, str))
        and not (name == "name" or parameter.kind is parameter.VAR_KEYWORD)
    }


def _flatten(prefix: str, values: dict[str, Any], whole: Collection[str]) -> dict[str, Any]:
    """Returns values by dotted key; those at `whole` keys by their own key too."""
    flat = {}
    for name, value in values.items():
        key = f"{prefix}{name}"
        nested = isinstance(value, dict)
        if key in whole or not nested:
            flat[key] = value
        if nested:
            flat.update(_flatten(f"{key}.", value, whole))
    return flat


def _place(values: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """Returns the dictionary that a dotted key's last part stands in, and that part."""
    *path, last = key.split(".")
    for part in path:
        values = values[part]
    return values, last


def override(config: Config, changes: dict[str, Any], builders: bool = True) -> Config:
    """Returns `config` with some settings changed, and checked.

    Args:
        config: What to start from.
        changes: Values by dotted key, such as `{"generator_optimizer.beta_1": 0.0}`.
        builders: As in `settings`; without, what only they know is left as it is, unchecked.

    Raises:
        InputError: An unknown key, or a value of the wrong type or range.
    """
    values = config.to_dict()
    # The names first: they decide which other keys exist, and the old options go with the old name.
    for section in config.named:
        name = changes.get(f"{section}.name", values[section]["name"])
        if name != values[section]["name"]:
            values[section] = {"name": name}
    for key, leader in config.follows.items():
        (place, last), (leading, name) = _place(values, key), _place(values, leader)
        if changes.get(leader, leading[name]) != leading[name]:
            del place[last]
    kind = type(config)
    if values["network"]["name"] in models_for(config.method.command):
        kind = method_of(values["network"]["name"]).Config
    fields = {field.name for field in dataclasses.fields(kind)}
    values = {name: value for name, value in values.items() if name in fields}
    chosen, own = changes.get("network.options.architecture"), values["network"].get("options")
    if chosen in ARCHITECTURES and own:
        values["network"]["options"] = own_options(chosen, own)
    config = kind.from_dict(values)
    values, known, whole = config.to_dict(), settings(config, builders), config.entries()
    single = {key: value for key, value in changes.items() if key.rpartition(".")[0] in whole}
    for key, value in changes.items():
        if key in single:
            continue
        if key not in known:
            if key in config.renamed:
                raise InputError(f"Unknown setting {key!r}: it is {config.renamed[key]}.")
            if not builders and key.startswith(tuple(f"{built}." for built in config.built)):
                continue
            raise unknown("setting", key, known)
        place, last = _place(values, key)
        if isinstance(value, schedules.Start):
            value = schedules.started_at(known[key], value)
        whole_or_scheduled = key in whole or key in config.scheduled
        place[last] = value if whole_or_scheduled else _checked(key, value, known[key])
    config = config.from_dict(values)
    config.check()
    if single:
        # Last: the others are as they were, or as they come with what changed above.
        for key, value in single.items():
            parent, _, name = key.rpartition(".")
            place, last = _place(values, parent)
            place[last] = {**config.entries()[parent], **(place[last] or {}), name: value}
        config = config.from_dict(values)
        config.check()
    return config


def _checked(key: str, value, current):
    if current is None:  # its type is declared, and checked with all others
        return value
    return of_type(key, value, type(current), current)


# What training gives to a network's builder beside its options.
GIVEN = ("image_shape", "latent_dim", "code_size", "num_classes", "mean_image", "start")


def check_options(config: Config) -> None:
    """Checks the options of a configuration's builders: that they take them, and their types.

    Raises:
        InputError: One is not known, or of another type than its default.
    """
    values = config.to_dict()
    for key, builder in config.builders().items():
        place, last = _place(values, key)
        known, plain = inspect.signature(builder).parameters, _defaults(builder)
        open_to_more = any(other.kind is other.VAR_KEYWORD for other in known.values())
        for name, value in place[last].items():
            finite(f"{key}.{name}", value)
            if name in plain and f"{key}.{name}" in config.scheduled:
                continue
            if name in plain:
                of_type(f"{key}.{name}", value, type(plain[name]), plain[name])
            elif not (name == "name" or open_to_more or (name in known and name not in GIVEN)):
                raise unknown("setting", f"{key}.{name}", [f"{key}.{other}" for other in plain])


def parse_setting(text: str) -> tuple[str, Any]:
    """Returns the key and the value of KEY=VALUE; the value is JSON, or else a word.

    Raises:
        InputError: There is no "=" or no key.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InputError(f"--set {shown(text)}: expected KEY=VALUE, such as batch_size=64.")
    try:
        return key, json.loads(value)
    except (ValueError, RecursionError):
        return key, value


def constructed(config: Config, key: str, updates: int = 1) -> Any:
    """Returns the optimizer that the settings of a key name.

    Args:
        config: Checked.
        key: Of the optimizer.
        updates: How many of the optimizer there are in a step of the run.
    """
    from kgan.models import OPTIMIZERS

    values = {
        name: schedules.made(f"{key}.{name}", value, config.steps, updates)
        for name, value in getattr(config, key).items()
        if name != "name"
    }
    return OPTIMIZERS[getattr(config, key)["name"]](**values)
