"""Everything that a resumed run needs to equal one that never stopped."""

import shutil
from pathlib import Path

import keras
import tensorflow as tf

from kgan.errors import InputError, TrainingError


class Checkpoints:
    """The checkpoints of one run: networks, moving average, optimizers, seeds, metrics, step.

    Files are written aside and renamed, so that the newest one is always whole.

    Args:
        model: Compiled; its `networks`, `optimizers`, metrics and `step` are what is saved.
        directory: The run's `checkpoints/`.
        keep: How many of the newest to keep.
    """

    def __init__(self, model: keras.Model, directory: Path, keep: int = 2):
        for leftover in directory.glob("*_temp*"):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        self._variables = _state(model)
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(**{key: list(value) for key, value in self._variables.items()}),
            str(directory),
            max_to_keep=keep,
        )

    @property
    def latest_step(self) -> int:
        """Step of the newest checkpoint, 0 if there is none."""
        latest = self._manager.latest_checkpoint
        return int(latest.rsplit("-", 1)[1]) if latest else 0

    def restore(self) -> None:
        """Sets all of the state to the newest checkpoint, if there is one."""
        latest = self._manager.latest_checkpoint
        if latest:
            try:
                status = self._manager.checkpoint.restore(latest)
                status.assert_existing_objects_matched().assert_consumed()
            except (AssertionError, ValueError, tf.errors.OpError) as error:
                raise InputError(
                    f"Checkpoint {latest} does not fit this run ({str(error).splitlines()[0]}): "
                    "remove it to go on from the one before."
                ) from error

    def save(self, step: int) -> None:
        """Writes a checkpoint.

        Raises:
            TrainingError: A weight is not finite; the last good checkpoint stays the newest.
        """
        for variable in self._variables["networks"] + self._variables.get("extra", []):
            if variable.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(variable)):
                raise self.diverged(step, "a weight")
        self._manager.save(checkpoint_number=step)

    def diverged(self, step: int, what: str) -> TrainingError:
        """Returns the error for a value that is not finite, naming the last good checkpoint."""
        kept = self._manager.latest_checkpoint
        return TrainingError(
            f"Step {step}: {what} is not finite, so training stopped. "
            + (f"Last good checkpoint: {kept}. " if kept else "No checkpoint had been written. ")
            + "Start again with a lower --learning-rate or --precision float32."
        )


def _state(model: keras.Model) -> dict[str, list[tf.Variable]]:
    groups = {
        "networks": [v for network in model.networks for v in network.weights],
        "seeds": [v for network in model.networks for v in _seed_states(network)],
        "optimizers": [v for optimizer in model.optimizers for v in optimizer.variables],
        "metrics": [v for metric in model.metrics for v in metric.variables],
        "step": [model.step],
    }
    extra = getattr(model, "extra_variables", [])
    if extra:
        groups["extra"] = extra
    return {name: [variable.value for variable in group] for name, group in groups.items()}


def _seed_states(network: keras.Model) -> list:
    weights = {id(variable) for variable in network.weights}
    return [variable for variable in network.variables if id(variable) not in weights]
