"""`kgan evaluate`, from its options to its last line."""

import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from kgan.console.checks import parse_metrics
from kgan.console.options import parse_image_size
from kgan.console.progress import LINE_SECONDS
from kgan.console.status import Status
from kgan.console.tables import print_table
from kgan.console.train import preparation_reporter
from kgan.errors import plain
from kgan.runs.scores import FILE
from kgan.tasks.evaluate.evaluate import evaluate
from kgan.training.evaluation import cell
from kgan.training.rhythm import Rhythm

WIDTH = 10_000
FEW = 1000  # images, of which a score is rough


def evaluate_from_options(
    *, sources: tuple[str, ...], metrics: str | None, image_size: str | None, **options
) -> None:
    """Scores as the options of `kgan evaluate` say; see `kgan evaluate --help` for each.

    Raises:
        InputError: An option, a source or the data are wrong.
    """
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    shown = Text()
    rhythm = Rhythm(*LINE_SECONDS)

    def progress(what: str, done: int, total: int) -> None:
        shown.plain = f"{what}: {done:,} of {total:,}" if total > 1 else what
        if not console.is_interactive and rhythm.due:
            console.print(shown, soft_wrap=True)
            rhythm.mark()

    with Status(console, lambda: shown, transient=True):
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
    out = Console(highlight=False, markup=False, emoji=False, width=width)
    print_table(rows(table), out)
    for line in conditions(table):
        out.print(line, soft_wrap=not out.is_terminal)
    console.print(plain(_kept(table, options["out"])), soft_wrap=True)


def _kept(table: dict, out: str | None) -> str:
    """Returns where the scores were written, in a line."""
    places = [entry["place"] for entry in table["sources"] if entry["place"]]
    if out is not None:
        places = [out]
    files = [str(Path(place) / FILE) for place in dict.fromkeys(places)]
    return f"Wrote {', '.join(files)}" if files else "Wrote nothing: to keep scores give --out DIR."


def rows(table: dict) -> list[tuple[str, ...]]:
    """Returns a row for each score and a column for each source and baseline, headed by names."""
    # A list: a source may be called as a baseline is.
    columns = [
        *zip(_short(table), (entry["scores"] for entry in table["sources"]), strict=True),
        *table["baselines"].items(),
    ]
    cells = [{score["name"]: cell(score) for score in scores} for _, scores in columns]
    # Only some sources may have classes.
    longest = max((entry["scores"] for entry in table["sources"]), key=len)
    names = [score["name"] for score in longest]
    return [
        ("score", *(name for name, _ in columns)),
        *((name, *(found.get(name, "") for found in cells)) for name in names),
    ]


def _short(table: dict) -> list[str]:
    """Returns the last parts of the sources' paths, or the whole where those are not unique."""
    given = [entry["source"] for entry in table["sources"]]
    last = [Path(name).name for name in given]
    return last if len(set(last)) == len(last) else given


def _worst_classes(table: dict) -> list[str]:
    """Returns a line for each source that draws classes: which one came out worst."""
    lines = []
    for name, entry in zip(_short(table), table["sources"], strict=True):
        found = []
        for score in [score for score in entry["scores"] if "worst" in score]:
            worst, kind = score["worst"], score["name"].partition("[")[0]
            value = score["by_class"][worst]
            told = f"{value:.1%}".replace("%", " % recognised")
            if kind == "class_recall":
                left_out = score["left_out"]
                told = f"{value:.1%}".replace("%", " % reached")
                told += f", {len(left_out)} of few images left out" if left_out else ""
            found.append(f"{plain(worst)}, {told} ({kind})")
        if found:
            lines.append(f"Worst class of {name}: {'; '.join(found)}.")
    return lines


def conditions(table: dict) -> list[str]:
    """Returns what the scores were taken under, in lines."""
    lines, scores = _worst_classes(table), table["sources"][0]["scores"]
    of_features = [score for score in scores if "features" in score]
    for score in [score for score in of_features if score["n_reference"]][:1]:
        lines.append(
            f"Against {score['n_reference']:,} images of {score['dataset']} ({score['split']})."
        )
    lines += _numbers(table)
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
        cut = ""
        if "truncation" in score:
            cut = f", truncation {score['truncation']:g} (compares with the same alone)"
        lines.append(
            f"{entry['source']}: {score['n']:,} images"
            f"{', seeds ' + score['seeds'] if score['seeds'] else ''}{step}{cut}; sampling "
            f"{seconds['sampling']:.1f} s, features {seconds['features']:.1f} s, metrics "
            f"{seconds['metrics']:.1f} s."
        )
        lines += [*_seen_in_training(entry), *map(plain, entry["left_out"])]
    return lines


def _numbers(table: dict) -> list[str]:
    """Returns lines where scores are of few images, or baselines of another number of them."""
    counts = sorted({entry["scores"][0]["n"] for entry in table["sources"]})
    found = []
    if counts[0] < FEW:
        found.append(
            f"Scores of few images, here {counts[0]:,}, are rough, and compare with those of as "
            "many alone."
        )
    others = {name: rows[0]["n"] for name, rows in table["baselines"].items() if rows}
    told = [f"{name} {count:,}" for name, count in others.items() if [count] != counts]
    return [*found, *([f"Images of the baselines: {', '.join(told)}."] if told else [])]


def _seen_in_training(entry: dict) -> list[str]:
    """Returns a line for each held-out part that scores are of and the run was trained on."""
    seen = {
        part
        for part in ("validation", "test")
        for score in entry["scores"]
        if score["split"] == part and part in score.get("trained_on", ())
    }
    return [
        f"{entry['source']} was trained on the {part} images too (--hold-out none): its scores "
        "against them are of images that it has seen."
        for part in sorted(seen)
    ]
