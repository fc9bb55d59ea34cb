"""Everything that a resumed run needs to equal one that never stopped."""

import contextlib
from pathlib import Path

import keras
import tensorflow as tf

from kgan.errors import InputError, TrainingError, WriteError
from kgan.runs import folder
from kgan.runs.checkpoint_files import CheckpointFiles

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"  # what TensorFlow adds to a variable's name in a checkpoint


class Checkpoints:
    """The checkpoints of one run: networks, moving average, optimizers, seeds, metrics, step.

    Args:
        model: Compiled; its `networks`, `optimizers`, `extra_variables`, metrics and `step` are
            what is saved.
        directory: The run's `checkpoints/`.
        keep: How many of the newest to keep: see `CheckpointFiles.keep`.
        devices: `kgan.training.strategy.Devices` where the run trains: all of its processes save at
            the same steps, the chief writes and the others wait for it. None if this process is
            alone in it.

    Attributes:
        due: Whether one is to be saved after the step at hand, whichever that is.
        at_step: Of the one last saved or restored here, None before.
    """

    def __init__(self, model: keras.Model, directory: Path, keep: int = 2, devices=None):
        self._files, self._keep = CheckpointFiles(directory), keep
        self._devices, self._strategy = devices, model.distribute_strategy
        self._writes = devices is None or devices.chief
        self._variables = _state(model)
        self._means = [v.value for metric in model.metrics for v in metric.variables]
        self._checkpoint = tf.train.Checkpoint(
            **{key: list(value) for key, value in self._variables.items()}
        )
        # Made by being asked for: those that tf.train.CheckpointManager wrote hold one.
        _ = self._checkpoint.save_counter
        self.due = False
        self.at_step: int | None = None

    @property
    def empty(self) -> bool:
        """Whether there is no checkpoint at all, not even a damaged one."""
        return not self._files.steps

    @property
    def latest_step(self) -> int:
        """Step of the newest checkpoint, 0 if there is none."""
        return max(self._files.steps, default=0)

    @property
    def finite(self) -> bool:
        """Whether every weight is."""
        weights = self._variables["networks"] + self._variables.get("extra", [])
        weights = [variable for variable in weights if variable.dtype.is_floating]
        return all(bool(tf.reduce_all(tf.math.is_finite(variable))) for variable in weights)

    def recover(self) -> None:
        """Sets damaged files aside, so that the newest checkpoint is one that can be read.

        Raises:
            InputError: There are checkpoints, and none can be read.
            WriteError: The folder cannot be written.
        """
        if not self.empty:
            self._files.newest_whole(self._files.steps, set_aside=True)

    def restore(self, oldest: int = 0) -> None:
        """Sets all of the state to the newest checkpoint that can be read.

        Args:
            oldest: The first step that will do.

        Raises:
            InputError: None can be read, or it is one of another model.
        """
        self._load(self._newest([s for s in self._files.steps if s >= oldest]))

    def _newest(self, steps: list[int], set_aside: bool = False) -> int:
        """Returns the newest step that can be read: the chief looks, for all."""
        found = self._files.newest_whole(steps, set_aside) if self._writes else 0
        return max(self._devices.values(found)) if self._devices else found

    def go_back(self) -> int:
        """Sets all of the state but the step to the newest checkpoint, and makes another due.

        Those of a stop do not count: a run that was stopped goes back as far as one that was not.

        Returns:
            The checkpoint's step.

        Raises:
            InputError: None can be read.
            WriteError: The folder cannot be written.
        """
        (step,) = self._variables["step"]
        now = int(step.numpy())
        unstopped = self._files.unstopped
        others = [other for other in self._files.steps if other not in unstopped]
        found = self._newest([*others, *unstopped], set_aside=True)
        self._load(found)
        step.assign(now)
        self.due = True
        return found

    def save(self, step: int, stopped: bool = False) -> None:
        """Writes a checkpoint, and removes those that are no longer kept.

        Args:
            step: Its name.
            stopped: It is made only because the run was stopped.

        Raises:
            TrainingError: A weight is not finite; the last good checkpoint stays the newest.
            WriteError: It cannot be written; those before it stay.
        """
        if not self.finite:
            raise self.diverged(step, "a weight")
        for mean, copy in zip(self._means, self._variables["metrics"], strict=True):
            copy.assign(self._total(mean))
        if self._writes:
            self._write(step, stopped)
        if self._devices:
            self._devices.values()
        self.due, self.at_step = False, step

    def _total(self, mean: tf.Variable) -> tf.Tensor:
        """Returns the sum of what all replicas added to a metric's variable."""
        if self._devices and self._devices.several:
            return mean.read_value()
        return tf.add_n(self._strategy.experimental_local_results(mean))

    def _write(self, step, stopped):
        prefix, new = self._files.prefix(step), step not in self._files.steps
        try:
            with folder.writing(prefix):
                self._files.prepare(step, stopped)
                self._checkpoint.write(str(prefix))
        except WriteError:
            with contextlib.suppress(OSError):
                self._files.clear()
                if new:
                    self._files.remove(step)
            raise
        self._files.keep(step, self._keep)

    def diverged(self, step: int, what: str, rollbacks: int = 0) -> TrainingError:
        """Returns the error for a value that is not finite, naming the last good checkpoint."""
        kept = self._files.prefix(self.latest_step)
        again = f" after {rollbacks} roll-backs" if rollbacks else ""
        return TrainingError(
            f"Step {step}: {what} is not finite{again}, so training stopped. "
            + (
                "No checkpoint had been written. "
                if self.empty
                else f"Last good checkpoint: {kept}. "
            )
            + "Start again with a lower --learning-rate or --precision float32."
        )

    def _load(self, step: int) -> None:
        prefix = self._files.prefix(step)
        try:
            status = self._checkpoint.restore(str(prefix))
            status.assert_existing_objects_matched().assert_consumed()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            reason = self._difference(prefix) or str(error).splitlines()[0]
            raise InputError(
                f"Checkpoint {prefix} does not fit this run ({reason}): it is one of another "
                "configuration or of another version's networks. Bring back the config.json that "
                "belongs to it, or start a new run."
            ) from error
        for mean, copy in zip(self._means, self._variables["metrics"], strict=True):
            mean.assign(copy)
        self.at_step = step

    def _difference(self, prefix: Path) -> str | None:
        """Returns in words how a checkpoint's variables differ from the model's, None if not."""
        there = tf.train.load_checkpoint(str(prefix)).get_variable_to_shape_map()
        there = {name.removesuffix(VALUE): tuple(there[name]) for name in there if VALUE in name}
        there.pop("save_counter", None)
        here = {
            f"{group}/{index}": tuple(variable.shape)
            for group, variables in self._variables.items()
            for index, variable in enumerate(variables)
        }
        different = [name for name in {**here, **there} if here.get(name) != there.get(name)]
        if not different:
            return None
        told = [found.get(different[0], "not there") for found in (there, here)]
        return (
            f"{len(different)} variables differ: {different[0]} is {told[0]}, by config.json it "
            f"would be {told[1]}"
        )


def _state(model: keras.Model) -> dict[str, list[tf.Variable]]:
    groups = {
        "networks": [v for network in model.networks for v in network.weights],
        "seeds": model.seed_variables,
        "optimizers": [v for optimizer in model.optimizers for v in optimizer.variables],
        "step": [model.step],
    }
    if model.extra_variables:
        groups["extra"] = model.extra_variables
    state = {name: [variable.value for variable in group] for name, group in groups.items()}
    # Copies: what several processes share cannot be read by one of them.
    means = [variable for metric in model.metrics for variable in metric.variables]
    return {**state, "metrics": [tf.Variable(tf.zeros(v.shape, v.dtype)) for v in means]}
