"""What the person at the terminal sees."""

import time
from pathlib import Path

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kgan.training.build import Run

REFRESH_SECONDS = 0.5
LINE_SECONDS = 30.0


class ProgressBar(keras.callbacks.Callback):
    """Steps, images/s, time left and the metrics.

    Where the output is no terminal, a plain line now and then instead of a bar.

    Args:
        run: What is trained.
        samples: Where sample pictures appear.
        console: Where to draw.
    """

    def __init__(self, run: Run, samples: Path, console: Console):
        super().__init__()
        self._total, self._images, self._console = run.total_steps, run.images_per_step, console
        self._scores, self._samples = run.family.progress(run.model), samples
        self._task = None
        self._bar = Progress(
            MofNCompleteColumn(),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            TextColumn("{task.fields[scores]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def on_epoch_begin(self, epoch, logs=None):
        start = int(self.model.step.numpy())
        if self._task is None:
            self._console.print(f"Samples appear in {self._samples}/", soft_wrap=True)
            self._task = self._bar.add_task(
                "", total=self._total, completed=start, rate="", scores=""
            )
            self._bar.start()
        self._shown, self._shown_step = time.monotonic(), start
        self._interval = REFRESH_SECONDS if self._console.is_terminal else LINE_SECONDS

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        if now - self._shown < self._interval:
            return
        step = int(self.model.step.numpy())
        rate = (step - self._shown_step) * self._images / (now - self._shown)
        self._shown, self._shown_step = now, step
        # Not the metrics themselves, which start anew with every line of the log.
        scores = self._scores.format(**{name: float(value) for name, value in logs.items()})
        rate_text = f"{rate:,.0f} images/s"
        if self._console.is_terminal:
            self._bar.update(self._task, completed=step, rate=rate_text, scores=scores)
        else:
            self._console.print(f"step {step}/{self._total}  {rate_text}  {scores}", soft_wrap=True)

    def on_train_end(self, logs=None):
        self._bar.update(self._task, completed=int(self.model.step.numpy()))

    def close(self) -> None:
        """Leaves the terminal as it was, however the run ended."""
        self._bar.stop()
