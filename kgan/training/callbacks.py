"""What a run leaves behind while it trains: metrics, samples, checkpoints."""

import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from kgan.training.checkpoint import Checkpoints
from kgan.training.stopping import Stop, StoppedError
from kgan.training.strategy import Devices

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


def board(run_dir: Path) -> tf.summary.SummaryWriter:
    """Returns the writer of a run's TensorBoard."""
    return tf.summary.create_file_writer(str(run_dir / "tensorboard"))


def write_scalars(writer: tf.summary.SummaryWriter, step: int, values: dict[str, float]) -> None:
    """Writes numbers to TensorBoard, whole when this returns."""
    with writer.as_default(step=step):
        for name, value in values.items():
            tf.summary.scalar(name, value)
    writer.flush()


class MetricsLog(EverySteps):
    """Writes the means since the last line to metrics.jsonl and TensorBoard, and starts anew.

    Args:
        run_dir: The run's folder.
        every: Steps between two lines.
        images_per_step: Real examples a step.
        checkpoints: Name the last good one when a loss is not finite.
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
        self._checkpoints, self._writes = checkpoints, writes
        self._board = board(run_dir) if writes else None

    def on_epoch_begin(self, epoch, logs=None):
        # A killed run may have logged past its last checkpoint: those lines will come again.
        start = self._checkpoints.latest_step
        lines = keep_lines(self._path, start) if self._writes else []
        last = lines[-1] if lines else {"step": 0, "seconds": 0.0}
        self._last_step, self._last_time = start, time.monotonic()
        self._seconds = last["seconds"]

    def at(self, step):
        values = {metric.name: float(metric.result()) for metric in self.model.metrics}
        for name, value in values.items():
            if not math.isfinite(value):
                raise self._checkpoints.diverged(step, f"{name} ({value})")
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
        self.model.reset_metrics()
        if not self._writes:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        write_scalars(
            self._board, step, {name: line[name] for name in ("images_per_second", *values)}
        )


def keep_lines(path: Path, step: int) -> list[dict]:
    """Drops the lines of a metrics.jsonl that come after a step; returns those that stay."""
    lines = [line for line in read_metrics(path) if line["step"] <= step]
    aside = path.with_suffix(".new")
    aside.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    os.replace(aside, path)
    return lines


def read_metrics(path: Path) -> list[dict]:
    """Returns the whole lines of a metrics.jsonl; a last line cut off by a kill is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


class Samples(EverySteps):
    """Writes a picture of what the model makes to samples/.

    Args:
        run_dir: The run's folder.
        every: Steps between two pictures.
        draw: From the model to its picture, the same seeds or images every time.
    """

    def __init__(self, run_dir: Path, every: int, draw: Callable):
        super().__init__(every)
        self.folder, self._draw = run_dir / "samples", draw
        self._board = board(run_dir)

    def at(self, step):
        picture = self._draw(self.model)
        self.folder.mkdir(exist_ok=True)
        picture.save(self.folder / f"step-{step:08d}.png")
        with self._board.as_default(step=step):
            tf.summary.image("samples", np.asarray(picture.convert("RGB"))[None])
        self._board.flush()


class Checkpointing(EverySteps):
    """Saves every so many steps, and before a stop; begins from the newest checkpoint.

    The last of a run's callbacks, so that what it saves is what the others left.

    Args:
        checkpoints: The run's checkpoints.
        every: Steps between two checkpoints.
        stop: Whether training is to end; None if nothing can ask for it.
        devices: The run's processes, which stop at the same step.
    """

    def __init__(self, checkpoints: Checkpoints, every: int, stop: Stop | None, devices: Devices):
        super().__init__(every)
        self._checkpoints, self._stop, self._devices = checkpoints, stop, devices

    def on_epoch_begin(self, epoch, logs=None):
        # Not earlier: at the start of an epoch Keras resets the metrics, which are restored too.
        self._checkpoints.restore()

    def on_train_batch_end(self, batch, logs=None):
        # The last one later: a run that is killed before the others' last call makes it again.
        if batch + 1 < self.params["steps"]:
            super().on_train_batch_end(batch, logs)
            step = int(self.model.step.numpy())
            if self._stop and self._asked(step):
                # Not by `stop_training`: the others would take this step for the last.
                if self._checkpoints.latest_step != step:
                    self.at(step)
                raise StoppedError(f"Training stopped after step {step}.")

    def _asked(self, step):
        if not self._devices.several:
            return self._stop.asked
        if step % ASKED_EVERY:
            return False
        self._stop.ask_all(self._devices)
        return self._stop.asked

    def on_train_end(self, logs=None):
        self.at(int(self.model.step.numpy()))

    def at(self, step):
        self._checkpoints.save(step)
