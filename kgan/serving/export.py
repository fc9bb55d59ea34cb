"""SavedModels as TF Serving takes them."""

import os
import shutil
import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from kgan.errors import InputError
from kgan.models import GAN
from kgan.models.gan import as_float32, seed_latents


def export(gan: GAN, root: str | Path, name: str) -> Path:
    """Writes the next version of a SavedModel, whole or not at all.

    Endpoints, with a free batch dimension: `sample` (also `serving_default`) from int64 `seeds`
    `(n,)` to `images`, `sample_png` from `seeds` to PNG files `image_bytes`, `generate` from
    float32 `latents` `(n, latent_dim)` to `images`, `discriminate` from uint8 `images` to `logits`
    and `probabilities` `(n,)`. Generators of points give and take float32 `points` instead, and
    have no `sample_png`. All compute in float32 with the moving-average generator.

    Args:
        gan: What to export.
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
        _archive(gan).write_out(str(aside), verbose=False)
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


def _archive(gan: GAN) -> keras.export.ExportArchive:
    discriminator = as_float32(gan.discriminator)
    is_image = len(gan.image_shape) == 3
    out = "images" if is_image else "points"

    def generate(latents):
        return {out: gan.to_images(gan.ema_generator(latents, training=False))}

    def sample(seeds):
        return generate(seed_latents(seeds, gan.latent_dim))

    def sample_png(seeds):
        images = sample(seeds)[out]
        return {"image_bytes": tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)}

    def discriminate(examples):
        logits = discriminator(gan.to_range(examples), training=False)
        return {"logits": logits, "probabilities": tf.sigmoid(logits)}

    seeds = tf.TensorSpec([None], tf.int64, "seeds")
    latents = tf.TensorSpec([None, gan.latent_dim], tf.float32, "latents")
    examples = tf.TensorSpec([None, *gan.image_shape], tf.uint8 if is_image else tf.float32, out)
    archive = keras.export.ExportArchive()
    archive.track(gan.ema_generator)
    archive.track(discriminator)
    archive.add_endpoint("serving_default", sample, [seeds])
    archive.add_endpoint("sample", sample, [seeds])
    if is_image:
        archive.add_endpoint("sample_png", sample_png, [seeds])
    archive.add_endpoint("generate", generate, [latents])
    archive.add_endpoint("discriminate", discriminate, [examples])
    return archive
