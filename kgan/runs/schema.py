"""What a value read from JSON must be, in a few words.

A schema is a function of a value and of where it stands, such as "config.steps"; it raises a
`MisfitError` where the value does not fit.
"""

import math
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

from kgan.errors import shown

Schema = Callable[[Any, str], None]
LARGEST = 2**63 - 1
LONGEST_LIST, LONGEST_TEXT, LONGEST_CAPTION = 1_000_000, 65_536, 1024


class MisfitError(Exception):
    """A value is not what was expected: the message says where, what and how."""


def _expect(fits: bool, value: Any, where: str, expected: str) -> None:
    if not fits:
        raise MisfitError(f"{where or 'it'} is {shown(value)}, expected {expected}")


def anything(value: Any, where: str) -> None:
    """The schema of everything."""


def whole(least: int) -> Schema:
    """Returns the schema of an integer of at least so much, of 63 bits."""

    def schema(value, where):
        fits = type(value) is int and least <= value <= LARGEST
        _expect(fits, value, where, f"a whole number from {least} to {LARGEST}")

    return schema


def number(least: float = -math.inf, most: float = math.inf) -> Schema:
    """Returns the schema of a finite number in a range, its ends included."""
    between = "" if math.isinf(least) else f" from {least:g}"
    between += "" if math.isinf(most) else f" to {most:g}"

    def schema(value, where):
        fits = type(value) in (int, float) and abs(value) <= sys.float_info.max
        fits = fits and least <= value <= most
        _expect(fits, value, where, f"a finite number{between}")

    return schema


def text(longest: int, in_one_line: bool) -> Schema:
    """Returns the schema of text of at most so many characters."""

    def schema(value, where):
        _expect(type(value) is str, value, where, "text")
        _expect(len(value) <= longest, value, where, f"text of {longest:,} characters at most")
        controls = in_one_line and any(unicodedata.category(sign) == "Cc" for sign in value)
        _expect(not controls, value, where, "text without control characters")

    return schema


COUNT, ONE_OR_MORE = whole(0), whole(1)
NUMBER, SHARE, DURATION = number(), number(0, 1), number(0)
TEXT, CAPTION = text(LONGEST_TEXT, in_one_line=False), text(LONGEST_CAPTION, in_one_line=True)


def choice(*known: str) -> Schema:
    """Returns the schema of one of some words."""

    def schema(value, where):
        _expect(type(value) is str and value in known, value, where, f"one of {', '.join(known)}")

    return schema


def nullable(of: Schema) -> Schema:
    """Returns the schema of what may be null."""
    return lambda value, where: None if value is None else of(value, where)


def listing(of: Schema, least: int = 0, most: int = LONGEST_LIST) -> Schema:
    """Returns the schema of a list of so many of one kind."""

    def schema(value, where):
        fits = type(value) is list and least <= len(value) <= most
        _expect(fits, value, where, f"a list of {least:,} to {most:,}")
        for index, part in enumerate(value):
            of(part, f"{where}[{index}]")

    return schema


def one_or_list(of: Schema) -> Schema:
    """Returns the schema of one, or of a list, of one kind."""
    several = listing(of)
    return lambda value, where: (several if type(value) is list else of)(value, where)


def table(of: Schema) -> Schema:
    """Returns the schema of an object whose values, under any names, are of one kind."""
    return record({}, others=of)


def record(
    required: dict[str, Schema],
    optional: dict[str, Schema] | None = None,
    others: Schema | None = None,
) -> Schema:
    """Returns the schema of an object.

    Args:
        required: By name, what must be there.
        optional: By name, what may be.
        others: Whatever else there is; None for nothing.
    """
    known = {**required, **(optional or {})}

    def schema(value, where):
        _expect(type(value) is dict, value, where, "an object")
        for name in required:
            if name not in value:
                raise MisfitError(f"{where or 'it'} has no {shown(name)}")
        for name, part in value.items():
            of = known.get(name, others)
            if of is None:
                raise MisfitError(
                    f"{where or 'it'} has an unknown {shown(name)}, expected {', '.join(known)}"
                )
            CAPTION(name, "a name")
            of(part, f"{where}.{name}" if where else name)

    return schema


def by(key: str, schemas: dict[str, Schema]) -> Schema:
    """Returns the schema of an object whose value of one name decides what else it must hold."""
    first = record({key: choice(*schemas)}, others=anything)

    def schema(value, where):
        first(value, where)
        schemas[value[key]](value, where)

    return schema
