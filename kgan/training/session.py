"""`kgan train`, from its options to its last line."""

import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from kgan.errors import InputError
from kgan.training import folder, presets
from kgan.training.build import Run, load_examples, prepare, steps_for_epochs
from kgan.training.config import RunConfig, override, parse_setting
from kgan.training.progress import ProgressBar
from kgan.training.run import reopen, train

# Options of `kgan train` that are settings under another name.
_KEYS = {
    "dataset": ("data.name",),
    "data_dir": ("data.data_dir",),
    "image_size": ("data.image_size",),
    "model": ("network.name",),
    "latent_dim": ("network.latent_dim",),
    "objective": ("game.objective",),
    "discriminator_steps": ("game.discriminator_steps",),
    "learning_rate": ("generator_optimizer.learning_rate", "discriminator_optimizer.learning_rate"),
    "steps": ("steps",),
    "batch_size": ("batch_size",),
    "seed": ("seed",),
    "precision": ("precision",),
}


def train_from_options(
    *,
    preset: str | None,
    epochs: int | None,
    settings: tuple[str, ...],
    run_dir: str | None,
    resume: str | None,
    out: str,
    dry_run: bool,
    **options: Any,
) -> None:
    """Trains as the options of `kgan train` say; see `kgan train --help` for each.

    Raises:
        InputError: An option is wrong, or contradicts another or the resumed run.
    """
    console = Console(stderr=True, highlight=False)
    changes = _changes(options, settings)
    if epochs is not None and (options["steps"] is not None or epochs < 1):
        raise InputError(f"--epochs {epochs}: expected 1 or more, and without --steps.")
    folder.require_writable(Path(out))
    report = _reporter(console)
    if resume is not None:
        if run_dir or preset or epochs:
            raise InputError("--resume takes its run's settings: leave out --run-dir, --preset "
                             "and --epochs.")  # fmt: skip
        run, place = reopen(resume, changes, report), Path(resume)
    else:
        run = _new_run(preset, options["dataset"], changes, epochs, report)
        place = None
    if dry_run:
        Console(soft_wrap=True).print_json(data=run.config.to_dict())
        return
    place = place or folder.create(run_dir, run.name)
    _train(run, place, Path(out), console)


def _changes(options: dict[str, Any], settings: tuple[str, ...]) -> dict[str, Any]:
    changes = {}
    for option, value in options.items():
        if value is not None:
            if option == "image_size":
                value = _image_size(value)
            elif option == "data_dir" or (option == "dataset" and Path(value).is_dir()):
                value = str(Path(value).expanduser().resolve())
            changes |= dict.fromkeys(_KEYS[option], value)
    return changes | dict(parse_setting(text) for text in settings)


def _image_size(text: str) -> list[int]:
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if not match or "0" in match.groups():
        raise InputError(f"--image-size {text!r}: expected N or HEIGHTxWIDTH, such as 64 or 48x64.")
    height, width = match.groups()
    return [int(height), int(width or height)]


def _new_run(preset, dataset, changes, epochs, report) -> Run:
    _, start = presets.find(preset, dataset)
    config: RunConfig = override(start, changes)
    examples = load_examples(config, report)
    if epochs:
        config = override(config, {"steps": steps_for_epochs(epochs, examples, config)})
    return prepare(config, examples)


def _reporter(console: Console):
    """Returns a callback that says how far the preparation of a data set is."""
    last = [-1]

    def report(done: int, total: int, message: str) -> None:
        percent = 100 * done // max(total, 1)
        if percent // 10 != last[0]:
            last[0] = percent // 10
            console.print(f"{escape(message)}: {percent} %", soft_wrap=True)

    return report


def _train(run: Run, place: Path, out: Path, console: Console) -> None:
    config, shape = run.config, "x".join(map(str, run.examples.image_shape))
    console.print(
        f"{run.name}: {len(run.examples):,} examples of {shape}, {config.game.objective}, "
        f"{config.steps:,} steps of {run.images_per_step}, {config.precision}. Run: {place}",
        soft_wrap=True,
    )
    bar = ProgressBar(config.steps, run.images_per_step, place / "samples", console)
    try:
        summary = train(run, place, out, callbacks=[bar])
    except KeyboardInterrupt:
        bar.close()
        console.print(f"Stopped. Go on with: kgan train --resume {place}", soft_wrap=True)
        sys.exit(1)
    finally:
        bar.close()
    if "modes" in summary:
        console.print(
            f"Modes covered: {summary['modes']}; high-quality samples: "
            f"{summary['high_quality']:.1%}"
        )
    console.print(f"Saved {summary['saved_model']}. Draw from it with: kgan sample", soft_wrap=True)
