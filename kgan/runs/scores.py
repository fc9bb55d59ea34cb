"""The scores of a run, in the one form that all of them have: evaluation.json.

"scores" is a list, each with its name, its value and its conditions; "baselines" holds, by what
they are of, lists of the same names. `kgan evaluate` adds "seconds", which its own took. With --out
the scores of all sources stand together, each of which names its own, and "seconds" is a list.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from kgan.runs import folder, forms
from kgan.runs.records import AGAIN, FORMAT, read_json

FILE = "evaluation.json"
UNITS = {"psnr": "dB", "elbo": "nats", "negative_log_likelihood": "nats"}
KEY = ("name", "step", "n", "dataset", "split")  # what tells a score from another


def scored(values: Mapping[str, float], **conditions) -> list[dict]:
    """Returns values by name as scores under the same conditions, with the units that they have.

    Args:
        values: Finite numbers.
        **conditions: "step", None where there is none; "n", how many examples; "dataset"; "split",
            which part of it: "train", "validation", "test" or "all"; and what else decides the
            value.
    """

    def unit(name: str) -> dict[str, str]:
        kind = name.partition("[")[0]
        return {"unit": UNITS[kind]} if kind in UNITS else {}

    return [
        {"name": name, "value": value, **unit(name), **conditions} for name, value in values.items()
    ]


def read_evaluation(run_dir: str | Path) -> dict:
    """Returns a run's evaluation.json in today's form, one without scores if there is none.

    Raises:
        InputError: There is one that does not fit.
    """
    path = Path(run_dir) / FILE
    if not os.path.lexists(path):
        return {"scores": [], "baselines": {}}
    found = read_json(path, forms.evaluation, f"{AGAIN} by kgan evaluate")
    return found if "format" in found else _of_first_format(found)


def add(run_dir: Path, found: dict) -> None:
    """Writes scores to a run's evaluation.json, in place of those of the same conditions.

    Args:
        run_dir: The run's folder.
        found: "scores", "baselines", which take the place of those of the same names, and what
            else is to be known.

    Raises:
        InputError: There is one that does not fit, or it cannot be written.
    """
    known = read_evaluation(run_dir)
    new = {_key(score) for score in found["scores"]}
    kept = [score for score in known["scores"] if _key(score) not in new]
    baselines = {**known["baselines"], **found["baselines"]}
    found = {**found, "scores": [*kept, *found["scores"]], "baselines": baselines}
    write(run_dir, {**known, **found})


def write(place: Path, found: dict) -> None:
    """Writes scores in place of any that are there; see `add`."""
    folder.write_json(place / FILE, {**found, "format": FORMAT})


def _key(score: dict) -> tuple:
    return tuple(score[part] for part in KEY)


def _of_first_format(found: dict) -> dict:
    """Returns what evaluation.json of KGAN 0.1 held, in today's form.

    There a finished training had left tables of its own beside "scores".
    """
    found = dict(found)
    about = {"step": None, "dataset": found.pop("dataset", "its own"), "split": "test"}
    about |= {"n": found.pop("n", 0)}
    scores, baselines = list(found.pop("scores", [])), dict(found.pop("baselines", {}))
    for name, values in found.pop("quality", {}).items():
        if name == "reconstruction":
            scores += scored(values, **about)
        elif name == "reconstruction of corrupted":
            scores += scored(corrupted(values), **about)
        else:
            baselines[name] = scored(corrupted(values) if name == "corrupted" else values, **about)
    about["n"] = found.pop("likelihood_n", about["n"])
    if "elbo" in found:
        likelihood = found.pop("negative_log_likelihood")
        scores += scored({"elbo": found.pop("elbo")}, **about)
        about["importance_samples"] = likelihood["importance_samples"]
        scores += scored({"negative_log_likelihood": likelihood["nats"]}, **about)
    modes = {name: found.pop(name) for name in ("modes", "high_quality") if name in found}
    scores += scored(modes, **{**about, "split": "all"})
    for name in ("split", "range", "binarization"):
        found.pop(name, None)
    return {**found, "scores": scores, "baselines": baselines}


def corrupted(values: Mapping[str, float]) -> dict[str, float]:
    """Returns scores of images that were corrupted first, named so."""
    return {f"{name}[corrupted]": value for name, value in values.items()}
