"""Network builders by name: loss-free functional Keras models, sized by what they are given."""

from collections.abc import Callable
from dataclasses import dataclass

from kgan.networks import dcgan, mlp


@dataclass(frozen=True)
class Network:
    """A pair of builders.

    Attributes:
        generator: `(image_shape, latent_dim, **options) -> keras.Model`.
        discriminator: `(image_shape, **options) -> keras.Model`.
        value_range: What the generator's output activation spans, for images.
    """

    generator: Callable
    discriminator: Callable
    value_range: tuple[float, float]


NETWORKS = {
    "dcgan": Network(dcgan.generator, dcgan.discriminator, (-1.0, 1.0)),
    "mlp": Network(mlp.generator, mlp.discriminator, (0.0, 1.0)),
}
