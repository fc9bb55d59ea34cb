"""Names and paths that somebody gave, and the numbers in the names of folders."""

import os
import re
import unicodedata

from kgan.errors import InputError, shown

LONGEST_PATH, LONGEST_NAME = 4095, 255  # bytes, of Linux


def check(what: str, given: str | os.PathLike) -> str:
    """Returns the text of a name or a path that a file can have and a terminal show in one line.

    Args:
        what: What the error calls it, such as "--out".
        given: The name or path.

    Raises:
        InputError: It is empty, blank or too long, or holds a control character or a line break.
    """
    try:
        text = os.fspath(given)
        parts = os.fsencode(text).split(b"/")
    except (TypeError, UnicodeError):
        text, parts = "", []
    if not isinstance(text, str) or not text.strip():
        reason = "received no name" if isinstance(given, str) else "received no text"
    elif any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in text):
        reason = "it holds a control character"
    elif len(os.fsencode(text)) > LONGEST_PATH or max(map(len, parts)) > LONGEST_NAME:
        reason = f"it is longer than {LONGEST_NAME} bytes a name, or {LONGEST_PATH:,} in all"
    else:
        return text
    raise InputError(f"{what} {shown(given)}: {reason}. Expected a name or a path.")


def number(name: str) -> int | None:
    """Returns the whole number, below 10^18, that a name of nothing but ASCII digits stands for.

    Args:
        name: Such as that of a version's folder.

    Returns:
        None for every other name, such as one of a superscript or of Arabic digits.
    """
    return int(name) if re.fullmatch("[0-9]{1,18}", name) else None
