"""Schedules as they stand in settings: KIND:START:END or KIND:START:END:FIRST:LAST."""

import math
from typing import TYPE_CHECKING, Any

from kgan.errors import InputError, shown

if TYPE_CHECKING:
    from kgan.models.schedules import Schedule

KINDS = ("linear", "cosine")
OF_OPTIMIZERS = ("learning_rate", "beta_2")


class Start(float):
    """A number that stands for another one, and where there is a schedule for its first value."""


def parts_of(key: str, value: str) -> tuple[str, float, float, int, int | None]:
    """Returns a schedule's kind, its first and last value, its first and last step.

    Args:
        key: Of the setting.
        value: Such as "cosine:0.001:0", which takes the whole run, and whose last step is None, or
            "linear:1:0.1:2000:8000".

    Raises:
        InputError: It is no schedule, or one that does not end after it starts.
    """
    kind, *numbers = value.split(":")
    try:
        if kind not in KINDS or len(numbers) not in (2, 4):
            raise ValueError(value)
        start, end = map(float, numbers[:2])
        first, last = map(int, numbers[2:]) if numbers[2:] else (0, None)
        if not (math.isfinite(start) and math.isfinite(end)):
            raise ValueError(value)
    except ValueError as error:
        raise InputError(
            f"{key} is {shown(value)}: expected a number, or a schedule such as cosine:0.001:0 or, "
            f"from one step to another, linear:0.001:0:2000:8000."
        ) from error
    if first < 0 or (last is not None and last <= first):
        raise InputError(
            f"{key} is {shown(value)}: it goes from step {first} to step {last}; expected it to "
            "end after it starts, at step 0 or later."
        )
    return kind, start, end, first, last


def check(key: str, value: Any, steps: int) -> tuple[float, float]:
    """Returns the least and the largest value of a setting, a number or a schedule.

    Args:
        key: Of the setting.
        value: A number, or a schedule's word.
        steps: Of the run.

    Raises:
        InputError: It is no schedule, or one that the run does not come to the end of.
    """
    if not isinstance(value, str):
        return value, value
    _, start, end, _, last = parts_of(key, value)
    if last is not None and last > steps:
        raise InputError(
            f"{key} is {shown(value)}: it ends at step {last:,}, after the run's last, {steps:,}; "
            "give a last step that the run reaches, or leave first and last out."
        )
    return min(start, end), max(start, end)


def made(key: str, value: Any, steps: int, updates: int = 1) -> "float | Schedule":
    """Returns a number as it is, and what a word stands for as a schedule.

    Args:
        key: Of the setting.
        value: A number, or a schedule's word.
        steps: Of the run, which a schedule without steps takes.
        updates: How many of what counts there are in a step of the run.
    """
    if not isinstance(value, str):
        return value
    from kgan.models.schedules import Schedule

    kind, start, end, first, last = parts_of(key, value)
    return Schedule(kind, start, end, updates * (steps if last is None else last), updates * first)


def started_at(value: Any, start: Start) -> float | str:
    """Returns a setting with another first value; a schedule keeps its form and its ratio."""
    if not isinstance(value, str):
        return float(start)
    kind, before, end, *steps = value.split(":")
    scale = start / float(before) if float(before) else 1.0
    return ":".join([kind, f"{start:g}", f"{scale * float(end):g}", *steps])
