"""Which generator to draw from, and in what form."""

import os
import re
import shlex
import sys
from pathlib import Path

import numpy as np

import kgan
from kgan.errors import InputError, plain
from kgan.models import GAN, VAE
from kgan.models.seeds import MAX_SEED, check_seeds, seed_latents
from kgan.serving import SavedGenerator, ServedGenerator, trust
from kgan.serving.saved import signatures, versions
from kgan.training import folder, pictures
from kgan.training.run import read_config, restore

MAX_SEEDS = 1_000_000
WALK_FRAMES = 16


def parse_seeds(text: str) -> np.ndarray:
    """Returns the seeds of "0-63", "7" or "1,5,10-12", in that order, int64 `(n,)`.

    Raises:
        InputError: The text is no such list, or a seed is out of range.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        first, last = (int(g) if g else None for g in match.groups()) if match else (None, None)
        last = first if last is None else last
        if first is None or last < first:
            raise InputError(f"Seeds {text!r}: expected numbers and ranges, such as 0-63 or 1,5,9.")
        if last > MAX_SEED:
            raise InputError(f"Seeds {text!r}: {last} is out of range, expected 0 to {MAX_SEED}.")
        if len(seeds) + last - first + 1 > MAX_SEEDS:
            raise InputError(f"Seeds {text!r}: more than {MAX_SEEDS:,}; draw them in parts.")
        seeds.extend(range(first, last + 1))
    return check_seeds(seeds)


def find_model(model: str | None) -> Path:
    """Returns the folder of a run or of a SavedModel's version.

    Args:
        model: A run folder, a SavedModel's folder with or without its version, or a name under
            `saved_models/`; None for the newest run or SavedModel that this installation wrote, or
            the digits generator that KGAN ships: a stranger's SavedModel is a program, and is
            loaded only when it is named.

    Raises:
        InputError: Nothing of the kind is there.
    """
    if model is None:
        return _newest_generator() or _shipped()
    for path in (Path(model), Path("saved_models") / model):
        if (path / "config.json").exists() or (path / "saved_model.pb").exists():
            return path
        if path.is_dir() and (found := versions(path)):
            return found[-1]
    raise InputError(
        f"{model} is neither a run nor a SavedModel: expected a folder made by `kgan train` or "
        "`kgan pretrain`, or a name under saved_models/."
    )


def _newest_generator() -> Path | None:
    """Returns the run or SavedModel written last, among those that images can be drawn from.

    SavedModels that this installation did not write are passed over, and the newest of them told.
    """
    written = [
        *((path, path.parent) for path in Path("saved_models").glob("*/*/saved_model.pb")),
        *((path, path.parents[1]) for path in Path("runs").glob("*/checkpoints/ckpt-[1-9]*.index")),
    ]
    written.sort(key=lambda pair: pair[0].lstat().st_mtime, reverse=True)
    found, foreign = None, []
    for _, place in written:
        if (place / "config.json").exists() or _is_safe(place):
            if _draws(place):
                found = place
                break
        else:
            foreign.append(place)
    if foreign:
        name = plain(str(foreign[0]))
        others = f" and {len(foreign) - 1} more" if foreign[1:] else ""
        print(
            f"Left alone {name}{others}: a SavedModel is a program, and this installation did not "
            f"write it. To load it, name it: kgan sample {shlex.quote(name)}",
            file=sys.stderr,
            flush=True,
        )
    return found


def _is_safe(version: Path) -> bool:
    return version.resolve() == _shipped().resolve() or trust.is_own(version)


def _draws(path: Path) -> bool:
    if (path / "config.json").exists():
        config = read_config(folder.read_config(path))
        return config.family == "adversarial" or config.network.name == "vae"
    return "generate" in signatures(path)


def _shipped() -> Path:
    """Returns the digits generator, in the installed package or beside it in a checkout."""
    package = Path(kgan.__file__).parent
    root = next(path for path in (package, package.parent) if (path / "saved_models").is_dir())
    return root / "saved_models" / "digits-dcgan" / "1"


def open_model(path: Path, checkpoint: str = "last") -> GAN | VAE | SavedGenerator:
    """Returns the generator in a folder that `find_model` found.

    Args:
        path: The folder.
        checkpoint: Of a run: see `restore`.

    Raises:
        InputError: A run of an autoencoder that draws nothing.
    """
    if not (path / "config.json").exists():
        if checkpoint != "last":
            raise InputError(f"{path} is a SavedModel, which has no checkpoint {checkpoint!r}.")
        return SavedGenerator(path)
    if not _draws(path):
        raise InputError(
            f"{path} is a run of an autoencoder, which draws no images: kgan sample takes runs of "
            "kgan train and of kgan pretrain --model vae. Use this one with kgan finetune."
        )
    return restore(path, checkpoint)[0]


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


_OF_SERVERS = {
    "name": "--model",
    "version": "--model-version",
    "timeout": "--timeout",
    "batch_size": "--server-batch",
}


def sample_to(
    out: str,
    model: str | None,
    seeds: str,
    columns: int | None = None,
    checkpoint: str | None = None,
    server: str | None = None,
    **served,
) -> None:
    """Draws images and writes them in the form that the name asks for.

    Args:
        out: X.png for one sheet, X.npz for arrays `images` and `seeds`, X.gif for a walk from seed
            to seed; any other name is a folder for single PNGs.
        model: See `find_model`, or `open_served`; what is used is said on stderr.
        seeds: See `parse_seeds`.
        columns: Images a row of the sheet.
        checkpoint: Of a run: as in `open_model`; None for the last.
        server: To draw from TF Serving there: see `ServedGenerator`.
        served: With a server: see `open_served`.

    Raises:
        InputError: A seed, the model, the server or the place to write to is wrong.
    """
    numbers, path = parse_seeds(seeds), Path(out)
    if columns is not None and columns < 1:
        raise InputError(f"--columns {columns}: expected 1 or more.")
    if server is None:
        if given := [option for option, value in served.items() if value is not None]:
            raise InputError(
                f"{_OF_SERVERS[given[0]]} {served[given[0]]}: expected only with --server ADDRESS; "
                "a model on this machine is named without an option, kgan sample MODEL."
            )
        source = find_model(model)
        print(plain(f"Drawing from {source}"), file=sys.stderr, flush=True)
        generator = open_model(source, checkpoint or "last")
    else:
        if checkpoint is not None:
            raise InputError(
                f"--checkpoint {checkpoint}: a server has none, expected --model-version, if any."
            )
        generator = open_served(server, model, **served)
        source = f"{generator.place}, version {generator.version}"
        print(plain(f"Drawing from {source}"), file=sys.stderr, flush=True)
    try:
        if path.suffix in _WRITERS:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".{path.stem}.writing{path.suffix}")
            try:
                _WRITERS[path.suffix](aside, generator, numbers, columns)
                os.replace(aside, path)
            finally:
                aside.unlink(missing_ok=True)
        elif path.suffix and not path.is_dir():
            raise InputError(
                f"--out {out}: expected X.png, X.npz, X.gif, or a folder for single PNGs."
            )
        else:
            _write_folder(path, generator, numbers)
    except OSError as error:
        raise InputError(
            f"Cannot write {out}: {error.strerror or error}. Choose another --out."
        ) from error
    print(f"Wrote {out}", file=sys.stderr, flush=True)


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
