"""Files that scores rely on: cached features, and the graph of 2015 from the network."""

import hashlib
import io
import os
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

INCEPTION_URL = "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
INCEPTION_FILE = "classify_image_graph_def.pb"
INCEPTION_SHA256 = "009d6814d1bc560d4e7b236e170e9b2d5ca6f4b57bd8037f6db05776204415c6"
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
                np.savez(file, checksum=_checksum(arrays), **arrays)
            os.replace(aside, path)
        finally:
            Path(aside).unlink(missing_ok=True)
    except OSError:
        return


def _checksum(arrays: dict[str, np.ndarray]) -> str:
    # That of the zip file does not cover a header that says there are fewer rows.
    return " ".join(digest(arrays[name], name) for name in sorted(arrays))


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
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"--inception-graph {path}: {error.strerror}. Expected the file {INCEPTION_FILE} of "
            f"{INCEPTION_URL}."
        ) from error
    _check(data, str(path))


def _check(data: bytes, name: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != INCEPTION_SHA256:
        raise InputError(
            f"{name} is not the Inception graph of 2015-12-05: its SHA-256 is {found[:16]}..., "
            f"expected {INCEPTION_SHA256[:16]}... Scores would not compare; take {INCEPTION_FILE} "
            f"from {INCEPTION_URL}."
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
        graph = _unpacked(_fetched(report or (lambda done, total, message: None)))
    except (OSError, HTTPException, EOFError, KeyError, tarfile.TarError, zlib.error) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"Cannot download the Inception graph from {INCEPTION_URL} ({reason}). Give the file "
            f"{INCEPTION_FILE} with --inception-graph, or choose --features that KGAN ships."
        ) from error
    _check(graph, INCEPTION_URL)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(prefix=".", dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(graph)
        os.replace(aside, path)
    except OSError as error:
        raise InputError(
            f"Cannot write {path} ({error.strerror}): set KGAN_CACHE_DIR to another folder, or "
            f"give the file {INCEPTION_FILE} with --inception-graph."
        ) from error
    return path


def _fetched(report) -> io.BytesIO:
    archive = io.BytesIO()
    with urllib.request.urlopen(INCEPTION_URL, timeout=TIMEOUT) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        while chunk := answer.read(CHUNK):
            archive.write(chunk)
            report(archive.tell(), max(total, archive.tell()), "Downloading the Inception graph")
    archive.seek(0)
    return archive


def _unpacked(archive: io.BytesIO) -> bytes:
    with tarfile.open(fileobj=archive, mode="r:gz") as files:
        return files.extractfile(INCEPTION_FILE).read()
