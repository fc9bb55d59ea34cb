"""Named configurations."""

from kgan.errors import unknown
from kgan.training.config import DataConfig, NetworkConfig, RunConfig

_DISCRIMINATOR_OF_POINTS = {
    "width": 128, "pieces": 2, "input_dropout": 0.0, "dropout": 0.0, "init_range": 0.1,
}  # fmt: skip
_POINTS = {
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
_SGD = {"name": "sgd", "decay": 1.000004, "minimum": 1e-6, "final_momentum": 0.7}

PRESETS = {
    # kgan train; 2 cores of an EPYC (Zen 5), bfloat16: 60 s, all digits readable.
    "digits": RunConfig(
        network=NetworkConfig(latent_dim=32, generator={"width": 64}, discriminator={"width": 64}),
        batch_size=64,
        steps=6000,
        log_every=100,
    ),
    # kgan train --dataset mnist; the same cores, shared: 51 min.
    "mnist": RunConfig(data=DataConfig(name="mnist"), steps=20_000),
    # kgan train --dataset cifar10; the same cores, shared: 94 min.
    "cifar10": RunConfig(data=DataConfig(name="cifar10"), steps=20_000),
    "goodfellow-mnist": RunConfig(
        data=DataConfig(name="mnist"),
        network=NetworkConfig(name="mlp"),
        # The paper's discriminator cost is half the sum of its terms: half the learning rate.
        generator_optimizer={**_SGD, "learning_rate": 0.1},
        discriminator_optimizer={**_SGD, "learning_rate": 0.05},
        batch_size=100,
        steps=125_000,
    ),
    # kgan train --dataset ring --seed 0, 1, 2; the same cores, shared, float32: 2 to 3 min each;
    # 8 of 8 modes, 94.2 to 96.1 % of 2,500 samples within 3 standard deviations of one.
    "ring": RunConfig(data=DataConfig(name="ring"), **_POINTS),
    "grid": RunConfig(data=DataConfig(name="grid"), **_POINTS),
}


def find(name: str | None, dataset: str | None = None) -> tuple[str | None, RunConfig]:
    """Returns a preset's name and configuration.

    Args:
        name: The preset; None for the one of the data set's name, or the general default.
        dataset: The data set asked for, if any.

    Raises:
        InputError: There is no preset of that name.
    """
    if name is not None and name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    name = name or (dataset if dataset in PRESETS else None if dataset else "digits")
    return name, PRESETS[name] if name else RunConfig()
