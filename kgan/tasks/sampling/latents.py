"""Latents between those of seeds, and nearer to the mean than those of seeds."""

import numpy as np
from scipy.special import erf, erfinv

WALK_FRAMES = 16


def truncated(latents: np.ndarray, psi: float) -> np.ndarray:
    """Returns standard normal latents as those of the normal truncated to [-psi, psi].

    Numbers further out than psi are not drawn anew, as in the truncation trick (Brock et al. 2019,
    section 3.1), which would cut the tie between a seed and its image: each number goes to the same
    quantile of the truncated distribution, erf(z'/sqrt 2) = erf(z/sqrt 2) erf(psi/sqrt 2). That has
    the distribution that drawing anew has, and a large psi changes nothing.

    Args:
        latents: float32 `(n, latent_dim)`.
        psi: Above 0.

    Returns:
        float32 `(n, latent_dim)`, in [-psi, psi].
    """
    root = np.sqrt(2)
    # A z beyond 8 has no double between its share and 1.
    with np.errstate(divide="ignore"):
        z = root * erfinv(erf(np.asarray(latents, np.float64) / root) * erf(psi / root))
    return np.clip(z, -psi, psi).astype(np.float32)


def walk(stops: np.ndarray, frames: int = WALK_FRAMES) -> np.ndarray:
    """Returns latents on great circles from stop to stop and back to the first.

    Points on a straight line between two Gaussian latents are shorter than any that training saw;
    the angle is interpolated instead, and the length (White 2016, Sampling generative networks).

    Args:
        stops: float32 `(n, latent_dim)`.
        frames: Latents from one stop to the next.

    Returns:
        float32 `(n * frames, latent_dim)`.
    """
    stops, path = stops.astype(np.float64), []
    for a, b in zip(stops, np.roll(stops, -1, axis=0), strict=True):
        size = max(np.linalg.norm(a) * np.linalg.norm(b), np.finfo(np.float64).tiny)
        angle = np.arccos(np.clip(a @ b / size, -1, 1))
        for t in np.arange(frames) / frames:
            if angle < 1e-6:
                path.append((1 - t) * a + t * b)
            else:
                path.append((np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle))
    return np.array(path, np.float32)


def nearer(labels: np.ndarray, frames: int = WALK_FRAMES) -> np.ndarray:
    """Returns the label of the nearer stop for each latent of a `walk`: there is none between two.

    Args:
        labels: `(n,)`, those of the stops.
        frames: As of `walk`.

    Returns:
        `(n * frames,)`; half-way it is that of the next stop.
    """
    passed = np.arange(frames) / frames >= 0.5
    return np.where(passed, np.roll(labels, -1)[:, None], labels[:, None]).ravel()
