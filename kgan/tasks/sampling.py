"""Which generator to draw from, and in what form."""

import os
import warnings
from pathlib import Path

import numpy as np

from kgan import memory, names
from kgan.errors import InputError, RunWarning, plain
from kgan.methods.recorded import open_record
from kgan.models import GAN, VAE
from kgan.models.seeds import SAMPLE_BATCH, seed_latents
from kgan.runs import pictures
from kgan.runs.records import is_run
from kgan.serving import SavedGenerator, ServedGenerator, trust
from kgan.serving.saved import is_saved_model, signatures, versions
from kgan.tasks import drawing
from kgan.training.run import open_run

WALK_FRAMES = 16


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


def walk(seeds: np.ndarray, latent_dim: int, frames: int = WALK_FRAMES) -> np.ndarray:
    """Returns latents on great circles from seed to seed and back to the first.

    Points on a straight line between two Gaussian latents are shorter than any that training saw;
    the angle is interpolated instead, and the length (White 2016, Sampling generative networks).

    Args:
        seeds: int64 `(n,)`.
        latent_dim: Dimensions of a latent.
        frames: Latents from one seed to the next.

    Returns:
        float32 `(n * frames, latent_dim)`.
    """
    stops = seed_latents(seeds, latent_dim).numpy().astype(np.float64)
    path = []
    for a, b in zip(stops, np.roll(stops, -1, axis=0), strict=True):
        sizes = np.linalg.norm(a), np.linalg.norm(b)
        angle = np.arccos(np.clip(a @ b / (sizes[0] * sizes[1]), -1, 1))
        for t in np.arange(frames) / frames:
            if angle < 1e-6:
                path.append((1 - t) * a + t * b)
            else:
                path.append((np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle))
    return np.array(path, np.float32)


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
    if (model is None) == (name is None):
        received = "none" if model is None else f"{model} and {name}"
        raise InputError(f"--server {server}: expected one --model NAME, received {received}.")
    given = {option: value for option, value in options.items() if value is not None}
    return ServedGenerator(server, name if model is None else model, **given)


def write(out: str, generator, seeds: np.ndarray, columns: int | None = None) -> None:
    """Draws images and writes them in the form that the name asks for, whole or not at all.

    Args:
        out: X.png for one sheet, X.npz for arrays `images` and `seeds`, X.gif for a walk from seed
            to seed; any other name is a folder for single PNGs.
        generator: From `open_model` or `open_served`.
        seeds: int64 `(n,)`.
        columns: Images a row of the sheet.

    Raises:
        InputError: The place cannot be written, or what is drawn exceeds memory.
    """
    path, form = Path(out), drawing.form(out)
    count = len(seeds) * (WALK_FRAMES if form == ".gif" else 1)
    # Fewer are drawn at once, and so is one to learn its size; a server has a limit of its own.
    if not isinstance(generator, ServedGenerator) and count > SAMPLE_BATCH:
        size = 2 * count * generator.sample(seeds[:1]).nbytes
        memory.require(size, f"Drawing {count:,} images", "draw them in parts")
    try:
        if form:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".{path.stem}.writing{form}")
            try:
                _WRITERS[form](aside, generator, seeds, columns)
                os.replace(aside, path)
            finally:
                aside.unlink(missing_ok=True)
        else:
            _write_folder(path, generator, seeds)
    except OSError as error:
        raise InputError(
            f"Cannot write {out}: {error.strerror or error}. Choose another --out."
        ) from error


def _picture(samples: np.ndarray, columns: int | None = None):
    return pictures.grid(samples, columns) if samples.ndim == 4 else pictures.scatter(samples)


def _write_sheet(path, generator, seeds, columns):
    _picture(generator.sample(seeds), columns).save(path)


def _write_arrays(path, generator, seeds, columns):
    np.savez(path, images=generator.sample(seeds), seeds=seeds)


def _write_walk(path, generator, seeds, columns):
    frames = generator.generate(walk(seeds, generator.latent_dim))
    if frames.ndim == 4:
        pictures.save_gif([pictures.grid(frame[None]) for frame in frames], path)
    else:
        pictures.save_gif([pictures.scatter(frame[None]) for frame in frames], path)


def _write_folder(path: Path, generator, seeds) -> None:
    images = generator.sample(seeds)
    if images.ndim != 4:
        raise InputError(
            f"--out {path}: the model makes points in the plane, which have no single PNGs; "
            "expected X.png for a plot, or X.npz."
        )
    path.mkdir(parents=True, exist_ok=True)
    for seed, image in zip(seeds, images, strict=True):
        pictures.to_pil(image).save(path / f"seed-{seed:06d}.png")


_WRITERS = {".png": _write_sheet, ".npz": _write_arrays, ".gif": _write_walk}
