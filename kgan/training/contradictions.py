"""What an autoencoder cannot be asked for at once."""

import dataclasses

from kgan.errors import InputError
from kgan.networks import architecture
from kgan.training.config import PretrainConfig, ReconstructionConfig


def check(config: PretrainConfig) -> None:
    """Checks what is decided against each other; an "auto" never contradicts.

    Raises:
        InputError: Some of it cannot be had at once.
    """
    name, what, plain = config.network.name, config.reconstruction, ReconstructionConfig()
    variational = name == "vae"
    binary = what.binarization not in ("auto", "none")
    corrupted = what.corruption != "none"
    if what.corruption == "auto":
        corrupted = name == "denoising"
    wrong = {
        "a VAE's likelihood is bernoulli or gaussian": variational
        and what.likelihood == "squared_error",
        "gaussian is for the VAE: take squared_error": not variational
        and what.likelihood == "gaussian",
        "binarization goes with the likelihood bernoulli": binary
        and what.likelihood not in ("auto", "bernoulli"),
        "dynamic binarization is for the VAE: take static": what.binarization == "dynamic"
        and not variational,
        "beta is for the VAE: leave it out": what.beta != plain.beta and not variational,
        "the VAE takes no corruption: use denoising, conv_autoencoder or stacked": variational
        and corrupted,
        "denoising needs a corruption: masking, salt_and_pepper or gaussian": name == "denoising"
        and not corrupted,
        "an amount needs a corruption: add --corruption masking": not corrupted
        and what.amount != plain.amount,
        "likelihood_samples is for the VAE: leave it out": not variational
        and config.likelihood_samples != PretrainConfig.likelihood_samples,
    }
    if variational:
        _check_architecture(config.network.options)
    for message, is_so in wrong.items():
        if is_so:
            given = ", ".join(f"{key} {value}" for key, value in dataclasses.asdict(what).items())
            raise InputError(f"{name} with {given}: {message}.")


def _check_architecture(options: dict) -> None:
    chosen = options.get("architecture", "auto")
    architecture.check(chosen)
    if chosen != "auto":
        architecture.check_options(chosen, options)
