"""From trained models to what a server loads, and back."""

from kgan.serving.client import ServedGenerator
from kgan.serving.export import export
from kgan.serving.saved import SavedGenerator
from kgan.serving.server_files import MOUNTED, write_models_config
from kgan.serving.show import show

__all__ = [
    "MOUNTED",
    "SavedGenerator",
    "ServedGenerator",
    "export",
    "show",
    "write_models_config",
]
