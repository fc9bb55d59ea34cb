"""What comparisons left behind: a row for every classifier, and the weights of the best."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kgan.errors import InputError
from kgan.metrics import arrays
from kgan.runs import folder
from kgan.runs.records import read_results, read_settings, read_table
from kgan.training.strategy import Devices


def key_of(settings: dict) -> str:
    """Returns a short name for settings: equal settings, equal name."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@contextlib.contextmanager
def opened(place: Path, devices: Devices) -> Iterator[Path]:
    """Gives the folder that this process works in.

    The chief's is the place itself, locked. All workers do the same; the others' files are their
    own, copies that go with them.

    Args:
        place: RUN/finetune.
        devices: Where is trained.

    Raises:
        InputError: It cannot be written, it or anything in the run's folder is a symbolic link,
            another process uses it, or not every worker sees it.
    """
    with contextlib.ExitStack() as held:
        if devices.chief:
            folder.refuse_links(place.parent)
            try:
                place.mkdir(exist_ok=True)
            except OSError as error:
                raise InputError(f"Cannot write {place}: {error.strerror}.") from error
            held.enter_context(folder.lock(place))
        devices.values()  # Now it is there.
        if not all(devices.values(int(place.exists()))):
            raise InputError(
                f"Not every worker sees {place}: RUN must be on a disk that all of them share."
            )
        if not devices.chief:
            own = Path(held.enter_context(tempfile.TemporaryDirectory()))
            place = shutil.copytree(place, own / "finetune")
        devices.values()  # All have read it.
        yield place


class Results:
    """The rows of one run's comparisons, in its `finetune/` folder.

    results.jsonl holds the rows of every settings that were ever used, each with their key;
    settings.json says what the keys stand for. Rows are only ever added.

    Args:
        place: RUN/finetune, which exists and is locked.
        settings: What decides a row beside its arm, number of labels and seed.
    """

    def __init__(self, place: Path, settings: dict):
        self.place, self.key = place, key_of(settings)
        self._path = place / "results.jsonl"
        known = read_settings(place / "settings.json")
        if self.key not in known:
            folder.write_json(place / "settings.json", {**known, self.key: settings})
        self._table = read_table(place / "table.json")
        rows = read_results(self._path)
        if self._path.exists():  # without a row that a kill cut off: it is made again
            folder.write_text(self._path, "".join(json.dumps(row) + "\n" for row in rows))
        self._rows = {_name(row): row for row in rows if row["settings"] == self.key}

    def get(self, arm: str, labels: int, seed: int) -> dict | None:
        """Returns a finished row, None if it is not finished."""
        return self._rows.get((arm, labels, seed))

    def row(self, arm: str, labels: int, seed: int) -> dict:
        """Returns a row that is known to be finished."""
        return self._rows[arm, labels, seed]

    def add(self, row: dict) -> None:
        """Keeps a finished row."""
        row = {"settings": self.key, **row}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self._rows[_name(row)] = row

    def best_seed(self, arm: str, labels: int, seeds: int) -> int | None:
        """Returns the seed, below `seeds`, of best validation accuracy (ties: the lowest)."""
        rows = [row for seed in range(seeds) if (row := self.get(arm, labels, seed))]
        return max(rows, key=lambda r: r["validation_accuracy"])["seed"] if rows else None

    def keep_weights(self, labels: int, seed: int, weights: list[np.ndarray]) -> None:
        """Writes the weights of a classifier in place of those kept for this number of labels."""
        path = self._weights_path(labels)
        aside = path.with_suffix(".new")
        with aside.open("wb") as file:
            np.savez(file, *weights, seed=seed)
        os.replace(aside, path)

    def kept_weights(self, labels: int, seed: int) -> list[np.ndarray] | None:
        """Returns what `keep_weights` wrote, None if that was nothing or of another seed."""
        path = self._weights_path(labels)
        if not path.exists():
            return None
        try:
            found = arrays.read(path)
            kept = found.pop("seed")
            weights = [found.pop(f"arr_{i}") for i in range(len(found))]
        except (arrays.ArraysError, KeyError) as error:
            raise InputError(
                f"{path} is damaged ({error}): remove it, and its classifier is trained again."
            ) from error
        return weights if kept.shape == () and kept == seed else None

    def _weights_path(self, labels: int) -> Path:
        return self.place / f"classifier-{self.key}-{labels}.npz"

    def exported(self, found: dict, versions: Path) -> dict:
        """Returns what the last table says was exported of a classifier, empty if it is not there.

        Args:
            found: Which classifier, by its scores.
            versions: The folder that its versions are in.
        """
        before = self.table()
        exported = before.get("classifier") or {}
        if before.get("settings") != self.key or not found.items() <= exported.items():
            return {}
        path = Path(exported["saved_model"])
        return exported if path.parent == versions and (path / "saved_model.pb").exists() else {}

    def table(self) -> dict:
        """Returns the table of the last command, empty if there is none."""
        return self._table


def _name(row: dict) -> tuple[str, int, int]:
    return row["arm"], row["labels"], row["seed"]
