"""The Frechet distance of the Gaussians fitted to two sets of features: FID on Inception's."""

from typing import NamedTuple

import numpy as np

from kgan.errors import InputError
from kgan.metrics.checks import checked

CHUNK = 1_000


class Moments(NamedTuple):
    """What the distance needs of a set; those of the real images can be kept.

    Attributes:
        mean: `(d,)` float64.
        covariance: `(d, d)` float64, unbiased.
        rows: That they were taken from. A covariance has no rank above rows - 1.
    """

    mean: np.ndarray
    covariance: np.ndarray
    rows: int


def moments(features: np.ndarray) -> Moments:
    """Returns the mean and the covariance of features `(n, d)`, n from 2, summed in float64.

    Raises:
        InputError: Fewer than 2 rows, NaN, infinity, or not floats `(n, d)`.
    """
    (features,) = checked("the Frechet distance", 2, features=features)
    return _moments(features)


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Returns the Frechet distance of fitted Gaussians (Heusel et al. 2017, equation 6).

    |m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)), with unbiased covariances. With any F1, F2 such
    that S = F'F, the trace of the root is the sum of the singular values of F1 F2': no root of a
    matrix that may be singular is taken, and fewer rows than columns are no obstacle. The distance
    is biased upwards by few rows: compare at equal n and m, 10,000 and more.

    Args:
        real: `(n, d)` floats, n from 2.
        fake: `(m, d)` floats, m from 2.

    Returns:
        A float from 0.

    Raises:
        InputError: Fewer than 2 rows, two d, NaN, infinity, or not floats `(n, d)`.
    """
    real, fake = checked("the Frechet distance", 2, real=real, fake=fake)
    (mean, factor), (other, other_factor) = _mean_and_factor(real), _mean_and_factor(fake)
    return _distance(mean - other, factor, other_factor)


def frechet_distance_of(real: Moments, fake: Moments) -> float:
    """Returns `frechet_distance` of the sets whose moments these are.

    Raises:
        InputError: Moments of two d.
    """
    if real.covariance.shape != fake.covariance.shape or real.mean.shape != fake.mean.shape:
        raise InputError(
            f"Received covariances of {real.covariance.shape} and {fake.covariance.shape}: the "
            "Frechet distance expects one shape. Take the features of both from one network."
        )
    return _distance(real.mean - fake.mean, _root(real), _root(fake))


def _distance(difference: np.ndarray, factor: np.ndarray, other: np.ndarray) -> float:
    root = np.linalg.svd(factor @ other.T, compute_uv=False).sum()
    traces = np.square(factor).sum() + np.square(other).sum()
    # Unlike max(), this keeps NaN: an overflow must not look like a perfect score.
    return float(np.maximum(difference @ difference + traces - 2 * root, 0))


def _mean_and_factor(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean `(d,)` and an F `(min(n, d), d)` with F'F = the covariance."""
    count, dim = features.shape
    if count > dim:
        fitted = _moments(features)
        return fitted.mean, _root(fitted)
    features = features.astype(np.float64)
    mean = features.mean(axis=0)
    return mean, (features - mean) / np.sqrt(count - 1)


def _root(fitted: Moments) -> np.ndarray:
    """Returns an F with F'F = the covariance; what rounding left beyond its rank is dropped."""
    values, vectors = np.linalg.eigh(fitted.covariance)
    rank = min(len(values), fitted.rows - 1)
    kept = slice(len(values) - rank, None)
    return (vectors[:, kept] * np.sqrt(np.maximum(values[kept], 0))).T


def _moments(features: np.ndarray) -> Moments:
    count, dim = features.shape
    mean = features.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((dim, dim))
    for start in range(0, count, CHUNK):
        centred = features[start : start + CHUNK] - mean
        covariance += centred.T @ centred
    return Moments(mean, covariance / (count - 1), count)
