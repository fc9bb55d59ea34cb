"""Files that scores rely on: cached features, and the graph of 2015 from the network."""

import gzip
import hashlib
import json
import os
import re
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

import numpy as np

from kgan.errors import InputError
from kgan.metrics.arrays import read as read_arrays

INCEPTION_URL = (
    "https://storage.googleapis.com/download.tensorflow.org/models/image/imagenet/"
    "inception-2015-12-05.tgz"
)
INCEPTION_FILE = "classify_image_graph_def.pb"
INCEPTION_SHA256 = "009d6814d1bc560d4e7b236e170e9b2d5ca6f4b57bd8037f6db05776204415c6"
INCEPTION_BYTES = 1 << 27  # at most: the archive has 89 MB, the graph 96
TIMEOUT = 20  # seconds without an answer
CHUNK = 1 << 20
ROWS = 1000


def read(path: Path) -> dict[str, np.ndarray] | None:
    """Returns the arrays that `write` wrote, None if there are none or their checksum differs."""
    try:
        arrays = read_arrays(path)
    except InputError:
        return None
    checksum = str(arrays.pop("checksum", None))
    rows = all(array.ndim for array in arrays.values())
    return arrays if rows and checksum == _checksum(arrays) else None


def write(path: Path, **arrays: np.ndarray) -> None:
    """Writes arrays with their checksum, whole or not at all.

    A full or read-only disk is no error: what is not kept is computed again.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(prefix=".", suffix=".npz", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **{"checksum": _checksum(arrays), **arrays})  # type: ignore[arg-type]
            os.replace(aside, path)
        finally:
            Path(aside).unlink(missing_ok=True)
    except OSError:
        return


def _checksum(arrays: dict[str, np.ndarray]) -> str:
    # That of the zip file does not cover a header that says there are fewer rows.
    return " ".join(digest(arrays[name], name) for name in sorted(arrays))


def class_names(path: Path) -> tuple[str, ...]:
    """Returns "class_names" of the JSON beside a classifier, empty if it does not tell them."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["class_names"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()
    fine = isinstance(found, list) and all(isinstance(name, str) for name in found)
    return tuple(found) if fine else ()


def digest(array, about: str = "") -> str:
    """Returns 24 hexadecimal digits that stand for an array, read by slices, and a text."""
    found = hashlib.sha256(f"{about} {array.shape} {array.dtype}".encode())
    for start in range(0, len(array), ROWS):
        found.update(np.ascontiguousarray(array[start : start + ROWS]).tobytes())
    return found.hexdigest()[:24]


def check_inception(path: Path) -> None:
    """Checks that a file is the Inception graph that published scores use.

    Raises:
        InputError: It cannot be read, or is another.
    """
    try:
        with path.open("rb") as file:
            found = _copied(file)
    except OSError as error:
        raise InputError(
            f"--inception-graph {path}: {error.strerror}. Expected the file {INCEPTION_FILE} of "
            f"{INCEPTION_URL}."
        ) from error
    _check(found, str(path))


def _check(found: str | None, name: str) -> None:
    if found != INCEPTION_SHA256:
        what = "it is larger than the graph."
        if found:
            what = f"its SHA-256 is {found[:16]}..., expected {INCEPTION_SHA256[:16]}..."
        raise InputError(
            f"{name} is not the Inception graph of 2015-12-05: {what} Scores would not compare; "
            f"take {INCEPTION_FILE} from {INCEPTION_URL}."
        )


def downloaded(folder: Path, report: Callable[[int, int, str], None] | None = None) -> Path:
    """Returns the Inception graph in a folder, downloaded and checked if it is not there yet.

    Args:
        folder: Where it is kept.
        report: Called as `report(done, total, message)`.

    Raises:
        InputError: It cannot be downloaded, or is not what it should be.
    """
    path = folder / INCEPTION_FILE
    if path.exists():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=folder) as aside:
            graph = Path(aside, INCEPTION_FILE)
            _check(_fetched(graph, report or (lambda done, total, message: None)), INCEPTION_URL)
            os.replace(graph, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _fetched(graph: Path, report) -> str | None:
    """Downloads and unpacks the graph on the disk, and returns its SHA-256: see `_copied`."""
    archive, files = graph.with_suffix(".tgz"), graph.with_suffix(".tar")
    try:
        with urllib.request.urlopen(INCEPTION_URL, timeout=TIMEOUT) as answer:
            told = re.fullmatch("[0-9]{1,9}", answer.headers.get("Content-Length") or "0")
            total = int(told[0]) if told else 0
            _copied(
                answer,
                archive,
                lambda done: report(done, max(total, done), "Downloading the Inception graph"),
            )
        with gzip.open(archive) as packed:
            _copied(packed, files)
        with tarfile.open(files, "r:") as opened:
            member = opened.getmember(INCEPTION_FILE)
            if not member.isreg():
                raise KeyError(INCEPTION_FILE)
            return _copied(opened.extractfile(member), graph)
    except (
        OSError, HTTPException, EOFError, KeyError, OverflowError, MemoryError, tarfile.TarError,
        zlib.error,
    ) as error:  # fmt: skip
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"Cannot download the Inception graph from {INCEPTION_URL} ({reason}). Give the file "
            f"{INCEPTION_FILE} with --inception-graph, or choose --features that KGAN ships."
        ) from error


def _copied(source, target: Path | None = None, report=lambda done: None) -> str | None:
    """Copies no more than the graph can have, for what follows to refuse, and returns the SHA-256.

    None of what is larger.

    Args:
        source: What is read.
        target: Where to; None for nowhere.
        report: Called with the number of bytes so far.

    Raises:
        InputError: The target cannot be written.
    """
    digest, done = hashlib.sha256(), 0
    place = Path(os.devnull) if target is None else target
    try:
        file = open(place, "wb")  # noqa: SIM115
    except OSError as error:
        raise _unwritable(place, error) from error
    with file:
        while done < INCEPTION_BYTES and (chunk := source.read(CHUNK)):
            digest.update(chunk)
            done += len(chunk)
            try:
                file.write(chunk)
                file.flush()
            except OSError as error:
                raise _unwritable(place, error) from error
            report(done)
    return digest.hexdigest() if done < INCEPTION_BYTES else None


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"Cannot write {path} ({error.strerror}): set KGAN_CACHE_DIR to another folder, or give "
        f"the file {INCEPTION_FILE} with --inception-graph."
    )
