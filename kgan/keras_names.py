"""Keras loads a file that names KGAN's classes once `kgan` was imported, though they were not.

Keras finds a class of others in its registry alone, where the class itself enters when its module
is imported, which takes Keras and TensorFlow. So that `import kgan` needs neither, a stand-in of
each class is registered: at once where Keras is imported already, else right after it will be.
"""

import importlib
import sys

PACKAGE = "kgan"
HOMES = {
    "GAN": "kgan.models",
    "Autoencoder": "kgan.models",
    "StackedAutoencoder": "kgan.models",
    "VAE": "kgan.models",
    "Classifier": "kgan.models",
    "Adam": "kgan.models",
    "MomentumSGD": "kgan.models",
    "Schedule": "kgan.models",
    "Objective": "kgan.losses.saving",
    "Corruption": "kgan.data.corrupt",
    "Basis": "kgan.layers",
    "BatchNormalization": "kgan.layers",
    "Bias": "kgan.layers",
    "ConditionalBatchNormalization": "kgan.layers",
    "Conv2D": "kgan.layers",
    "Conv2DTranspose": "kgan.layers",
    "Dropout": "kgan.layers",
    "Gate": "kgan.layers",
    "LabelEmbedding": "kgan.layers",
    "Maxout": "kgan.layers",
    "SpectralNormalization": "kgan.layers",
}


class _StandIn:
    """What Keras asks of a class whose name it read; the class takes this one's place by then."""

    def __init__(self, name: str):
        self._name = name

    def from_config(self, config):
        module = importlib.import_module(HOMES[self._name])
        return getattr(module, self._name).from_config(config)


class _AfterKeras:
    """Finds `keras` as the other finders do, and registers when it has been imported."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        others = [f for f in sys.meta_path if f is not self and hasattr(f, "find_spec")]
        spec = next(filter(None, (f.find_spec(name, path, target) for f in others)), None)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_register(module):
                load(module)
                sys.meta_path.remove(self)
                _register(module)

            spec.loader.exec_module = load_and_register
        return spec


def _register(keras) -> None:
    known = keras.saving.get_custom_objects()
    for name in HOMES:
        known.setdefault(f"{PACKAGE}>{name}", _StandIn(name))


def register() -> None:
    """Makes the names in `HOMES` known to Keras, without importing it."""
    if "keras" in sys.modules:
        _register(sys.modules["keras"])
    else:
        sys.meta_path.insert(0, _AfterKeras())
