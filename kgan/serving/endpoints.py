"""What each family of models answers, with a free batch dimension, all in float32."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import tensorflow as tf

from kgan.errors import InputError
from kgan.models import GAN, VAE, Autoencoder, Classifier, StackedAutoencoder
from kgan.models.labels import joined
from kgan.models.precision import as_served
from kgan.models.seeds import seed_labels, seed_latents
from kgan.serving.decoding import decoded


@dataclass(frozen=True)
class Endpoint:
    """What answers a request.

    Attributes:
        function: From the inputs, in their order, to outputs by name, a row each.
        inputs: By name, type and shape, `[None, ...]`; all have as many rows.
    """

    function: Callable
    inputs: dict[str, tf.TensorSpec]


def endpoints(model: keras.Model) -> tuple[tf.Module, dict[str, Callable]]:
    """Returns the module that holds a model's weights, and its traced endpoints by name.

    Raises:
        InputError: The model is of no family that has endpoints.
    """
    for family, functions in FAMILIES.items():
        if isinstance(model, family):
            networks, found = functions(model)
            break
    else:
        raise InputError(
            f"{type(model).__name__} has no endpoints: expected one of "
            f"{', '.join(family.__name__ for family in FAMILIES)}."
        )
    signatures = {
        name: tf.function(
            _checked(endpoint),
            autograph=False,
            input_signature=[
                tf.TensorSpec(spec.shape, spec.dtype, key) for key, spec in endpoint.inputs.items()
            ],
        ).get_concrete_function()
        for name, endpoint in found.items()
    }
    # The first is what a request gets that names none.
    signatures["serving_default"] = next(iter(signatures.values()))
    module = tf.Module()
    module.weights = [variable.value for network in networks for variable in network.weights]
    return module, signatures


def _checked(endpoint: Endpoint) -> Callable:
    """Returns an endpoint's function, which refuses rows of another shape or number.

    A server checks names and types only: a convolution of a row without its batch axis would end
    the server's process, and a network that flattens would take transposed images for its own.
    """
    specs = endpoint.inputs
    files = any(spec.dtype == tf.string for spec in specs.values())
    # Files become rows of numbers first.
    function = endpoint.function if files else _of_any_number(endpoint.function)

    def checked(*inputs):
        inputs = [
            tf.ensure_shape(rows, spec.shape)
            for rows, spec in zip(inputs, specs.values(), strict=True)
        ]
        first, *others = specs
        counts = [tf.shape(rows)[0] for rows in inputs]
        alike = [
            tf.debugging.assert_equal(count, counts[0], f"{name}: expected as many as {first}")
            for name, count in zip(others, counts[1:], strict=True)
        ]
        with tf.control_dependencies(alike):
            return function(*map(tf.identity, inputs) if alike else inputs)

    return checked


def _of_any_number(function: Callable) -> Callable:
    """Returns a function of rows that takes none, too: oneDNN's convolutions of none fail."""

    def padded(*inputs):
        count = tf.shape(inputs[0])[0]
        missing = tf.cast(count == 0, tf.int32)
        # Neither this nor the slices copy where there are rows.
        inputs = [
            tf.pad(rows, [[0, missing], *[[0, 0]] * (rows.shape.rank - 1)]) for rows in inputs
        ]
        return {name: value[:count] for name, value in function(*inputs).items()}

    return padded


def _rows(dtype: tf.DType, *shape: int) -> tf.TensorSpec:
    return tf.TensorSpec([None, *shape], dtype)


def _in_classes(labels, num_classes: int, least: int):
    """Returns labels that are asserted to be from `least` to `num_classes - 1`."""
    wanted = f"labels: expected 0 to {num_classes - 1}"
    wanted += ", or -1 to draw them from their seeds" if least < 0 else ""
    checks = [
        tf.debugging.assert_greater_equal(labels, least, wanted),
        tf.debugging.assert_less(labels, num_classes, wanted),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(labels)


def _drawing(generate: Callable, model: GAN | VAE, kind: str) -> dict[str, Endpoint]:
    """Returns the endpoints of what makes images, or points, from latents and maybe labels."""
    num_classes, latent_dim = model.num_classes, model.latent_dim
    labelled = {} if num_classes is None else {"labels": _rows(tf.int32)}

    def sample(seeds, labels=None):
        wanted = "seeds: expected 0 or more"
        with tf.control_dependencies([tf.debugging.assert_non_negative(seeds, wanted)]):
            seeds = tf.identity(seeds)
        if labels is not None:
            labels = _in_classes(labels, num_classes, -1)
            drawn = seed_labels(seeds, model.class_frequencies)
            labels = tf.where(labels < 0, drawn, labels)
        return generate(seed_latents(seeds, latent_dim), labels)

    def sample_png(seeds, labels=None):
        images = sample(seeds, labels)[kind]
        return {"image_bytes": tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)}

    def of_latents(latents, labels=None):
        if labels is not None:
            labels = _in_classes(labels, num_classes, 0)
        return generate(latents, labels)

    seeds = {"seeds": _rows(tf.int64), **labelled}
    found = {
        "sample": Endpoint(sample, seeds),
        "generate": Endpoint(of_latents, {"latents": _rows(tf.float32, latent_dim), **labelled}),
    }
    if kind == "images":
        found["sample_png"] = Endpoint(sample_png, seeds)
    return found


def _gan(gan: GAN):
    generator, discriminator = gan.ema_generator, as_served(gan.discriminator)
    is_image = len(gan.image_shape) == 3
    kind = "images" if is_image else "points"
    labelled = {} if gan.num_classes is None else {"labels": _rows(tf.int32)}

    def generate(latents, labels):
        return {kind: gan.to_images(generator(joined(latents, labels), training=False))}

    def discriminate(examples, labels=None):
        if labels is not None:
            labels = _in_classes(labels, gan.num_classes, 0)
        logits = discriminator(joined(gan.to_range(examples), labels), training=False)
        return {"logits": logits, "probabilities": tf.sigmoid(logits)}

    examples = _rows(tf.uint8 if is_image else tf.float32, *gan.image_shape)
    return (generator, discriminator), {
        **_drawing(generate, gan, kind),
        "discriminate": Endpoint(discriminate, {kind: examples, **labelled}),
    }


def _autoencoder(model: Autoencoder | StackedAutoencoder | VAE):
    def decode(codes):
        return {"images": model.to_images(model.outputs(codes))}

    def encode(images):
        return {"codes": model.code(images)}

    def reconstruct(images):
        return decode(encode(images)["codes"])

    images = {"images": _rows(tf.uint8, *model.image_shape)}
    return model.networks, {
        "reconstruct": Endpoint(reconstruct, images),
        "encode": Endpoint(encode, images),
        "decode": Endpoint(decode, {"codes": _rows(tf.float32, model.code_size)}),
    }


def _vae(vae: VAE):
    def generate(latents, labels):
        return {"images": vae.to_images(vae.outputs(latents))}

    networks, found = _autoencoder(vae)
    return networks, {**found, **_drawing(generate, vae, "images")}


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
        "classify": Endpoint(classify, {"images": _rows(tf.uint8, *shape)}),
        "classify_png": Endpoint(classify_png, {"image_bytes": _rows(tf.string)}),
    }


FAMILIES = {
    GAN: _gan,
    VAE: _vae,
    Autoencoder: _autoencoder,
    StackedAutoencoder: _autoencoder,
    Classifier: _classifier,
}
