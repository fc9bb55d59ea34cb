"""Differentiable augmentation of what a discriminator sees (Zhao et al. 2020, DiffAugment).

Real and generated images alike are changed at random before the discriminator judges them, and the
generator's gradient passes through the changes: the discriminator cannot learn few images by heart,
and the generator learns the images as they are. Every change is linear in the image, but for the
draws, so that gradients of any order exist.
"""

from collections.abc import Sequence

import tensorflow as tf

from kgan.models import AUGMENTATIONS, check_augmentations
from kgan.models.step import Noise

SHIFTED = 8  # images are moved by up to this part of their sides
CUT = 2  # squares of this part of their sides are cut out


def flip(x, draws):
    """Mirrors half of the images left to right."""
    return tf.where(_per_image(draws[:, 0] < 0.5), tf.reverse(x, [2]), x)


def color(x, draws):
    """Adds U(-1/2, 1/2), scales the saturation by U(0, 2) and the contrast by U(1/2, 3/2)."""
    brightness, saturation, contrast = (_per_image(draws[:, i]) for i in range(3))
    x = x + (brightness - 0.5)
    mean = tf.reduce_mean(x, 3, keepdims=True)
    x = (x - mean) * (2 * saturation) + mean
    mean = tf.reduce_mean(x, (1, 2, 3), keepdims=True)
    return (x - mean) * (contrast + 0.5) + mean


def translation(x, draws):
    """Moves by whole pixels, up to an eighth of each side, and fills with 0."""
    for axis in (1, 2):
        size = x.shape[axis]
        most = size // SHIFTED
        shift = _whole(draws[:, axis - 1], 2 * most + 1) - most
        # As a product: its gradients, of any order, are products too.
        places = tf.range(size)
        source = places[None, :, None] - shift[:, None, None]
        moves = tf.cast(places[None, None, :] == source, x.dtype)
        x = tf.einsum("nij,njwc->niwc" if axis == 1 else "nij,nhjc->nhic", moves, x)
    return x


def cutout(x, draws):
    """Sets a square of half the sides to 0, its centre anywhere in the image."""
    kept = []
    for axis in (1, 2):
        size = x.shape[axis]
        cut = (size + 1) // CUT
        first = _whole(draws[:, axis - 1], size + 1 - cut % 2) - cut // 2
        places = tf.range(size)[None] - first[:, None]
        kept.append((places < 0) | (places >= cut))
    return tf.where(kept[0][:, :, None, None] | kept[1][:, None, :, None], x, tf.zeros_like(x))


def _per_image(values):
    return values[:, None, None, None]


def _whole(draws, count):
    """Returns whole numbers from 0 to `count - 1`."""
    return tf.minimum(tf.cast(draws * count, tf.int32), count - 1)


class Augmentation:
    """Augmentations one after another.

    Args:
        names: Of `AUGMENTATIONS`.
        value_range: What images span; the augmentations are those of [-1, 1].

    Attributes:
        names: As given.
        draws: How many uniform numbers an image needs.

    Raises:
        InputError: One is not known, or stands there twice.
    """

    def __init__(self, names: Sequence[str], value_range: tuple[float, float] = (-1.0, 1.0)):
        check_augmentations(names)
        self.names = tuple(names)
        self.draws = sum(1 + AUGMENTATIONS.lines[name].draws for name in names)
        low, high = value_range
        self._middle, self._half = (low + high) / 2, (high - low) / 2

    def drawn(self, noise: Noise, name: str) -> tf.Tensor | None:
        """Returns the draws of a batch; None without augmentations.

        Args:
            noise: Of the step.
            name: Of the images.
        """
        return noise.uniform(f"augment {name}", self.draws) if self.draws else None

    def __call__(
        self, images: tf.Tensor, draws: tf.Tensor | None, strength: float | tf.Tensor = 1.0
    ) -> tf.Tensor:
        """Returns images, each changed by its own draws.

        Args:
            images: `(batch, height, width, channels)` in the value range; unbounded afterwards.
            draws: `(batch, self.draws)` uniform in [0, 1); None leaves images as they are.
            strength: From 0 to 1, with which probability each augmentation changes an image.
        """
        if draws is None:
            return images
        x, first = (images - self._middle) / self._half, 0
        for name in self.names:
            change = AUGMENTATIONS[name]
            own = draws[:, first : first + 1 + change.draws]
            x = tf.where(_per_image(own[:, 0] < strength), change.function(x, own[:, 1:]), x)
            first += 1 + change.draws
        return x * self._half + self._middle
