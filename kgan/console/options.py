"""What the options of `kgan train` and `kgan pretrain` ask for, checked before TensorFlow loads."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgan import data, names
from kgan.errors import InputError, shown
from kgan.methods import presets
from kgan.methods.config import Config
from kgan.methods.recorded import open_record
from kgan.methods.schedules import Start
from kgan.methods.settings import override, parse_setting
from kgan.methods.settings import settings as settings_of
from kgan.runs import folder
from kgan.training import cluster
from kgan.training.stopping import parse_duration


@dataclass(frozen=True)
class Asked:
    """What a call of `kgan train` or `kgan pretrain` asks for.

    Attributes:
        command: "train" or "pretrain".
        start: The configuration to start from, None to go on with a run.
        changes: Settings by dotted key, to be made in `start`, or to be what the run has.
        epochs: Passes over the data, None for the configuration's steps.
        run_dir: The new run's folder, None for the next number.
        resume: The run to go on with, "auto" for the newest of the same configuration, or None.
        allow_changed_data: Go on though its data were others.
        seconds: After which to stop, None for never.
        strategy: See `strategy.choose`.
        out: Where the SavedModel goes.
        dry_run: Only check and print the configuration.
    """

    command: str
    start: Config | None
    changes: dict[str, Any]
    epochs: int | None
    run_dir: str | None
    resume: str | None
    allow_changed_data: bool
    seconds: int | None
    strategy: str
    out: Path
    dry_run: bool


def asked(
    command: str,
    keys: dict[str, tuple[str, ...]],
    *,
    preset: str | None,
    epochs: int | None,
    settings: tuple[str, ...],
    run_dir: str | None,
    resume: str | None,
    allow_changed_data: bool,
    max_time: str | None,
    strategy: str,
    out: str,
    dry_run: bool,
    **options: Any,
) -> Asked:
    """Returns what the options of a command ask for; see its `--help` for each.

    Args:
        command: "train" or "pretrain".
        keys: The settings, by dotted keys, that each option stands for.
        preset: Where to start from; None for the data set's own, or a default.
        epochs: Passes over the data, instead of the option `steps`.
        settings: Each KEY=VALUE.
        run_dir: As in `Asked`, and likewise all that follows but `max_time`.
        resume: As in `Asked`.
        allow_changed_data: As in `Asked`.
        max_time: See `stopping.parse_duration`.
        strategy: As in `Asked`.
        out: As in `Asked`.
        dry_run: As in `Asked`.
        **options: The command's other options, None where not given.

    Raises:
        InputError: An option is wrong or contradicts another, as far as that can be told here.
    """
    places = {"--dataset": options["dataset"], "--data-dir": options["data_dir"], "--out": out}
    for option, path in {**places, "--run-dir": run_dir, "--resume": resume}.items():
        if path is not None:
            names.check(option, path)
    changes = _changes(keys, options, settings)
    if epochs is not None and (options["steps"] is not None or epochs < 1):
        raise InputError(f"--epochs {shown(epochs)}: expected 1 or more, and without --steps.")
    seconds = None if max_time is None else parse_duration(max_time)
    folder.require_writable(Path(out))
    resumed = None if resume == "auto" else resume
    going_on = resumed is not None
    if going_on and (run_dir or preset or epochs):
        raise InputError("--resume takes its run's settings: leave out --run-dir, --preset "
                         "and --epochs.")  # fmt: skip
    if allow_changed_data and not resume:
        raise InputError(
            "--allow-changed-data is for a run that goes on: give it with --resume RUN or "
            "--resume auto."
        )
    if cluster.several(strategy) and not (run_dir or going_on):
        raise InputError(
            "Several workers need one --run-dir, on a disk that all of them share, such as "
            "--run-dir runs/many --resume auto."
        )
    if resumed is not None:
        open_record(resumed)
        start = None
    else:
        start = presets.find(command, preset, options["dataset"], options["model"])
        where = override(start, changes, builders=False).data
        data.check(where.name, where.data_dir, images=command == "pretrain")
    if run_dir and not (resume or dry_run or cluster.several(strategy)):
        folder.require_writable(Path(run_dir))
        folder.require_new(Path(run_dir))
    return Asked(
        command=command,
        start=start,
        changes=changes,
        epochs=epochs,
        run_dir=run_dir,
        resume=resume,
        allow_changed_data=allow_changed_data,
        seconds=seconds,
        strategy=strategy,
        out=Path(out),
        dry_run=dry_run,
    )


def default_of(command: str, key: str) -> str | None:
    """Returns what an option is where it is not given, in words; None where nothing is set.

    Args:
        command: "train" or "pretrain".
        key: The setting that it stands for.
    """
    of_command = [config for config in presets.PRESETS.values() if config.method.command == command]
    bare, *others = (
        settings_of(config, builders=False) for config in (presets.find(command), *of_command)
    )
    if bare[key] is None:
        return None
    differs = any(other.get(key, bare[key]) != bare[key] for other in others)
    return f"{bare[key]}{'; depends on the preset' if differs else ''}"


def _changes(
    keys: dict[str, tuple[str, ...]], options: dict[str, Any], settings: tuple[str, ...]
) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for option, value in options.items():
        if value is not None:
            if option == "image_size":
                value = list(parse_image_size(value))
            elif option == "data_dir":
                value = os.path.realpath(value)
            elif option == "dataset":
                value = data.resolved(value, options.get("data_dir"))
            elif option == "learning_rate":
                value = Start(value)
            changes |= dict.fromkeys(keys[option], value)
    # What an option sets alone; --learning-rate is for two, and one of them may be set apart.
    asked = {keys[option][0] for option in options if len(keys[option]) == 1}
    asked = {key for key in asked if key in changes}
    for key, value in map(parse_setting, settings):
        if key in asked:
            raise InputError(f"{key} is asked for twice, at last as {shown(value)}: give it once.")
        asked.add(key)
        changes[key] = value
    return changes


def parse_image_size(text: str) -> tuple[int, int]:
    """Returns height and width of "64" or "48x64".

    Raises:
        InputError: The text is no such size.
    """
    match = re.fullmatch(r"([0-9]{1,9})(?:x([0-9]{1,9}))?", text)
    if not match or 0 in map(int, filter(None, match.groups())):
        raise InputError(
            f"--image-size {shown(text)}: expected N or HEIGHTxWIDTH, such as 64 or 48x64."
        )
    height, width = match.groups()
    return int(height), int(width or height)
