"""`kgan evaluate`, from its options to its last line."""

import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column, Table

from kgan.tasks.evaluate import evaluate
from kgan.tasks.options import parse_metrics
from kgan.training.options import parse_image_size
from kgan.training.session import preparation_reporter

WIDTH = 10_000


def evaluate_from_options(
    *, sources: tuple[str, ...], metrics: str | None, image_size: str | None, **options
) -> None:
    """Scores as the options of `kgan evaluate` say; see `kgan evaluate --help` for each.

    Raises:
        InputError: An option, a source or the data are wrong.
    """
    console = Console(stderr=True, highlight=False)
    bar = Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), console=console,
        disable=not console.is_terminal, transient=True,
    )  # fmt: skip
    item = bar.add_task("")

    def progress(what: str, done: int, total: int) -> None:
        bar.update(item, description=what, completed=done, total=total)

    with bar:
        table = evaluate(
            sources,
            parse_metrics(metrics),
            image_size=parse_image_size(image_size) if image_size else None,
            progress=progress,
            preparing=preparation_reporter(console),
            **options,
        )
    # A file or a pipe has no width to fit a table to.
    width = None if sys.stdout.isatty() else WIDTH
    shown = Console(highlight=False, markup=False, emoji=False, width=width)
    shown.print(rich_table(table))
    for line in conditions(table):
        shown.print(line, soft_wrap=True)


def rich_table(table: dict) -> Table:
    """Returns a row for each score and a column for each source and baseline."""
    # A list: a source may be called as a baseline is.
    columns = [
        *zip(_short(table), (entry["scores"] for entry in table["sources"]), strict=True),
        *table["baselines"].items(),
    ]
    shown = Table(
        Column("score", no_wrap=True),
        *(Column(name, justify="right") for name, _ in columns),
        box=box.SIMPLE,
    )
    cells = [{score["name"]: cell(score) for score in scores} for _, scores in columns]
    for score in table["sources"][0]["scores"]:
        shown.add_row(score["name"], *(found.get(score["name"], "") for found in cells))
    return shown


def _short(table: dict) -> list[str]:
    """Returns the last parts of the sources' paths, or the whole where those are not unique."""
    given = [entry["source"] for entry in table["sources"]]
    last = [Path(name).name for name in given]
    return last if len(set(last)) == len(last) else given


def cell(score: dict) -> str:
    """Returns a score's value to the digits that its size deserves, with its error if any."""
    value, error = score["value"], score.get("standard_error")
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3 if abs(value) >= 0.1 else 4
    return f"{value:.{digits}f}" + (f" ± {error:.{digits}f}" if error is not None else "")


def conditions(table: dict) -> list[str]:
    """Returns what the scores were taken under, in lines."""
    lines, scores = [], table["sources"][0]["scores"]
    of_features = [score for score in scores if "features" in score]
    for score in [score for score in of_features if score["n_reference"]][:1]:
        lines.append(
            f"Against {score['n_reference']:,} images of {score['dataset']} ({score['split']})."
        )
    for score in of_features[:1]:
        about = score["features"]
        lines.append(
            f"Features {about['name']} (sha256 {about['sha256']}), resize: {about['resizer']}."
        )
        if "caveat" in about:
            lines.append(about["caveat"])
    for score in [score for score in scores if score["name"] == "parzen"]:
        lines.append(
            f"parzen against {score['n_reference']:,} images of {score['dataset']} "
            f"({score['split']}), each source's sigma by {score['n_validation']:,} others."
        )
    for entry in table["sources"]:
        score, seconds = entry["scores"][0], entry["seconds"]
        step = f", step {score['step']:,} ({score['checkpoint']})" if score["step"] else ""
        lines.append(
            f"{entry['source']}: {score['n']:,} images"
            f"{', seeds ' + score['seeds'] if score['seeds'] else ''}{step}; sampling "
            f"{seconds['sampling']:.1f} s, features {seconds['features']:.1f} s, metrics "
            f"{seconds['metrics']:.1f} s."
        )
    return lines
