"""Named configurations."""

import dataclasses
from typing import Any

from kgan.errors import InputError, unknown
from kgan.methods import MODELS, method_of, models_for
from kgan.methods.autoencoder import AutoencoderConfig, CoderConfig, ReconstructionConfig
from kgan.methods.config import Config, DataConfig, EvaluationConfig
from kgan.methods.gan import GameConfig, GANConfig, NetworkConfig

_DISCRIMINATOR_OF_POINTS: dict[str, Any] = {
    "width": 128, "pieces": 2, "input_dropout": 0.0, "dropout": 0.0, "init_range": 0.1,
}  # fmt: skip
_POINTS: dict[str, Any] = {
    "network": NetworkConfig(
        name="mlp",
        latent_dim=16,
        generator={"width": 128, "init_range": 0.15},
        discriminator=_DISCRIMINATOR_OF_POINTS,
    ),
    "generator_optimizer": {"name": "adam", "learning_rate": 1e-3, "beta_1": 0.5},
    "discriminator_optimizer": {"name": "adam", "learning_rate": 1e-3, "beta_1": 0.5},
    "batch_size": 256,
    "precision": "float32",
    "steps": 10_000,
}
_STACK: dict[str, Any] = {
    "network": CoderConfig("stacked", 1000, {"width": 1000}),
    "steps": 20_000,
    "sample_every": 5000,
    "checkpoint_every": 2000,
}
# The digits are few: 3,000 steps reconstruct the validation images worse than 1,000.
_DIGITS: dict[str, Any] = {"batch_size": 64, "steps": 1000, "log_every": 100, "sample_every": 200}
# The papers' rates (Miyato et al. 2018; Huang et al. 2024).
_SNGAN: dict[str, Any] = {
    "name": "adam", "learning_rate": "linear:0.0002:0", "beta_1": 0.0, "beta_2": 0.9,
}  # fmt: skip
_R3GAN: dict[str, Any] = {
    "name": "adam", "learning_rate": "cosine:0.0002:5e-05", "beta_1": 0.0,
    "beta_2": "cosine:0.9:0.99",
}  # fmt: skip

PRESETS = {
    # kgan train; 2 cores of an EPYC (Zen 5), bfloat16: 60 s, all digits readable.
    "digits": GANConfig(
        network=NetworkConfig(latent_dim=32, generator={"width": 64}, discriminator={"width": 64}),
        batch_size=64,
        steps=6000,
        log_every=100,
    ),
    # kgan train --dataset mnist; the same cores, shared: 51 min.
    "mnist": GANConfig(data=DataConfig(name="mnist"), steps=20_000),
    # kgan train --dataset cifar10; the same cores, shared: 94 min.
    "cifar10": GANConfig(data=DataConfig(name="cifar10"), steps=20_000),
    # kgan train --preset goodfellow-mnist; one of the same cores, shared: 63 min.
    # The authors' optimizer, rates and dropout collapse here to saturated dots; R1 holds what is
    # faster, Adam and less dropout. kgan evaluate, 10,000 test images: parzen 236.7.
    "goodfellow-mnist": GANConfig(
        data=DataConfig(name="mnist"),
        network=NetworkConfig(name="mlp", discriminator={"input_dropout": 0.0, "dropout": 0.2}),
        game=GameConfig(penalties={"r1": 0.01}, ema_half_life=7000.0),
        evaluation=EvaluationConfig(every=5000, score="parzen", samples=10_000),
        generator_optimizer={"name": "adam", "learning_rate": 5e-4, "beta_1": 0.5},
        discriminator_optimizer={"name": "adam", "learning_rate": 5e-4, "beta_1": 0.5},
        batch_size=100,
        precision="float32",
        steps=80_000,
    ),
    # kgan train --dataset ring --seed 0, 1, 2; the same cores, shared, float32: 2 to 3 min each;
    # 8 of 8 modes, 94.2 to 96.1 % of 2,500 samples within 3 standard deviations of one.
    "ring": GANConfig(data=DataConfig(name="ring"), **_POINTS),
    "grid": GANConfig(data=DataConfig(name="grid"), **_POINTS),
    # kgan pretrain; 2 of the same cores: 24 s; test squared error 0.0066, PCA's 0.0107.
    "conv_autoencoder-digits": AutoencoderConfig(network=CoderConfig(code_size=16), **_DIGITS),
    "denoising-digits": AutoencoderConfig(
        network=CoderConfig("denoising", code_size=32), **_DIGITS
    ),
    "stacked-digits": AutoencoderConfig(
        network=CoderConfig("stacked", 32, {"width": 128}),
        optimizer={"name": "adam", "learning_rate": "cosine:0.003:0"},
        batch_size=64,
        steps=3000,
        log_every=100,
    ),
    "vae-digits": AutoencoderConfig(
        network=CoderConfig("vae", 10), batch_size=64, steps=6000, log_every=100
    ),
    # kgan pretrain --preset vae-mnist; the same cores, shared: 14 min; NLL 89.41 (200 importance
    # samples), 88.66 (5,000); ELBO -94.45.
    "vae-mnist": AutoencoderConfig(
        data=DataConfig("mnist"),
        network=CoderConfig("vae", 40, {"depth": 2}),
        reconstruction=ReconstructionConfig(binarization="static"),
        steps=60_000,
        precision="float32",
        log_every=500,
        sample_every=20_000,
        checkpoint_every=5000,
    ),
    # kgan pretrain --preset bengio2007-mnist; one of the same cores, shared: 14 min. Then
    # kgan finetune RUN --labels all --arms pretrained --seeds 5: 98.14 +- 0.17 %.
    "bengio2007-mnist": AutoencoderConfig(data=DataConfig("mnist"), **_STACK),
    # kgan pretrain --preset vincent2010-mnist; the same cores, shared: 12 min. Then
    # kgan finetune RUN --labels 100,1000,10000,all --arms pretrained,random --seeds 5:
    # 83.45, 93.73, 97.18, 98.65 % (random init: 75.45, 88.24, 95.94, 98.20 %).
    "vincent2010-mnist": AutoencoderConfig(
        data=DataConfig("mnist"),
        reconstruction=ReconstructionConfig(corruption="masking", amount=0.4),
        **_STACK,
    ),
    # kgan pretrain --dataset cifar10; one of the same cores, shared: 24 min; test squared error
    # 0.00763, PCA's 0.00799 (--code-size 256: 0.00281, 0.00224).
    "conv_autoencoder-cifar10": AutoencoderConfig(
        data=DataConfig("cifar10"),
        network=CoderConfig(options={"normalization": "none"}),
        steps=20_000,
    ),
}


# What `--model NAME` starts from where no preset is named after model and data, if it is not what
# its configuration has anyway.
DEFAULTS: dict[str, Config] = {
    "residual": GANConfig(
        network=NetworkConfig("residual", 128),
        game=GameConfig("hinge"),
        generator_optimizer=_SNGAN,
        discriminator_optimizer=_SNGAN,
        batch_size=64,
    ),
    "r3gan": GANConfig(
        network=NetworkConfig("r3gan", 64),
        game=GameConfig(
            "relativistic",
            penalties={"r1": "cosine:0.05:0.005", "r2": "cosine:0.05:0.005"},
            ema_half_life="cosine:0:1000",
        ),
        generator_optimizer=_R3GAN,
        discriminator_optimizer=_R3GAN,
        batch_size=64,
    ),
    "stacked": AutoencoderConfig(
        network=CoderConfig("stacked", 500, {"width": 1000}), steps=10_000
    ),
    "vae": AutoencoderConfig(network=CoderConfig("vae", 40), steps=5000),
}
FIRST = {"train": "dcgan", "pretrain": "conv_autoencoder"}  # the models of commands that name none


def find(
    command: str, name: str | None = None, dataset: str | None = None, model: str | None = None
) -> Config:
    """Returns the configuration that a command starts from.

    Args:
        command: "train" or "pretrain".
        name: The preset; None for the one named MODEL-DATASET, the model's default, or the one
            named after the data set, the first that there is.
        dataset: The data set asked for, if any.
        model: The model asked for, if any.

    Raises:
        InputError: There is no preset or model of that name, or it is another command's.
    """
    if name is not None:
        if name not in PRESETS:
            raise unknown("preset", name, PRESETS)
        if PRESETS[name].method.command != command:
            raise InputError(
                f"Preset {name!r} is for kgan {PRESETS[name].method.command}, not for "
                f"kgan {command}."
            )
        return PRESETS[name]
    dataset, first = dataset or "digits", FIRST[command]
    chosen = model or first
    if chosen not in models_for(command):
        if chosen in MODELS:
            other = method_of(chosen).command
            raise InputError(f"Model {chosen!r} is for kgan {other}, not for kgan {command}.")
        raise unknown("model", chosen, models_for(command))
    named = [PRESETS.get(f"{chosen}-{dataset}"), DEFAULTS.get(chosen), PRESETS.get(dataset)]
    for preset in named:
        if preset and preset.method.command == command:
            return preset
    return _plain(chosen)


def _plain(model: str) -> Config:
    config = method_of(model).Config()
    return dataclasses.replace(config, network=dataclasses.replace(config.network, name=model))
