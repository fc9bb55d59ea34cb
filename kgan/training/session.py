"""`kgan train` and `kgan pretrain`, from their options to their last line."""

import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from kgan.errors import InputError
from kgan.training import folder, presets
from kgan.training.build import Run, load_data, prepare, steps_for_epochs, training_examples
from kgan.training.checkpoint_files import steps_in
from kgan.training.config import Config
from kgan.training.evaluation import best_of, cell, read_evaluations
from kgan.training.failures import lost_worker_told
from kgan.training.progress import ProgressBar, ScoreLines
from kgan.training.run import find_unfinished, reopen, train
from kgan.training.settings import override, parse_setting
from kgan.training.stopping import Stop, StoppedError, parse_duration
from kgan.training.strategy import Devices, choose, resolve
from kgan.training.tables import print_table

# Options that are settings under another name: of every command, and of each.
_COMMON = {
    "dataset": ("data.name",),
    "data_dir": ("data.data_dir",),
    "image_size": ("data.image_size",),
    "model": ("network.name",),
    "steps": ("steps",),
    "batch_size": ("batch_size",),
    "accumulate": ("accumulate",),
    "seed": ("seed",),
    "precision": ("precision",),
    "keep": ("checkpoints_kept",),
}
_KEYS = {
    "train": {
        **_COMMON,
        "latent_dim": ("network.latent_dim",),
        "objective": ("game.objective",),
        "discriminator_steps": ("game.discriminator_steps",),
        "evaluate_every": ("evaluation.every",),
        "learning_rate": (
            "generator_optimizer.learning_rate",
            "discriminator_optimizer.learning_rate",
        ),
    },
    "pretrain": {
        **_COMMON,
        "code_size": ("network.code_size",),
        "likelihood": ("reconstruction.likelihood",),
        "corruption": ("reconstruction.corruption",),
        "amount": ("reconstruction.amount",),
        "binarization": ("reconstruction.binarization",),
        "beta": ("reconstruction.beta",),
        "learning_rate": ("optimizer.learning_rate",),
    },
}


def train_from_options(
    command: str,
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
) -> None:
    """Trains as the options of a command say; see its `--help` for each.

    Args:
        command: "train" or "pretrain".
        preset: Where to start from; None for the data set's own, or a default.
        epochs: Passes over the data, instead of the option `steps`.
        settings: Each KEY=VALUE.
        run_dir: The new run's folder.
        resume: The unfinished run to go on with, or "auto".
        allow_changed_data: Go on though its data were others.
        max_time: See `stopping.parse_duration`.
        strategy: See `strategy.choose`.
        out: Where the SavedModel goes.
        dry_run: Check, print the configuration and stop.
        **options: The command's other options, None where not given.

    Raises:
        InputError: An option is wrong, or contradicts another or the resumed run.
    """
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    changes = _changes(_KEYS[command], options, settings)
    if epochs is not None and (options["steps"] is not None or epochs < 1):
        raise InputError(f"--epochs {epochs}: expected 1 or more, and without --steps.")
    seconds = None if max_time is None else parse_duration(max_time)
    folder.require_writable(Path(out))
    going_on = resume not in (None, "auto")
    if going_on and (run_dir or preset or epochs):
        raise InputError("--resume takes its run's settings: leave out --run-dir, --preset "
                         "and --epochs.")  # fmt: skip
    if allow_changed_data and not resume:
        raise InputError(
            "--allow-changed-data is for a run that goes on: give it with --resume RUN or "
            "--resume auto."
        )
    if resolve(strategy) == "multiworker" and not (run_dir or going_on):
        raise InputError(
            "Several workers need one --run-dir, on a disk that all of them share, such as "
            "--run-dir runs/many --resume auto."
        )
    start = None if going_on else presets.find(
        command, preset, options["dataset"], options["model"]
    )  # fmt: skip
    if resume == "auto" and run_dir and (Path(run_dir) / "summary.json").exists():
        # What restarts a process until it succeeds need not wait for workers that have.
        console.print(f"Run {run_dir} is finished.", soft_wrap=True)
        return
    devices = connect(strategy, dry_run, console)
    report = preparation_reporter(console)
    with lost_worker_told(devices, "the same command"):
        if going_on:
            place = Path(resume)
            run = reopen(place, command, changes, report, devices, allow_changed_data)
        else:
            run, place = _new_run(start, changes, epochs, report, devices), None
            if resume and devices.chief:
                place = find_unfinished(run, run_dir, allow_changed_data)
    if dry_run:
        Console(soft_wrap=True).print_json(data=run.config.to_dict())
        return
    if devices.chief:
        place = place or folder.create(run_dir, run.name)
    place = place or Path(run_dir)
    _train(run, place, Path(out), console, Stop(seconds), allow_changed_data)


def connect(strategy: str, dry_run: bool, console: Console) -> Devices:
    """Returns where to train; the console of a process that is not the chief goes quiet.

    To be called before anything is computed.

    Args:
        strategy: See `strategy.choose`.
        dry_run: Take one device, and so wait for no other worker.
        console: Told of what is waited for.
    """
    name = "single" if dry_run else resolve(strategy)
    if name == "multiworker":
        console.print("Waiting for the other workers of TF_CONFIG", soft_wrap=True)
    devices = choose(name)
    console.quiet = not devices.chief
    return devices


def _changes(
    keys: dict[str, tuple[str, ...]], options: dict[str, Any], settings: tuple[str, ...]
) -> dict[str, Any]:
    changes = {}
    for option, value in options.items():
        if value is not None:
            if option == "image_size":
                value = parse_image_size(value)
            elif option == "data_dir" or (option == "dataset" and Path(value).is_dir()):
                value = str(Path(value).expanduser().resolve())
            changes |= dict.fromkeys(keys[option], value)
    return changes | dict(parse_setting(text) for text in settings)


def parse_image_size(text: str) -> list[int]:
    """Returns height and width of "64" or "48x64".

    Raises:
        InputError: The text is no such size.
    """
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if not match or "0" in match.groups():
        raise InputError(f"--image-size {text!r}: expected N or HEIGHTxWIDTH, such as 64 or 48x64.")
    height, width = match.groups()
    return [int(height), int(width or height)]


def _new_run(start: Config, changes, epochs, report, devices) -> Run:
    config = override(start, changes)
    data = load_data(config, report)
    if epochs:
        config = override(
            config, {"steps": steps_for_epochs(epochs, training_examples(data), config)}
        )
    return prepare(config, data, devices)


def preparation_reporter(console: Console):
    """Returns a callback that says how far the preparation of a data set is."""
    last = [-1]

    def report(done: int, total: int, message: str) -> None:
        percent = 100 * done // max(total, 1)
        if percent // 10 != last[0]:
            last[0] = percent // 10
            console.print(f"{message}: {percent} %", soft_wrap=True)

    return report


def outlook(run: Run, place: Path) -> list[str]:
    """Returns what can be looked at and drawn from in a run's folder, a line each."""
    lines, draw = [], hasattr(run.model, "sample")
    pictures = sorted((place / "samples").glob("step-*.png"))
    if pictures:
        lines.append(f"Newest picture: {pictures[-1]}")
    if draw and max(steps_in(place / "checkpoints"), default=0):
        lines.append(f"Draw from it with: kgan sample {place}")
    scores = read_evaluations(place)
    if scores:
        best = best_of(scores)
        lines.append(
            f"Best {best['name']}: {cell(best)} at step {best['step']}. Draw from it with: "
            f"kgan sample {place} --checkpoint best"
        )
    return lines


def _train(
    run: Run, place: Path, out: Path, console: Console, stop: Stop, allow_changed_data: bool
) -> None:
    config, shape = run.config, "x".join(map(str, run.examples.image_shape))
    phases = run.total_steps // config.steps
    each = f"{phases} layers, " if phases > 1 else ""
    replicas = run.devices.replicas
    where = f"{config.precision} on {replicas} replicas" if replicas > 1 else config.precision
    console.print(
        f"{run.name}: {len(run.examples):,} examples of {shape}, {config.headline()}, {each}"
        f"{config.steps:,} steps of {run.images_per_step}, {where}.",
        soft_wrap=not console.is_terminal,
    )
    console.print(f"Run: {place}", soft_wrap=True)
    bar = ProgressBar(run, place, console, stop)
    told = [bar]
    if run.scorer and run.devices.chief:
        told.append(ScoreLines(place, config.evaluation.every, console))
    try:
        with stop:
            summary = train(run, place, out, told, stop=stop, allow_changed_data=allow_changed_data)
    except (KeyboardInterrupt, StoppedError) as error:
        bar.close()
        why = str(error) or "Stopped."
        if isinstance(error, StoppedError) and not stop.signal:
            why += " Its time is up."
        for line in (why, *outlook(run, place),
                     f"Go on with: kgan {config.command} --resume {place}"):  # fmt: skip
            console.print(line, soft_wrap=True)
        # As the shell and job schedulers count: 0 for a time that was up, else 128 + the signal.
        sys.exit(128 + stop.signal if stop.signal else 0)
    finally:
        bar.close()
    if not summary:
        return  # The chief tells.
    print_table(run.family.rows(summary), console)
    lines = [*outlook(run, place), f"{run.family.NEXT} {place}"]
    for line in (f"Saved {summary['saved_model']}.", *dict.fromkeys(lines)):
        console.print(line, soft_wrap=True)
