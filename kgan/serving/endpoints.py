"""What each family of models answers, with a free batch dimension, all in float32."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from kgan.errors import InputError
from kgan.models import GAN, VAE, Autoencoder, Classifier, StackedAutoencoder
from kgan.models.gan import as_float32
from kgan.models.seeds import seed_latents
from kgan.serving.decoding import decoded


def endpoints(model: keras.Model) -> tuple[tf.Module, dict[str, Callable]]:
    """Returns the module that holds a model's weights, and its traced endpoints by name.

    Raises:
        InputError: The model is of no family that has endpoints.
    """
    for family, functions in FAMILIES.items():
        if isinstance(model, family):
            networks, specifications = functions(model)
            break
    else:
        raise InputError(
            f"{type(model).__name__} has no endpoints: expected one of "
            f"{', '.join(family.__name__ for family in FAMILIES)}."
        )
    signatures = {
        name: tf.function(
            _checked(function, shape, dtype),
            input_signature=[tf.TensorSpec([None, *shape], dtype, argument)],
        ).get_concrete_function()
        for name, (function, argument, shape, dtype) in specifications.items()
    }
    # The first is what a request gets that names none.
    signatures["serving_default"] = next(iter(signatures.values()))
    module = tf.Module()
    module.weights = [variable.value for network in networks for variable in network.weights]
    return module, signatures


def _checked(function: Callable, shape: Sequence[int], dtype: tf.DType) -> Callable:
    """Returns an endpoint that refuses rows of another shape.

    A server checks names and types only: a convolution of a row without its batch axis would end
    the server's process, and a network that flattens would take transposed images for its own.
    """
    # Files become rows of numbers first.
    function = function if dtype == tf.string else _of_any_number(function)

    def checked(rows):
        return function(tf.ensure_shape(rows, [None, *shape]))

    return checked


def _of_any_number(function: Callable) -> Callable:
    """Returns a function of rows that takes none, too: oneDNN's convolutions of none fail."""

    def padded(rows):
        count = tf.shape(rows)[0]
        missing = tf.cast(count == 0, tf.int32)
        # Neither this nor the slices copy where there are rows.
        rows = tf.pad(rows, [[0, missing], *[[0, 0]] * (rows.shape.rank - 1)])
        return {name: value[:count] for name, value in function(rows).items()}

    return padded


def _drawing(generate: Callable, latent_dim: int, kind: str) -> dict[str, tuple]:
    """Returns the endpoints of everything that makes images, or points, from latents."""

    def sample(seeds):
        wanted = "seeds: expected 0 or more"
        with tf.control_dependencies([tf.debugging.assert_non_negative(seeds, wanted)]):
            return generate(seed_latents(tf.identity(seeds), latent_dim))

    def sample_png(seeds):
        images = sample(seeds)[kind]
        return {"image_bytes": tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)}

    found = {
        "sample": (sample, "seeds", [], tf.int64),
        "generate": (generate, "latents", [latent_dim], tf.float32),
    }
    if kind == "images":
        found["sample_png"] = (sample_png, "seeds", [], tf.int64)
    return found


def _gan(gan: GAN):
    generator, discriminator = gan.ema_generator, as_float32(gan.discriminator)
    is_image = len(gan.image_shape) == 3
    kind = "images" if is_image else "points"

    def generate(latents):
        return {kind: gan.to_images(generator(latents, training=False))}

    def discriminate(examples):
        logits = discriminator(gan.to_range(examples), training=False)
        return {"logits": logits, "probabilities": tf.sigmoid(logits)}

    dtype = tf.uint8 if is_image else tf.float32
    return (generator, discriminator), {
        **_drawing(generate, gan.latent_dim, kind),
        "discriminate": (discriminate, kind, gan.image_shape, dtype),
    }


def _autoencoder(model: Autoencoder | StackedAutoencoder | VAE):
    def decode(codes):
        return {"images": model.to_images(model.outputs(codes))}

    def encode(images):
        return {"codes": model.code(images)}

    def reconstruct(images):
        return decode(encode(images)["codes"])

    return model.networks, {
        "reconstruct": (reconstruct, "images", model.image_shape, tf.uint8),
        "encode": (encode, "images", model.image_shape, tf.uint8),
        "decode": (decode, "codes", [model.code_size], tf.float32),
    }


def _vae(vae: VAE):
    def generate(latents):
        return {"images": vae.to_images(vae.outputs(latents))}

    networks, found = _autoencoder(vae)
    return networks, {**found, **_drawing(generate, vae.latent_dim, "images")}


def _classifier(classifier: Classifier):
    def classify(images):
        return {"probabilities": classifier.probabilities(images)}

    shape = classifier.image_shape

    def classify_png(image_bytes):
        images = tf.map_fn(
            lambda file: decoded(file, shape), image_bytes, fn_output_signature=tf.uint8
        )
        return _of_any_number(classify)(images)

    return classifier.networks, {
        "classify": (classify, "images", shape, tf.uint8),
        "classify_png": (classify_png, "image_bytes", [], tf.string),
    }


FAMILIES = {
    GAN: _gan,
    VAE: _vae,
    Autoencoder: _autoencoder,
    StackedAutoencoder: _autoencoder,
    Classifier: _classifier,
}
