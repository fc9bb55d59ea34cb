"""`kgan evaluate`, from its options to its last line."""

import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column, Table

from kgan.tasks.evaluate import evaluate
from kgan.training.session import parse_image_size, preparation_reporter

WIDTH = 120


def evaluate_from_options(
    *, sources: tuple[str, ...], metrics: str | None, image_size: str | None, **options
) -> None:
    """Scores as the options of `kgan evaluate` say; see `kgan evaluate --help` for each.

    Raises:
        InputError: An option, a source or the data are wrong.
    """
    console = Console(stderr=True, highlight=False)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), console=console,
        disable=not console.is_terminal, transient=True,
    )  # fmt: skip
    item = bar.add_task("")

    def progress(what: str, done: int, total: int) -> None:
        bar.update(item, description=what, completed=done, total=total)

    with bar:
        table = evaluate(
            sources,
            [name.strip() for name in metrics.split(",")] if metrics else None,
            image_size=parse_image_size(image_size) if image_size else None,
            progress=progress,
            preparing=preparation_reporter(console),
            **options,
        )
    # A file or a pipe has no width to fit a table to.
    shown = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    shown.print(rich_table(table))
    for line in conditions(table):
        shown.print(line, soft_wrap=True)


def rich_table(table: dict) -> Table:
    """Returns a row for each score and a column for each source and baseline."""
    columns = {
        name: entry["scores"] for name, entry in zip(_short(table), table["sources"], strict=True)
    }
    columns |= table["baselines"]
    shown = Table(
        Column("score", no_wrap=True),
        *(Column(name, justify="right") for name in columns),
        box=box.SIMPLE,
    )
    cells = {name: {s["name"]: cell(s) for s in scores} for name, scores in columns.items()}
    for score in table["sources"][0]["scores"]:
        name = score["name"]
        shown.add_row(name.replace("[", "\\["), *(found.get(name, "") for found in cells.values()))
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
    first = table["sources"][0]["scores"][0]
    lines = []
    features = first.get("features")
    if features:
        lines.append(
            f"Against {first['n_reference']:,} images of {first['dataset']} ({first['split']}); "
            f"features {features['name']} (sha256 {features['sha256']}), resize: "
            f"{features['resizer']}."
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
