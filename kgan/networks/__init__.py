"""Network builders by name: loss-free functional Keras models, sized by what they are given."""

from collections.abc import Callable
from dataclasses import dataclass

from kgan.tables import Table


@dataclass(frozen=True)
class Network:
    """A pair of builders.

    Attributes:
        generator: `(image_shape, latent_dim, **options) -> keras.Model`.
        discriminator: `(image_shape, **options) -> keras.Model`.
        value_range: What the generator's output activation spans, for images.
        method: By which of `kgan.methods.METHODS` they are trained.
    """

    generator: Callable
    discriminator: Callable
    value_range: tuple[float, float]
    method: str = "gan"


@dataclass(frozen=True)
class Coder:
    """A pair of builders that take the same options.

    Attributes:
        encoder: `(image_shape, code_size, **options) -> keras.Model`, or a list of them for what
            is trained layer by layer.
        decoder: As `encoder`, the way back.
        method: By which of `kgan.methods.METHODS` they are trained.
    """

    encoder: Callable
    decoder: Callable
    method: str


NETWORKS = Table(
    __name__,
    {
        "dcgan": Network("dcgan:generator", "dcgan:discriminator", (-1.0, 1.0)),
        "mlp": Network("mlp:generator", "mlp:discriminator", (0.0, 1.0)),
    },
)

AUTOENCODERS = Table(
    __name__,
    {
        "conv_autoencoder": Coder(
            "conv_autoencoder:encoder", "conv_autoencoder:decoder", "autoencoder"
        ),
        "denoising": Coder("conv_autoencoder:encoder", "conv_autoencoder:decoder", "denoising"),
        "stacked": Coder("stacked:encoders", "stacked:decoders", "stacked"),
        "vae": Coder("variational:encoder", "variational:decoder", "vae"),
    },
)
