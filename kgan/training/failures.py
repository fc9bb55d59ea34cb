"""What ends a run that is not the user's to see as a traceback."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from kgan.errors import TrainingError, WriteError
from kgan.names import command
from kgan.runs.checkpoint_files import steps_in
from kgan.training.build import Run
from kgan.training.strategy import Devices

# What TensorFlow raises in a process when another one of the cluster has ended.
LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


@contextlib.contextmanager
def told(run: Run, run_dir: Path) -> Iterator[None]:
    """Says in a `TrainingError` how a run goes on that wants for disk, memory or a worker.

    Args:
        run: That trains.
        run_dir: Its folder.
    """
    resume = command(f"{run.method.command} --resume", run_dir)
    try:
        with lost_worker_told(run.devices, resume):
            yield
    except WriteError as error:
        step, again = max(steps_in(run_dir / "checkpoints"), default=0), "start again"
        if (run_dir / "config.json").exists():
            again = f"go on with: {resume}"
        raise TrainingError(
            f"{error}. The run is whole up to step {step}. Free space or make it writable, then "
            f"{again}"
        ) from error
    except tf.errors.ResourceExhaustedError as error:
        config, replicas = run.config, run.devices.replicas
        rows = config.batch_size // replicas
        finer = (n for n in range(config.accumulate + 1, rows + 1) if rows % n == 0)
        pieces = next(finer, None)
        same = f"--accumulate {pieces} for the same batch in smaller pieces, or " if pieces else ""
        parts = replicas * config.accumulate
        smaller = max(parts, config.batch_size // 2 // parts * parts)
        raise TrainingError(
            f"Out of memory with batches of {config.batch_size} ({_reason(error)}): start again "
            f"with {same}--batch-size {smaller}."
        ) from error


@contextlib.contextmanager
def lost_worker_told(devices: Devices, again: str) -> Iterator[None]:
    """Turns what TensorFlow raises when another worker has ended into a `TrainingError`.

    Args:
        devices: Where is trained.
        again: The command that goes on.
    """
    try:
        yield
    except LOST as error:
        if not devices.several:
            raise
        raise TrainingError(
            f"A worker was lost ({_reason(error)}): start all of them again with {again}"
        ) from error


def _reason(error: tf.errors.OpError) -> str:
    """Returns the line of TensorFlow's message that says what happened."""
    text = re.sub(r"\{\{.*?\}\}\s*", "", str(error.message))
    place = ("Graph execution error", "Detected at", "File ", "<stack")
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith(place)), "no reason")
