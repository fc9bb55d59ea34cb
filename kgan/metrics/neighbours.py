"""What nearest neighbours tell: which part of the data is met, and what a sample resembles.

Distances are float32, about the mean of the real images, in blocks: 50,000 against 50,000 images
with 2,048 features take less than 1 GiB above the features.
"""

import numpy as np

from kgan.errors import InputError
from kgan.metrics.checks import checked
from kgan.metrics.distances import squared_distances, squared_norms

ROUNDING = 2.0**-19  # of a float32 distance, in parts of the numbers it is a difference of


def manifold_scores(real: np.ndarray, fake: np.ndarray, k: int = 5) -> dict[str, float]:
    """Returns how much of each set lies within the other's balls.

    A ball reaches from a point to the k-th nearest other point of its own set, copies of it
    included. A point on its edge is inside, also where float32 rounds it out; the `prdc` package
    leaves the edge out. Where no two distances are equal that decides for copies of the other set's
    points only: the density of a set with itself is (k + 1) / k here, 1 there. Of quantised
    features, such as pixels or bits, many distances are equal: more points lie on edges than copies
    do, and all four scores may be higher here.

    Args:
        real: `(n, d)` floats, n above k.
        fake: `(m, d)` floats, m above k.
        k: Which neighbour, from 1; the published precision and recall have 3.

    Returns:
        "precision", the share of fake points within any real ball, and "recall", that of real
        points within any fake ball (Kynkaanniemi et al. 2019, equations 1 and 2); "density", the
        mean number of real balls around a fake point, divided by k, may exceed 1, and "coverage",
        the share of real balls with a fake point inside (Naeem et al. 2020, section 3.2).

    Raises:
        InputError: k below 1, k rows or fewer, two d, NaN, infinity, or not floats `(n, d)`.
    """
    if k < 1:
        raise InputError(f"k is {k}: expected 1 or more.")
    real, fake = checked(f"the {k} nearest neighbours", k + 1, real=real, fake=fake)
    centre = real.mean(axis=0, dtype=np.float64)
    real_radii, fake_radii = _squared_radii(real, centre, k), _squared_radii(fake, centre, k)
    precise = np.zeros(len(fake), bool)
    pairs = recalled = covered = 0
    for block, distances in squared_distances(real, fake, centre):
        inside = distances <= real_radii[block, None]
        precise |= inside.any(axis=0)
        pairs += np.count_nonzero(inside)
        covered += np.count_nonzero(inside.any(axis=1))
        recalled += np.count_nonzero((distances <= fake_radii).any(axis=1))
    return {
        "precision": float(precise.mean()),
        "recall": recalled / len(real),
        "density": pairs / (k * len(fake)),
        "coverage": covered / len(real),
    }


def nearest(train: np.ndarray, queries: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Returns the k training points nearest to each query, and how far they are.

    Args:
        train: `(n, d)` floats.
        queries: `(m, d)` floats.
        k: How many, 1 to n.

    Returns:
        Rows of `train`, int64 `(m, k)`, the nearest first, and their Euclidean distances, float64
        `(m, k)`. The points are found in float32 and their distances then taken in float64: that of
        a copy is 0.

    Raises:
        InputError: k out of range, no rows, two d, NaN, infinity, or not floats `(n, d)`.
    """
    train, queries = checked("the nearest neighbours", 1, train=train, queries=queries)
    if not 1 <= k <= len(train):
        raise InputError(f"k is {k}: expected 1 to {len(train)}, the number of training points.")
    indices = np.empty((len(queries), k), np.int64)
    distances = np.empty((len(queries), k))
    for block, rough in squared_distances(queries, train, train.mean(axis=0, dtype=np.float64)):
        found = np.argpartition(rough, k - 1, axis=1)[:, :k]
        points = queries[block].astype(np.float64)
        exact = np.stack([np.linalg.norm(train[i] - points, axis=1) for i in found.T], axis=1)
        order = np.lexsort((found, exact), axis=1)
        indices[block] = np.take_along_axis(found, order, axis=1)
        distances[block] = np.take_along_axis(exact, order, axis=1)
    return indices, distances


def _squared_radii(points: np.ndarray, centre: np.ndarray, k: int) -> np.ndarray:
    """Returns the squared distance to the k-th nearest other point, rounded up, float32 `(n,)`."""
    radii = np.empty(len(points), np.float32)
    for block, distances in squared_distances(points, points, centre):
        own = np.arange(len(distances))
        distances[own, block.start + own] = np.inf
        distances.partition(k - 1, axis=1)
        radii[block] = distances[:, k - 1]
        # At the edge the other point is no longer than the sum of both.
        radii[block] += ROUNDING * (radii[block] + squared_norms(points[block] - centre))
    return radii
