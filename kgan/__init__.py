"""KGAN: generative models of images in TensorFlow/Keras."""

import importlib

from kgan import keras_names
from kgan.startup import silent_tensorflow

__version__ = "0.2.0.dev0"

# Resolved on first use, so that `kgan --help` does not load TensorFlow.
_HOMES = {
    "DATASETS": "kgan.data",
    "Examples": "kgan.data",
    "Column": "kgan.data",
    "IMAGES": "kgan.data.space",
    "POINTS": "kgan.data.space",
    "load": "kgan.data",
    "split": "kgan.data.split",
    "Splits": "kgan.data.split",
    "Corruption": "kgan.data.corrupt",
    "NETWORKS": "kgan.networks",
    "AUTOENCODERS": "kgan.networks",
    "OBJECTIVES": "kgan.losses",
    "Objective": "kgan.losses",
    "PENALTIES": "kgan.losses",
    "Penalty": "kgan.losses",
    "GAN": "kgan.models",
    "Autoencoder": "kgan.models",
    "StackedAutoencoder": "kgan.models",
    "VAE": "kgan.models",
    "Schedule": "kgan.models",
    "Classifier": "kgan.models",
    "OPTIMIZERS": "kgan.models",
    "AUGMENTATIONS": "kgan.models",
    "PRESETS": "kgan.methods.presets",
    "METHODS": "kgan.methods",
    "MODELS": "kgan.methods",
    "GANConfig": "kgan.methods.gan",
    "AutoencoderConfig": "kgan.methods.autoencoder",
    "prepare": "kgan.training.build",
    "train": "kgan.training.run",
    "open_run": "kgan.training.run",
    "finetune": "kgan.tasks.finetune.finetune",
    "evaluate": "kgan.tasks.evaluate.evaluate",
    "export": "kgan.serving",
    "InputError": "kgan.errors",
    "TrainingError": "kgan.errors",
}
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str):
    if name in _HOMES:
        with silent_tensorflow():
            return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'kgan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


keras_names.register()
