"""What there is to train on, without loading TensorFlow."""

import os
from pathlib import Path


def describe(data_dir: str | os.PathLike | None = None) -> list[tuple[str, str]]:
    """Returns names and what they are: embedded sets, those on disk, and how to name others.

    Args:
        data_dir: Where tensorflow-datasets keeps its sets; None for its own default.
    """
    root = Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    prepared = {
        path.parent.parent.relative_to(root).as_posix(): path.parent.name
        for path in sorted(root.glob("**/dataset_info.json"))
        if len(path.relative_to(root).parts) in (3, 4)
    }
    return [
        ("digits", "handwritten digits, 1,797 of 8x8, embedded"),
        ("ring", "8 Gaussians on a ring, points in the plane, embedded"),
        ("grid", "25 Gaussians on a grid, points in the plane, embedded"),
        *((name, f"version {version}, in {root}") for name, version in prepared.items()),
        ("NAME", "any image set of tensorflow-datasets, downloaded on first use"),
        ("FOLDER", "any folder of images, optionally one sub-folder a class"),
    ]
