"""A comparison as a table and as a picture."""

import math
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from scipy import stats

from kgan.tasks.finetune.experiment import ARMS, TUNED

_COLOURS = {"pretrained": "C0", "random": "C1", "probe": "C0", "random_probe": "C1"}


def summarize(rows: list[dict]) -> dict:
    """Returns means and spreads of test accuracies, and what pretraining gained.

    Args:
        rows: Finished rows of one comparison; the same seeds in every arm.

    Returns:
        "rows": for each arm and number of labels the mean, the standard deviation (of a sample;
        None for one seed) and n seeds; "gain": for each number of labels the mean of pretrained
        minus random over paired seeds, its standard error and a verdict. Shares, not percent.
    """
    counts = sorted({row["labels"] for row in rows})
    arms = _arms(rows)
    found = {
        (arm, labels): [
            r["test_accuracy"] for r in rows if (r["arm"], r["labels"]) == (arm, labels)
        ]
        for labels in counts
        for arm in arms
    }
    table = [
        {"arm": arm, "labels": labels, "mean": float(np.mean(values)), "std": _std(values),
         "n": len(values)}
        for (arm, labels), values in found.items()
    ]  # fmt: skip
    gains = []
    for labels in counts if set(TUNED) <= set(arms) else ():
        difference = np.subtract(found["pretrained", labels], found["random", labels])
        mean, std = float(np.mean(difference)), _std(difference)
        error = None if std is None else std / math.sqrt(len(difference))
        gains.append(
            {
                "labels": labels,
                "mean": mean,
                "standard_error": error,
                "verdict": _verdict(mean, error, len(difference)),
            }
        )
    return {"rows": table, "gain": gains}


def _arms(rows: list[dict]) -> list[str]:
    return [arm for arm in ARMS if any(row["arm"] == arm for row in rows)]


def _std(values) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _verdict(mean: float, error: float | None, seeds: int) -> str:
    """Returns whether 0 is outside the 95 % confidence interval of Student's t."""
    if error is None:
        return "one seed: no verdict"
    if abs(mean) <= stats.t.ppf(0.975, seeds - 1) * error or mean == 0:
        return "no difference"
    return "helps" if mean > 0 else "harms"


def title(table: dict) -> str:
    """Returns what the numbers of `cells` are."""
    several = "mean ± standard deviation over " if table["seeds"] > 1 else ""
    return f"Test accuracy, %: {several}{_seeds(table)}"


def cells(table: dict) -> list[tuple[str, ...]]:
    """Returns the rows of what a terminal shows of table.json, the first of them the header."""
    arms, gains = _arms(table["rows"]), {gain["labels"]: gain for gain in table["gain"]}
    found = {(row["arm"], row["labels"]): row for row in table["rows"]}
    shown = [("labels", *(ARMS[arm] for arm in arms), *(["gain ± s.e."] if gains else []))]
    for labels in sorted({row["labels"] for row in table["rows"]}):
        accuracies = (found[arm, labels] for arm in arms)
        shown.append(
            (
                f"all {labels:,}" if labels == table["train"] else f"{labels:,}",
                *(_percent(row["mean"], row["std"]) for row in accuracies),
                *([_gain(gains[labels])] if gains else []),
            )
        )
    return shown


def _seeds(table: dict) -> str:
    return f"{table['seeds']} seeds" if table["seeds"] > 1 else "one seed"


def _gain(gain: dict) -> str:
    return f"{_percent(gain['mean'], gain['standard_error'], '+')}\n{gain['verdict']}"


def _percent(mean: float, spread: float | None, sign: str = "") -> str:
    text = f"{100 * mean:{sign}.2f}"
    return text if spread is None else f"{text} ± {100 * spread:.2f}"


def conditions(table: dict) -> list[str]:
    """Returns what is to be known to read the table, a sentence or two each."""
    arms = _arms(table["rows"])
    chosen = []
    if not set(TUNED).isdisjoint(arms):
        chosen.append("learning rates, what the softmax layer starts from, when to stop")
    if not set(arms) <= set(TUNED):
        chosen.append("the probes' penalties")
    lines = [
        f"{table['dataset']}; {table['split']}. Every arm learns from the same labels, drawn from "
        f"{table['train']:,}. Chosen by validation on {table['validation']:,} labels: "
        f"{', '.join(chosen)}. The {table['test']:,} test images then served once for each result.",
    ]
    if table["gain"]:
        lines.append(
            "Gain: pretrained minus random init, both trained whole, over paired seeds; it is a "
            "difference where 0 is outside its 95 % confidence interval (Student's t)."
        )
    if table["pretrained_on"]:
        lines.append(f"Pretrained, without labels, on {table['pretrained_on']}.")
    if any(row["arm"] == "probe" and row["labels"] == table["train"] for row in table["rows"]):
        lines.append("The pretrained probe on all labels is one fit: no seed enters it.")
    return lines


def plot(rows: list[dict], table: dict, path: Path) -> None:
    """Writes accuracy against labels: mean and standard deviation, each seed a dot.

    Args:
        rows: As in `summarize`.
        table: What table.json holds.
        path: A PNG.
    """
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    for arm in _arms(rows):
        means = [row for row in table["rows"] if row["arm"] == arm]
        axes.errorbar(
            [row["labels"] for row in means],
            [100 * row["mean"] for row in means],
            yerr=[100 * (row["std"] or 0) for row in means],
            capsize=3,
            label=ARMS[arm],
            color=_COLOURS[arm],
            linestyle="--" if "probe" in arm else "-",
        )
        dots = [row for row in rows if row["arm"] == arm]
        axes.plot(
            [row["labels"] for row in dots],
            [100 * row["test_accuracy"] for row in dots],
            "o" if "probe" not in arm else "x",
            markersize=4,
            alpha=0.6,
            color=_COLOURS[arm],
        )
    counts = sorted({row["labels"] for row in rows})
    axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"labels ({table['dataset']})")
    axes.set_ylabel(f"test accuracy, %, {_seeds(table)}")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, format="png", dpi=120, metadata={"Software": None})
