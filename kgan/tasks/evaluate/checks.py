"""What a scoring is asked for, checked without TensorFlow."""

from kgan.errors import InputError, shown
from kgan.tasks.sampling.drawing import MAX_SEEDS


def check_samples(samples: int) -> None:
    """Raises an InputError unless it is a number of images to score."""
    if type(samples) is not int or not 1 <= samples <= MAX_SEEDS:
        raise InputError(f"--samples {shown(samples)}: expected 1 or more, {MAX_SEEDS:,} at most.")


def no_source(source: str) -> InputError:
    """Returns the error for what holds no images to score."""
    return InputError(
        f"{source} is neither a run, a SavedModel, a folder of images nor an .npz file."
    )
