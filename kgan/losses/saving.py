"""Objectives in what Keras saves; apart, so that their names can be listed without Keras."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import keras

from kgan.errors import InputError
from kgan.losses import Objective, adversarial, penalties

keras.saving.register_keras_serializable("kgan")(Objective)
for _module in (adversarial, penalties):
    for _, _function in inspect.getmembers(_module, inspect.isfunction):
        keras.saving.register_keras_serializable("kgan")(_function)


def serialized(function: Callable) -> Any:
    """Returns what Keras saves of a function.

    Raises:
        InputError: It is not registered with Keras, which could not find it again.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Keras, on lambdas, which are refused
            config = keras.saving.serialize_keras_object(function)
        found = keras.saving.deserialize_keras_object(config)
    except (TypeError, ValueError):
        found = None
    if found is None or (inspect.isfunction(function) and found is not function):
        raise InputError(
            f"The objective's {getattr(function, '__name__', function)} cannot be saved: make it a "
            'function with @keras.saving.register_keras_serializable("my_package") above it, or '
            "save the weights alone, by save_weights."
        )
    return config


def deserialized(config: Any) -> Any:
    """Returns what `serialized` was given, of a structure of such configurations too."""
    return keras.saving.deserialize_keras_object(config)
