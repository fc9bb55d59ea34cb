"""The theory of the minimax game on a finite sample space (Goodfellow et al. 2014, section 4).

Distributions are arrays `(outcomes,)` of probabilities that sum to 1.
"""

import numpy as np


def optimal_discriminator(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Returns D*(x) = p / (p + q), `(outcomes,)` in [0, 1] (Proposition 1); 1/2 off the support."""
    total = p + q
    return np.divide(p, total, out=np.full_like(total, 0.5), where=total > 0)


def game_value(d: np.ndarray, p: np.ndarray, q: np.ndarray) -> float:
    """Returns V(D, G) = E_p[log D] + E_q[log(1 - D)] in nats (equation 1)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        real, fake = p * np.log(d), q * np.log1p(-d)
    return float(np.sum(np.where(p > 0, real, 0)) + np.sum(np.where(q > 0, fake, 0)))


def kullback_leibler(p: np.ndarray, q: np.ndarray) -> float:
    """Returns KL(p||q) in nats, infinite where q misses a part of p."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.sum(np.where(p > 0, p * np.log(p / q), 0)))


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """Returns JSD(p||q) in nats, from 0 to log 2; V(D*) = -log 4 + 2 JSD (Theorem 1)."""
    middle = (p + q) / 2
    return (kullback_leibler(p, middle) + kullback_leibler(q, middle)) / 2
