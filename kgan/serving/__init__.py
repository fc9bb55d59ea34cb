"""From trained models to what a server loads, and back."""

from kgan.serving.export import export
from kgan.serving.saved import SavedGenerator

__all__ = ["SavedGenerator", "export"]
