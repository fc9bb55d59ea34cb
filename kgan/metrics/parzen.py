"""The Parzen window estimate of the log-likelihood, and the k-means row to print beside it.

It is a flawed measure: in Theis et al. 2015, table 1, k-means centroids score above the training
images themselves.
"""

from collections.abc import Sequence

import numpy as np

from kgan.errors import InputError
from kgan.metrics.checks import checked
from kgan.metrics.distances import squared_distances

SIGMAS = tuple(np.logspace(-1, 0, 10).tolist())
SLACK = 1e-3  # beyond [0, 1], for rounding


def parzen_log_likelihood(
    samples: np.ndarray,
    validation: np.ndarray,
    test: np.ndarray,
    sigmas: Sequence[float] = SIGMAS,
) -> dict[str, float]:
    """Returns the log-likelihood of test images under Gaussians around samples, in nats an image.

    LL(x) = logmeanexp_i(-|x - s_i|^2 / 2 sigma^2) - d/2 log(2 pi sigma^2) (Breuleux et al. 2011;
    Goodfellow et al. 2014, section 5), in float64.

    Args:
        samples: Generated images in [0, 1], `(n, d)` floats; 10,000 in the literature.
        validation: `(v, d)`, not of the test images: sigma is the one best for these; 1,000 in the
            literature.
        test: `(t, d)`.
        sigmas: Standard deviations to choose from.

    Returns:
        "mean" over the test images; "standard_error", std / sqrt(t): over test images, not over
        samples; "sigma", the one chosen.

    Raises:
        InputError: No rows, two d, values out of [0, 1], NaN, not floats `(n, d)`, or a sigma that
            is not above 0.
    """
    samples, validation, test = checked(
        "the Parzen estimate", 1, samples=samples, validation=validation, test=test
    )
    for name, array in (("samples", samples), ("validation", validation), ("test", test)):
        if array.min() < -SLACK or array.max() > 1 + SLACK:
            raise InputError(
                f"Received {name} from {array.min():.4g} to {array.max():.4g}: the Parzen estimate "
                "expects [0, 1]. Divide bytes by 255."
            )
    tried = np.asarray(sigmas, np.float64)
    if tried.ndim != 1 or not tried.size or not (np.isfinite(tried) & (tried > 0)).all():
        raise InputError(f"Received sigmas {tried.tolist()}: expected one or more above 0.")
    means = _log_likelihoods(samples, validation, tried).mean(axis=1)
    sigma = tried[means.argmax()]
    values = _log_likelihoods(samples, test, sigma[None])[0]
    return {
        "mean": float(values.mean()),
        "standard_error": float(values.std() / np.sqrt(len(values))),
        "sigma": float(sigma),
    }


def k_means_samples(train: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Returns centroids of the training images, to be scored as if they were samples.

    scikit-learn's `MiniBatchKMeans`, from random training images.

    Args:
        train: `(n, d)` floats.
        count: How many centroids, 1 to n.
        seed: Of the first centroids and the batches.

    Returns:
        float32 `(count, d)`.

    Raises:
        InputError: count out of range, NaN, infinity, or not floats `(n, d)`.
    """
    from sklearn.cluster import MiniBatchKMeans

    (train,) = checked("k-means", 1, train=train)
    if not 1 <= count <= len(train):
        raise InputError(f"count is {count}: expected 1 to {len(train)}, the training images.")
    # k-means++ is slow for the 10,000 centroids of the literature. With few images a centroid, one
    # that meets few is no failure: none is drawn anew, and a batch has an image for each.
    clusters = MiniBatchKMeans(
        count,
        init="random",
        n_init=1,
        batch_size=max(1024, count),
        reassignment_ratio=0,
        random_state=seed,
    )
    return clusters.fit(train).cluster_centers_.astype(np.float32)


def _log_likelihoods(samples: np.ndarray, points: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """Returns LL `(sigmas, points)`; one distance matrix serves every sigma."""
    count, dim = samples.shape
    result = np.empty((len(sigmas), len(points)))
    centre = np.full(dim, 0.5)
    for block, distances in squared_distances(points, samples, centre, np.float64):
        least = distances.min(axis=1)
        distances -= least[:, None]
        for row, sigma in zip(result, sigmas, strict=True):
            weights = distances / (-2 * sigma**2)
            sums = np.exp(weights, out=weights).sum(axis=1)
            row[block] = np.log(sums / count) - least / (2 * sigma**2)
    return result - dim / 2 * np.log(2 * np.pi * np.square(sigmas))[:, None]
