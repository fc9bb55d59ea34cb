"""Mixtures of Gaussians in the plane: the standard test for missing modes."""

import numpy as np

from kgan.data.examples import Column, Examples
from kgan.data.space import POINTS

NUM_POINTS = 100_000


def ring_modes() -> np.ndarray:
    """Returns the 8 centres `(8, 2)` on a circle of radius 2 (Metz et al. 2017, section 3.1)."""
    angles = np.arange(8) * (np.pi / 4)
    return 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def grid_modes() -> np.ndarray:
    """Returns the 25 centres `(25, 2)` on a square grid from -4 to 4 (Dumoulin et al. 2017)."""
    line = np.linspace(-4, 4, 5)
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


# Centres and standard deviation of every component.
MIXTURES = {"ring": (ring_modes(), 0.02), "grid": (grid_modes(), 0.05)}


def _mixture(name: str) -> Examples:
    modes, std = MIXTURES[name]
    rng = np.random.default_rng(0)
    components = rng.integers(len(modes), size=NUM_POINTS)
    points = modes[components] + std * rng.normal(size=(NUM_POINTS, 2))
    names = tuple(f"{x:.2f},{y:.2f}" for x, y in modes)
    label = Column(components.astype(np.int32), names)
    return Examples(points.astype(np.float32), {"label": label}, POINTS, name)


def ring() -> Examples:
    """Returns 100,000 points of 8 Gaussians with standard deviation 0.02 on a ring."""
    return _mixture("ring")


def grid() -> Examples:
    """Returns 100,000 points of 25 Gaussians with standard deviation 0.05 on a grid."""
    return _mixture("grid")
