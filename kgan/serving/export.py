"""SavedModels as TF Serving takes them."""

import os
import shutil
import tempfile
from pathlib import Path

import tensorflow as tf

from kgan.errors import InputError
from kgan.models import GAN
from kgan.models.gan import as_float32
from kgan.models.seeds import seed_latents


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
        module, signatures = _signatures(gan)
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


def _signatures(gan: GAN) -> tuple[tf.Module, dict]:
    """Returns the module that holds the weights, and the traced endpoints by name."""
    generator, discriminator = gan.ema_generator, as_float32(gan.discriminator)
    is_image = len(gan.image_shape) == 3
    kind = "images" if is_image else "points"

    def generate(latents):
        return {kind: gan.to_images(generator(latents, training=False))}

    def sample(seeds):
        return generate(seed_latents(seeds, gan.latent_dim))

    def sample_png(seeds):
        images = sample(seeds)[kind]
        return {"image_bytes": tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)}

    def discriminate(examples):
        logits = discriminator(gan.to_range(examples), training=False)
        return {"logits": logits, "probabilities": tf.sigmoid(logits)}

    def traced(function, name, shape, dtype):
        spec = tf.TensorSpec([None, *shape], dtype, name)
        return tf.function(function, input_signature=[spec]).get_concrete_function()

    signatures = {
        "sample": traced(sample, "seeds", [], tf.int64),
        "generate": traced(generate, "latents", [gan.latent_dim], tf.float32),
        "discriminate": traced(
            discriminate, kind, gan.image_shape, tf.uint8 if is_image else tf.float32
        ),
    }
    if is_image:
        signatures["sample_png"] = traced(sample_png, "seeds", [], tf.int64)
    signatures["serving_default"] = signatures["sample"]
    module = tf.Module()
    module.weights = [v.value for network in (generator, discriminator) for v in network.weights]
    return module, signatures
