"""Three digits as the channels of one image: a thousand modes that can be counted."""

import numpy as np

from kgan import memory
from kgan.data.examples import Column, Examples
from kgan.data.space import IMAGES

NAME = "stacked-mnist"
DIGITS = 3


def stack(digits: Examples, split: str) -> Examples:
    """Returns images whose red, green and blue are random digits (Metz et al. 2017, 3.3.1).

    As many as there are digits, each channel drawn from all of them, always alike. The label is
    the number that the digits spell, red first.

    Args:
        digits: uint8 images `(n, height, width, 1)` with the labels 0 to 9.
        split: Of the set that they are of; those of its test are drawn apart.
    """
    count = len(digits)
    shape = (count, *digits.image_shape[:2], DIGITS)
    memory.require(2 * int(np.prod(shape)), NAME, "choose another data set")
    rng = np.random.default_rng([0, split.startswith("test")])
    rows = rng.integers(count, size=(DIGITS, count))
    pixels, own = np.asarray(digits.images[:])[..., 0], np.asarray(digits.labels)
    images = np.empty(shape, np.uint8)
    labels = np.zeros(count, np.int32)
    for channel, chosen in enumerate(rows):
        images[..., channel] = pixels[chosen]
        labels = 10 * labels + own[chosen]
    names = tuple(f"{number:0{DIGITS}}" for number in range(10**DIGITS))
    columns = {"label": Column(labels, names)}
    return Examples(images, columns, IMAGES, NAME, test_size=digits.test_size)
