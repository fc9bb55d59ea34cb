"""Negative log-likelihoods of images, and the Gaussian terms of a variational bound, in nats.

Every function returns float32 `(batch,)`: one value an example, summed over all other axes and
never averaged.
"""

import math
from typing import Any, TypeAlias

from keras import ops

Tensor: TypeAlias = Any  # of Keras's backend
LOG_2_PI = math.log(2 * math.pi)


def bernoulli(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x) = sum softplus(l) - x l (Kingma and Welling 2014, appendix C.1, equation 11).

    Args:
        logits: `(batch, ...)`, unbounded: log p / (1 - p) of each element.
        x: The same shape: 0 or 1, or anything in [0, 1], where this is the cross-entropy.
    """
    logits, x = _float32(logits, x)
    return _per_example(ops.softplus(logits) - x * logits)


def gaussian(mean: Tensor, x: Tensor, log_std: Tensor | float = 0.0) -> Tensor:
    """-log N(x; mean, std^2 I), its constant included (Kingma and Welling 2014, appendix C.2).

    Args:
        mean: `(batch, ...)`, unbounded.
        x: The same shape.
        log_std: Scalar, log of the one standard deviation of all elements.
    """
    mean, x, log_std = _float32(mean, x, log_std)
    scaled = (x - mean) * ops.exp(-log_std)
    return _per_example(0.5 * ops.square(scaled) + log_std + 0.5 * LOG_2_PI)


def squared_error(mean: Tensor, x: Tensor) -> Tensor:
    """Squared error, sum (x - mean)^2 (Vincent et al. 2010, section 2.2).

    Args:
        mean: `(batch, ...)`, unbounded.
        x: The same shape.
    """
    mean, x = _float32(mean, x)
    return _per_example(ops.square(x - mean))


def kl_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, var I) || N(0, I)) (Kingma and Welling 2014, appendix B).

    Args:
        mean: `(batch, latent_dim)`.
        log_variance: `(batch, latent_dim)`.
    """
    mean, log_variance = _float32(mean, log_variance)
    # expm1 keeps the digits of exp(v) - 1 that a variance near 1 would lose.
    return _per_example(0.5 * (ops.square(mean) + ops.expm1(log_variance) - log_variance))


def log_normal(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Log-density log N(z; mean, var I), summed over the last axis alone.

    Args:
        z: `(..., latent_dim)`.
        mean: The same shape, or one that broadcasts to it.
        log_variance: As `mean`.

    Returns:
        float32 `(...)`.
    """
    z, mean, log_variance = _float32(z, mean, log_variance)
    scaled = ops.square(z - mean) * ops.exp(-log_variance)
    return -0.5 * ops.sum(scaled + log_variance + LOG_2_PI, axis=-1)


def _float32(*tensors):
    return tuple(ops.cast(tensor, "float32") for tensor in tensors)


def _per_example(terms):
    return ops.sum(terms, axis=tuple(range(1, len(terms.shape))))
