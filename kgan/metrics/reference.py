"""The real images that generated ones are scored against."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Labels:
    """Which class every real image is of.

    Attributes:
        names: One a class, two or more.
        train: Integers `(n,)` in [0, classes).
        validation: The same.
        test: The same; None where the test images have none.
        column: Of the data, which the classes are of; None where that is not known.
    """

    names: tuple[str, ...]
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray | None
    column: str | None = None


@dataclass(frozen=True)
class Data:
    """Real images.

    Attributes:
        name: The data set's.
        train: uint8 `(n, height, width, channels)`, read by slices: all but the next two.
        validation: The same.
        test: The same.
        labels: None where they have no classes.
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    labels: Labels | None = None

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image."""
        return tuple(self.test.shape[1:])
