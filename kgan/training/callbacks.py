"""What a run leaves behind while it trains: metrics, samples, checkpoints."""

import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from kgan.errors import RunWarning
from kgan.runs import folder
from kgan.runs.board import Board
from kgan.runs.checkpoint import Checkpoints
from kgan.runs.lines import keep_lines
from kgan.runs.records import read_metrics
from kgan.training.rhythm import Rhythm
from kgan.training.stopping import Stop, StoppedError
from kgan.training.strategy import Devices

PICTURE_SECONDS = 20.0  # without one before another is due
ASKED_EVERY = 10  # steps between two questions to all workers whether to stop: each costs a wait


class EverySteps(keras.callbacks.Callback):
    """Calls `at(step)` after every `every` steps of a model, and after the last.

    Args:
        every: Steps between two calls.
    """

    def __init__(self, every: int):
        super().__init__()
        self.every = every

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.step.numpy())
        if step % self.every == 0:
            self.at(step)

    def on_train_end(self, logs=None):
        step = int(self.model.step.numpy())
        if step % self.every:
            self.at(step)


class MetricsLog(EverySteps):
    """Writes the means since the last line to metrics.jsonl and TensorBoard, and starts anew.

    With them what schedules have come to.

    Args:
        run_dir: The run's folder.
        every: Steps between two lines.
        images_per_step: Real examples a step.
        checkpoints: The run's own: lines past the newest are dropped, they will come again.
        writes: Whether this process writes; all of a run's read the means, which they share.
    """

    def __init__(
        self,
        run_dir: Path,
        every: int,
        images_per_step: int,
        checkpoints: Checkpoints,
        writes: bool = True,
    ):
        super().__init__(every)
        self._path, self._images = run_dir / "metrics.jsonl", images_per_step
        self._checkpoints, self.writes = checkpoints, writes
        self._board = Board(run_dir) if writes else None

    def on_epoch_begin(self, epoch, logs=None):
        # A killed run may have logged past its last checkpoint: those lines will come again.
        start = self._checkpoints.latest_step
        lines = keep_lines(self._path, start) if self.writes else []
        last = lines[-1] if lines else {"step": 0, "seconds": 0.0}
        if self.writes and start - last["step"] >= self.every:
            warnings.warn(
                f"{self._path} ends at step {last['step']:,}, the checkpoint is of step {start:,}: "
                "the lines between are lost.",
                RunWarning,
                stacklevel=2,
            )
        self._last_step, self._last_time = start, time.monotonic()
        self._seconds = last["seconds"]

    def at(self, step):
        if step == self._last_step:  # a roll-back's
            return
        values = {metric.name: float(metric.result()) for metric in self.model.metrics}
        values |= self.model.scheduled()
        line = self.write(step, values)
        if self.writes:
            self._board.scalars(step, {name: line[name] for name in ("images_per_second", *values)})
        self.model.reset_metrics()

    def write(self, step: int, values: dict) -> dict:
        """Writes a step's line with these values, if this process does, and returns it."""
        now = time.monotonic()
        took, self._last_time = now - self._last_time, now
        self._seconds += took
        line = {
            "step": step,
            "images_seen": step * self._images,
            "seconds": round(self._seconds, 3),
            "images_per_second": round((step - self._last_step) * self._images / took, 1),
            **values,
        }
        self._last_step = step
        if self.writes:
            with folder.writing(self._path), self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        return line

    def count(self, event: str) -> int:
        """Returns how often an event is logged up to the newest checkpoint."""
        last = self._checkpoints.latest_step
        lines = (line for line in read_metrics(self._path) if line["step"] <= last)
        return sum(line.get("event") == event for line in lines)


class Samples(EverySteps):
    """Writes a picture of what the model makes to samples/: of step 0, then at two rhythms.

    Those by steps are the same in every run. Where they are long in coming there are some by time
    between them. Each is a function of the model at its step alone.

    Args:
        run_dir: The run's folder.
        every: Steps between two pictures.
        draw: From the model to its picture, the same seeds or images every time; it leaves the
            model as it is.
        finite: Whether the weights are, and so worth a picture at a step of no rhythm.
        clock: See `Rhythm`.
    """

    def __init__(
        self,
        run_dir: Path,
        every: int,
        draw: Callable,
        finite: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__(every)
        self.folder, self._draw, self._finite = run_dir / "samples", draw, finite
        self._board, self._clock, self._rhythm, self._at_step = Board(run_dir), clock, None, None

    def on_train_batch_begin(self, batch, logs=None):
        # Not earlier: at the start of an epoch a resumed run has yet to get its weights back.
        if self._rhythm is None:
            self._rhythm = Rhythm(PICTURE_SECONDS, clock=self._clock)
            with folder.writing(self.folder):
                self.folder.mkdir(exist_ok=True)
            if int(self.model.step.numpy()) == 0:
                self.at(0)

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self._rhythm.due:
            self.now()

    def now(self) -> None:
        """Draws the step at hand, unless that is done or its weights are not finite."""
        step = int(self.model.step.numpy())
        if step != self._at_step and self._finite():
            self.at(step)

    def at(self, step):
        picture = self._draw(self.model)
        path = self.folder / f"step-{step:08d}.png"
        with folder.writing(path):
            # Aside: one by time does not come again after a kill.
            picture.save(self.folder / ".writing.png")
            os.replace(self.folder / ".writing.png", path)
        self._board.image(step, "samples", np.asarray(picture.convert("RGB")))
        self._at_step = step
        self._rhythm.mark()


class Checkpointing(EverySteps):
    """Saves at first, every so many steps and before a stop; begins from the newest checkpoint.

    The last of a run's callbacks, so that what it saves is what the others left.

    Args:
        checkpoints: The run's checkpoints.
        every: Steps between two checkpoints.
        stop: Whether training is to end; None if nothing can ask for it.
        devices: Of the run, whose processes stop at the same step.
    """

    def __init__(self, checkpoints: Checkpoints, every: int, stop: Stop | None, devices: Devices):
        super().__init__(every)
        self._checkpoints, self._stop, self._devices = checkpoints, stop, devices
        self._begun = False

    def on_epoch_begin(self, epoch, logs=None):
        # Not earlier: at the start of an epoch Keras resets the metrics, which are restored too.
        # Once: the next layer of a stack begins where the one before ended.
        if self._begun:
            return
        self._begun = True
        # All look before one writes.
        if any(self._devices.values(int(self._checkpoints.empty))):
            self._checkpoints.save(0)
        else:
            self._checkpoints.restore()

    def on_train_batch_end(self, batch, logs=None):
        # The last one later: a run that is killed before the others' last call makes it again.
        if batch + 1 < self.params["steps"]:
            super().on_train_batch_end(batch, logs)
            step = int(self.model.step.numpy())
            if self._checkpoints.due:
                self.at(step)
            if self._stop and self._asked(step):
                # Not by `stop_training`: the others would take this step for the last.
                if self._checkpoints.at_step != step and self._checkpoints.finite:
                    self._checkpoints.save(step, stopped=True)
                raise StoppedError(f"Training stopped after step {step}.")

    def _asked(self, step):
        if self._devices.several:
            return step % ASKED_EVERY == 0 and self._stop.asked_of_any(self._devices)
        return self._stop.asked

    def on_train_end(self, logs=None):
        self.at(int(self.model.step.numpy()))

    def at(self, step):
        self._checkpoints.save(step)
