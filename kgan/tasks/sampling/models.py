"""Which generator to draw from."""

import warnings
from pathlib import Path

from kgan import names
from kgan.errors import InputError, RunWarning, plain
from kgan.methods.recorded import open_record
from kgan.models import GAN, VAE
from kgan.runs.records import is_run
from kgan.serving import SavedGenerator, ServedGenerator, trust
from kgan.serving.saved import is_saved_model, signatures, versions
from kgan.tasks.sampling import drawing
from kgan.training.run import open_run


def find_model(model: str | None) -> Path:
    """Returns the folder of a run or of a SavedModel's version.

    Args:
        model: A run folder, a SavedModel's folder with or without its version, or a name under
            `saved_models/` or of the generator that KGAN ships; None for the newest run or
            SavedModel that this installation wrote, or else that generator: a stranger's
            SavedModel is a program, and is loaded only when it is named.

    Raises:
        InputError: Nothing of the kind is there.
    """
    if model is None:
        return _newest_generator() or trust.shipped()
    names.check("Model", model)
    for path in (Path(model), Path("saved_models") / model):
        if is_run(path) or is_saved_model(path):
            return path
        if found := versions(path):
            return found[-1]
    if model == drawing.SHIPPED:
        return trust.shipped()
    raise drawing.no_model(model)


def _newest_generator() -> Path | None:
    """Returns the run or SavedModel written last, among those that images can be drawn from.

    SavedModels that this installation did not write are passed over, and the newest of them told.
    """
    written = [
        *((path, path.parent) for path in Path("saved_models").glob("*/*/saved_model.pb")),
        *((path, path.parents[1]) for path in Path("runs").glob("*/checkpoints/ckpt-[1-9]*.index")),
    ]
    written = [pair for pair in written if pair[0].is_file()]
    written.sort(key=lambda pair: pair[0].lstat().st_mtime, reverse=True)
    found, foreign = None, []
    for _, place in written:
        if is_run(place) or trust.is_safe(place):
            if _draws_unasked(place):
                found = place
                break
        else:
            foreign.append(place)
    if foreign:
        name = plain(str(foreign[0]))
        others = f" and {len(foreign) - 1} more" if foreign[1:] else ""
        warnings.warn(
            f"Left alone {name}{others}: a SavedModel is a program, and this installation did not "
            f"write it. To load it, name it: {names.command('sample', name)}",
            RunWarning,
            stacklevel=2,
        )
    return found


def _draws_unasked(path: Path) -> bool:
    try:
        return _draws(path)
    except InputError as error:
        warnings.warn(f"Left out: {error}", RunWarning, stacklevel=2)
        return False


def _draws(path: Path) -> bool:
    if is_run(path):
        return open_record(path).config.method.draws
    return "generate" in signatures(path)


def open_model(path: Path, checkpoint: str = "last") -> GAN | VAE | SavedGenerator:
    """Returns the generator in a folder that `find_model` found.

    Args:
        path: The folder.
        checkpoint: Of a run: see `open_run`.

    Raises:
        InputError: A run of an autoencoder that draws nothing.
    """
    if not is_run(path):
        if checkpoint != "last":
            raise InputError(f"{path} is a SavedModel, which has no checkpoint {checkpoint!r}.")
        if not _draws(path):
            raise _draws_nothing(path)
        return SavedGenerator(path)
    if not _draws(path):
        raise InputError(
            f"{path} is a run of an autoencoder, which draws no images: kgan sample takes runs of "
            "kgan train and of kgan pretrain --model vae. Use this one with kgan finetune."
        )
    return open_run(path, checkpoint)[0]


def _draws_nothing(path: Path) -> InputError:
    endpoints = sorted(set(signatures(path)) - {"serving_default"})
    if not endpoints:
        return InputError(
            f"{path} is no SavedModel that can be read: expected one that kgan train, kgan "
            "pretrain or kgan export wrote, whole."
        )
    kinds = {"encode": "an autoencoder", "classify": "a classifier"}
    kind = next((kinds[name] for name in endpoints if name in kinds), "another model")
    use = "" if kind == "another model" else (
        f" Serve this one, or take it for kgan evaluate --features {path}."
    )  # fmt: skip
    return InputError(
        f"{path} is a SavedModel of {kind} (endpoints {', '.join(endpoints)}), which draws no "
        "images: expected one of kgan train or of kgan pretrain --model vae." + use
    )


def open_served(
    server: str, model: str | None, name: str | None = None, **options
) -> ServedGenerator:
    """Returns the generator that a server has under a name, given in either way.

    Args:
        server: As all that follows but the name: see `ServedGenerator`; None for its default.
        model: The name, as the command's argument.
        name: The name, as its option --model.
        options: What else `ServedGenerator` takes.

    Raises:
        InputError: No name or two, or as `ServedGenerator`.
    """
    asked = [one for one in (model, name) if one is not None]
    if len(asked) != 1:
        received = " and ".join(asked) or "none"
        raise InputError(f"--server {server}: expected one --model NAME, received {received}.")
    given = {option: value for option, value in options.items() if value is not None}
    return ServedGenerator(server, asked[0], **given)
