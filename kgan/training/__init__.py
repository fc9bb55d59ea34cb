"""From a configuration to a trained, exported model."""

from kgan.training.config import RunConfig
from kgan.training.presets import PRESETS
from kgan.training.run import prepare, reopen, restore, train

__all__ = ["PRESETS", "RunConfig", "prepare", "reopen", "restore", "train"]
