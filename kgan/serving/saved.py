"""SavedModels as generators in Python."""

import os
import re
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from kgan import names
from kgan.errors import InputError
from kgan.models.labels import MANY_CLASSES, asked_labels
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

    Attributes:
        latent_dim: Dimensions of a latent.
        conditional: Whether it takes labels of classes.

    Raises:
        InputError: It cannot be read, or holds no generator.
    """

    def __init__(self, path: str | Path):
        try:
            self._model = tf.saved_model.load(str(path))
            self._generate = self._model.signatures["generate"]
            inputs = self._generate.structured_input_signature[1]
            self.conditional = "labels" in inputs
            # Labels are drawn in it alone.
            self._sample = self._model.signatures["sample"] if self.conditional else None
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"{path} holds no generator ({reason}): expected a SavedModel made by `kgan train` "
                "or `kgan export`."
            ) from error
        self.latent_dim = inputs["latents"].shape[1]

    def generate(self, latents, labels=None) -> np.ndarray:
        """Returns what the generator makes of float32 latents `(n, latent_dim)`.

        Args:
            latents: Finite numbers.
            labels: Of a generator with classes: one integer from 0 for all, or `(n,)` of them.

        Raises:
            InputError: None are given, of another size, or with NaN or infinity; labels out of
                range, of a generator without classes, or none of one with them.
        """
        latents = checked_rows("Latents", latents, self.latent_dim)
        return self._called(self._generate, {"latents": latents}, labels, least=0)

    def sample(self, seeds, labels=None) -> np.ndarray:
        """Returns one image a seed: see `GAN.sample`.

        Args:
            seeds: Integers `(n,)` from 0 to 2^63 - 1.
            labels: As of `generate`; -1, or None for all, is drawn from the seed, by class
                frequency.

        Raises:
            InputError: A seed out of range, or none; or labels as of `generate`.
        """
        seeds = check_seeds(seeds)
        if not self.conditional:
            return self.generate(seed_latents(seeds, self.latent_dim), labels)
        labels = -1 if labels is None else labels
        return self._called(self._sample, {"seeds": seeds}, labels, least=-1)

    def _called(self, endpoint, rows, labels, least):
        (count,) = map(len, rows.values())
        labels = asked_labels(labels, count, MANY_CLASSES if self.conditional else None, least)
        inputs = rows if labels is None else {**rows, "labels": labels}

        def call(*chunks):
            given = {name: tf.constant(chunk) for name, chunk in zip(inputs, chunks, strict=True)}
            (outputs,) = endpoint(**given).values()
            return outputs

        try:
            return in_batches(call, *inputs.values())
        except tf.errors.InvalidArgumentError as error:
            # How many classes there are is known in the graph alone.
            if found := re.search(r"labels: (expected [^\]\n]*)", str(error)):
                raise InputError(f"A label is {labels.max()}: {found[1]}.") from error
            raise
