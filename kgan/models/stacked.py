"""A stack of autoencoders, trained greedily, one layer after another (Bengio et al. 2007)."""

import itertools

import keras
import tensorflow as tf

from kgan.errors import InputError, unknown
from kgan.models.autoencoder import Autoencoder, check_fit
from kgan.models.callbacks import check_repeated, given, listed
from kgan.models.optimizers import Optimizers, refuse_averages
from kgan.models.schedules import of_optimizer
from kgan.models.step import built_optimizer

CODE_ACTIVATIONS = {"bernoulli": "sigmoid", "squared_error": "relu"}


@keras.saving.register_keras_serializable("kgan")
class StackedAutoencoder(Autoencoder):
    """A deep autoencoder whose layers are trained one after another, each to reconstruct its input.

    Layer l is `encoders[l]` and `decoders[l]`, an autoencoder of the codes that the trained layers
    below give to clean images. With a corruption each layer is a denoising autoencoder: its own
    input is corrupted while it trains, and that alone (Vincent et al. 2010, section 3.5).

    `fit` trains every layer, `fit_layer` one; both log the layer's own `loss` and `mse`, compared
    with its own clean input. All else, `evaluate` and its val_loss too, is of the whole: all
    encoders, then all decoders, as of `Autoencoder`. Each layer has its own copy of the
    optimizer given to `compile`; `step` counts the updates of all.

    Args:
        encoders: The lowest first. `encoders[0]` takes `(batch, *image_shape)` in [0, 1], each
            other one the codes `(batch, width)` of the one below.
        decoders: `decoders[l]` goes back from the codes of `encoders[l]` to its input: logits or
            values, as of the layer's likelihood, without activation.
        likelihood: Of the images: "bernoulli" or "squared_error".
        corruption: As of `Autoencoder`; it is applied to codes as to pixels.
        code_likelihood: Of the codes that `decoders[1:]` reconstruct: "bernoulli" for sigmoid
            codes, whose decoders give logits and are followed by a sigmoid when unrolled;
            "squared_error" for ReLU codes, whose decoders are followed by a ReLU.
        seed: Seeds the corruption.
        **kwargs: Passed to `keras.Model`.

    Raises:
        InputError: An unknown likelihood, or layers that do not fit each other.
    """

    def __init__(
        self,
        encoders: list[keras.Model],
        decoders: list[keras.Model],
        likelihood: str = "bernoulli",
        corruption=None,
        code_likelihood: str = "bernoulli",
        seed: int = 0,
        **kwargs,
    ):
        encoders, decoders = list(encoders), list(decoders)
        if code_likelihood not in CODE_ACTIVATIONS:
            raise unknown("code likelihood", code_likelihood, CODE_ACTIVATIONS)
        _check_layers(encoders, decoders)
        activation = CODE_ACTIVATIONS[code_likelihood]
        whole = _unrolled(encoders, decoders, activation)
        super().__init__(*whole, likelihood, corruption, seed, **kwargs)
        self.encoders, self.decoders = encoders, decoders
        self.code_likelihood = code_likelihood
        self._code_activation = keras.activations.get(activation)
        self.layer = 0

    @property
    def depth(self) -> int:
        """The number of layers."""
        return len(self.encoders)

    def _check_optimizer(self, optimizer):
        refuse_averages(optimizer)

    def _prepare(self, optimizer):
        kind = type(optimizer)
        self._layer_optimizers = [
            built_optimizer(kind.from_config(optimizer.get_config()), encoder, decoder)
            for encoder, decoder in zip(self.encoders, self.decoders, strict=True)
        ]
        self.train_layer(self.layer)

    def scheduled(self):
        return of_optimizer(self._layer_optimizers[self.layer])

    @property
    def optimizers(self) -> tuple[keras.optimizers.Optimizer, ...]:
        """The built optimizers, one a layer, after `compile`."""
        return tuple(self._layer_optimizers)

    def truncated(self, depth: int) -> Autoencoder:
        """Returns the autoencoder of the lowest layers, which shares their weights.

        Args:
            depth: Its number of layers, from 1 to `self.depth`.

        Raises:
            InputError: There are not as many.
        """
        if not 1 <= depth <= self.depth:
            raise InputError(f"depth is {depth}: expected 1 to {self.depth}.")
        lowest = _unrolled(self.encoders[:depth], self.decoders[:depth], self._code_activation)
        return Autoencoder(*lowest, self.likelihood, self.corruption, self.seed)

    def train_layer(self, layer: int) -> None:
        """Chooses the layer that a training step trains from now on.

        Args:
            layer: From 0, the lowest, to `depth - 1`.

        Raises:
            InputError: There is no such layer.
        """
        if not 0 <= layer < self.depth:
            raise InputError(f"Layer {layer}: expected 0 to {self.depth - 1}.")
        self.layer = layer
        if self.compiled:
            # Keras's callbacks act on `optimizer`; its training function was traced for one layer.
            self.optimizer = Optimizers(self._layer_optimizers[layer])
            self.train_function = None

    def fit_layer(self, layer: int, *args, **kwargs) -> keras.callbacks.History:
        """Trains one layer as `keras.Model.fit` does, and no other.

        Args:
            layer: From 0, the lowest, to `depth - 1`; those below should be trained.
            *args: Of `keras.Model.fit`.
            **kwargs: Of `keras.Model.fit`.

        Raises:
            InputError: There is no such layer.
        """
        self.train_layer(layer)
        return super().fit(*args, **kwargs)

    def fit(self, *args, **kwargs) -> list[keras.callbacks.History]:
        """Trains all layers, the lowest first, each for `epochs`.

        Args:
            *args: Of `keras.Model.fit`, which is called once a layer: data must be readable as
                often, and callbacks see as many trainings.
            **kwargs: Of `keras.Model.fit`.

        Returns:
            The history of each layer.
        """
        if self.depth > 1:
            check_repeated(listed(given(keras.Model.fit, args, kwargs).get("callbacks")))
        return [self.fit_layer(layer, *args, **kwargs) for layer in range(self.depth)]

    def _update(self, x, labels):
        for encoder in self.encoders[: self.layer]:
            x = encoder(x, training=False)
        lowest = self.layer == 0
        return self._train(
            tf.stop_gradient(x),
            self.encoders[self.layer],
            self.decoders[self.layer],
            self._layer_optimizers[self.layer],
            self.likelihood if lowest else self.code_likelihood,
            self._reconstruction if lowest else self._code_activation,
        )

    def get_config(self):
        config = super().get_config()
        del config["encoder"], config["decoder"]
        serialize = keras.saving.serialize_keras_object
        return {
            **config,
            "encoders": [serialize(network) for network in self.encoders],
            "decoders": [serialize(network) for network in self.decoders],
            "code_likelihood": self.code_likelihood,
        }

    def get_compile_config(self):
        config = super().get_compile_config()
        return config and {**config, "layer": self.layer}

    def compile_from_config(self, config):
        super().compile_from_config({k: v for k, v in config.items() if k != "layer"})
        self.train_layer(config["layer"])


def _check_layers(encoders, decoders):
    if not encoders or len(encoders) != len(decoders):
        raise InputError(
            f"Received {len(encoders)} encoders and {len(decoders)} decoders: expected one of each "
            "a layer."
        )
    for encoder, decoder in zip(encoders, decoders, strict=True):
        check_fit(encoder, decoder)
    for below, above in itertools.pairwise(encoders):
        if below.output_shape != above.input_shape:
            raise InputError(
                f"An encoder gives {below.output_shape[1:]} and the one above takes "
                f"{above.input_shape[1:]}: build them for each other, the lowest first."
            )


def _unrolled(encoders, decoders, activation) -> tuple[keras.Model, keras.Model]:
    """Returns all encoders as one network, and all decoders, which share their weights."""
    return _chain(encoders, "encoder"), _chain(decoders[::-1], "decoder", between=activation)


def _chain(networks, name, between=None):
    """Returns the functional model that calls one network after another, sharing their weights."""
    inputs = keras.Input(networks[0].input_shape[1:])
    x = networks[0](inputs)
    for network in networks[1:]:
        if between:
            x = keras.layers.Activation(between, dtype="float32")(x)
        x = network(x)
    return keras.Model(inputs, x, name=name)
