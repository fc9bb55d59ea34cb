"""Runs that were stopped: found, checked and made ready to go on."""

import math
import warnings
from pathlib import Path

from kgan import names
from kgan.data import Examples
from kgan.data.fingerprint import fingerprint
from kgan.data.prepared import Report
from kgan.errors import InputError, RunWarning
from kgan.methods.base import DataSpec
from kgan.methods.recorded import open_record
from kgan.methods.settings import settings
from kgan.runs import folder
from kgan.runs.records import FORMAT, is_run, read_summary
from kgan.serving import trust
from kgan.training import provenance
from kgan.training.build import Run, load_data, prepare
from kgan.training.strategy import Devices


def reopen(
    run_dir: str | Path,
    command: str,
    changes: dict,
    report: Report | None = None,
    devices: Devices | None = None,
    allow_changed_data: bool = False,
) -> Run:
    """Returns an unfinished run, ready to go on.

    Args:
        run_dir: The run's folder.
        command: "train" or "pretrain"; the run must be one of it.
        changes: Settings asked for by dotted key; each must be what the run has.
        report: Called while data are prepared: see `kgan.load`.
        devices: As in `prepare`; they need not be those that the run began with.
        allow_changed_data: As in `train`.

    Raises:
        InputError: No run, one of another command or a finished one, contradicting settings, or
            data that changed.
    """
    record = open_record(run_dir)
    config, own = record.config, record.config.method.command
    if own != command:
        raise InputError(
            f"Run {run_dir} is one of kgan {own}: go on with kgan {own} --resume {run_dir}."
        )
    if read_summary(run_dir) is not None:
        raise InputError(
            f"Run {run_dir} is finished ({config.steps} steps): use it, or start a new one."
        )
    record.require_current()
    known = settings(config)
    for key, value in changes.items():
        if known.get(key) != value:
            raise InputError(
                f"{key} is {value!r}, but run {run_dir} has {known.get(key)!r}: leave the option "
                "out to go on, or start a new run."
            )
    _check_features(run_dir, known, changes)
    data = load_data(config, report)
    spec = DataSpec.of(data if isinstance(data, Examples) else data.train)
    # Before anything is built of data that do not fit.
    provenance.check_data(record, fingerprint(data), spec, allow_changed_data)
    return prepare(config, data, devices)


def _check_features(run_dir: str | Path, known: dict, changes: dict) -> None:
    """Checks that a run of others does not have a program loaded that nobody named.

    Raises:
        InputError: It is scored in the features of a SavedModel that this installation did not
            write, and that did not come with KGAN.
    """
    if not known.get("evaluation.every"):
        return  # Nothing is loaded.
    name = str(known.get("evaluation.features"))
    place = Path(name.partition(":")[0])
    if "evaluation.features" in changes or not (place / "saved_model.pb").exists():
        return
    if not trust.is_safe(place):
        raise InputError(
            f"Run {run_dir} is scored in the features of {place}: a SavedModel is a program, and "
            "this installation did not write it. To load it, name it: --set "
            f"evaluation.features={name}"
        )


def find_unfinished(
    run: Run, run_dir: str | Path | None = None, allow_changed_data: bool = False
) -> Path | None:
    """Returns the newest unfinished run that is the same as this one and that nobody is at.

    One that is the same but for its data comes after all others. Of those under runs/ that cannot
    be read is warned.

    Args:
        run: From `prepare`.
        run_dir: The one folder to look at, None for all under runs/.
        allow_changed_data: As in `train`; else of one that is the same but for its data is warned.

    Raises:
        InputError: The one folder's run cannot be read.
    """
    places = [Path(run_dir)] if run_dir is not None else sorted(Path("runs").glob("*"), key=_age)
    others = []
    for place in reversed(places):
        try:
            if not is_run(place) or read_summary(place) is not None:
                continue
            record = open_record(place)
        except InputError as error:
            if run_dir is not None:
                raise
            warnings.warn(f"Left out: {error}", RunWarning, stacklevel=2)
            continue
        if record.format < FORMAT or record.config != run.config or folder.in_use(place):
            continue
        if not provenance.changes(record, run.fingerprint):
            return place
        others.append((record, place))
    for record, place in others:
        try:
            provenance.check_data(record, run.fingerprint, run.spec, allow_changed_data)
            return place
        except InputError as error:
            warnings.warn(str(error), RunWarning, stacklevel=2)
    return None


def _age(place: Path) -> tuple[float, str]:
    """Returns what the folders of runs are ordered by, the oldest first."""
    number = names.number(place.name.partition("-")[0])
    return math.inf if number is None else number, place.name
