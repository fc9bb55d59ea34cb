"""What every model of KGAN has under `fit`: a count of its updates, and means to log."""

from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

from kgan.errors import InputError
from kgan.models.callbacks import check_callbacks, check_path, given


def seed_states(network: keras.Model) -> list[keras.Variable]:
    """Returns what a network's random layers, such as dropout, count on; no weights."""
    weights = {id(variable) for variable in network.weights}
    return [variable for variable in network.variables if id(variable) not in weights]


class CountedModel(keras.Model):
    """A model that counts its updates and logs means over them.

    A subclass calls `_count`, adds to `_means` and returns `_logs()` from its steps. It has
    `networks`, `optimizers` and, for saving, `_compile_arguments()`. Saved whole (`save`, as
    `.keras`) or without its configuration (`save_weights`), it trains on to the bit.

    Attributes:
        step: Updates so far, an int64 variable.
        accumulate: Pieces that a batch is computed in, after `compile`.
    """

    def _count(self, names: Iterable[str]) -> None:
        """Makes the counter and the means, once all else is built."""
        self.step = self.add_weight(
            shape=(), dtype="int64", initializer="zeros", trainable=False, name="step"
        )
        self._means = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True

    def _compute_in(self, accumulate: int) -> None:
        """Keeps the number of pieces that a batch is computed in.

        Raises:
            InputError: It is not 1 or more.
        """
        if accumulate < 1:
            raise InputError(f"accumulate is {accumulate}: expected 1 or more.")
        self.accumulate = accumulate

    def fit(self, *args, **kwargs) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does.

        Args:
            *args: Of `keras.Model.fit`.
            **kwargs: Of `keras.Model.fit`.

        Raises:
            InputError: A callback could not do its work on this model.
        """
        if self.compiled:  # Else Keras says so.
            check_callbacks(self, *given(self, args, kwargs))
        return super().fit(*args, **kwargs)

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
        states = [state for network in self.networks for state in seed_states(network)]
        return [(f"seed_{number}", state) for number, state in enumerate(states)]

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns what `compile` was given, for Keras."""
        if self.compiled:
            arguments = {**self._keras_arguments, **self._compile_arguments()}
            return keras.saving.serialize_keras_object(arguments)

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

    @property
    def metrics(self):
        return list(self._means.values())

    def _logs(self) -> dict[str, tf.Tensor]:
        """Returns the means so far, as `fit` takes them."""
        # Keras cannot gather scalars from several workers.
        several = isinstance(
            tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy
        )
        shape = [1] if several else []
        return {name: tf.reshape(mean.result(), shape) for name, mean in self._means.items()}

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Builds nothing: it is built. Keras would average a batch first, over workers too."""
