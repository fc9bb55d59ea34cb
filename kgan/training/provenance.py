"""What a run's config.json says of its data and its machine, and whether it is still so."""

import hashlib
import json
import os
import platform
import warnings

import keras
import numpy as np
import tensorflow as tf

import kgan
from kgan.data.fingerprint import differences, fingerprint
from kgan.data.prepared import Report
from kgan.errors import InputError, RunWarning, shown
from kgan.methods.base import DataSpec
from kgan.methods.recorded import RunRecord
from kgan.methods.settings import override
from kgan.runs.records import FORMAT
from kgan.training import determinism
from kgan.training.build import Run, load_data

LISTED = 3  # classes in an error


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
        "format": FORMAT,
        "name": run.name,
        "method": run.method.name,
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
    parts = run.trained_on
    return {
        "examples": len(run.examples),
        "trained_on": None if parts is None else list(parts),
        "image_shape": list(run.examples.image_shape),
        # Without them only a conditional model cannot be built again.
        **({} if run.model.num_classes is None else {"classes": run.spec.classes}),
        "fingerprint": run.fingerprint,
    }


def changes(record: RunRecord, found: dict) -> list[str]:
    """Returns in words how data differ from those of a run.

    Args:
        record: The run's.
        found: The data's fingerprint: see `kgan.data.fingerprint`.
    """
    return differences(record.fingerprint, found)


def check_data(record: RunRecord, found: dict, spec: DataSpec, allowed: bool) -> list[str]:
    """Returns what `changes` does, where it may.

    Args:
        record: As of `changes`.
        found: As of `changes`.
        spec: Of the data.
        allowed: Whether they may.

    Raises:
        InputError: They may not, or have another shape, or other classes than a model that takes
            these.
    """
    changed = changes(record, found)
    fits = spec.shape == record.spec.shape
    if record.conditional and spec.class_names != record.spec.class_names:
        fits = False
        changed.append(f"the model takes {_classes(record.spec)}, now {_classes(spec)}")
    if changed and not (allowed and fits):
        go_on = "go on with these by --allow-changed-data, " if fits else ""
        raise InputError(
            f"The data are not those of run {record.folder} ({'; '.join(changed)}): bring them "
            f"back, {go_on}or start a new run."
        )
    return changed


def _classes(spec: DataSpec) -> str:
    names = spec.class_names
    listed = ", ".join(map(shown, names[:LISTED])) + ", ..." * (len(names) > LISTED)
    return f"{len(names):,} classes ({listed})"


def changed_since(
    record: RunRecord, data_dir: str | os.PathLike | None = None, report: Report | None = None
) -> list[str]:
    """Returns in words how the data that a run names now differ from those that it had.

    Args:
        record: The run's.
        data_dir: Where they now are, None for where the run says.
        report: See `kgan.load`.
    """
    config = record.config
    if data_dir is not None:
        config = override(config, {"data.data_dir": os.fspath(data_dir)}, builders=False)
    return changes(record, fingerprint(load_data(config, report)))


def other_data(record: RunRecord, changed: list[str]) -> InputError:
    """Returns the error for a run whose data are taken from its name of them: see `changes`."""
    return InputError(
        f"Run {record.folder} was not trained on {record.config.data.name!r} as it is now "
        f"({'; '.join(changed)}): name the images with --dataset."
    )


def warn_of_edits(record: RunRecord) -> None:
    """Warns where somebody changed the settings in a run's config.json since it was begun."""
    if record.digest not in ("", _digest(record.raw)):
        warnings.warn(
            f"The settings in {record.folder / 'config.json'} were edited since the run began: it "
            "goes on with them as they are, and equals no run that never stopped.",
            RunWarning,
            stacklevel=3,
        )


def _digest(config: dict) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def warn_of_threads(record: RunRecord) -> None:
    """Warns of another number of threads than a run began with, if its config.json tells."""
    before, now = record.threads, determinism.threads()
    if before and before != now:
        told = [f"{count['intra_op']} ({count['inter_op']} inter-op)" for count in (before, now)]
        warnings.warn(
            f"Run {record.folder} began with {told[0]} threads and goes on with {told[1]}: it will "
            "equal an uninterrupted one up to rounding only. For the same bits set "
            f"TF_NUM_INTRAOP_THREADS={before['intra_op']} and "
            f"TF_NUM_INTEROP_THREADS={before['inter_op']}.",
            RunWarning,
            stacklevel=3,
        )
