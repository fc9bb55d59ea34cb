"""`kgan finetune`, from its options to its last line."""

import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kgan.tasks import report
from kgan.tasks.experiment import Experiment, prepare
from kgan.tasks.finetune import run as run_experiment
from kgan.tasks.options import parse_arms, parse_labels, parse_learning_rates
from kgan.training import folder
from kgan.training.failures import lost_worker_told
from kgan.training.options import parse_image_size
from kgan.training.session import connect, preparation_reporter
from kgan.training.stopping import interrupting
from kgan.training.strategy import Devices, choose

WIDTH = 100


def finetune_from_options(
    *,
    run: str,
    labels: str | None,
    arms: str | None,
    seeds: int,
    learning_rates: str,
    dataset: str | None,
    data_dir: str | None,
    image_size: str | None,
    strategy: str,
    out: str,
    dry_run: bool,
    **options,
) -> None:
    """Compares as the options of `kgan finetune` say; see `kgan finetune --help` for each.

    Raises:
        InputError: An option, the run or the data are wrong.
    """
    console = Console(stderr=True, highlight=False)
    folder.require_writable(Path(out))
    devices = connect(strategy, dry_run, console)
    experiment = prepare(
        run,
        parse_labels(labels),
        seeds,
        arms=parse_arms(arms),
        dataset=dataset,
        data_dir=data_dir,
        image_size=parse_image_size(image_size) if image_size else None,
        learning_rates=parse_learning_rates(learning_rates),
        preparing=preparation_reporter(console),
        **options,
    )
    if strategy == "auto" and not devices.several and experiment.uneven(devices.replicas):
        labels = experiment.uneven(devices.replicas)[0]
        console.print(f"{labels} labels cannot be divided among {devices.replicas} replicas: "
                      "training on one device.", soft_wrap=True)  # fmt: skip
        devices = choose("single")
    if dry_run:
        Console(soft_wrap=True).print_json(data=_plan(experiment))
        return
    table = _run(experiment, Path(out), console, devices)
    if not devices.chief:
        return
    # A file or a pipe has no width to fit a table to.
    shown = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    shown.print(report.rich_table(table))
    for line in report.conditions(table):
        shown.print(line)
    best = table["classifier"]
    if best:
        console.print(
            f"Saved {best['saved_model']}: pretrained, {best['labels']:,} labels, seed "
            f"{best['seed']}, the best of its seeds on validation "
            f"({best['validation_accuracy']:.2%}; test {best['test_accuracy']:.2%}).",
            soft_wrap=True,
        )
    console.print(f"Rows, table and picture: {experiment.run_dir}/finetune/", soft_wrap=True)


def _plan(experiment: Experiment) -> dict:
    budgets = {count: experiment.budget(count) for count in experiment.labels}
    return {
        "run": str(experiment.run_dir),
        "arms": list(experiment.arms),
        "seeds": experiment.seeds,
        "labels": {
            str(count): {
                "steps_at_most": limits.steps,
                "batch_size": limits.batch_size,
                "steps_between_evaluations": limits.every,
            }
            for count, limits in budgets.items()
        },
        "classifiers": experiment.total,
        **experiment.settings,
    }


def _run(experiment: Experiment, out: Path, console: Console, devices: Devices) -> dict:
    bar = Progress(
        MofNCompleteColumn(),
        BarColumn(bar_width=None),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        console=console,
        disable=not console.is_terminal,
    )
    item = bar.add_task("", total=experiment.total)

    def progress(event: dict) -> None:
        if "C" in event:
            choice = f"C {event['C']:g}"
        else:
            choice = f"learning rate {event['learning_rate']:g}, {event['start']} softmax"
        console.print(
            f"{report.ARMS[event['arm']]}, {event['labels']:,} labels, seed {event['seed']}, "
            f"{choice}: validation {event['validation_accuracy']:.2%}, "
            f"{event['seconds']:.1f} s",
            soft_wrap=True,
        )
        bar.update(item, completed=event["done"])

    with interrupting() as received:
        try:
            with bar, lost_worker_told(devices, "the same command"):
                return run_experiment(experiment, out, progress, devices=devices)
        except KeyboardInterrupt:
            bar.stop()
            console.print("Stopped. The same command goes on from here.", soft_wrap=True)
            sys.exit(128 + (received or [signal.SIGINT])[0])
