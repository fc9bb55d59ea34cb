"""What there is to train on, without loading TensorFlow."""

import os
from pathlib import Path

from kgan import names
from kgan.data import DATASETS, tfds
from kgan.errors import InputError


def describe(data_dir: str | os.PathLike | None = None) -> list[tuple[str, str]]:
    """Returns names and what they are: embedded sets, those on disk, and how to name others.

    Args:
        data_dir: Where tensorflow-datasets keeps its sets; None for its own default.

    Raises:
        InputError: There is no such folder, or nothing prepared in it.
    """
    if data_dir is not None:
        names.check("--data-dir", data_dir)
    root = Path(tfds.data_root(data_dir))
    if data_dir is not None and not root.is_dir():
        raise InputError(f"--data-dir {data_dir}: there is no such folder. Check the path.")
    prepared = {
        path.parent.parent.relative_to(root).as_posix(): path.parent.name
        for path in sorted(root.glob("**/dataset_info.json"))
        if len(path.relative_to(root).parts) in (3, 4)
    }
    if data_dir is not None and not prepared:
        raise InputError(
            f"--data-dir {data_dir}: no prepared set of tensorflow-datasets in it; expected "
            "NAME/VERSION/dataset_info.json."
        )
    return [
        *(
            (name, f"{line.about}, {'embedded' if line.source is None else 'made on loading'}")
            for name, line in DATASETS.lines.items()
        ),
        *((name, f"version {version}, in {root}") for name, version in prepared.items()),
        ("NAME", f"any image set of tensorflow-datasets, downloaded to {root} on first use"),
        ("FOLDER", "any folder of images, optionally one sub-folder a class"),
    ]
