"""A softmax on top of an encoder, trained on labels."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from numpy.typing import ArrayLike

from kgan.errors import InputError
from kgan.models.adam import Adam
from kgan.models.counted import CountedModel
from kgan.models.images import check_value_range, checked
from kgan.models.players import check_functional
from kgan.models.precision import in_float32
from kgan.models.seeds import in_batches
from kgan.models.step import an_optimizer, built_optimizer, iterate_norms, minimize


@keras.saving.register_keras_serializable("kgan")
class Classifier(CountedModel):
    """An encoder under a dense softmax layer, trained whole (Hinton and Salakhutdinov 2006).

    The loss is the cross-entropy of the labels, -log p(y | x). Weights are float32 and so are the
    logits; between them the encoder computes in whatever its layers do.

    Images are uint8, or floats in [0, 1], and points finite floats: see `kgan.GAN`. Labels are
    integers from 0 to `num_classes - 1`, `(batch,)` or `(batch, 1)`.

    Args:
        encoder: A functional model from `(batch, *image_shape)` to `(batch, ...)`. Its layers
            become the classifier's: give a copy to keep it as it is.
        num_classes: Number of classes, 2 or more.
        class_names: One name a class; their numbers if empty.
        value_range: What the encoder takes images in: where black and white are.
        **kwargs: Passed to `keras.Model`.

    Raises:
        InputError: Fewer than two classes, names that are not one a class, or no range.
    """

    def __init__(
        self,
        encoder: keras.Model,
        num_classes: int,
        class_names: tuple[str, ...] = (),
        value_range: tuple[float, float] = (0.0, 1.0),
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_functional(encoder=encoder)
        if num_classes < 2:
            raise InputError(f"num_classes is {num_classes}: expected 2 or more.")
        self.class_names = tuple(class_names) or tuple(map(str, range(num_classes)))
        if len(self.class_names) != num_classes:
            raise InputError(
                f"{len(self.class_names)} class names for {num_classes} classes: expected one each."
            )
        self.encoder, self.num_classes = encoder, num_classes
        self.value_range = check_value_range(value_range)
        self.image_shape = tuple(encoder.input_shape[1:])
        codes = encoder.outputs[0]
        if len(codes.shape) > 2:
            codes = layers.Flatten(dtype="float32", name="flat_codes")(codes)
        head = layers.Dense(num_classes, dtype="float32", name="logits")
        self.network = keras.Model(encoder.inputs, head(codes), name="classifier")
        self._count(("loss", "accuracy"))

    @property
    def networks(self) -> tuple[keras.Model, ...]:
        """The Keras models whose weights are this model's."""
        return (self.network,)

    @property
    def optimizers(self) -> tuple[keras.optimizers.Optimizer, ...]:
        """The optimizers in use, after `compile`."""
        return (self.optimizer,)

    def compile(self, optimizer: keras.optimizers.Optimizer | str | dict | None = None, **kwargs):
        """Chooses the optimizer.

        Args:
            optimizer: One, its name or its configuration; default `kgan.models.Adam(1e-3)`.
            **kwargs: As of `kgan.GAN.compile`.

        Raises:
            InputError: No optimizer.
        """
        optimizer = an_optimizer(optimizer or Adam(1e-3))
        super().compile(**kwargs)
        self.optimizer = built_optimizer(optimizer, self.network)

    def _compile_arguments(self):
        return {"optimizer": self.optimizer}

    def _update(self, x, labels):
        def losses(inputs, labels):
            logits = self.network(inputs, training=True)
            return _cross_entropy(labels, logits), logits

        iterate_norms(self.network)
        variables = self.network.trainable_variables
        _, logits = minimize(losses, self.optimizer, variables, [x, labels])
        self.step.assign_add(1)
        return self._measured(labels, logits)

    def _measure(self, x, labels):
        return self._measured(labels, self.network(x, training=False))

    def _measured(self, labels, logits):
        hits = ops.equal(ops.cast(labels, "int64"), ops.cast(ops.argmax(logits, -1), "int64"))
        self._means["loss"].update_state(_cross_entropy(labels, logits))
        self._means["accuracy"].update_state(ops.cast(hits, "float32"))
        return self._logs()

    def call(self, images, training=False):
        """Returns probabilities float32 `(batch, num_classes)`."""
        return ops.softmax(self.network(self.to_range(images), training=training))

    def probabilities(self, images: tf.Tensor | np.ndarray) -> tf.Tensor:
        """Returns what `call` does, computed in float32 with the weights of now, in a graph too."""
        return ops.softmax(in_float32(self.network, self.to_range(images)))

    @tf.function(autograph=False, reduce_retracing=True)
    def _classify(self, images):
        return self.probabilities(images)

    def classify(self, images: ArrayLike) -> np.ndarray:
        """Returns the classes' probabilities, computed in float32.

        Args:
            images: uint8 `(n, *image_shape)`, or floats in [0, 1]; n of 1 or more.

        Returns:
            float32 `(n, num_classes)`; row i depends on image i alone, up to rounding.

        Raises:
            InputError: The images have another shape or type, or other values.
        """
        return in_batches(self._classify, checked(images, self.image_shape, self._points))

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "num_classes": self.num_classes,
            "class_names": self.class_names,
            "value_range": self.value_range,
        }

    @classmethod
    def from_config(cls, config):
        encoder = keras.saving.deserialize_keras_object(config["encoder"])
        return cls(**{**config, "encoder": encoder})


def _cross_entropy(labels, logits):
    """Returns -log p(label), float32 `(batch,)`."""
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
