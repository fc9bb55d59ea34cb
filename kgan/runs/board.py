"""What TensorBoard shows of a run."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from kgan.runs import folder


class Board:
    """Writes to a run's TensorBoard; what is written is whole when a call returns.

    Args:
        run_dir: The run's folder.
    """

    def __init__(self, run_dir: Path):
        self._path = run_dir / "tensorboard"
        with folder.writing(self._path):
            self._writer = tf.summary.create_file_writer(str(self._path))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Writes numbers by their names."""
        with folder.writing(self._path), self._writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
            self._writer.flush()

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Writes a uint8 `(height, width, 3)` image."""
        with folder.writing(self._path), self._writer.as_default(step=step):
            tf.summary.image(name, image[None])
            self._writer.flush()
