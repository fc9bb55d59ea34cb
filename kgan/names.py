"""Names and paths that somebody gave, and the numbers in the names of folders."""

import os
import re
import shlex
import unicodedata

from kgan.errors import InputError, shown

LONGEST_PATH, LONGEST_NAME = 4095, 255  # bytes, of Linux
MODEL = re.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")  # the same in shells, addresses and protos


def check_text(what: str, given: str) -> None:
    """Checks that there is something in a text, and that a terminal can show it in one line.

    Args:
        what: What the error calls it, such as "--out".
        given: What was received.

    Raises:
        InputError: It is empty or blank, or holds a control character or a line break.
    """
    if not isinstance(given, str):
        raise InputError(f"{what} is {shown(given)}: expected text.")
    if not given.strip():
        raise InputError(f"{what} {shown(given)}: expected a word. Leave it out for the default.")
    if any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in given):
        raise InputError(f"{what} {shown(given)}: expected no control character and no line break.")


def check(what: str, given: str | os.PathLike) -> str:
    """Returns the text of a name or a path that a file can have: see `check_text`.

    Args:
        what: As in `check_text`.
        given: The name or path.

    Raises:
        InputError: As `check_text`, or it is too long.
    """
    text = os.fspath(given) if isinstance(given, os.PathLike) else given
    check_text(what, text)
    encoded = text.encode(errors="surrogatepass")
    if len(encoded) > LONGEST_PATH or max(map(len, encoded.split(b"/"))) > LONGEST_NAME:
        raise InputError(
            f"{what} {shown(text)}: expected at most {LONGEST_NAME} bytes between two slashes, and "
            f"{LONGEST_PATH:,} in all."
        )
    return text


def check_model(what: str, name: str) -> None:
    """Checks the name of a model or of an endpoint.

    Args:
        what: As in `check_text`.
        name: It goes into folders, addresses, configurations and commands to paste.

    Raises:
        InputError: It would have to be quoted in one of these.
    """
    if not (isinstance(name, str) and MODEL.fullmatch(name)):
        raise InputError(
            f"{what} is {shown(name)}: expected one such as digits-dcgan, of letters (a to z), "
            "digits, -, _ and, not first, dots."
        )


def as_model(text: str) -> str:
    """Returns a text as a name that `check_model` takes: what it does not becomes a hyphen."""
    return re.sub("[^A-Za-z0-9._-]+", "-", text).strip(".-")[:200] or "model"


def command(verb: str, path: str | os.PathLike, more: str = "") -> str:
    """Returns a command of kgan's to paste, whatever signs the path holds.

    Args:
        verb: "sample", or "train --resume".
        path: Comes after it.
        more: Comes last, as it is.
    """
    return f"kgan {verb} {shlex.quote(os.fspath(path))} {more}".rstrip()


def number(name: str) -> int | None:
    """Returns the whole number, below 10^18, that a name of nothing but ASCII digits stands for.

    Args:
        name: Such as that of a version's folder.

    Returns:
        None for every other name, such as one of a superscript or of Arabic digits.
    """
    return int(name) if re.fullmatch("[0-9]{1,18}", name) else None
