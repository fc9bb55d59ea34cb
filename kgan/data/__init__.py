"""Where examples come from: embedded sets, folders of images and tensorflow-datasets."""

import dataclasses
import difflib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgan import memory, names
from kgan.data.space import IMAGES, POINTS, Space
from kgan.errors import InputError, shown
from kgan.tables import Table

if TYPE_CHECKING:  # They need NumPy, which the names of the data sets do not.
    from kgan.data.examples import Examples
    from kgan.data.prepared import Report


@dataclass(frozen=True)
class Embedded:
    """A data set that comes with KGAN, or that it makes of another one.

    Attributes:
        load: Returns its examples: `()`, or, with a source, `(examples of it, split)`.
        space: What they are.
        about: In words, for lists.
        licence: Under which it may be passed on, None where it is computed, or its source's.
        source: The set of tensorflow-datasets that it is made of, None for none.
    """

    load: Any
    space: Space
    about: str
    licence: str | None = None
    source: str | None = None


DATASETS = Table(
    __name__,
    {
        "digits": Embedded(
            "digits:load",
            IMAGES,
            "handwritten digits, 1,797 of 8x8",
            "CC BY 4.0 (UCI Machine Learning Repository)",
        ),
        "grid": Embedded("toy:grid", POINTS, "25 Gaussians on a grid, points in the plane"),
        "ring": Embedded("toy:ring", POINTS, "8 Gaussians on a ring, points in the plane"),
        "stacked-mnist": Embedded(
            "stacked_digits:stack",
            IMAGES,
            "three random digits of mnist as colours, 1,000 modes",
            source="mnist",
        ),
    },
)


def load(
    name_or_path: str | os.PathLike,
    *,
    data_dir: str | os.PathLike | None = None,
    image_size: int | tuple[int, int] | None = None,
    split: str = "train",
    label: str | None = None,
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
        label: The column that is the label, such as "attributes/Smiling" of celeb_a; the last part
            of a name will do where only one column has it. None is the set's own choice.
        report: Called as `report(done, total, message)` while the set is prepared.

    Returns:
        Images uint8 `(n, height, width, channels)`, memory-mapped unless embedded; `ring` and
        `grid` hold float32 points `(n, 2)`.

    Raises:
        InputError: The set, an option or the column of it does not exist, or it cannot be read.
    """
    found = _load(name_or_path, data_dir, image_size, split, label, report)
    return found if label is None else found.labelled_by(label)


def _load(name_or_path, data_dir, image_size, split, label, report) -> "Examples":
    home, path = find(name_or_path, data_dir), os.fspath(name_or_path)
    if home == "tfds":
        from kgan.data import tfds

        options = {"split": split, "label": label, "report": report}
        return tfds.load(path, data_dir=data_dir, image_size=image_size, **options)
    if home == "embedded" and DATASETS.lines[path].source:
        from kgan.data import tfds

        line = DATASETS[path]
        source = tfds.load(line.source, data_dir=data_dir, split=split, report=report)
        return _resized(line.load(source, split), image_size)
    if split != "train":
        raise InputError(f"{path!r} has no split {split!r}; known: train. Leave out split.")
    if data_dir is not None:
        raise InputError(
            f"Received data_dir {os.fspath(data_dir)!r} for {path!r}; it is for sets of "
            "tensorflow-datasets only. Leave out --data-dir."
        )
    if home == "embedded":
        return _resized(DATASETS[path].load(), image_size)
    from kgan.data import folder

    return folder.load(path, image_size=image_size, report=report)


def find(name_or_path: str | os.PathLike, data_dir: str | os.PathLike | None = None) -> str:
    """Returns what a name is of: "embedded", "folder" (which need not be there) or "tfds".

    Args:
        name_or_path: As in `load`.
        data_dir: As in `load`.

    Raises:
        InputError: It is no path, and no data set has this name, or a folder has it too.
    """
    path = names.check("The data set", name_or_path)
    if data_dir is not None:
        names.check("--data-dir", data_dir)
    if isinstance(name_or_path, str) and path in DATASETS:
        return "embedded"
    if _is_folder(name_or_path, data_dir):
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

    Raises:
        InputError: A folder and a set on disk have the name.
    """
    path = os.fspath(name_or_path)
    known = isinstance(name_or_path, str) and path in DATASETS
    if known or not _is_folder(name_or_path, data_dir):
        return path
    return os.path.realpath(os.path.expanduser(path))


def check(
    name_or_path: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    images: bool = False,
) -> None:
    """Raises an InputError unless there is such a set, or a folder with an image.

    Args:
        name_or_path: As in `load`.
        data_dir: As in `load`.
        images: Whether points will not do.
    """
    home, name = find(name_or_path, data_dir), os.fspath(name_or_path)
    if home == "folder":
        from kgan.data import folder

        folder.check(name_or_path)
    elif home == "embedded" and images and not DATASETS.lines[name].space.is_image:
        raise no_images(name)


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
    if name in DATASETS:
        line = DATASETS.lines[name]
        return tfds.licence(line.source, data_dir) if line.source else line.licence
    return None if _is_folder(name_or_path, data_dir) else tfds.licence(name, data_dir)


def _is_folder(name_or_path: str | os.PathLike, data_dir: str | os.PathLike | None) -> bool:
    path = os.fspath(name_or_path)
    if data_dir is not None or not os.path.isdir(os.path.expanduser(path)):
        return False
    from kgan.data import tfds

    prepared = os.path.join(tfds.data_root(None), path)
    if not _looks_like_path(name_or_path) and os.path.isdir(prepared):
        raise InputError(
            f"{path!r} is a folder here and a set of tensorflow-datasets in {prepared}: expected "
            f"./{path} for the folder, or --data-dir for the set."
        )
    return True


def _looks_like_path(name: str | os.PathLike) -> bool:
    return not isinstance(name, str) or os.sep in name or name.startswith((".", "~"))


def _resized(examples: "Examples", image_size: int | tuple[int, int] | None) -> "Examples":
    if image_size is None:
        return examples
    if not examples.space.is_image:
        raise InputError(
            f"Received image_size {image_size!r} for {examples.name!r}, which holds points, not "
            "images. Leave out --image-size."
        )
    import numpy as np

    from kgan.data import image

    size = image.parse_size(image_size)
    assert size is not None  # as no size is None
    count, channels = len(examples), examples.image_shape[-1]
    memory.require(
        2 * count * size[0] * size[1] * channels,  # the images, and then as one array
        f"{examples.name!r} of {size[0]}x{size[1]}",
        "choose a smaller --image-size",
    )
    images = [image.from_array(pixels, size) for pixels in examples.images]
    return dataclasses.replace(examples, values=np.stack(images))


def _unknown(name: str, tfds_names: list[str]) -> InputError:
    near = difflib.get_close_matches(name, [*DATASETS, *tfds_names], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return InputError(
        f"Unknown data set {shown(name)}. Known: {', '.join(sorted(DATASETS))}, any image set of "
        f"tensorflow-datasets (such as mnist) and any folder of images.{hint}"
    )


def __getattr__(name: str):
    if name in ("Column", "Examples"):
        from kgan.data import examples

        return getattr(examples, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
