"""Where images to be scored come from."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kgan import names
from kgan.data import load
from kgan.errors import InputError
from kgan.methods.config import DataConfig
from kgan.methods.recorded import open_record
from kgan.metrics import arrays
from kgan.runs.records import is_run
from kgan.tasks.evaluate.checks import no_source
from kgan.tasks.sampling import classes as known_classes
from kgan.tasks.sampling.models import find_model, open_model
from kgan.training.evaluation import drawn


@dataclass(frozen=True)
class Source:
    """Images, drawn or read.

    Attributes:
        name: As it was given.
        draw: From a first and a last index to uint8 images `(last - first, *image_shape)`, and to
            the labels that they were asked for by, integers `(last - first,)`, None without any.
        count: How many there are, None for as many as are asked for.
        about: Conditions of its scores.
        data: The run's own data set, None if it tells none.
        run_dir: The run's folder, None if it is no run.
        classes: What the labels stand for; empty where there are none.
        column: Of the data, which the classes are of; None where that is not known.
    """

    name: str
    draw: Callable[[int, int], tuple[np.ndarray, np.ndarray | None]]
    count: int | None
    about: dict
    data: DataConfig | None = None
    run_dir: Path | None = None
    classes: tuple[str, ...] = ()
    column: str | None = None

    def conditions(self, count: int) -> dict:
        """Returns the conditions of the scores of its first `count` images."""
        return {**self.about, "seeds": f"0-{count - 1}" if self.count is None else None}


def open_source(
    source: str | os.PathLike,
    checkpoint: str = "last",
    image_size: int | tuple[int, int] | None = None,
) -> Source:
    """Returns the images of a run, a SavedModel, a folder or an .npz file.

    Args:
        source: Its path, or the name of a SavedModel.
        checkpoint: Of a run: "last" or "best".
        image_size: To which the images of a folder are scaled and cut.

    Raises:
        InputError: Nothing of the kind, or nothing that makes images.
    """
    text, path = names.check("Source", source), Path(source)
    place = None
    is_file = path.suffix.lower() == ".npz"
    if not is_file:
        try:
            place = find_model(text)
        except InputError:
            if not path.is_dir():
                raise no_source(text) from None
    if place is not None:
        return _generator(text, place, checkpoint)
    if checkpoint != "last":
        raise InputError(f"{text} holds images, which have no checkpoint {checkpoint!r}.")
    return _arrays(text) if is_file else _files(text, image_size)


def _generator(name: str, place: Path, checkpoint: str) -> Source:
    model: Any = open_model(place, checkpoint)
    known = known_classes.of(model, place)
    if known is not None and known.frequencies is None:
        known = None  # Only the model could tell which classes it draws.

    def draw(first: int, last: int) -> tuple[np.ndarray, np.ndarray | None]:
        seeds = np.arange(first, last)
        images, labels = drawn(model, seeds, None if known is None else known.frequencies)
        if images.ndim != 4:
            raise InputError(f"{name} makes points in the plane: kgan evaluate scores images.")
        return images, labels

    about: dict[str, Any] = {"source": name, "precision": "float32"}
    classes, column = ((), None) if known is None else (known.names, known.column)
    if not is_run(place):
        about |= {"step": None, "checkpoint": None}
        return Source(name, draw, None, about, classes=classes, column=column)
    about |= {"step": int(model.step.numpy()), "checkpoint": checkpoint}
    data = open_record(place).config.data
    return Source(name, draw, None, about, data, place, classes, column)


def _arrays(name: str) -> Source:
    try:
        optional = ("labels", "class_names", "class_column", "truncation")
        found = arrays.read(name, "images", optional=optional)
    except arrays.ArraysError as error:
        raise InputError(
            f"{name} holds no array 'images' ({error}): expected an .npz as `kgan sample --out "
            "images.npz` writes."
        ) from error
    images = found["images"]
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        raise InputError(
            f"{name} has images {images.dtype} {images.shape}: expected uint8 "
            "(n, height, width, channels)."
        )
    more: dict[str, Any] = {"truncation": _truncation(name, found)} if "truncation" in found else {}
    if not {"labels", "class_names"} <= found.keys():
        return _fixed(name, images, **more)
    labels, classes = found["labels"], found["class_names"]
    if classes.dtype.kind != "U" or classes.ndim != 1:
        raise InputError(
            f"{name} has class_names {classes.dtype} {classes.shape}: expected text (classes,)."
        )
    is_label = labels.dtype.kind in "iu" and labels.shape == images.shape[:1]
    if not is_label or labels.min() < 0 or labels.max() >= len(classes):
        raise InputError(
            f"{name} has labels {labels.dtype} {labels.shape}: expected integers from 0 to "
            f"{len(classes) - 1}, one for each of {len(images):,} images."
        )
    column = found.get("class_column")
    if column is not None and (column.dtype.kind != "U" or column.ndim):
        raise InputError(
            f"{name} has class_column {column.dtype} {column.shape}: expected one text, ()."
        )
    of = tuple(map(str, classes)), None if column is None else str(column)
    return _fixed(name, images, labels.astype(np.int32), *of, **more)


def _truncation(name: str, found: dict[str, np.ndarray]) -> float:
    value = found["truncation"]
    is_number = value.dtype.kind in "fiu" and not value.ndim
    if not is_number or not 0 < float(value) < np.inf:
        raise InputError(
            f"{name} has truncation {value.dtype} {value.shape}: expected a number above 0, ()."
        )
    return float(value)


def _files(name: str, image_size) -> Source:
    return _fixed(name, load(Path(name), image_size=image_size).images)


def _fixed(
    name: str, images, labels=None, classes: tuple[str, ...] = (), column=None, **more
) -> Source:
    about = {"source": name, "precision": None, "step": None, "checkpoint": None, **more}

    def draw(first: int, last: int) -> tuple[np.ndarray, np.ndarray | None]:
        return np.asarray(images[first:last]), None if labels is None else labels[first:last]

    return Source(name, draw, len(images), about, classes=classes, column=column)
