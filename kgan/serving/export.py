"""SavedModels as TF Serving takes them."""

import os
import shutil
import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from kgan.errors import InputError
from kgan.serving.endpoints import endpoints


def export(model: keras.Model, root: str | Path, name: str) -> Path:
    """Writes the next version of a SavedModel, whole or not at all.

    Endpoints, with a free batch dimension, all in float32; the first is also `serving_default`:

    - GAN: `sample` from int64 `seeds` `(n,)` to `images`, `sample_png` from `seeds` to PNG files
      `image_bytes`, `generate` from float32 `latents` `(n, latent_dim)` to `images`, all of the
      moving-average generator; `discriminate` from uint8 `images` to `logits` and `probabilities`
      `(n,)`. Generators of points give and take float32 `points`, and have no `sample_png`.
    - Autoencoders: `reconstruct` from `images` to `images`, `encode` from `images` to `codes`
      `(n, code_size)`, `decode` from `codes` to `images`; a VAE also `sample` and `sample_png`.
    - Classifier: `classify` from `images` to `probabilities` `(n, num_classes)`.

    Args:
        model: What to export.
        root: The folder of all models, such as `saved_models`.
        name: The model's name.

    Returns:
        The folder `root/name/version`.

    Raises:
        InputError: The folder cannot be written.
    """
    folder = Path(root) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    except OSError as error:
        raise InputError(
            f"Cannot write {error.filename}: {error.strerror}. Choose another folder with --out."
        ) from error
    try:
        module, signatures = endpoints(model)
        tf.saved_model.save(module, str(aside), signatures)
        aside.chmod(0o755)
        while True:
            versions = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
            target = folder / str(max(versions, default=0) + 1)
            try:
                os.rename(aside, target)
                return target
            except OSError:
                if not target.exists():
                    raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
