"""SavedModels as generators in Python."""

import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from kgan import names
from kgan.errors import InputError
from kgan.models.seeds import check_seeds, checked_rows, in_batches, seed_latents


def signatures(path: str | Path) -> dict[str, SignatureDef]:
    """Returns a SavedModel's endpoints by name, without loading it; none if it is unreadable.

    Args:
        path: The version's folder, holding saved_model.pb.
    """
    graph = saved_model_pb2.SavedModel()
    try:
        graph.ParseFromString((Path(path) / "saved_model.pb").read_bytes())
    except (OSError, DecodeError):
        return {}
    found = {
        name: value for meta in graph.meta_graphs for name, value in meta.signature_def.items()
    }
    found.pop("__saved_model_init_op", None)  # TensorFlow's own
    return found


def versions(folder: Path) -> list[Path]:
    """Returns the folders of a model's versions, the newest last; none that cannot be looked into.

    Args:
        folder: The model's.
    """
    try:
        numbers = {path: names.number(path.name) for path in folder.iterdir()}
    except OSError:
        return []
    found = [path for path in numbers if numbers[path] is not None and is_saved_model(path)]
    return sorted(found, key=lambda path: (numbers[path], path.name))


def is_saved_model(path: str | Path) -> bool:
    """Returns whether a folder has what a SavedModel must have."""
    return os.path.isfile(Path(path) / "saved_model.pb")


class SavedGenerator:
    """A generator read back from a SavedModel, with `sample` and `generate` as a GAN's.

    Args:
        path: The version's folder, holding saved_model.pb.

    Raises:
        InputError: It cannot be read, or holds no generator.
    """

    def __init__(self, path: str | Path):
        try:
            self._model = tf.saved_model.load(str(path))
            self._call = self._model.signatures["generate"]
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"{path} holds no generator ({reason}): expected a SavedModel made by `kgan train` "
                "or `kgan export`."
            ) from error
        self.latent_dim = self._call.structured_input_signature[1]["latents"].shape[1]

    def generate(self, latents) -> np.ndarray:
        """Returns what the generator makes of float32 latents `(n, latent_dim)`.

        Raises:
            InputError: None are given, of another size, or with NaN or infinity.
        """

        def call(chunk):
            (outputs,) = self._call(latents=tf.constant(chunk)).values()
            return outputs

        return in_batches(call, checked_rows("Latents", latents, self.latent_dim))

    def sample(self, seeds) -> np.ndarray:
        """Returns one image a seed: see `GAN.sample`."""
        return self.generate(seed_latents(check_seeds(seeds), self.latent_dim))
