"""`kgan finetune`, from its options to its last line."""

import signal
import sys
from pathlib import Path

from rich.console import Console

from kgan.console.checks import parse_arms, parse_labels, parse_learning_rates
from kgan.console.options import parse_image_size
from kgan.console.progress import LINE_SECONDS
from kgan.console.remaining import Remaining
from kgan.console.status import Status, StatusLine
from kgan.console.tables import print_table
from kgan.console.train import connect, preparation_reporter
from kgan.tasks.finetune import report
from kgan.tasks.finetune.experiment import Experiment, design
from kgan.tasks.finetune.finetune import run as run_experiment
from kgan.training.failures import lost_worker_told
from kgan.training.rhythm import Rhythm
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
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    devices = connect(strategy, dry_run, console)
    experiment = design(
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
        count = experiment.uneven(devices.replicas)[0]
        console.print(f"{count} labels cannot be divided among {devices.replicas} replicas: "
                      "training on one device.", soft_wrap=True)  # fmt: skip
        devices = choose("single")
    if dry_run:
        Console(soft_wrap=True).print_json(data=_plan(experiment))
        return
    table = _run(experiment, Path(out), console, devices)
    if not devices.chief:
        return
    # A file or a pipe has no width to fit a table to.
    shown = Console(
        highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else WIDTH
    )
    print_table(report.cells(table), shown, report.title(table))
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


def headline(experiment: Experiment) -> str:
    """Returns how much there is to fit, in a sentence."""
    labels, fits = experiment.labels, {"training": 0, "probe": 0}
    for arm in experiment.arms:
        kind, _ = experiment.work(arm, labels[0])
        fits[kind] += experiment.fits(arm) * len(labels)
    steps = sorted({experiment.budget(count).steps for count in (labels[0], labels[-1])})
    kinds = {
        "training": f"trainings of at most {' to '.join(f'{n:,}' for n in steps)} steps",
        "probe": "linear probes",
    }
    what = " and ".join(f"{count} {kinds[kind]}" for kind, count in fits.items() if count)
    counts = ", ".join(f"{count:,}" for count in labels)
    return f"{experiment.total} classifiers to fit, on {counts} labels: {what}."


class _Shown:
    """What the terminal shows of a comparison while it runs."""

    def __init__(self, experiment: Experiment, console: Console):
        self._console, self._remaining = console, Remaining(experiment.all_work)
        self._line = StatusLine(experiment.total)
        self._rhythm = Rhythm(*LINE_SECONDS)
        self.live = Status(console, self._status)

    def begun(self, done: int, left: dict[str, int]) -> None:
        """Takes note of what was finished before."""
        self._line.done, self._remaining = done, Remaining(left)

    def fitted(self, event: dict) -> None:
        """Says how a classifier came out."""
        self._remaining.fitted(event["kind"], event["work"], event["left"])
        self._line.done = event["done"]
        choice = f"C {event['C']:g}" if "C" in event else (
            f"rate {event['learning_rate']:g}, {event['start']}"
        )  # fmt: skip
        told = (
            f"{report.ARMS[event['arm']]}, {event['labels']:,} labels, seed {event['seed']}, "
            f"{choice}: validation {event['validation_accuracy']:.2%}, {event['seconds']:.1f} s"
        )
        if not self._console.is_interactive:
            told += f"; {self._status().text}"
            self._rhythm.mark()
        self._console.print(told, soft_wrap=True)

    def evaluated(self, step: int) -> None:
        """Takes note of a step of the training at hand."""
        self._remaining.stepped(step)
        if not self._console.is_interactive and self._rhythm.due:
            self._console.print(self._status().text, soft_wrap=True)
            self._rhythm.mark()

    def _status(self) -> StatusLine:
        self._line.fields = [self._remaining.text()]
        return self._line


def _run(experiment: Experiment, out: Path, console: Console, devices: Devices) -> dict:
    console.print(headline(experiment), soft_wrap=not console.is_terminal)
    shown = _Shown(experiment, console)
    with interrupting() as received:
        try:
            with shown.live, lost_worker_told(devices, "the same command"):
                return run_experiment(
                    experiment,
                    out,
                    shown.fitted,
                    devices=devices,
                    evaluated=shown.evaluated,
                    begun=shown.begun,
                )
        except KeyboardInterrupt:
            console.print("Stopped. The same command goes on from here.", soft_wrap=True)
            sys.exit(128 + (received or [signal.SIGINT])[0])
