"""Asking a discriminator."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from kgan.models.images import checked
from kgan.models.labels import asked_labels, joined
from kgan.models.precision import in_float32
from kgan.models.seeds import in_batches


class Judge:
    """A model with a `discriminator`, which takes labels where there are `num_classes`."""

    discriminator: keras.Model
    image_shape: tuple[int, ...]
    num_classes: int | None
    to_range: Any
    _points: bool

    @tf.function(autograph=False, reduce_retracing=True)
    def _discriminate(self, images, labels=None):
        return in_float32(self.discriminator, joined(self.to_range(images), labels))

    def discriminate(self, images: ArrayLike, labels: ArrayLike | None = None) -> np.ndarray:
        """Returns the discriminator's logits of images, computed in float32.

        Args:
            images: uint8 `(n, *image_shape)`, or floats in [0, 1]; finite points; n of 1 or more.
            labels: Of a model with classes: one integer from 0 to `num_classes - 1` for all, or
                `(n,)` of them.

        Returns:
            float32 `(n,)`; row i depends on image and label i alone, up to rounding.

        Raises:
            InputError: Images of another shape or type, or labels as `asked_labels` refuses them.
        """
        images = checked(np.asarray(images), self.image_shape, self._points)
        labels = asked_labels(labels, len(images), self.num_classes)
        return in_batches(self._discriminate, images, *([] if labels is None else [labels]))
