"""What a run's folder holds, read in this one place: what does not fit is refused in one line.

Nothing in these files is run, and none can take more memory than its own limit.
"""

import json
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kgan.errors import InputError, shown
from kgan.runs import forms
from kgan.runs.schema import MisfitError, Schema

MEBIBYTE = 2**20
# Bytes of a file; once read, short lines take some ten times as much memory. A log has room for
# some 200,000 lines of 300 bytes.
LARGEST, LARGEST_LOG, LONGEST_LINE = 16 * MEBIBYTE, 64 * MEBIBYTE, MEBIBYTE
LARGEST_RECORD = MEBIBYTE  # of config.json

FORMAT = 2  # of config.json: 1 was KGAN 0.1's, which did not say so

NEW_RUN = "bring it back from a copy, or start a new run"
LINE = "bring it back from a copy, or remove that line (the first ones, where it is too large)"
AGAIN = "remove it, and it is written again"


def is_run(folder: str | Path) -> bool:
    """Returns whether a folder has what a run's must have: a config.json, whole or not."""
    return os.path.lexists(Path(folder) / "config.json")


def read_record(folder: str | Path) -> dict:
    """Returns a run's config.json, what stands under "config" as it was written.

    Raises:
        InputError: The folder holds no run, or a config.json that does not fit.
    """
    path = Path(folder) / "config.json"
    if not is_run(folder):
        raise InputError(
            f"{folder} is no run: expected a folder made by `kgan train` or `kgan pretrain`, with "
            "a config.json."
        )
    return read_json(path, forms.CONFIG, NEW_RUN, largest=LARGEST_RECORD)


def read_summary(folder: str | Path) -> dict | None:
    """Returns a finished run's summary.json, None of one that is not finished.

    Raises:
        InputError: There is one that does not fit.
    """
    path = Path(folder) / "summary.json"
    fix = "bring it back from a copy, or remove it to let --resume finish the run again"
    return read_json(path, forms.SUMMARY, fix) if os.path.lexists(path) else None


def read_metrics(path: Path) -> list[dict]:
    """Returns the whole lines of a metrics.jsonl, none if there is no such file.

    A last line cut off by a kill is left out.

    Raises:
        InputError: A line does not fit.
    """
    return _read_lines(path, forms.METRICS, LINE)


def read_evaluations(path: Path) -> list[dict]:
    """Returns what `read_metrics` does, of an evaluations.jsonl."""
    return _read_lines(path, forms.EVALUATIONS, LINE)


def read_results(path: Path) -> list[dict]:
    """Returns what `read_metrics` does, of a comparison's results.jsonl."""
    return _read_lines(path, forms.RESULTS, "remove that line, and its classifier is made again")


def read_settings(path: Path) -> dict:
    """Returns a comparison's settings.json, empty if there is none.

    Raises:
        InputError: There is one that does not fit.
    """
    return read_json(path, forms.SETTINGS, AGAIN) if os.path.lexists(path) else {}


def read_table(path: Path) -> dict:
    """Returns a comparison's table.json, empty if there is none.

    Raises:
        InputError: There is one that does not fit.
    """
    return read_json(path, forms.TABLE, AGAIN) if os.path.lexists(path) else {}


def read_json(path: Path, schema: Schema, fix: str, largest: int = LARGEST) -> dict:
    """Returns what a JSON file holds.

    Raises:
        InputError: It does not fit the schema, is larger in bytes, or cannot be read; `fix` is what
            to do then.
    """
    with _told(path, fix), _opened(path, largest) as file:
        return _fitted(file.read(largest + 1), schema)


def _read_lines(path: Path, schema: Schema, fix: str) -> list[dict]:
    if not os.path.lexists(path):
        return []
    found: list[dict] = []
    with _told(path, fix), _opened(path, LARGEST_LOG) as file:
        while line := file.readline(LONGEST_LINE + 1):
            with _told(f"line {len(found) + 1}"):
                if len(line) > LONGEST_LINE:
                    raise MisfitError(f"longer than {LONGEST_LINE:,} bytes")
                if not line.endswith(b"\n"):
                    break
                found.append(_fitted(line, schema))
    return found


@contextmanager
def _opened(path: Path, largest: int) -> Iterator[Any]:
    # Not to wait for ever for somebody to write to a named pipe.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise MisfitError("a folder or a device, expected a file")
        if status.st_size > largest:
            raise MisfitError(f"{status.st_size:,} bytes, expected {largest:,} at most")
        with open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


@contextmanager
def _told(where: Path | str, fix: str | None = None) -> Iterator[None]:
    """Says where something does not fit, and in the end what to do."""
    try:
        yield
    except MisfitError as error:
        if fix is None:
            raise MisfitError(f"{where}: {error}") from error
        raise InputError(f"{where} is damaged ({error}): {fix}.") from error
    except OSError as error:
        raise InputError(f"Cannot read {where} ({error.strerror}): {fix}.") from error


def _fitted(content: bytes, schema: Schema) -> dict:
    try:
        value = json.loads(
            content.decode("utf-8"),
            parse_constant=_finite,
            parse_float=_finite,
            object_pairs_hook=_unique,
        )
        schema(value, "")
    except UnicodeDecodeError as error:
        raise MisfitError(f"no UTF-8: {error.reason} at byte {error.start:,}") from error
    except json.JSONDecodeError as error:
        raise MisfitError(f"no JSON: {error}") from error
    except RecursionError as error:
        raise MisfitError("nested too deeply") from error
    except ValueError as error:  # of Python's integers
        raise MisfitError("it holds a number of thousands of digits") from error
    return value


def _finite(text: str) -> float:
    if not math.isfinite(float(text)):
        raise MisfitError(f"it holds {shown(text)[1:-1]}, expected finite numbers")
    return float(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MisfitError(f"{shown(twice)} is there twice")
    return found
