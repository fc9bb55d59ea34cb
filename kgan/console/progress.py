"""What the person at the terminal sees while a run trains."""

import collections
import time
from collections.abc import Callable
from pathlib import Path

import keras
from rich.console import Console

from kgan.console.status import Status, StatusLine, duration
from kgan.runs.records import read_evaluations
from kgan.training.build import Run
from kgan.training.callbacks import EverySteps
from kgan.training.evaluation import EVALUATIONS, best_of, cell
from kgan.training.rhythm import Rhythm
from kgan.training.stopping import Stop

REFRESH_SECONDS = 0.5
MARKS = 600  # refreshes that speed is measured over: some minutes, so that a score's wait is little
LINE_SECONDS = 5.0, 300.0  # the first and the longest gap between two plain lines


class ProgressBar(keras.callbacks.Callback):
    """Steps, time left, the metrics and images/s, on one line that fits the terminal.

    Where the output is no terminal, a plain line now and then instead.

    Args:
        run: What is trained.
        run_dir: Its folder.
        console: Where to draw.
        stop: What may end it sooner.
        clock: Seconds from any beginning.
    """

    def __init__(
        self,
        run: Run,
        run_dir: Path,
        console: Console,
        stop: Stop,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__()
        self._images, self._console, self._stop, self._clock = (
            run.images_per_step, console, stop, clock,
        )  # fmt: skip
        self._formats, self._samples = run.method.progress, run_dir / "samples"
        self._line, self._rate = StatusLine(run.total_steps), ""
        self._scores: list[str] = []
        self._marks: collections.deque[tuple[float, int]] = collections.deque(maxlen=MARKS)
        self._end = None
        self._live = Status(console, self._shown)
        self._rhythm = None

    def on_epoch_begin(self, epoch, logs=None):
        # Each layer of a stack has a speed of its own, and a first step that takes longer.
        self._marks.clear()
        self._end = None

    def on_train_batch_begin(self, batch, logs=None):
        if self._rhythm is None:
            self._rhythm = Rhythm(*LINE_SECONDS, clock=self._clock)
            self._line.done = int(self.model.step.numpy())
            self._console.print(f"Samples appear in {self._samples}/", soft_wrap=True)
            self._live.start()

    def on_train_batch_end(self, batch, logs=None):
        now = self._clock()
        if self._marks and now - self._marks[-1][0] < REFRESH_SECONDS:
            return
        step = int(self.model.step.numpy())
        self._marks.append((now, step))
        self._line.done = step
        # Not the metrics themselves, which start anew with every line of the log.
        values = {name: float(value) for name, value in logs.items()}
        self._scores = [one.format(**values) for one in self._formats]
        began, first = self._marks[0]
        if now > began:
            rate = (step - first) / (now - began)
            self._rate = f"{rate * self._images:,.0f} images/s"
            self._end = now + (self._line.total - step) / rate
        if not self._console.is_interactive and self._rhythm.due:
            self._console.print(f"step {self._shown().text}", soft_wrap=True)
            self._rhythm.mark()

    def on_train_end(self, logs=None):
        if int(self.model.step.numpy()) == self._line.total:  # of all layers of a stack
            self.close()
            self._console.print("Trained: scoring and saving.", soft_wrap=True)

    def _shown(self) -> StatusLine:
        self._line.fields = [self._left(), *self._scores, self._rate]
        return self._line

    def _left(self) -> str:
        if self._end is None:
            return "" if self._scores else "starting"
        left, limit = self._end - self._clock(), self._stop.seconds_left
        return f"stops in {duration(limit)}" if limit < left else f"{duration(left)} left"

    def close(self) -> None:
        """Leaves the terminal as it was, however the run ended."""
        if self._live.is_started:
            self._line.done, self._end = int(self.model.step.numpy()), None
            self._live.stop()


class ScoreLines(EverySteps):
    """Says each score that a run gets while it trains, and how it compares with the best.

    Args:
        run_dir: The run's folder.
        every: Steps between two scores.
        console: Where to say it.
    """

    def __init__(self, run_dir: Path, every: int, console: Console):
        super().__init__(every)
        self._run_dir, self._console = run_dir, console

    def at(self, step):
        lines = read_evaluations(self._run_dir / EVALUATIONS)
        best = best_of(lines)
        known = "the best so far" if best is lines[-1] else f"best {cell(best)} at {best['step']}"
        line = f"step {step}: {lines[-1]['name']} {cell(lines[-1])}, {known}"
        self._console.print(line, soft_wrap=True)
