"""What `kgan finetune` and `kgan evaluate` are asked for, checked before TensorFlow loads."""

import re
from pathlib import Path

import numpy as np

from kgan import data
from kgan.errors import InputError, unknown
from kgan.metrics import check_names
from kgan.tasks import ARMS
from kgan.training import folder
from kgan.training.options import parse_image_size


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
    read_record(Path(run))


def check_evaluate(
    sources: tuple[str, ...],
    metrics: str | None,
    samples: int,
    split: str,
    dataset: str | None,
    data_dir: str | None,
    image_size: str | None,
    out: str | None,
    **others,
) -> None:
    """Checks the options of `kgan evaluate`.

    Raises:
        InputError: One of them is wrong, or there is no such source.
    """
    if samples < 1:
        raise InputError(f"--samples {samples}: expected 1 or more.")
    check_names(parse_metrics(metrics) or (), split)
    if out is not None:
        folder.require_writable(Path(out))
    _check_data(dataset, data_dir, image_size)
    for source in sources:
        if not any(path.exists() for path in (Path(source), Path("saved_models") / source)):
            raise no_source(source)


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
    if not all(re.fullmatch(r"\d{1,18}|all", part) for part in parts):
        raise InputError(
            f"--labels {text!r}: expected numbers of labels and 'all', such as 100,1000,all."
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
            f"--learning-rates {text!r}: expected numbers above 0, such as 0.001,0.0003."
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
            f"--labels: received {wrong[0] if wrong else 'none'!r}, expected numbers of labels and "
            "'all', such as 100,1000,all."
        )
    if not learning_rates or not all(0 < rate < float("inf") for rate in learning_rates):
        raise InputError(
            f"--learning-rates: received {list(learning_rates)}, expected numbers above 0, such as "
            "0.001,0.0003."
        )
    for option, value in (("--seeds", seeds), ("--steps", steps), ("--batch-size", batch_size)):
        if value is not None and value < 1:
            raise InputError(f"{option} {value}: expected 1 or more.")


def read_record(run_dir: Path) -> dict:
    """Returns the config.json of a run that a classifier can be made from.

    Raises:
        InputError: There is none.
    """
    taken = "finetune takes runs of kgan train on images and of kgan pretrain"
    if not (run_dir / "config.json").exists():
        found = "a SavedModel" if next(run_dir.glob("**/saved_model.pb"), None) else "no run"
        raise InputError(f"{run_dir} is {found}: {taken}, such as runs/00000-digits-dcgan.")
    record = folder.read_config(run_dir)
    if len(record["image_shape"]) != 3:
        raise InputError(
            f"Run {run_dir} makes points ({record['config']['data']['name']}), not images: {taken}."
        )
    return record
