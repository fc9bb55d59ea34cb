"""What every model of KGAN has under `fit`: a count of its updates, and means to log."""

from collections.abc import Iterable

import keras
import tensorflow as tf

from kgan.errors import InputError
from kgan.models.callbacks import check_callbacks, given
from kgan.models.saving import SavableModel


class CountedModel(SavableModel):
    """A model that counts its updates and logs means over them.

    A subclass calls `_count`, adds to `_means` and returns `_logs()` from its steps.

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
