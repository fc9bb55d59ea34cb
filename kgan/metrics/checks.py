"""What every score asks of the arrays it is given."""

import numpy as np

from kgan.errors import InputError

DRAWN = ("fake", "samples", "queries", "probabilities")


def checked(metric: str, minimum: int, **arrays: np.ndarray) -> list[np.ndarray]:
    """Returns the arrays, which are finite floats `(n, d)` of one d and of `minimum` rows or more.

    Args:
        metric: What the errors call the score.
        minimum: The fewest rows that the score can use.
        **arrays: By the names that the errors use; a row an image.

    Raises:
        InputError: An array of another kind, too few rows, two d, NaN or infinity.
    """
    result = {name: np.asarray(array) for name, array in arrays.items()}
    first, reference = next(iter(result.items()))
    for name, array in result.items():
        received = f"Received {name} of shape {array.shape}"
        if array.ndim != 2 or not array.shape[1] or not np.issubdtype(array.dtype, np.floating):
            raise InputError(
                f"{received}, {array.dtype}: {metric} expects floats (n, d), a row an image. "
                "Convert and flatten it."
            )
        if len(array) < minimum:
            fix = "Draw more: --samples 10000." if name in DRAWN else "Take more of the data."
            raise InputError(f"{received}: {metric} expects {minimum} rows or more. {fix}")
        if array.shape[1] != reference.shape[1]:
            raise InputError(
                f"{received} and {first} of shape {reference.shape}: {metric} expects as many "
                "columns in each. Take the features of both from one network."
            )
        bad = len(array) - np.isfinite(array).all(axis=1).sum()
        if bad:
            raise InputError(
                f"{received} with NaN or infinity in {bad} rows: {metric} expects finite numbers. "
                "Look for where training diverged, and score an earlier checkpoint."
            )
    return list(result.values())
