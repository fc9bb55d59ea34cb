"""What data are, in a few numbers and hashes: whether a run has the data that it began with."""

import hashlib
import json

import numpy as np

from kgan.data.examples import Examples
from kgan.data.split import Splits

ROWS = 1024  # at most, of a part
BYTES = 2**24  # at most, where they hold more than a row
PARTS = {"train": "training", "validation": "validation", "test": "test"}


def fingerprint(data: Examples | Splits) -> dict[str, dict]:
    """Returns what tells the data from others, as JSON, without reading all of them.

    Of the images of a part up to 1,024, and up to 16 MiB, are read and hashed, spread from the
    first to the last, the same in every set of that size; labels and class names are hashed whole.
    A change of other images alone is not seen. Where the data lie, when they were written and what
    they are called is no part of it: a copy has the same fingerprint.

    Args:
        data: In memory or memory-mapped.

    Returns:
        For each of `PARTS` that there is: its "count", "shape" of an example and "dtype", and the
        hashes "pixels", "labels" and "class names", those None where there are no labels.
    """
    if isinstance(data, Examples):
        return {"train": _of(data)}
    return {part: _of(getattr(data, part)) for part in PARTS}


def differences(before: dict[str, dict], now: dict[str, dict]) -> list[str]:
    """Returns in words what differs between two fingerprints, in what both of them tell.

    Args:
        before: A fingerprint, or a part of what one holds.
        now: Another one.
    """
    found = []
    for part in (part for part in PARTS if part in before and part in now):
        pairs = {key: (value, now[part][key]) for key, value in before[part].items()}
        changed = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
        if {"count", "shape", "dtype"} & changed.keys():
            changed.pop("pixels", None)  # Other rows were read, or rows of another form.
        if "count" in changed:
            changed.pop("labels", None)
        found += [_told(PARTS[part], key, *pair) for key, pair in changed.items()]
    return found


def _of(examples: Examples) -> dict:
    images, labels = examples.images, examples.labels
    size = int(np.prod(examples.image_shape)) * images.dtype.itemsize
    rows = _spread(len(images), min(ROWS, max(1, BYTES // max(size, 1))))
    labelled = labels is not None
    return {
        "count": len(images),
        "shape": list(examples.image_shape),
        "dtype": str(images.dtype),
        "pixels": _hash(np.asarray(images[rows]).tobytes()),
        "labels": _hash(json.dumps(np.asarray(labels).tolist()).encode()) if labelled else None,
        "class names": _hash(json.dumps(list(examples.class_names)).encode()) if labelled else None,
    }


def _spread(count: int, at_most: int) -> np.ndarray:
    """Returns up to so many of `count` rows, ascending: all, or the first, the last and between.

    One from each of `at_most` equal stretches, at random places, so that no rhythm in the data
    hides from them. NumPy keeps the words of a bit generator the same in all versions.
    """
    if count <= at_most:
        return np.arange(count)
    edges = np.arange(at_most + 1) * count // at_most
    words = (np.random.PCG64(0).random_raw(at_most) >> 33).astype(np.int64)
    rows = edges[:-1] + (np.diff(edges) * words >> 31)
    rows[0], rows[-1] = 0, count - 1
    return rows


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _told(part: str, key: str, before, now) -> str:
    if key == "count":
        return f"{before:,} {part} examples, now {now:,}"
    if key == "shape":
        before, now = ("x".join(map(str, sides)) for sides in (before, now))
    if key in ("shape", "dtype"):
        return f"{part} examples of {before}, now {now}"
    return f"other {part} {key}"
