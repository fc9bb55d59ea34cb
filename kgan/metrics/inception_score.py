"""The Inception score: how sure a classifier is of each image, and how varied its answers are."""

from itertools import pairwise

import numpy as np
from scipy.special import rel_entr

from kgan.errors import InputError
from kgan.metrics.checks import checked

TOLERANCE = 1e-3  # of the sum of a row: half precision has 1e-3


def inception_score(probabilities: np.ndarray, splits: int = 10) -> dict[str, float]:
    """Returns exp(mean KL(p(y|x) || p(y))) (Salimans et al. 2016, section 4).

    The rows are split in their order, as for published scores: shuffle rows that are sorted by
    class. p(y) is the mean over the split, so few rows a split lower the score: published scores
    have 5,000.

    Args:
        probabilities: p(y|x) of each image, `(n, classes)`, floats from 0; each row sums to 1.
        splits: How many, 1 to n.

    Returns:
        "mean" over the splits, 1 to the number of classes, and their "standard_deviation".

    Raises:
        InputError: Fewer rows than splits, rows that are no distributions, NaN, infinity, or not
            floats `(n, classes)`.
    """
    if splits < 1:
        raise InputError(f"splits is {splits}: the Inception score expects 1 or more.")
    (rows,) = checked("the Inception score", splits, probabilities=probabilities)
    sums = rows.sum(axis=1, dtype=np.float64)
    if rows.min() < 0 or np.abs(sums - 1).max() > TOLERANCE:
        raise InputError(
            f"Received rows that sum to {sums.min():.4g} to {sums.max():.4g} with a smallest entry "
            f"of {rows.min():.4g}: the Inception score expects probabilities, from 0, that sum to "
            "1. Pass logits through a softmax."
        )
    edges = [i * len(rows) // splits for i in range(splits + 1)]
    scores = [_score(rows[a:b].astype(np.float64)) for a, b in pairwise(edges)]
    return {"mean": float(np.mean(scores)), "standard_deviation": float(np.std(scores))}


def _score(rows: np.ndarray) -> float:
    return np.exp(rel_entr(rows, rows.mean(axis=0)).sum(axis=1).mean())
