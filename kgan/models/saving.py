"""Models that Keras saves and loads with all that training changes."""

import os
from typing import Any

import keras

from kgan.errors import InputError


def check_path(path: str | os.PathLike) -> None:
    """Raises an InputError if a whole model cannot be saved there."""
    if str(path).endswith((".h5", ".hdf5")):
        raise InputError(
            f"{path}: HDF5 files cannot hold a model of several networks. Save the model as .keras,"
            " or its weights as .weights.h5, by save_weights."
        )


class SavableModel(keras.Model):
    """A model that trains on to the bit once it is loaded, whole or its weights alone.

    A subclass has `networks`, `optimizers`, `step` and, if it needs them, `extra_variables`: with
    its metrics that is all that training changes. Its `compile` keeps the keyword arguments for
    Keras as `_keras_arguments`, and `_compile_arguments()` returns the others.
    """

    @property
    def seed_variables(self) -> list[keras.Variable]:
        """What the networks' random layers, such as dropout, count on; no weights."""
        found = []
        for network in self.networks:
            weights = {id(variable) for variable in network.weights}
            found += [variable for variable in network.variables if id(variable) not in weights]
        return found

    @property
    def extra_variables(self) -> list[keras.Variable]:
        """Trained variables outside the networks."""
        return []

    def save(self, filepath, *args, **kwargs):
        """Saves the model whole, as `keras.Model.save` does.

        Args:
            filepath: Ends in `.keras`.
            *args: Of `keras.Model.save`.
            **kwargs: Of `keras.Model.save`.

        Raises:
            InputError: The file would be HDF5, or a part of the model cannot be saved.
        """
        check_path(filepath)
        keras.saving.serialize_keras_object(self)  # Raises before a file is opened.
        super().save(filepath, *args, **kwargs)

    def load_weights(self, filepath, *args, **kwargs):
        """Loads what `save_weights` or `save` wrote, as `keras.Model.load_weights` does.

        Args:
            filepath: Ends in `.weights.h5` or `.keras`.
            *args: Of `keras.Model.load_weights`.
            **kwargs: Of `keras.Model.load_weights`.

        Raises:
            InputError: The file is a whole model in HDF5.
        """
        if not str(filepath).endswith(".weights.h5"):
            check_path(filepath)
        super().load_weights(filepath, *args, **kwargs)

    def save_own_variables(self, store):
        super().save_own_variables(store)
        for name, state in self._named_seeds():
            store[name] = state

    def load_own_variables(self, store):
        # Keras's store does not iterate.
        saved = {name: store[name] for name in store.keys()}  # noqa: SIM118
        seeds = dict(self._named_seeds())
        super().load_own_variables({k: v for k, v in saved.items() if not k.startswith("seed_")})
        for name in seeds.keys() & saved.keys():
            seeds[name].assign(saved[name])

    def _named_seeds(self):
        return [(f"seed_{number}", state) for number, state in enumerate(self.seed_variables)]

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns what `compile` was given, for Keras."""
        if self.compiled:
            arguments = {**self._keras_arguments, **self._compile_arguments()}
            return keras.saving.serialize_keras_object(arguments)
        return None

    def compile_from_config(self, config: dict[str, Any]):
        """Compiles as `get_compile_config` was told.

        Raises:
            InputError: The file is of a version that did not save it.
        """
        if "weighted_metrics" in config:
            raise InputError(
                "The model was saved without its optimizers, by an earlier KGAN: load it with "
                "compile=False, then compile it."
            )
        self.compile(**keras.saving.deserialize_keras_object(config))
