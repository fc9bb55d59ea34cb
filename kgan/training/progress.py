"""What the person at the terminal sees."""

import time
from pathlib import Path

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

REFRESH_SECONDS = 0.5
LINE_SECONDS = 30.0


class ProgressBar(keras.callbacks.Callback):
    """Steps, images/s, time left, both losses, D(x) and D(G(z)).

    Where the output is no terminal, a plain line now and then instead of a bar.

    Args:
        total: Steps of the whole run.
        images_per_step: Real examples a step.
        samples: Where sample pictures appear.
        console: Where to draw.
    """

    def __init__(self, total: int, images_per_step: int, samples: Path, console: Console):
        super().__init__()
        self._total, self._images, self._console = total, images_per_step, console
        self._samples = samples
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
        start = int(self.model.step.value)
        self._console.print(f"Samples appear in {self._samples}/", soft_wrap=True)
        self._task = self._bar.add_task("", total=self._total, completed=start, rate="", scores="")
        self._bar.start()
        self._shown, self._shown_step = time.monotonic(), start
        self._interval = REFRESH_SECONDS if self._console.is_terminal else LINE_SECONDS

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        if now - self._shown < self._interval:
            return
        step = int(self.model.step.value)
        rate = (step - self._shown_step) * self._images / (now - self._shown)
        self._shown, self._shown_step = now, step
        # Not the metrics themselves, which start anew with every line of the log.
        values = {name: float(value) for name, value in logs.items()}
        scores = (
            f"loss D {values['discriminator_loss']:.2f} G {values['generator_loss']:.2f}  "
            f"D(x) {values['real_score']:.2f} D(G(z)) {values['fake_score']:.2f}"
        )
        rate_text = f"{rate:,.0f} images/s"
        if self._console.is_terminal:
            self._bar.update(self._task, completed=step, rate=rate_text, scores=scores)
        else:
            self._console.print(f"step {step}/{self._total}  {rate_text}  {scores}", soft_wrap=True)

    def on_train_end(self, logs=None):
        self._bar.update(self._task, completed=self._total)

    def close(self) -> None:
        """Leaves the terminal as it was, however the run ended."""
        self._bar.stop()
