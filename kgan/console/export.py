"""`kgan export`, from its options to its lines."""

from kgan.errors import InputError
from kgan.runs.records import is_run


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
    """Does what the options of `kgan export` say, which `checks.check_export` found right.

    See `kgan export --help` for each.

    Returns:
        Lines to print.

    Raises:
        InputError: As `open_run` and what `kgan.serving` does.
    """
    # TensorFlow comes with them.
    from kgan import serving
    from kgan.training.run import about, open_run

    if show is not None:
        return [_requests(show)]
    lines, out = [], "saved_models" if out is None else out
    if run is not None:
        model, own = open_run(run, checkpoint)
        known = about(run, int(model.step.numpy()))
        lines.append(f"Saved {serving.export(model, out, name or own, known, keep)}")
    if models_config:
        lines.append(f"Wrote {serving.write_models_config(out, base_path or serving.MOUNTED)}")
    return lines


def _requests(model: str) -> str:
    from kgan import serving
    from kgan.tasks.sampling.models import find_model

    path = find_model(model)
    if is_run(path):
        raise InputError(f"{path} is a run: expected its SavedModel, a folder NAME/VERSION.")
    return serving.show(path).rstrip("\n")
