"""The kernel distance of two sets of features: KID on Inception's."""

import numpy as np

from kgan.errors import InputError
from kgan.metrics.checks import checked


def kernel_distance(
    real: np.ndarray, fake: np.ndarray, blocks: int = 100, block_size: int = 1000, seed: int = 0
) -> dict[str, float]:
    """Returns the squared maximum mean discrepancy of both (KID: Binkowski et al. 2018).

    The unbiased estimator (Gretton et al. 2012, equation 3) with k(x, y) = (x.y / d + 1)^3, in
    float64, averaged over blocks: each a subset of the real and one of the fake rows, drawn without
    replacement. Unbiased, so sets of one distribution give values around 0, and below it.

    Args:
        real: `(n, d)` floats, n from 2.
        fake: `(m, d)` floats, m from 2.
        blocks: How many blocks, from 2.
        block_size: Rows a subset, from 2; min(n, m) if that is fewer.
        seed: Of the subsets.

    Returns:
        "mean" over the blocks; "standard_error": their standard deviation / sqrt(blocks). It
        measures how far the mean depends on which subsets were drawn. The blocks overlap, so it is
        not the error over new images or over trainings, and is too small for that; it is 0 where
        each subset is the whole set.

    Raises:
        InputError: Fewer than 2 rows, blocks or rows a block; two d, NaN, infinity, or not floats
            `(n, d)`.
    """
    real, fake = checked("the kernel distance", 2, real=real, fake=fake)
    for name, value in (("blocks", blocks), ("block_size", block_size)):
        if value < 2:
            raise InputError(f"{name} is {value}: the kernel distance expects 2 or more.")
    size = min(block_size, len(real), len(fake))
    rng = np.random.default_rng(seed)
    values = np.array(
        [
            _unbiased(*(x[rng.choice(len(x), size, replace=False)] for x in (real, fake)))
            for _ in range(blocks)
        ]
    )
    return {
        "mean": float(values.mean()),
        "standard_error": float(values.std(ddof=1) / np.sqrt(blocks)),
    }


def _unbiased(real: np.ndarray, fake: np.ndarray) -> float:
    # A small difference of large sums.
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    return _mean_of_pairs(real) + _mean_of_pairs(fake) - 2 * _kernel(real, fake).mean()


def _mean_of_pairs(points: np.ndarray) -> float:
    """Returns the mean kernel of two different rows."""
    kernel, count = _kernel(points, points), len(points)
    return (kernel.sum() - np.trace(kernel)) / (count * (count - 1))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3
