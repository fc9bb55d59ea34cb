"""What every data source returns."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Examples:
    """A data set, read by index.

    Attributes:
        images: uint8 `(n, height, width, channels)` in memory or memory-mapped; the 2-D mixtures
            hold float32 points `(n, 2)`.
        labels: int32 `(n,)`, or None where there are none.
        class_names: One name a class, empty where there are no labels.
        name: Short name, used for run folders.
        test_size: How many examples the set's own test split has, none of them among these; 0 where
            there is none.
    """

    images: np.ndarray
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    name: str
    test_size: int = 0

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.images.shape[1:])
