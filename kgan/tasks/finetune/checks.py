"""What a comparison is asked for, checked without TensorFlow."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kgan import names
from kgan.data.space import IMAGES
from kgan.errors import InputError, shown, unknown
from kgan.methods.config import MOST, MOST_STEPS
from kgan.methods.recorded import RunRecord, open_record
from kgan.runs.records import is_run
from kgan.tasks.finetune import ARMS

MAX_REPETITIONS = 1000


def check(
    labels: Sequence[int | str] | None,
    arms: Sequence[str],
    seeds: int,
    learning_rates: Sequence[float],
    steps: int | None,
    batch_size: int,
) -> None:
    """Checks the options of a comparison: see `experiment.design`.

    Raises:
        InputError: One of them is wrong.
    """
    for arm in arms:
        if arm not in ARMS:
            raise unknown("arm", arm, ARMS)
    labels = ["all"] if labels is None else labels
    whole = [n for n in labels if isinstance(n, (int, np.integer)) and not isinstance(n, bool)]
    wrong = [n for n in labels if n != "all" and (n not in whole or n < 1)]
    if wrong or not labels:
        raise InputError(
            f"--labels: received {shown(wrong[0] if wrong else 'none')}, expected numbers of "
            "labels and 'all', such as 100,1000,all."
        )
    if not learning_rates or not all(map(_is_rate, learning_rates)):
        raise InputError(
            f"--learning-rates: received {list(learning_rates)}, expected numbers above 0, such as "
            "0.001,0.0003."
        )
    for option, value, most in (
        ("--seeds", seeds, MAX_REPETITIONS),
        ("--steps", steps, MOST_STEPS),
        ("--batch-size", batch_size, MOST),
    ):
        if value is not None and not (isinstance(value, int | np.integer) and 1 <= value <= most):
            raise InputError(f"{option} {shown(value)}: expected 1 or more, {most:,} at most.")


def _is_rate(value) -> bool:
    return isinstance(value, int | float | np.number) and bool(0 < value < float("inf"))


def finetunable(run_dir: str | os.PathLike) -> RunRecord:
    """Returns what is written of a run that a classifier can be made from.

    Raises:
        InputError: There is none.
    """
    taken = "finetune takes runs of kgan train on images and of kgan pretrain"
    run_dir = Path(names.check("RUN", run_dir))
    if not is_run(run_dir):
        found = "a SavedModel" if next(run_dir.glob("**/saved_model.pb"), None) else "no run"
        raise InputError(f"{run_dir} is {found}: {taken}, such as runs/00000-digits-dcgan.")
    record = open_record(run_dir)
    if not IMAGES.holds(record.spec.shape):
        raise InputError(
            f"Run {run_dir} makes points ({record.config.data.name}), not images: {taken}."
        )
    return record
