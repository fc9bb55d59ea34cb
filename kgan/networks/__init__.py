"""Network builders by name: loss-free functional Keras models, sized by what they are given."""

from dataclasses import dataclass, field
from typing import Any

from kgan.tables import Named, Table


@dataclass(frozen=True)
class Network:
    """A pair of builders.

    Attributes:
        generator: `(image_shape, latent_dim, num_classes=None, **options) -> keras.Model`, from
            latents, and labels if there are classes.
        discriminator: `(image_shape, num_classes=None, **options) -> keras.Model`, from images,
            and labels if there are classes.
        value_range: What the generator's output activation spans, for images.
        about: What it is for, in a sentence.
        smallest: Options of either that make it as small as it works, for the tests.
        method: By which of `kgan.methods.METHODS` they are trained.
    """

    generator: Named
    discriminator: Named
    value_range: tuple[float, float]
    about: str
    smallest: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    method: str = "gan"


@dataclass(frozen=True)
class Coder:
    """A pair of builders that take the same options.

    Attributes:
        encoder: `(image_shape, code_size, **options) -> keras.Model`, or a list of them for what
            is trained layer by layer.
        decoder: As `encoder`, the way back.
        method: By which of `kgan.methods.METHODS` they are trained.
        about: What it is for, in a sentence.
        smallest: Options that make it as small as it works, for the tests.
    """

    encoder: Named
    decoder: Named
    method: str
    about: str
    smallest: dict[str, Any] = field(default_factory=dict)


NETWORKS = Table(
    __name__,
    {
        "dcgan": Network(
            "dcgan:generator",
            "dcgan:discriminator",
            (-1.0, 1.0),
            "Convolutions for images from 8x8 whose sides halve evenly.",
            ({"width": 4}, {"width": 4}),
        ),
        "residual": Network(
            "residual:generator",
            "residual:discriminator",
            (-1.0, 1.0),
            "Residual blocks with spectral normalisation (SNGAN), for the same images.",
            ({"width": 4}, {"width": 4}),
        ),
        "r3gan": Network(
            "r3gan:generator",
            "r3gan:discriminator",
            (-1.0, 1.0),
            "Residual blocks without normalisation (R3GAN), for the same images.",
            ({"width": 16}, {"width": 16}),
        ),
        "mlp": Network(
            "mlp:generator",
            "mlp:discriminator",
            (0.0, 1.0),
            "Fully connected layers for points and for small images of any shape.",
            ({"width": 16}, {"width": 8, "pieces": 2}),
        ),
    },
)

AUTOENCODERS = Table(
    __name__,
    {
        "conv_autoencoder": Coder(
            "conv_autoencoder:encoder",
            "conv_autoencoder:decoder",
            "autoencoder",
            "Compresses images into a code by convolutions.",
            {"width": 2},
        ),
        "denoising": Coder(
            "conv_autoencoder:encoder",
            "conv_autoencoder:decoder",
            "denoising",
            "The same from corrupted images: learns features and removes the corruption.",
            {"width": 2},
        ),
        "stacked": Coder(
            "stacked:encoders",
            "stacked:decoders",
            "stacked",
            "Dense layers trained one by one, for classifiers when labels are scarce.",
            {"width": 8, "depth": 2},
        ),
        "vae": Coder(
            "variational:encoder",
            "variational:decoder",
            "vae",
            "A variational autoencoder: codes, samples and a bound on the likelihood.",
            {"width": 8},
        ),
    },
)
