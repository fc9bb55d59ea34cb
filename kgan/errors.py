"""The errors a user can cause, and the sentence for a name that is not known."""

import difflib
from collections.abc import Iterable
from typing import Any

SHOWN = 80  # characters at most of what was received


def plain(text: str) -> str:
    """Returns a text as one line that does nothing to a terminal: what it cannot print, escaped."""
    line = " ".join(text.splitlines())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


class InputError(ValueError):
    """A call was wrong: the message says what was received, what was expected and what to do.

    It is one line, and plain, whatever names of files, models and servers it repeats.
    """

    def __init__(self, message: str):
        super().__init__(plain(message))

    # Where a layer's call raises it, Keras would add the arguments and four lines.
    _keras_call_info_injected = True


class TrainingError(RuntimeError):
    """A run could not go on: the message says why and what was kept."""


class WriteError(TrainingError):
    """A file could not be written: the message says which and why."""


class DataWarning(UserWarning):
    """Something of the data was left out: the message says what and how much."""


class RunWarning(UserWarning):
    """Something of a run failed and it goes on from before: the message says what and where."""


def unknown(what: str, name: str, known: Iterable[str]) -> InputError:
    """Returns the error for `name`, listing the known names and suggesting the nearest.

    Args:
        what: What the name was meant to be, such as "objective".
        name: The name received.
        known: The names that exist.
    """
    known = sorted(known)
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return InputError(f"Unknown {what} {shown(name)}. Known: {', '.join(known)}.{hint}")


def shown(value: Any) -> str:
    """Returns a value as an error shows it: on one line, and no more than the start of a long one.

    Args:
        value: Whatever was received.
    """
    try:
        text = ascii(value) if isinstance(value, bytes) else repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits; a deep list
        return f"a very long {type(value).__name__}"
    text = text if text.isprintable() else ascii(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text):,} characters)"
