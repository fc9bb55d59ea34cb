"""A small model of every family that is served, trained for a step."""

import io

import keras
import numpy as np
from PIL import Image

from kgan.models import GAN, VAE, Autoencoder, Classifier, StackedAutoencoder
from kgan.networks import AUTOENCODERS, dcgan, mlp

SHAPE = (16, 8, 3)
MANY, CLASSES = 64, 3


def gan():
    return GAN(dcgan.generator(SHAPE, 5, width=4), dcgan.discriminator(SHAPE, width=4))


def points():
    generator = mlp.generator((2,), 5, width=8, init_range=0.5)
    return GAN(generator, mlp.discriminator((2,), width=4, pieces=2, init_range=0.5))


def classes():
    networks = (
        dcgan.generator(SHAPE, 5, width=4, num_classes=CLASSES),
        dcgan.discriminator(SHAPE, width=4, num_classes=CLASSES),
    )
    return GAN(*networks, num_classes=CLASSES, class_frequencies=[1, 0, 2])


def coder(name, shape=SHAPE, **options):
    entry = AUTOENCODERS[name]
    return (build(shape, 6, **options) for build in (entry.encoder, entry.decoder))


def autoencoder():
    return Autoencoder(*coder("conv_autoencoder", width=4), "squared_error")


def stacked():
    return StackedAutoencoder(*coder("stacked", width=12, depth=2))


def vae():
    return VAE(*coder("vae", width=12), "gaussian")


def classifier():
    return Classifier(next(coder("conv_autoencoder", width=4)), CLASSES)


# Each with the endpoint of a request that names none.
FAMILIES = {
    gan: "sample",
    points: "sample",
    classes: "sample",
    autoencoder: "reconstruct",
    stacked: "reconstruct",
    vae: "reconstruct",
    classifier: "classify",
}


def trained(build):
    """Returns a model after a step in 16 bits, its weights large enough for pictures."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        keras.utils.set_random_seed(0)
        model = build()
    finally:
        keras.config.set_dtype_policy(before)
    # Traced, a step takes longer than all that is asked of the model here.
    model.compile(run_eagerly=True)
    rng = np.random.default_rng(0)
    examples = rows("points" if build is points else "images", model.image_shape, 16, rng)
    labels = (np.arange(16) % CLASSES,) if build in (classifier, classes) else ()
    model.fit(examples, *labels, batch_size=16, verbose=0)
    for network in model.networks:
        for kernel in (v for v in network.trainable_variables if len(v.shape) > 1):
            scale = np.sqrt(2 / np.prod(kernel.shape[:-1]))
            kernel.assign(rng.normal(0, scale, kernel.shape))
    return model


def rows(name, shape, n, rng, draws=False):
    """Returns what an endpoint may be given for an input `(n, *shape)`."""
    if name == "images":
        return rng.integers(0, 256, (n, *shape), np.uint8)
    if name == "image_bytes":
        return np.array([png(image) for image in rows("images", SHAPE, n, rng)], object)
    if name == "seeds":
        return rng.integers(0, 2**63, n)
    if name == "labels":
        return rng.integers(-1 if draws else 0, CLASSES, n, np.int32)
    return rng.normal(size=(n, *shape)).astype(np.float32)


def png(image, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png", **options)
    return file.getvalue()
