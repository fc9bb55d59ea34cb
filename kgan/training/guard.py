"""Going back when training breaks down, and on with other draws."""

import math
import warnings
from collections.abc import Sequence

import keras

from kgan.errors import RunWarning
from kgan.runs.checkpoint import Checkpoints
from kgan.training.callbacks import MetricsLog

EVENT = "rolled_back"


class Guard(keras.callbacks.Callback):
    """Rolls a run back to its last checkpoint when a metric or a weight is not finite.

    The step stays: batches and noise are functions of it, so what led there is skipped. Learning
    rates are halved, save those with a schedule. The first of a run's callbacks, so that the others
    see finite weights alone.

    Args:
        checkpoints: The run's checkpoints.
        log: Takes a line for every roll-back, and so knows how many there were.
        rhythms: Of the other callbacks: the steps to look at are the multiples of any.
        at_most: Roll-backs in a run, before it gives up.
    """

    def __init__(
        self, checkpoints: Checkpoints, log: MetricsLog, rhythms: Sequence[int], at_most: int
    ):
        super().__init__()
        self._checkpoints, self._log = checkpoints, log
        self._rhythms, self._at_most = rhythms, at_most
        self._rollbacks = None

    def on_epoch_begin(self, epoch, logs=None):
        # Once, and from the file: a resumed run counts on. Later the chief writes to it.
        if self._rollbacks is None:
            self._rollbacks = self._log.count(EVENT)

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.step.numpy())
        last = batch + 1 == self.params["steps"]
        if last or any(step % every == 0 for every in self._rhythms):
            what = self._not_finite()
            if what:
                self._roll_back(step, what)

    def _not_finite(self) -> str | None:
        for metric in self.model.metrics:
            value = float(metric.result())
            if not math.isfinite(value):
                return f"{metric.name} ({value})"
        return None if self._checkpoints.finite else "a weight"

    def _roll_back(self, step, what):
        if self._rollbacks == self._at_most:
            raise self._checkpoints.diverged(step, what, self._at_most)
        self._rollbacks += 1
        found = self._checkpoints.go_back()
        rates = [_halved(optimizer) for optimizer in self.model.optimizers]
        self.model.reset_metrics()
        # Before the checkpoint: a process killed between the two comes here again.
        self._log.write(
            step, {"event": EVENT, "reason": what, "to_step": found, "learning_rates": rates}
        )
        if not self._log.writes:
            return  # The chief tells.
        told = ", ".join("as scheduled" if rate is None else f"{rate:g}" for rate in rates)
        count = f"roll-back {self._rollbacks} of at most {self._at_most}"
        warnings.warn(
            f"Step {step}: {what} is not finite. Went back to the weights of step {found} and on "
            f"from here, learning rate {told}; {count}.",
            RunWarning,
            stacklevel=2,
        )


def _halved(optimizer) -> float | None:
    """Halves the learning rate and returns it; None of a schedule, which is left as it is."""
    rate = getattr(optimizer, "inner_optimizer", optimizer).learning_rate
    if not isinstance(rate, keras.Variable):
        return None
    rate.assign(rate * 0.5)
    return float(f"{float(rate):.6g}")
