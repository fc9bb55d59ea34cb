"""Which of Keras's callbacks can do their work on a model: what cannot is told before training."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.callbacks import (
    BackupAndRestore,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    SwapEMAWeights,
)

from kgan.errors import InputError
from kgan.models.saving import check_path

# Elsewhere Keras would know from its own metrics which way is better.
BETTER = {"loss": "min", "mse": "min", "reconstruction": "min", "accuracy": "max", "elbo": "max"}


def given(method: Callable, args: Sequence, kwargs: dict) -> dict[str, Any]:
    """Returns by their names the arguments that a method of `keras.Model` was given."""
    return inspect.signature(method).bind(None, *args, **kwargs).arguments


def listed(callbacks: Any) -> list:
    """Returns as a list what `fit` takes as callbacks."""
    return tf.nest.flatten(getattr(callbacks, "callbacks", callbacks) or [])


def check_callbacks(model: keras.Model, arguments: dict[str, Any]) -> None:
    """Raises an InputError if a callback could not do its work.

    Those that ask which way a metric is better are told.

    Args:
        model: Compiled.
        arguments: Those of `fit`, by name.
    """
    callbacks = listed(arguments.get("callbacks"))
    validates = arguments.get("validation_data") is not None or arguments.get("validation_split")
    names = [metric.name for metric in model.metrics]
    names += [f"val_{name}" for name in names] if validates else []
    # Others may add to what is logged.
    known = not any(_is_own(callback) for callback in callbacks)
    for callback in callbacks:
        if isinstance(callback, LearningRateScheduler | ReduceLROnPlateau):
            _check_rates(model, callback)
        if isinstance(callback, EarlyStopping | ReduceLROnPlateau | ModelCheckpoint):
            _check_monitor(model, callback, names if known else None)
        if isinstance(callback, ModelCheckpoint) and not callback.save_weights_only:
            check_path(callback.filepath)
            keras.saving.serialize_keras_object(model)  # Raises what saving would.
        if isinstance(callback, SwapEMAWeights) and not _averages(model.optimizer):
            raise InputError(
                "SwapEMAWeights needs an optimizer with use_ema=True, and this "
                f"{type(model).__name__} has none: leave it out."
            )
        if type(callback).__name__ == "OrbaxCheckpoint":
            raise InputError(
                "OrbaxCheckpoint needs variables of different names, which several networks do not "
                "have: take ModelCheckpoint, or BackupAndRestore."
            )


def check_repeated(callbacks: Sequence) -> None:
    """Raises an InputError if a callback would undo its own work in a second training.

    Args:
        callbacks: Those given to the `fit` of several layers, one after another.
    """
    for callback in callbacks:
        wrong = None
        if isinstance(callback, BackupAndRestore):
            wrong = "cannot tell which layer it stopped in"
        elif isinstance(callback, CSVLogger) and not callback.append:
            wrong = "writes its file anew for every layer: pass append=True"
        elif getattr(callback, "save_best_only", False) and callback.monitor[:4] != "val_":
            wrong = f"compares the {callback.monitor} of different layers"
        if wrong:
            raise InputError(f"{type(callback).__name__} {wrong}, or train by fit_layer.")


def _is_own(callback):
    keras_has_it = type(callback).__module__.startswith("keras.")
    return not keras_has_it or isinstance(callback, LambdaCallback)


def _averages(optimizer):
    return getattr(getattr(optimizer, "inner_optimizer", optimizer), "use_ema", False)


def _check_rates(model, callback):
    for optimizer in model.optimizers:
        if not isinstance(optimizer.learning_rate, keras.Variable):
            raise InputError(
                f"{type(callback).__name__} sets the learning rate, and the optimizer "
                f"{optimizer.name} has a schedule: compile it with a number."
            )


def _check_monitor(model, callback, names):
    kind, monitor = type(callback).__name__, callback.monitor
    reads = not isinstance(callback, ModelCheckpoint) or callback.save_best_only
    if reads and monitor == "loss" and all(metric.name != "loss" for metric in model.metrics):
        raise InputError(
            f"{kind} monitors 'loss', which of a {type(model).__name__} is no measure of quality: "
            "take another, or one that a callback of your own logs."
        )
    if reads and names is not None and monitor not in names:
        raise InputError(
            f"{kind} monitors {monitor!r}, which this {type(model).__name__} does not log: "
            f"expected one of {', '.join(names)}; those with val_ need validation_data."
        )
    if getattr(callback, "mode", None) == "auto":
        callback.mode = BETTER.get(monitor.removeprefix("val_"), "auto")
        if callback.mode == "auto" and callback.monitor_op is None:
            raise InputError(
                f"{kind} monitors {monitor!r}, of which neither way is better as such: pass "
                "mode='min' or mode='max'."
            )
