"""Samples as a person sees them: grids, scatter plots, animations."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

MIN_CELL = 64


def to_pil(image: np.ndarray) -> Image.Image:
    """Returns one uint8 `(height, width, 1 or 3)` array as a Pillow image."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def grid(images: np.ndarray, columns: int | None = None) -> Image.Image:
    """Returns images on one sheet, row by row.

    Args:
        images: uint8 `(n, height, width, channels)`.
        columns: Images a row; by default as many as make the sheet about square.

    Small images are enlarged (bicubic) by a whole factor until a side has at least 64.
    """
    n, height, width, channels = images.shape
    columns = columns or int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    scale = max(1, -(-MIN_CELL // max(height, width)))
    height, width, gap = height * scale, width * scale, 2
    sheet = np.full(
        (rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 255, np.uint8
    )
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + gap) + gap, (i % columns) * (width + gap) + gap
        cell = np.asarray(to_pil(image).resize((width, height), Image.Resampling.BICUBIC))
        sheet[top : top + height, left : left + width] = cell.reshape(height, width, channels)
    return to_pil(sheet)


def scatter(points: np.ndarray, real: np.ndarray | None = None) -> Image.Image:
    """Returns points in the plane `(n, 2)` as a plot, over the real ones if given."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), dpi=100)
    axes = figure.add_subplot()
    if real is not None:
        axes.scatter(real[:, 0], real[:, 1], s=4, color="0.75", label="data")
    axes.scatter(points[:, 0], points[:, 1], s=4, color="C1", alpha=0.5, label="samples")
    axes.set_aspect("equal")
    axes.legend(loc="upper right")
    return _rendered(figure)


def curve(steps: Sequence[int], values: Sequence[float], name: str, best: int) -> Image.Image:
    """Returns a score over training as a plot, its best value marked.

    Args:
        steps: `(n,)`.
        values: `(n,)`.
        name: The score's.
        best: Index of the best.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(steps, values, marker=".")
    axes.plot(steps[best], values[best], "o", label=f"{values[best]:.4g} at step {steps[best]:,}")
    axes.set(xlabel="step", ylabel=name)
    axes.legend()
    return _rendered(figure)


def _rendered(figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return Image.open(buffer)


def save_gif(frames: Sequence[Image.Image], path: Path, milliseconds: int = 60) -> None:
    """Writes frames as an endless animation."""
    frames[0].save(
        path, save_all=True, append_images=list(frames[1:]), duration=milliseconds, loop=0
    )
