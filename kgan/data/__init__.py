"""Where examples come from: embedded sets, folders of images and tensorflow-datasets."""

import dataclasses
import difflib
import os
from typing import TYPE_CHECKING

from kgan import memory, names
from kgan.errors import InputError, shown
from kgan.tables import Table

if TYPE_CHECKING:  # They need NumPy, which the names of the data sets do not.
    from kgan.data.examples import Examples
    from kgan.data.prepared import Report

DATASETS = Table(__name__, {"digits": "digits:load", "grid": "toy:grid", "ring": "toy:ring"})
POINTS = ("grid", "ring")
LICENCES = {"digits": "CC BY 4.0 (UCI Machine Learning Repository)"}


def load(
    name_or_path: str | os.PathLike,
    *,
    data_dir: str | os.PathLike | None = None,
    image_size: int | tuple[int, int] | None = None,
    split: str = "train",
    report: "Report | None" = None,
) -> "Examples":
    """Returns a data set: embedded, else a folder of images, else one of tensorflow-datasets.

    Args:
        name_or_path: A name in `DATASETS`, the path of a folder, or a tensorflow-datasets name
            (`name`, `name/config`, `name:version`), looked for in this order.
        data_dir: Where tensorflow-datasets keeps its sets; a name is then not taken for a folder.
        image_size: One side or `(height, width)`: every image is scaled until it covers this and
            cut at the centre. None keeps the size.
        split: Which split of a tensorflow-datasets set; the others have `train` only.
        report: Called as `report(done, total, message)` while the set is prepared.

    Returns:
        Images uint8 `(n, height, width, channels)`, memory-mapped unless embedded; `ring` and
        `grid` hold float32 points `(n, 2)`.

    Raises:
        InputError: The set or an option of it does not exist, or it cannot be read.
    """
    home, path = find(name_or_path, data_dir), os.fspath(name_or_path)
    if home == "tfds":
        from kgan.data import tfds

        return tfds.load(path, data_dir=data_dir, image_size=image_size, split=split, report=report)
    if split != "train":
        raise InputError(f"{path!r} has no split {split!r}; known: train. Leave out split.")
    if data_dir is not None:
        raise InputError(
            f"Received data_dir {os.fspath(data_dir)!r} for {path!r}; it is for sets of "
            "tensorflow-datasets only. Leave out --data-dir."
        )
    if home == "embedded":
        return _resized(DATASETS[path](), image_size)
    from kgan.data import folder

    return folder.load(path, image_size=image_size, report=report)


def find(name_or_path: str | os.PathLike, data_dir: str | os.PathLike | None = None) -> str:
    """Returns what a name is of: "embedded", "folder" (which need not be there) or "tfds".

    Args:
        name_or_path: As in `load`.
        data_dir: As in `load`.

    Raises:
        InputError: It is no path, and no data set has this name.
    """
    path = names.check("The data set", name_or_path)
    if data_dir is not None:
        names.check("--data-dir", data_dir)
    if isinstance(name_or_path, str) and path in DATASETS:
        return "embedded"
    if data_dir is None and os.path.isdir(os.path.expanduser(path)):
        return "folder"
    from kgan.data import tfds

    if tfds.known(path, data_dir):
        return "tfds"
    if not _looks_like_path(name_or_path):
        raise _unknown(path, tfds.names())
    return "folder"


def resolved(name_or_path: str | os.PathLike, data_dir: str | os.PathLike | None = None) -> str:
    """Returns a folder's whole path, whatever else it is called by, and other names as they are.

    Args:
        name_or_path: As in `load`.
        data_dir: As in `load`.
    """
    path = os.fspath(name_or_path)
    known = isinstance(name_or_path, str) and path in DATASETS
    folder = os.path.expanduser(path)
    if known or data_dir is not None or not os.path.isdir(folder):
        return path
    return os.path.realpath(folder)


def check(name_or_path: str | os.PathLike, data_dir: str | os.PathLike | None = None) -> None:
    """Raises an InputError unless there is such a set, or a folder with an image.

    Args:
        name_or_path: As in `load`.
        data_dir: As in `load`.
    """
    if find(name_or_path, data_dir) == "folder":
        from kgan.data import folder

        folder.check(name_or_path)


def no_images(name: str) -> InputError:
    """Returns the error for a set of points where images are needed."""
    return InputError(
        f"The data set {name!r} holds points, not images. Choose a set of images, such as digits."
    )


def licence(
    name_or_path: str | os.PathLike, data_dir: str | os.PathLike | None = None
) -> str | None:
    """Returns the licence of a data set, None where neither KGAN nor tensorflow-datasets knows it.

    Args:
        name_or_path: As in `load`.
        data_dir: As in `load`.
    """
    from kgan.data import tfds

    name = os.fspath(name_or_path)
    if name in DATASETS or (data_dir is None and os.path.isdir(os.path.expanduser(name))):
        return LICENCES.get(name)
    return tfds.licence(name, data_dir)


def _looks_like_path(name: str | os.PathLike) -> bool:
    return not isinstance(name, str) or os.sep in name or name.startswith((".", "~"))


def _resized(examples: "Examples", image_size: int | tuple[int, int] | None) -> "Examples":
    if image_size is None:
        return examples
    if examples.images.ndim != 4:
        raise InputError(
            f"Received image_size {image_size!r} for {examples.name!r}, which holds points, not "
            "images. Leave out --image-size."
        )
    import numpy as np

    from kgan.data import image

    size = image.parse_size(image_size)
    count, channels = len(examples), examples.image_shape[-1]
    memory.require(
        2 * count * size[0] * size[1] * channels,  # the images, and then as one array
        f"{examples.name!r} of {size[0]}x{size[1]}",
        "choose a smaller --image-size",
    )
    images = [image.from_array(pixels, size) for pixels in examples.images]
    return dataclasses.replace(examples, images=np.stack(images))


def _unknown(name: str, tfds_names: list[str]) -> InputError:
    near = difflib.get_close_matches(name, [*DATASETS, *tfds_names], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return InputError(
        f"Unknown data set {shown(name)}. Known: {', '.join(sorted(DATASETS))}, any image set of "
        f"tensorflow-datasets (such as mnist) and any folder of images.{hint}"
    )


def __getattr__(name: str):
    if name == "Examples":
        from kgan.data.examples import Examples

        return Examples
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
