"""Everything that a resumed run needs to equal one that never stopped."""

import shutil
from pathlib import Path

import keras
import tensorflow as tf

from kgan.errors import InputError, TrainingError
from kgan.training.strategy import Devices


class Checkpoints:
    """The checkpoints of one run: networks, moving average, optimizers, seeds, metrics, step.

    Files are written aside and renamed, so that the newest one is always whole.

    Args:
        model: Compiled; its `networks`, `optimizers`, metrics and `step` are what is saved.
        directory: The run's `checkpoints/`.
        keep: How many of the newest to keep.
        devices: The run's processes, which all save at the same steps: the chief writes, the
            others wait for it. None if this process is alone in it.
    """

    def __init__(
        self, model: keras.Model, directory: Path, keep: int = 2, devices: Devices | None = None
    ):
        self._alone, self._directory = devices is None, directory
        self._devices = devices or Devices(model.distribute_strategy)
        self._writes = self._alone or self._devices.chief
        if self._writes:
            for leftover in directory.glob("*_temp*"):
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        self._variables = _state(model)
        self._means = [v.value for metric in model.metrics for v in metric.variables]
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(**{key: list(value) for key, value in self._variables.items()}),
            str(directory),
            max_to_keep=keep,
        )
        latest = self._manager.latest_checkpoint
        self.latest_step = int(latest.rsplit("-", 1)[1]) if latest else 0

    @property
    def _latest(self) -> str | None:
        return str(self._directory / f"ckpt-{self.latest_step}") if self.latest_step else None

    def restore(self) -> None:
        """Sets all of the state to the newest checkpoint, if there is one."""
        latest = self._latest
        if latest:
            try:
                status = self._manager.checkpoint.restore(latest)
                status.assert_existing_objects_matched().assert_consumed()
            except (AssertionError, ValueError, tf.errors.OpError) as error:
                raise InputError(
                    f"Checkpoint {latest} does not fit this run ({str(error).splitlines()[0]}): "
                    "remove it to go on from the one before."
                ) from error
            for mean, copy in zip(self._means, self._variables["metrics"], strict=True):
                mean.assign(copy)

    def save(self, step: int) -> None:
        """Writes a checkpoint.

        Raises:
            TrainingError: A weight is not finite; the last good checkpoint stays the newest.
        """
        for variable in self._variables["networks"] + self._variables.get("extra", []):
            if variable.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(variable)):
                raise self.diverged(step, "a weight")
        for mean, copy in zip(self._means, self._variables["metrics"], strict=True):
            copy.assign(self._devices.total(mean, alone=self._alone))
        if self._writes:
            self._manager.save(checkpoint_number=step)
        if not self._alone:
            self._devices.values()
        self.latest_step = step

    def diverged(self, step: int, what: str) -> TrainingError:
        """Returns the error for a value that is not finite, naming the last good checkpoint."""
        kept = self._latest
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
        "step": [model.step],
    }
    extra = getattr(model, "extra_variables", [])
    if extra:
        groups["extra"] = extra
    state = {name: [variable.value for variable in group] for name, group in groups.items()}
    # Copies: what is shared by several processes cannot be read by one of them.
    means = [variable for metric in model.metrics for variable in metric.variables]
    return {**state, "metrics": [tf.Variable(tf.zeros(v.shape, v.dtype)) for v in means]}


def _seed_states(network: keras.Model) -> list:
    weights = {id(variable) for variable in network.weights}
    return [variable for variable in network.variables if id(variable) not in weights]
