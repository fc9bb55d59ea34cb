"""Coverage of a mixture of Gaussians."""

import numpy as np


def mixture_coverage(samples: np.ndarray, modes: np.ndarray, std: float) -> dict[str, float]:
    """Returns how much of a mixture a generator found (Srivastava et al. 2017, VEEGAN, section 4).

    Args:
        samples: `(n, 2)`; 2,500 in the literature.
        modes: The centres, `(m, 2)`.
        std: Standard deviation of every component.

    Returns:
        "modes": centres with at least one sample within 3 std; "high_quality": share of samples
        within 3 std of a centre, in [0, 1].
    """
    distances = np.linalg.norm(samples[:, None] - modes[None], axis=-1)
    close = distances <= 3 * std
    return {"modes": int(close.any(axis=0).sum()), "high_quality": float(close.any(axis=1).mean())}
