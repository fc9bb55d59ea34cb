"""Models that make images from latents, of classes too."""

import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import ArrayLike

from kgan.models.counted import CountedModel
from kgan.models.labels import asked_labels, joined
from kgan.models.seeds import check_seeds, checked_rows, in_batches, seed_labels, seed_latents


class GenerativeModel(CountedModel):
    """A model whose `call` makes examples of latents, or of latents and labels.

    A subclass has a `latent_dim`, and `num_classes` and `class_frequencies`, None without classes.
    """

    def to_images(self, outputs: tf.Tensor) -> tf.Tensor:
        """Returns what the generator made as uint8 images; points in the plane stay float32."""
        if self._points:
            return outputs
        low, high = self.value_range
        scaled = (ops.cast(outputs, "float32") - low) * (255 / (high - low))
        return ops.cast(ops.round(ops.clip(scaled, 0, 255)), "uint8")

    @tf.function(autograph=False, reduce_retracing=True)
    def _generate(self, latents, labels=None):
        return self.to_images(self.call(joined(latents, labels)))

    def generate(self, latents: ArrayLike, labels: ArrayLike | None = None) -> np.ndarray:
        """Returns what the moving-average generator makes of float32 latents `(n, latent_dim)`.

        Args:
            latents: Finite numbers.
            labels: Of a model with classes: one integer from 0 to `num_classes - 1` for all, or
                `(n,)` of them.

        Returns:
            uint8 `(n, height, width, channels)`; float32 `(n, 2)` for points in the plane.

        Raises:
            InputError: None are given, of another size, or with NaN or infinity; or labels as
                `asked_labels` refuses them.
        """
        latents = checked_rows("Latents", latents, self.latent_dim)
        labels = asked_labels(labels, len(latents), self.num_classes)
        return in_batches(self._generate, latents, *([] if labels is None else [labels]))

    def sample(self, seeds: ArrayLike, labels: ArrayLike | None = None) -> np.ndarray:
        """Returns one image a seed, as `generate` does: image i depends on seed and label i alone.

        The latent to the bit, the image up to rounding, which may move a pixel by one level.

        Args:
            seeds: Integers `(n,)` from 0 to 2^63 - 1.
            labels: Of a model with classes: as of `generate`; -1, or None for all, is drawn from
                the seed by class frequency.

        Raises:
            InputError: A seed out of range, or none; or labels as `asked_labels` refuses them.
        """
        seeds = check_seeds(seeds)
        if self.num_classes is not None:
            labels = -1 if labels is None else labels
        labels = asked_labels(labels, len(seeds), self.num_classes, least=-1)
        if labels is not None:
            assert self.class_frequencies is not None, "every model with classes has them"
            drawn = seed_labels(seeds, self.class_frequencies).numpy()
            labels = np.where(labels < 0, drawn, labels)
        return self.generate(seed_latents(seeds, self.latent_dim), labels)
