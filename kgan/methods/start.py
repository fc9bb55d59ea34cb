"""What the first weights of a network take from the training data."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from kgan.metrics.reconstruction import MAX_EXACT, principal_components

AT_MOST = 10_000  # images
MAX_ELEMENTS = 2**26  # of them: 256 MiB of float32
ROUNDING = 1 / 255**2 / 12  # The variance of rounding to grey levels: no noise is below it.


def mean_image(images: np.ndarray | None) -> np.ndarray | None:
    """Returns the mean of the first images in [0, 1], None for points in the plane.

    Args:
        images: uint8 `(n, height, width, channels)`; None if there are none.
    """
    if images is None or len(images.shape) != 4:
        return None
    return np.divide(np.mean(images[:AT_MOST], axis=0, dtype=np.float64), 255)


@dataclass(frozen=True)
class LinearModel:
    """Probabilistic PCA (Tipping and Bishop 1999), its latents scaled for samples of images.

    x = mean + W z + std e, with z and e standard normal, is likeliest for W = U (L - std^2)^1/2 and
    std^2 the mean of the variances but L, those of the principal components U (equations 7, 8).
    Then q(z|x) has the mean L^-1 W' (x - mean) and the variances std^2 / L.

    Samples are the means mean + W z, clipped to [0, 1]: without e and the ends their deviation is
    below that of the data, by 12 % for CIFAR-10 and 40 latents. So z is scaled by `spread`, which
    makes up for it: W by 1 / spread, q(z|x) by spread. Images and bound of x stay, save for what
    the divergence grows by, some .03 to .2 nats a latent.

    Attributes:
        mean: float32 `image_shape`, of images in [0, 1].
        to_images: float32 `(latent_dim, pixels)`, W transposed.
        to_latents: float32 `(pixels, latent_dim)`.
        log_variance: float32 `(latent_dim,)`, of q(z|x).
        log_std: Of the noise.
    """

    mean: np.ndarray
    to_images: np.ndarray | None = None
    to_latents: np.ndarray | None = None
    log_variance: np.ndarray | None = None
    log_std: float | None = None

    @classmethod
    def of(cls, images: np.ndarray, latent_dim: int) -> "LinearModel":
        """Returns that of the first 10,000 images, or of fewer if they are large.

        Latents beyond the number of images stay unused: W is 0 there.

        Args:
            images: uint8 `(n, height, width, channels)`, 2 or more.
            latent_dim: Dimensions of z.
        """
        pixels = int(np.prod(images.shape[1:]))
        rows = min(len(images), AT_MOST, max(MAX_ELEMENTS // pixels, latent_dim, 2))
        # Approximate ones take longer where they are many.
        exact = 10 * latent_dim > pixels <= MAX_EXACT
        pca, mean, total = principal_components(images, latent_dim, rows, exact)
        found = len(pca.components_)
        variances = pca.explained_variance_ * (rows - 1) / rows  # scikit-learn's are of n - 1.
        noise = max((total - variances.sum()) / max(pixels - found, 1), ROUNDING)
        scales = np.sqrt(np.maximum(variances - noise, 0))
        variances = np.maximum(variances, noise)
        to_images = scales[:, None] * pca.components_
        deviation = np.sqrt(total / pixels + np.var(mean, dtype=np.float64))
        spread = _spread(mean.ravel(), np.linalg.norm(to_images, axis=0), deviation)
        missing = ((0, latent_dim - found), (0, 0))
        to_latents = (scales / variances)[:, None] * pca.components_
        log_variance = np.log(noise / variances) + 2 * np.log(spread)
        return cls(
            mean,
            np.pad(to_images / spread, missing).astype(np.float32),
            np.pad(to_latents * spread, missing).T.astype(np.float32),
            np.pad(log_variance, missing[0]).astype(np.float32),
            0.5 * float(np.log(noise)),
        )


def _spread(mean: np.ndarray, stds: np.ndarray, deviation: float) -> float:
    """Returns what to divide normal elements' `stds` by, for that deviation when they are clipped.

    Args:
        mean: `(pixels,)`.
        stds: `(pixels,)`.
        deviation: Of all elements together, about their common mean.

    Returns:
        From 0.5 to 1.
    """
    low, high = 0.5, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        if _clipped_deviation(mean, stds / middle) > deviation:
            low = middle
        else:
            high = middle
    return high


def _clipped_deviation(mean: np.ndarray, stds: np.ndarray) -> float:
    """Returns the deviation of all elements of normal images clipped to [0, 1]."""
    mean, stds = mean.astype(np.float64), np.maximum(stds, 1e-6, dtype=np.float64)
    low, high = -mean / stds, (1 - mean) / stds
    inside, above = norm.cdf(high) - norm.cdf(low), norm.sf(high)
    first = mean * inside + stds * (norm.pdf(low) - norm.pdf(high)) + above
    # Moments of a truncated normal distribution, and of the mass at 1.
    second = mean * (first - above) + stds**2 * inside - stds * norm.pdf(high) + above
    return float(np.sqrt(second.mean() - first.mean() ** 2))
