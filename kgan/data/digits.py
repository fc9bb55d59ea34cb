"""The embedded data set: scikit-learn's handwritten digits, real, 8x8, no download."""

import numpy as np

from kgan.data.examples import Column, Examples
from kgan.data.space import IMAGES


def load() -> Examples:
    """Returns the 1,797 digits of the UCI test set (Alpaydin and Kaynak 1998) as `(n, 8, 8, 1)`."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    label = Column(bunch.target.astype(np.int32), tuple("0123456789"))
    return Examples(images, {"label": label}, IMAGES, "digits")
