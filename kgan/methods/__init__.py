"""How each kind of model is trained as a run, and which models there are, told by name."""

from collections import ChainMap
from typing import TYPE_CHECKING

from kgan.networks import AUTOENCODERS, NETWORKS
from kgan.tables import Table

if TYPE_CHECKING:
    from kgan.methods.base import Method
    from kgan.methods.config import Config

METHODS = Table(
    __name__,
    {
        "gan": "gan:GANMethod",
        "autoencoder": "autoencoder:AutoencoderMethod",
        "denoising": "denoising:DenoisingMethod",
        "stacked": "stacked:StackedMethod",
        "vae": "vae:VAEMethod",
    },
)

# What --model takes: lines of networks, each of which names the method that it is trained by.
MODELS = ChainMap(AUTOENCODERS.lines, NETWORKS.lines)


def method_of(model: str) -> "Method":
    """Returns how a model of `MODELS` is trained."""
    return METHODS[MODELS[model].method]()


def models_of(config: "type[Config]") -> list[str]:
    """Returns the models whose runs have this kind of configuration."""
    return [name for name in MODELS if method_of(name).Config is config]


def models_for(command: str) -> list[str]:
    """Returns the models that a command trains."""
    return [name for name in MODELS if method_of(name).command == command]
