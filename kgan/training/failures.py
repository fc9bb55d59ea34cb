"""What ends a run that is not the user's to see as a traceback."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from kgan.errors import TrainingError
from kgan.training.build import Run


@contextlib.contextmanager
def told(run: Run, run_dir: Path) -> Iterator[None]:
    """Turns what TensorFlow raises for want of memory, or of a worker, into a `TrainingError`.

    Args:
        run: That trains.
        run_dir: Its folder.
    """
    resume = f"kgan {run.config.command} --resume {run_dir}"
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        config = run.config
        raise TrainingError(
            f"Out of memory with batches of {config.batch_size} ({_reason(error)}): start again "
            f"with --accumulate {2 * config.accumulate} for the same batch in smaller pieces, or "
            f"--batch-size {max(1, config.batch_size // 2)}."
        ) from error
    except tf.errors.OpError as error:
        if not run.devices.several:
            raise
        raise TrainingError(
            f"A worker was lost ({_reason(error)}): start all of them again with {resume}"
        ) from error


def _reason(error: tf.errors.OpError) -> str:
    """Returns the line of TensorFlow's message that says what happened."""
    text = re.sub(r"\{\{.*?\}\}\s*", "", str(error.message))
    place = ("Graph execution error", "Detected at", "File ", "<stack")
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith(place)), "no reason")
