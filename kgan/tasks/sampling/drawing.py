"""What to draw and in what form, told without TensorFlow."""

import math
import os
import re
from pathlib import Path

import numpy as np

from kgan.errors import InputError, shown
from kgan.models import MAX_SEED

MAX_SEEDS, MAX_COLUMNS = 1_000_000, 10_000
SEEDS, SEEDS_OF_CLASSES = "0-63", "0-7"  # where none are given
SHIPPED = "digits-dcgan"  # the generator that comes with KGAN
FORMS = (".png", ".npz", ".gif")


def is_there(model: str) -> bool:
    """Returns whether something is called so: a path, a name under saved_models/, or `SHIPPED`."""
    return model == SHIPPED or any(map(os.path.exists, (model, f"saved_models/{model}")))


def no_model(model: str) -> InputError:
    """Returns the error for what is no model."""
    return InputError(
        f"{model} is neither a run nor a SavedModel: expected a folder made by `kgan train` or "
        "`kgan pretrain`, or a name under saved_models/."
    )


def form(out: str) -> str:
    """Returns which of `FORMS` a name asks for, "" for a folder of single PNGs.

    Raises:
        InputError: It asks for another, or for a file where a folder is.
    """
    path = Path(out)
    suffix = path.suffix.lower()
    if suffix in FORMS:
        if path.is_dir():
            raise InputError(f"--out {out}: there is a folder of this name. Choose another.")
        return suffix
    if path.suffix and not path.is_dir():
        raise InputError(f"--out {out}: expected X.png, X.npz, X.gif, or a folder for single PNGs.")
    return ""


def check_truncation(value: float | None) -> None:
    """Checks how far from 0 a latent's numbers may lie.

    Raises:
        InputError: It is no finite number above 0.
    """
    if value is not None and not 0 < value < math.inf:
        raise InputError(
            f"--truncation {value:g}: expected a number above 0, such as 0.7. Leave it out for all "
            "that the model makes."
        )


def parse_seeds(text: str) -> np.ndarray:
    """Returns the seeds of "0-63", "7" or "1,5,10-12", in that order, int64 `(n,)`.

    Raises:
        InputError: The text is no such list, or a seed is out of range.
    """
    given = f"Seeds {shown(text)}"
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,30})(?:-([0-9]{1,30}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
        if last < first:
            raise InputError(f"{given}: expected numbers and ranges, such as 0-63 or 1,5,9.")
        if last > MAX_SEED:
            raise InputError(f"{given}: {last} is out of range, expected 0 to {MAX_SEED}.")
        if len(seeds) + last - first + 1 > MAX_SEEDS:
            raise InputError(f"{given}: more than {MAX_SEEDS:,}; draw them in parts.")
        seeds.extend(range(first, last + 1))
    return np.array(seeds, np.int64)
