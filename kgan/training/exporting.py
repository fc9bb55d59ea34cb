"""`kgan export`, from its options to its lines."""

from pathlib import Path

from kgan import names
from kgan.errors import InputError, shown
from kgan.training.config import MOST
from kgan.training.folder import require_writable
from kgan.training.records import is_run, read_config


def export_from_options(
    run: str | None,
    *,
    name: str | None,
    out: str | None,
    keep: int | None,
    models_config: bool,
    base_path: str | None,
    show: str | None,
    checkpoint: str,
) -> list[str]:
    """Does what the options of `kgan export` say, which `check` found right.

    See `kgan export --help` for each.

    Returns:
        Lines to print.

    Raises:
        InputError: As `restore` and what `kgan.serving` does.
    """
    # TensorFlow comes with them.
    from kgan import serving
    from kgan.training.run import about, restore

    if show is not None:
        return [_requests(show)]
    lines, out = [], "saved_models" if out is None else out
    if run is not None:
        model, own = restore(run, checkpoint)
        known = about(run, int(model.step.numpy()))
        lines.append(f"Saved {serving.export(model, out, name or own, known, keep)}")
    if models_config:
        lines.append(f"Wrote {serving.write_models_config(out, base_path or serving.MOUNTED)}")
    return lines


def check(
    run: str | None,
    name: str | None,
    out: str | None,
    keep: int | None,
    models_config: bool,
    base_path: str | None,
    show: str | None,
    checkpoint: str,
) -> None:
    """Checks what can be without loading TensorFlow.

    Raises:
        InputError: Nothing to do, an option without what it is for, or no run.
    """
    of_run = name is not None or keep is not None or checkpoint != "last"
    if show is not None:
        if run is not None or of_run or models_config or base_path is not None or out is not None:
            raise InputError("--show prints requests and writes nothing: give it alone.")
        return
    if run is None and not models_config:
        raise InputError("Nothing to export: expected RUN, --models-config or --show MODEL.")
    if run is None and of_run:
        raise InputError("--name, --keep and --checkpoint are for a RUN: name one.")
    if base_path is not None and not models_config:
        raise InputError("--base-path is written to models.config: add --models-config.")
    if name is not None:
        names.check_model("--name", name)
    if keep is not None and not 1 <= keep <= MOST:
        raise InputError(f"--keep {shown(keep)}: expected 1 or more, {MOST:,} at most.")
    if base_path is not None:
        names.check("--base-path", base_path)
    if out is not None:
        require_writable(Path(names.check("--out", out)))
    if run is not None:
        read_config(names.check("RUN", run))


def _requests(model: str) -> str:
    from kgan import serving
    from kgan.training.sampling import find_model

    path = find_model(model)
    if is_run(path):
        raise InputError(f"{path} is a run: expected its SavedModel, a folder NAME/VERSION.")
    return serving.show(path).rstrip("\n")
