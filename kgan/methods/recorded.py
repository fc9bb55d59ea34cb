"""What a run's config.json tells, whichever version of KGAN wrote it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgan.errors import InputError, unknown
from kgan.losses import with_named_penalties
from kgan.methods import MODELS, method_of
from kgan.methods.base import DataSpec
from kgan.methods.config import Config
from kgan.methods.typed import of_type
from kgan.models import half_life
from kgan.runs.records import FORMAT, NEW_RUN, read_record


@dataclass(frozen=True)
class RunRecord:
    """A run, as its config.json tells it.

    Attributes:
        folder: The run's.
        name: Of its SavedModel.
        config: Checked; settings that came after it was written have their defaults.
        spec: What its model knows of the data.
        examples: How many were trained on.
        trained_on: Of "train", "validation" and "test" those parts that were; None where that was
            not known or not written down.
        fingerprint: Of the data: see `data.fingerprint`.
        threads: "intra_op" and "inter_op" ones that it began with, None where not written down.
        digest: Of the settings as they were, "" where not written down.
        raw: The settings as they stand there.
        format: Of the file.
    """

    folder: Path
    name: str
    config: Config
    spec: DataSpec
    examples: int
    trained_on: tuple[str, ...] | None
    fingerprint: dict[str, dict]
    threads: dict[str, int] | None
    digest: str
    raw: dict[str, Any]
    format: int

    @property
    def conditional(self) -> bool:
        """Whether its model takes the classes of its data."""
        return getattr(self.config.network, "conditional", False)

    def require_current(self) -> None:
        """Raises an InputError if the run cannot go on, since its noise would be another."""
        if self.format < FORMAT:
            raise InputError(
                f"Run {self.folder} was begun by KGAN 0.1, whose noise was drawn otherwise: it "
                "serves sample, evaluate, finetune and export, but cannot go on. Start a new run."
            )


def open_record(folder: str | Path) -> RunRecord:
    """Returns what a run's config.json tells.

    Raises:
        InputError: The folder holds no run, or a config.json that does not fit.
    """
    found = read_record(folder)
    if found.get("format", 1) > FORMAT:
        raise InputError(
            f"Run {folder} was written by a newer KGAN, in format {found['format']}: expected "
            f"{FORMAT} at most. Install that version."
        )
    shape, count = found["image_shape"], found["examples"]
    try:
        config = config_of(found)
    except InputError as error:
        raise InputError(
            f"{Path(folder) / 'config.json'} is no run's of this version of KGAN "
            f"({str(error).rstrip('.')}): {NEW_RUN}."
        ) from error
    classes = found.get("classes", {"names": (), "counts": ()})
    # Of runs of before it was written down it is what was asked for, if anything was.
    column = classes.get("column", config.data.label)
    parts = found.get("trained_on", ["train"] if config.data.hold_out == "split" else None)
    return RunRecord(
        folder=Path(folder),
        name=found["name"],
        config=config,
        spec=DataSpec(tuple(shape), tuple(classes["names"]), tuple(classes["counts"]), column),
        examples=count,
        trained_on=None if parts is None else tuple(parts),
        # Of runs of before there were fingerprints number and shape count.
        fingerprint=found.get("fingerprint", {"train": {"count": count, "shape": shape}}),
        threads=found.get("threads"),
        digest=found.get("digest", ""),
        raw=found["config"],
        format=found.get("format", 1),
    )


def config_of(found: dict) -> Config:
    """Returns the configuration in what `read_record` gave, checked.

    Raises:
        InputError: A setting is not known, of another type or outside its range.
    """
    settings = found["config"]
    name: Any = settings["network"].get("name") if isinstance(settings["network"], dict) else None
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    method = method_of(name)
    if found.get("format", 1) == 1:
        settings = _of_first_format(settings, method.command)
    settings = _with_schedules(settings)
    config = method.Config.from_dict(settings)
    config.check()
    return config


def _with_schedules(settings: dict) -> dict:
    """Returns settings of before any number could have a schedule in today's form."""
    settings = dict(settings)
    game = settings.get("game")
    if isinstance(game, dict) and "ema_decay" in game:
        decay = of_type("game.ema_decay", game["ema_decay"], float)
        if not 0 <= decay < 1:
            raise InputError(f"game.ema_decay is {decay}: expected 0 or more and below 1.")
        rest = {name: value for name, value in game.items() if name != "ema_decay"}
        settings["game"] = {**rest, "ema_half_life": half_life(decay)}
    optimizer = settings.get("optimizer")
    if settings.pop("schedule", "constant") == "cosine" and isinstance(optimizer, dict):
        rate = optimizer.get("learning_rate", 0.001 if optimizer.get("name") == "adam" else 0.1)
        settings["optimizer"] = {**optimizer, "learning_rate": f"cosine:{rate}:0"}
    return settings


def _of_first_format(settings: dict, command: str) -> dict:
    """Returns settings that KGAN 0.1 wrote in today's form."""
    data, network = settings["data"], settings["network"]
    if command == "train" and isinstance(data, dict):
        data = {"hold_out": "none", **data}  # There was no choice.
    if network["name"] == "vae" and isinstance(network.get("options", {}), dict):
        # One that does not say is of before there was a choice.
        network = {**network, "options": {"architecture": "dense", **network.get("options", {})}}
    found = {**settings, "data": data, "network": network}
    if isinstance(found.get("game"), dict):
        found["game"] = with_named_penalties(found["game"])
    return found
