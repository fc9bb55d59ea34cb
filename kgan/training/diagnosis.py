"""Looking at a training from time to time, and saying what is wrong with it."""

import warnings
from pathlib import Path

from kgan.data.split import Splits
from kgan.errors import RunWarning
from kgan.methods.base import Method
from kgan.runs.records import read_metrics
from kgan.training.callbacks import EverySteps, MetricsLog

EVENT = "diagnosed"
LINES, STEPS = 5, 250  # at least, of the log and of the training, between two


class Diagnosis(EverySteps):
    """Writes how a training goes to its log, and warns where it goes wrong.

    Args:
        run_dir: The run's folder.
        log: The run's own, whose rhythm this one is a multiple of.
        method: How the model is trained.
        data: The run's.
    """

    def __init__(self, run_dir: Path, log: MetricsLog, method: Method, data: Splits):
        super().__init__(log.every * max(LINES, -(-STEPS // log.every)))
        self._path, self._log = run_dir / "metrics.jsonl", log
        self._method, self._data = method, data

    def on_train_end(self, logs=None):
        """Says nothing: what is over is scored."""

    def at(self, step):
        found = self._method.diagnose(self.model, self._data)
        found = {name: float(f"{value:.4g}") for name, value in found.items()}
        before = [line for line in read_metrics(self._path) if line.get("event") == EVENT]
        told = self._method.said([*before, found])
        reason = {"reason": "; ".join(told)} if told else {}
        self._log.write(step, {"event": EVENT, **found, **reason})
        for text in told:
            warnings.warn(f"Step {step}: {text}.", RunWarning, stacklevel=2)
