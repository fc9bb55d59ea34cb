"""Networks that train in 16 bits, computing in float32."""

from collections.abc import Iterator
from typing import Any

import keras

from kgan.layers import SpectralNormalization


def all_layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yields a network and its layers, those within networks and layers among them too."""
    return network._flatten_layers()


def as_float32(model: keras.Model) -> keras.Model:
    """Returns a copy of a functional model that computes in float32, with the same weights."""

    def in_float32(original):
        if type(original) is keras.layers.Lambda:
            return _lambda_in_float32(original)
        dtype = {"dtype": "float32"} if isinstance(original, keras.layers.Layer) else {}
        return type(original).from_config({**original.get_config(), **dtype})

    copy = keras.models.clone_model(model, clone_function=in_float32, recursive=True)
    copy.set_weights(model.get_weights())
    return copy


def as_served(model: keras.Model) -> keras.Model:
    """Returns what `as_float32` does for a model that trains no more: kernels stand divided."""
    copy = as_float32(model)
    for layer in all_layers(copy):
        if isinstance(layer, SpectralNormalization):
            layer.divide()
    return copy


def _lambda_in_float32(layer):
    # By its configuration Keras would not find its function again.
    return keras.layers.Lambda(
        layer.function,
        output_shape=layer._output_shape,
        mask=layer.mask,
        arguments=layer.arguments,
        name=layer.name,
        dtype="float32",
    )


def in_float32(network: keras.Model, inputs: Any) -> Any:
    """Returns `network(inputs)` in inference mode and float32, whatever it trains in.

    The layers' own policies are set aside for the call, or while a graph is traced. So the
    variables are those that train, in a graph too: a copy would go stale with the next update or
    restored checkpoint.

    Args:
        network: A functional model.
        inputs: What it takes, float32.
    """
    policies = [(layer, layer.dtype_policy) for layer in all_layers(network)]
    try:
        for layer, _ in policies:
            layer.dtype_policy = "float32"
        return network(inputs, training=False)
    finally:
        for layer, policy in policies:
            layer.dtype_policy = policy
