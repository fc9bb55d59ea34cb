"""What `kgan finetune` and `kgan evaluate` are asked for, checked before TensorFlow loads."""

import os
import re
from pathlib import Path

import numpy as np

from kgan import data, names
from kgan.errors import InputError, shown, unknown
from kgan.metrics import check_names
from kgan.tasks import ARMS
from kgan.training import folder
from kgan.training.config import MOST, MOST_STEPS
from kgan.training.drawing import MAX_SEEDS
from kgan.training.options import parse_image_size
from kgan.training.records import is_run, read_config

MAX_REPETITIONS = 1000


def check_finetune(
    run: str,
    labels: str | None,
    arms: str | None,
    seeds: int,
    learning_rates: str,
    dataset: str | None,
    data_dir: str | None,
    image_size: str | None,
    steps: int | None,
    batch_size: int,
    out: str,
    **others,
) -> None:
    """Checks the options of `kgan finetune`.

    Raises:
        InputError: One of them is wrong, or there is no such run.
    """
    folder.require_writable(Path(out))
    check(
        parse_labels(labels),
        parse_arms(arms),
        seeds,
        parse_learning_rates(learning_rates),
        steps,
        batch_size,
    )
    _check_data(dataset, data_dir, image_size)
    read_record(run)


def check_evaluate(
    sources: tuple[str, ...],
    metrics: str | None,
    samples: int,
    split: str,
    dataset: str | None,
    data_dir: str | None,
    image_size: str | None,
    inception_graph: str | None,
    out: str | None,
    **others,
) -> None:
    """Checks the options of `kgan evaluate`.

    Raises:
        InputError: One of them is wrong, or there is no such source.
    """
    check_samples(samples)
    check_names(parse_metrics(metrics) or (), split)
    if out is not None:
        folder.require_writable(Path(out))
    if inception_graph is not None:
        names.check("--inception-graph", inception_graph)
    _check_data(dataset, data_dir, image_size)
    for source in sources:
        names.check("Source", source)
        if not any(map(os.path.exists, (source, os.path.join("saved_models", source)))):
            raise no_source(source)


def check_samples(samples: int) -> None:
    """Raises an InputError unless it is a number of images to score."""
    if type(samples) is not int or not 1 <= samples <= MAX_SEEDS:
        raise InputError(f"--samples {shown(samples)}: expected 1 or more, {MAX_SEEDS:,} at most.")


def _check_data(dataset: str | None, data_dir: str | None, image_size: str | None) -> None:
    if image_size:
        parse_image_size(image_size)
    if dataset is not None:
        data.check(dataset, data_dir)


def no_source(source: str) -> InputError:
    """Returns the error for what holds no images to score."""
    return InputError(
        f"{source} is neither a run, a SavedModel, a folder of images nor an .npz file."
    )


def parse_metrics(text: str | None) -> list[str] | None:
    """Returns the names in "fid,kid", None for None."""
    return _parts(text) if text else None


def parse_arms(text: str | None) -> tuple[str, ...]:
    """Returns the names in "pretrained,probe", all for None."""
    return tuple(_parts(text)) if text else tuple(ARMS)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def parse_labels(text: str | None) -> list[int | str] | None:
    """Returns the numbers of labels in "100,1000,all", None for None.

    Raises:
        InputError: The text is no such list.
    """
    if not text:
        return None
    parts = _parts(text)
    if not all(re.fullmatch("[0-9]{1,18}|all", part) for part in parts):
        raise InputError(
            f"--labels {shown(text)}: expected numbers of labels and 'all', such as 100,1000,all."
        )
    return [part if part == "all" else int(part) for part in parts]


def parse_learning_rates(text: str) -> list[float]:
    """Returns the learning rates in "0.001,0.0003".

    Raises:
        InputError: The text is no such list.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"--learning-rates {shown(text)}: expected numbers above 0, such as 0.001,0.0003."
        ) from None


def check(labels, arms, seeds, learning_rates, steps, batch_size) -> None:
    """Checks the options of a comparison: see `experiment.prepare`.

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
    return isinstance(value, int | float | np.number) and 0 < value < float("inf")


def read_record(run_dir: str | os.PathLike) -> dict:
    """Returns the config.json of a run that a classifier can be made from.

    Raises:
        InputError: There is none.
    """
    taken = "finetune takes runs of kgan train on images and of kgan pretrain"
    run_dir = Path(names.check("RUN", run_dir))
    if not is_run(run_dir):
        found = "a SavedModel" if next(run_dir.glob("**/saved_model.pb"), None) else "no run"
        raise InputError(f"{run_dir} is {found}: {taken}, such as runs/00000-digits-dcgan.")
    record = read_config(run_dir)
    if len(record["image_shape"]) != 3:
        raise InputError(
            f"Run {run_dir} makes points ({record['config']['data']['name']}), not images: {taken}."
        )
    return record
