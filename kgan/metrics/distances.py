"""Squared Euclidean distances between two sets, a block of rows at a time."""

from collections.abc import Iterator

import numpy as np

ELEMENTS = 2**24  # of one block: 64 MiB of float32


def squared_distances(
    rows: np.ndarray, columns: np.ndarray, centre: np.ndarray, dtype=np.float32
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields which rows, and their squared distances to all columns.

    |x - y|^2 = |x|^2 + |y|^2 - 2 x.y takes one matrix product, but cancels where points are nearer
    to each other than to the origin. So both sets are moved by `centre` first, and what rounding
    leaves below 0 becomes 0.

    Args:
        rows: `(n, d)` floats.
        columns: `(m, d)` floats.
        centre: `(d,)`, a point amid them, such as a mean.
        dtype: What is computed in.

    Yields:
        A slice of the rows, and the distances `(rows of the slice, m)`. The next block overwrites
        them. Memory is a copy of `columns` and blocks of `ELEMENTS`.
    """
    columns = _centred(columns, centre, dtype)
    lengths = squared_norms(columns)
    step = max(1, ELEMENTS // max(columns.shape))
    buffer = np.empty((min(step, len(rows)), len(columns)), dtype)
    for start in range(0, len(rows), step):
        block = slice(start, min(start + step, len(rows)))
        left = _centred(rows[block], centre, dtype)
        distances = buffer[: len(left)]
        np.matmul(-2 * left, columns.T, out=distances)
        distances += squared_norms(left)[:, None]
        distances += lengths
        yield block, np.maximum(distances, 0, out=distances)


def squared_norms(points: np.ndarray) -> np.ndarray:
    """Returns each row's squared length `(n,)`, summed in float64, in the type of `points`."""
    return np.einsum("ij,ij->i", points, points, dtype=np.float64).astype(points.dtype)


def _centred(points: np.ndarray, centre: np.ndarray, dtype) -> np.ndarray:
    """Returns points - centre. Only the difference is rounded to `dtype`, not its terms."""
    return np.subtract(points, centre, out=np.empty(points.shape, dtype), casting="same_kind")
