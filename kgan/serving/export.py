"""SavedModels as TF Serving takes them."""

import os
import shutil
import tempfile
from pathlib import Path

import filelock
import keras
import tensorflow as tf

from kgan import names
from kgan.errors import InputError, shown
from kgan.serving import trust
from kgan.serving.assets import write_assets
from kgan.serving.endpoints import endpoints
from kgan.serving.saved import versions

ASIDE = ".aside-"


def export(
    model: keras.Model,
    root: str | Path,
    name: str,
    about: dict | None = None,
    keep: int | None = None,
) -> Path:
    """Writes the next version of a SavedModel, whole or not at all.

    Endpoints, with a free batch dimension, all in float32; the first is also `serving_default`:

    - GAN: `sample` from int64 `seeds` `(n,)` to `images`, `sample_png` from `seeds` to PNG files
      `image_bytes`, `generate` from float32 `latents` `(n, latent_dim)` to `images`, all of the
      moving-average generator; `discriminate` from uint8 `images` to `logits` and `probabilities`
      `(n,)`. Generators of points give and take float32 `points`, and have no `sample_png`. Of
      classes all take int32 `labels` `(n,)` as well; -1 draws one from its seed, by class
      frequency, in `sample` and `sample_png`.
    - Autoencoders: `reconstruct` from `images` to `images`, `encode` from `images` to `codes`
      `(n, code_size)`, `decode` from `codes` to `images`; a VAE also `sample` and `sample_png`.
    - Classifier: `classify` from `images` to `probabilities` `(n, num_classes)`, `classify_png`
      from encoded `image_bytes` `(n,)`, PNG or JPEG, to the same.

    A version holds requests to warm a server up, and assets.extra/kgan.json: see `write_assets`.

    Args:
        model: What to export.
        root: The folder of all models, such as `saved_models`.
        name: The model's name.
        about: What kgan.json is to hold beside what the model tells: JSON.
        keep: How many versions to leave, the newest; None for all.

    Returns:
        The folder `root/name/version`.

    Raises:
        InputError: The name is none for servers, keep below 1, or the folder cannot be written.
    """
    names.check_model("The model's name", name)
    if keep is not None and keep < 1:
        raise InputError(f"--keep {shown(keep)}: expected 1 or more.")
    folder = Path(names.check("--out", root)) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Whoever holds the lock knows that what lies aside was left by a process that was killed.
        with filelock.FileLock(folder / ".lock"):
            _remove_asides(folder)
            numbers = [names.number(path.name) for path in folder.iterdir()]
            newest = max((number for number in numbers if number is not None), default=0)
            target = folder / str(newest + 1)
            _write(model, target, name, about or {})
            for version in versions(folder)[:-keep] if keep else []:
                # Out of sight at once: a server must not meet a half-removed version.
                os.rename(version, folder / f"{ASIDE}{version.name}")
            _remove_asides(folder)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise InputError(
            f"Cannot write {getattr(error, 'filename', None) or folder}: {reason}. Choose another "
            "folder with --out."
        ) from error
    return target


def _write(model: keras.Model, target: Path, name: str, about: dict) -> None:
    aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=target.parent))
    try:
        module, signatures = endpoints(model)
        tf.saved_model.save(module, str(aside), signatures)
        write_assets(aside, model, name, about)
        trust.remember(aside)
        aside.chmod(0o755)
        os.rename(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _remove_asides(folder: Path) -> None:
    for path in folder.glob(f"{ASIDE}*"):
        shutil.rmtree(path, ignore_errors=True)
