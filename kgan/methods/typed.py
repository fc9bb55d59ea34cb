"""The types of settings: those that a configuration declares, and those of builders' defaults."""

import dataclasses
import json
import math
import types
import typing
from typing import Any

from kgan.errors import InputError, shown, unknown
from kgan.methods import schedules

_TOLD = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a word",
    dict: "settings by name",
    tuple: "a height and a width",
}


def of_type(key: str, value: Any, kind: Any, example: Any = None) -> Any:
    """Returns a setting's value, an integer as the number that it is where one is expected.

    Args:
        key: The setting's.
        value: What was received.
        kind: Its type, that type | None, or float | str of a number that may have a schedule.
        example: A value that will do, if it is worth showing.

    Raises:
        InputError: The value is of another type.
    """
    if isinstance(kind, types.UnionType):
        kind, other = typing.get_args(kind)
        if value is None and other is types.NoneType:
            return None
        if isinstance(value, str) and other is str:
            schedules.parts_of(key, value)
            return value
    kind = typing.get_origin(kind) or kind
    if kind is float and type(value) is int and abs(value) < 2**1023:
        value = float(value)
    fits = type(value) is kind
    if kind is tuple:
        fits = isinstance(value, tuple | list) and len(value) == 2
        fits = fits and all(type(side) is int and side > 0 for side in value)
    if not fits:
        such = "" if example is None else f", such as {json.dumps(example)}"
        raise InputError(f"{key} is {shown(value)}: expected {_TOLD[kind]}{such}.")
    return value


def finite(key: str, value: Any) -> None:
    """Raises an InputError for a number that is infinite or none."""
    if type(value) is float and not math.isfinite(value):
        raise InputError(f"{key} is {value}: expected a finite number.")


def check(section: Any, key: str = "") -> None:
    """Checks that every setting of a configuration, or of a section of it, has its type.

    Raises:
        InputError: One has another, or is a number that is not finite.
    """
    for field in dataclasses.fields(section):
        name, value = key + field.name, getattr(section, field.name)
        kind: Any = field.type
        inner = dataclasses.is_dataclass(kind)
        if not inner:
            of_type(name, value, kind)
            finite(name, value)
        elif isinstance(value, kind):
            check(value, f"{name}.")
        else:
            raise InputError(f"{name} is {shown(value)}: expected a {kind.__name__}.")


def made(kind: type, values: Any, key: str = "") -> Any:
    """Returns a dataclass, or one within one, made from nested dictionaries; types are not checked.

    Args:
        kind: The dataclass.
        values: By the names of its fields; those that are left out have their defaults.
        key: Where it stands.

    Raises:
        InputError: No dictionary, or one with a name that is no field's.
    """
    if not isinstance(values, dict):
        raise InputError(f"{key or 'config'} is {shown(values)}: expected {_TOLD[dict]}.")
    fields: dict[str, Any] = {field.name: field.type for field in dataclasses.fields(kind)}
    prefix = f"{key}." if key else ""
    found = {}
    for name, value in values.items():
        if name not in fields:
            raise unknown("setting", f"{prefix}{name}", [f"{prefix}{field}" for field in fields])
        inner = dataclasses.is_dataclass(fields[name])
        found[name] = made(fields[name], value, f"{prefix}{name}") if inner else value
    return kind(**found)
