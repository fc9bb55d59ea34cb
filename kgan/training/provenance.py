"""What a run's config.json says of its data and its machine, and whether it is still so."""

import hashlib
import json
import os
import platform
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import kgan
from kgan.data.fingerprint import differences, fingerprint
from kgan.data.prepared import Report
from kgan.errors import InputError, RunWarning
from kgan.runs.records import read_record
from kgan.training import determinism
from kgan.training.build import Run, load_data
from kgan.training.configs import config_of
from kgan.training.settings import override


def describe(run: Run) -> dict:
    """Returns what config.json is to hold."""
    versions = {
        "kgan": kgan.__version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }
    devices = [device.device_type for device in tf.config.list_physical_devices()]
    config = run.config.to_dict()
    return {
        "name": run.name,
        "family": run.config.family,
        "config": config,
        "digest": _digest(config),
        **describe_data(run),
        "device": "GPU" if "GPU" in devices else f"CPU {platform.machine()}",
        "replicas": run.devices.replicas,
        "threads": determinism.threads(),
        "versions": versions,
    }


def describe_data(run: Run) -> dict:
    """Returns what of config.json is about the data."""
    return {
        "examples": len(run.examples),
        "image_shape": list(run.examples.image_shape),
        "fingerprint": run.fingerprint,
    }


def changes(record: dict, found: dict) -> list[str]:
    """Returns in words how data differ from those of a run.

    Args:
        record: Its config.json; of runs of before there were fingerprints number and shape count.
        found: The data's fingerprint: see `kgan.data.fingerprint`.
    """
    known = {"train": {"count": record["examples"], "shape": record["image_shape"]}}
    return differences(record.get("fingerprint", known), found)


def check_data(record: dict, found: dict, run_dir: Path | str, allowed: bool) -> list[str]:
    """Returns what `changes` does, where it may.

    Args:
        record: As of `changes`.
        found: As of `changes`.
        run_dir: The run's folder.
        allowed: Whether they may.

    Raises:
        InputError: They may not, or have another shape.
    """
    changed = changes(record, found)
    fits = found["train"]["shape"] == record["image_shape"]
    if changed and not (allowed and fits):
        go_on = "go on with these by --allow-changed-data, " if fits else ""
        raise InputError(
            f"The data are not those of run {run_dir} ({'; '.join(changed)}): bring them back, "
            f"{go_on}or start a new run."
        )
    return changed


def changed_since(
    record: dict, data_dir: str | os.PathLike | None = None, report: Report | None = None
) -> list[str]:
    """Returns in words how the data that a run names now differ from those that it had.

    Args:
        record: Its config.json.
        data_dir: Where they now are, None for where the run says.
        report: See `kgan.load`.
    """
    config = config_of(record)
    if data_dir is not None:
        config = override(config, {"data.data_dir": os.fspath(data_dir)}, builders=False)
    return changes(record, fingerprint(load_data(config, report)))


def other_data(run_dir: Path | str, record: dict, changed: list[str]) -> InputError:
    """Returns the error for a run whose data are taken from its name of them: see `changes`."""
    return InputError(
        f"Run {run_dir} was not trained on {record['config']['data']['name']!r} as it is now "
        f"({'; '.join(changed)}): name the images with --dataset."
    )


def warn_of_edits(run_dir: Path) -> None:
    """Warns where somebody changed the settings in a run's config.json since it was begun."""
    record = read_record(run_dir)
    if record.get("digest", "") not in ("", _digest(record["config"])):
        warnings.warn(
            f"The settings in {run_dir / 'config.json'} were edited since the run began: it goes "
            "on with them as they are, and equals no run that never stopped.",
            RunWarning,
            stacklevel=3,
        )


def _digest(config: dict) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def warn_of_threads(record: dict, run_dir: Path) -> None:
    """Warns of another number of threads than a run began with, if its config.json tells."""
    before, now = record.get("threads"), determinism.threads()
    if before and before != now:
        told = [f"{count['intra_op']} ({count['inter_op']} inter-op)" for count in (before, now)]
        warnings.warn(
            f"Run {run_dir} began with {told[0]} threads and goes on with {told[1]}: it will equal "
            "an uninterrupted one up to rounding only. For the same bits set "
            f"TF_NUM_INTRAOP_THREADS={before['intra_op']} and "
            f"TF_NUM_INTEROP_THREADS={before['inter_op']}.",
            RunWarning,
            stacklevel=3,
        )
