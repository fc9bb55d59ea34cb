"""How many modes that can be told apart samples reach."""

import numpy as np


def mode_coverage(modes: np.ndarray, num_modes: int) -> dict[str, float]:
    """Returns how many modes are found, and how evenly (Srivastava et al. 2017, section 4.2).

    Args:
        modes: Of each sample, integers `(n,)` in [0, num_modes).
        num_modes: How many there are.

    Returns:
        "modes": those with at least one sample; "kl": the divergence of their shares among the
        samples from even ones, sum of q log(q num_modes), in nats, 0 or more.
    """
    shares = np.bincount(modes, minlength=num_modes) / len(modes)
    found = shares[shares > 0]
    return {"modes": len(found), "kl": float(np.sum(found * np.log(found * num_modes)))}
