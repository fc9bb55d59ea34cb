"""What every model of KGAN has under `fit`: checked data, a count of its updates, means to log."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kgan.data.space import IMAGES
from kgan.errors import DataWarning, InputError
from kgan.models.batches import in_equal_parts
from kgan.models.callbacks import check_callbacks, given
from kgan.models.images import ROUNDING, checked, required, to_range, told
from kgan.models.labels import to_labels
from kgan.models.saving import SavableModel

FIRST_ROWS = 32
OTHER_TARGETS = (
    "Images were given with others as targets: expected images alone. To denoise, take a "
    "kgan.Autoencoder with a corruption"
)
COMPILED = ("run_eagerly", "steps_per_execution", "jit_compile")


def whole_number(name: str, value: Any) -> int:
    """Returns a count of 1 or more.

    Raises:
        InputError: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"{name} is {value!r}: expected 1 or more, a whole number.")
    return int(value)


def check_number(name: str, value: Any, below: float = np.inf) -> None:
    """Raises an InputError unless a value is a number of 0 or more, below another."""
    kinds = (int, float, np.integer, np.floating)
    if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value < below:
        end = f" and below {below:g}" if below < np.inf else ""
        raise InputError(f"{name} is {value!r}: expected a number, 0 or more{end}.")


class CountedModel(SavableModel):
    """A model that counts its updates and logs means over them.

    A subclass has an `image_shape` and a `value_range`, `num_classes` if it needs labels, calls
    `_count`, adds to `_means` and returns `_logs()` from what its steps do: `_update(x, labels)`
    and `_measure(x, labels)`, where x are images in its own range.

    Attributes:
        step: Updates so far, an int64 variable.
        accumulate: Pieces that a batch is computed in, after `compile`.
        parts_are: What makes up `parts`, in words.
        num_classes: How many classes the labels are of that it needs; None of a model that needs
            none, to which those that are given are of no use.
        class_frequencies: How often a model that draws labels draws each class; None of others.
    """

    accumulate = 1
    num_classes: int | None = None
    class_frequencies: tuple[float, ...] | None = None
    parts_are = "accumulate"

    def compile(self, **kwargs):
        """Compiles as Keras does, without what a model with losses of its own has no use for.

        What a subclass refuses it refuses before: from here on `fit` trains.

        Args:
            **kwargs: `run_eagerly`, `steps_per_execution` and `jit_compile`, passed on.

        Raises:
            InputError: Anything else.
        """
        extra = [name for name in kwargs if name not in COMPILED and kwargs[name] is not None]
        if extra:
            raise InputError(
                f"{type(self).__name__}.compile received {extra[0]}={kwargs[extra[0]]!r}: it has "
                f"losses and metrics of its own. Beside its own options it takes "
                f"{', '.join(COMPILED)}."
            )
        kwargs = {name: kwargs[name] for name in COMPILED if name in kwargs}
        replicas = self.distribute_strategy.num_replicas_in_sync
        if replicas > 1 and (kwargs.get("steps_per_execution") or 1) > 1:
            raise InputError(
                f"steps_per_execution is {kwargs['steps_per_execution']} with {replicas} replicas: "
                "expected 1, more is for one device."
            )
        super().compile(optimizer=None, **kwargs)
        self._keras_arguments = kwargs

    @property
    def parts(self) -> int:
        """What the rows of a batch must divide by, on each replica."""
        return self.accumulate

    def fit(self, *args, **kwargs) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does.

        Args:
            *args: Of `keras.Model.fit`.
            **kwargs: Of `keras.Model.fit`.

        Raises:
            InputError: A callback could not do its work on this model, examples are of another
                form or weighted, or no batch has the rows of a step.
        """
        arguments = given(keras.Model.fit, args, kwargs)
        if self.compiled:  # Else Keras says so.
            check_callbacks(self, arguments)
        held_out = keras.utils.unpack_x_y_sample_weight(arguments.get("validation_data"))
        weights = (arguments.get(name) for name in ("sample_weight", "class_weight"))
        self._refuse_weights(*weights, held_out[2])
        x = arguments.get("x")
        if isinstance(x, np.ndarray | tf.Tensor):
            # Before anything is traced, and for what XLA compiles: that sees no values.
            checked(x[:FIRST_ROWS] if len(x.shape) else x, self.image_shape, self._points)
            labels = arguments.get("y")
            if self.num_classes is not None and (labels is None or hasattr(labels, "dtype")):
                to_labels(labels, len(x), self.num_classes)
        self._warned_of_rows, before = False, int(self.step.numpy())
        history = super().fit(*args, **kwargs)
        if self._warned_of_rows and int(self.step.numpy()) == before:
            raise InputError(
                "Nothing was trained: no batch has the rows of a step. Give larger ones."
            )
        return history

    def evaluate(self, *args, **kwargs):
        """Evaluates as `keras.Model.evaluate` does.

        Args:
            *args: Of `keras.Model.evaluate`.
            **kwargs: Of `keras.Model.evaluate`.

        Raises:
            InputError: Examples are of another form, or weighted.
        """
        # Keras drops the weights of examples without labels.
        self._refuse_weights(given(keras.Model.evaluate, args, kwargs).get("sample_weight"))
        return super().evaluate(*args, **kwargs)

    def _refuse_weights(self, *weights):
        if any(given is not None for given in weights):
            raise InputError(
                f"{type(self).__name__} received sample or class weights: it weighs all examples "
                "alike. Leave them out."
            )

    def scheduled(self) -> dict[str, float]:
        """Returns by name what schedules come to at the next step, of what has one."""
        return {}

    def warn_of_rows(self, message: str) -> None:
        """Warns that rows are left out, once a `fit`."""
        if not getattr(self, "_warned_of_rows", False):
            self._warned_of_rows = True
            warnings.warn(message, DataWarning, stacklevel=2)

    @property
    def _points(self) -> bool:
        return not IMAGES.holds(self.image_shape)

    def to_range(self, images: Any) -> tf.Tensor:
        """Returns images, uint8 or floats in [0, 1], as float32 in `value_range`; points as is."""
        return to_range(images, self.image_shape, None if self._points else self.value_range)

    def train_step(self, data):
        return self._step(data, self._update)

    def test_step(self, data):
        return self._step(data, self._measure)

    def _step(self, data, what: Callable):
        images, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        self._refuse_weights(weights)
        x = self.to_range(images)
        labels = self._targets(labels, x)
        # Of a batch that is refused nothing is updated.
        with tf.control_dependencies([x] if labels is None else [x, labels]):
            return what(x, labels)

    def _targets(self, labels, x):
        """Returns what was given beside the images, looked at.

        Where no labels are needed other images are refused, which Keras's users give to denoise.
        """
        if self.num_classes is not None:
            return to_labels(labels, tf.shape(x)[0], self.num_classes)
        form = tf.TensorShape(getattr(labels, "shape", ()))
        alike = form.is_compatible_with(x.shape)
        if form.rank is None or form.rank < 2 or (form.rank == 2 and not alike):
            return None
        if not alike:
            raise InputError(f"{OTHER_TARGETS}.")
        low, high = self.value_range
        same = tf.reduce_all(tf.abs(self.to_range(labels) - x) <= ROUNDING * (high - low))
        with tf.control_dependencies(required(same, OTHER_TARGETS)):
            return tf.identity(labels)

    def make_train_function(self, force=False):
        if force or self.train_function is None:
            super().make_train_function(force)
            self.train_function = told()(in_equal_parts(self.train_function, self))

    def make_test_function(self, force=False):
        if force or self.test_function is None:
            super().make_test_function(force)
            self.test_function = told()(self.test_function)

    def make_predict_function(self, force=False):
        if force or self.predict_function is None:
            super().make_predict_function(force)
            self.predict_function = told()(self.predict_function)

    def _count(self, names: Iterable[str]) -> None:
        """Makes the counter and the means, once all else is built."""
        self.step = self.add_weight(
            shape=(), dtype="int64", initializer="zeros", trainable=False, name="step"
        )
        self._means = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True

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
