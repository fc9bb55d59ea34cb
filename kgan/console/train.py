"""`kgan train` and `kgan pretrain`, from their options to their last line."""

import sys
from pathlib import Path

from rich.console import Console

from kgan.console.options import Asked
from kgan.console.progress import ProgressBar, ScoreLines
from kgan.console.tables import print_table
from kgan.data.prepared import Report
from kgan.methods.config import Config
from kgan.methods.settings import override
from kgan.names import command
from kgan.runs import folder
from kgan.runs.checkpoint_files import steps_in
from kgan.runs.records import read_evaluations, read_summary
from kgan.training.build import Run, load_data, prepare, steps_for_epochs
from kgan.training.evaluation import EVALUATIONS, best_of, cell
from kgan.training.failures import lost_worker_told
from kgan.training.run import train
from kgan.training.stopping import Stop, StoppedError
from kgan.training.strategy import Devices, choose, resolve
from kgan.training.unfinished import find_unfinished, reopen

FOLDER = "--dataset FOLDER"
NOTHING_HELD_OUT = (
    "Nothing is held out: no score will tell new images from those it was trained on, so neither "
    "overfitting nor copying will show."
)


def train_asked(asked: Asked) -> None:
    """Trains as the options of a command say.

    Raises:
        InputError: An option is wrong, or contradicts another or the resumed run.
    """
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    run_dir, resume, changed = asked.run_dir, asked.resume, asked.allow_changed_data
    if resume == "auto" and run_dir and read_summary(run_dir) is not None:
        # What restarts a process until it succeeds need not wait for workers that have.
        console.print(f"Run {run_dir} is finished.", soft_wrap=True)
        return
    devices = connect(asked.strategy, asked.dry_run, console)
    report = preparation_reporter(console)
    with lost_worker_told(devices, "the same command"):
        place: Path | None
        if asked.start is None:
            assert resume is not None  # where there is no start, a run goes on
            place = Path(resume)
            run = reopen(place, asked.command, asked.changes, report, devices, changed)
        else:
            run = _new_run(asked.start, asked.changes, asked.epochs, report, devices)
            place = find_unfinished(run, run_dir, changed) if resume and devices.chief else None
    if asked.dry_run:
        Console(soft_wrap=True).print_json(data=run.config.to_dict())
        return
    if place is None and devices.chief:
        place = folder.create(run_dir, run.name)
    elif place is None:
        assert run_dir is not None  # `asked` holds several workers to it
        place = Path(run_dir)
    _train(run, place, asked.out, console, Stop(asked.seconds), changed)


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


def _new_run(start: Config, changes, epochs, report, devices) -> Run:
    config = override(start, changes)
    data = load_data(config, report)
    if epochs:
        config = override(config, {"steps": steps_for_epochs(epochs, data, config)})
    return prepare(config, data, devices)


def preparation_reporter(console: Console) -> Report:
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
        lines.append(f"Draw from it with: {command('sample', place)}")
    scores = read_evaluations(place / EVALUATIONS)
    if scores:
        best = best_of(scores)
        lines.append(
            f"Best {best['name']}: {cell(best)} at step {best['step']}. Draw from it with: "
            f"{command('sample', place, '--checkpoint best')}"
        )
    return lines


def advice(run: Run, place: Path) -> str:
    """Returns what to do with a finished run: a classifier is for data with labels."""
    train, test = run.data.train, run.data.test
    labelled = train.labels is not None and test.labels is not None and len(train.class_names) > 1
    if run.method.use == "finetune" and labelled:
        return f"Classify with it: {command('finetune', place)}"
    if run.method.draws:
        return f"Draw from it with: {command('sample', place)}"
    return f"Classify images that have labels with it: {command('finetune', place, FOLDER)}"


def score_rows(run: Run, found: dict) -> list[tuple[str, ...]]:
    """Returns a row for the run and each baseline, and a column for each score, headed by names."""
    scores = found["scores"]
    if not scores:
        return []
    columns = [(score["name"], _headed(score, scores[0]["n"])) for score in scores]
    of = f"{scores[0]['split']}, n = {scores[0]['n']:,}"
    rows = [(of, *(head for _, head in columns))]
    for name, values in {run.name: scores, **found["baselines"]}.items():
        cells = {score["name"]: cell(score) for score in values}
        rows.append((name, *(cells.get(score, "") for score, _ in columns)))
    return rows


def _headed(score: dict, count: int) -> str:
    """Returns a score's name, with its unit and what it alone was computed of."""
    more = [score.get("unit", "")]
    if "importance_samples" in score:
        more.append(f"{score['importance_samples']} importance samples")
    if score["n"] != count:
        more.append(f"{score['n']:,} images")
    return ", ".join(filter(None, (score["name"], *more)))


def _train(
    run: Run, place: Path, out: Path, console: Console, stop: Stop, allow_changed_data: bool
) -> None:
    config, shape = run.config, "x".join(map(str, run.examples.image_shape))
    phases = len(run.phases)
    each = f"{phases} layers, " if phases > 1 else ""
    replicas = run.devices.replicas
    where = f"{config.precision} on {replicas} replicas" if replicas > 1 else config.precision
    console.print(
        f"{run.name}: {len(run.examples):,} examples of {shape}, {config.headline()}, {each}"
        f"{config.steps:,} steps of {run.images_per_step}, {where}.",
        soft_wrap=not console.is_terminal,
    )
    console.print(f"Run: {place}", soft_wrap=True)
    if config.data.hold_out == "none":
        console.print(NOTHING_HELD_OUT, soft_wrap=True)
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
        again = command(f"{run.method.command} --resume", place)
        for line in (why, *outlook(run, place), f"Go on with: {again}"):
            console.print(line, soft_wrap=True)
        # As the shell and job schedulers count: 0 for a time that was up, else 128 + the signal.
        sys.exit(128 + stop.signal if stop.signal else 0)
    finally:
        bar.close()
    if not summary:
        return  # The chief tells.
    print_table(score_rows(run, summary), console)
    lines = [f"Saved {summary['saved_model']}.", *outlook(run, place), advice(run, place)]
    for line in dict.fromkeys(lines):
        console.print(line, soft_wrap=True)
