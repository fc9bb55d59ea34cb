"""`kgan export`, from its options to its lines."""

from pathlib import Path

from kgan import serving
from kgan.errors import InputError
from kgan.training.run import about, restore
from kgan.training.sampling import find_model


def export(
    run: str | None,
    *,
    name: str | None = None,
    out: str = "saved_models",
    keep: int | None = None,
    models_config: bool = False,
    base_path: str | None = None,
    checkpoint: str = "last",
) -> list[str]:
    """Exports a run, writes models.config, or both, as the options of `kgan export` say.

    Returns:
        Lines that tell what was written.

    Raises:
        InputError: Nothing to do, an option without what it is for, or as `restore`,
            `serving.export` and `serving.write_models_config`.
    """
    if run is None and not models_config:
        raise InputError("Nothing to export: expected RUN, --models-config or --show MODEL.")
    if run is None and (name is not None or keep is not None or checkpoint != "last"):
        raise InputError("--name, --keep and --checkpoint are for a RUN: name one.")
    if base_path is not None and not models_config:
        raise InputError("--base-path is written to models.config: add --models-config.")
    lines = []
    if run is not None:
        model, own = restore(run, checkpoint)
        known = about(run, int(model.step.value))
        lines.append(f"Saved {serving.export(model, out, name or own, known, keep)}")
    if models_config:
        place = serving.write_models_config(out, base_path or serving.MOUNTED)
        lines.append(f"Wrote {place}")
    return lines


def show(model: str, run: str | None = None) -> str:
    """Returns requests to a SavedModel: see `serving.show`.

    Args:
        model: A SavedModel's folder, with or without its version, or a name under saved_models/.
        run: RUN of `kgan export`, which does not go with it.

    Raises:
        InputError: A run, or no SavedModel.
    """
    if run is not None:
        raise InputError(f"--show prints requests and exports nothing: leave out {run}.")
    path = find_model(model)
    if (path / "config.json").exists():
        raise InputError(f"{path} is a run: expected its SavedModel, a folder NAME/VERSION.")
    return serving.show(Path(path))
