"""How long a comparison will still take, from what was done of it."""

import time
from collections.abc import Callable

from kgan.console.status import duration


class Remaining:
    """Estimates the time that fits will take, each kind of work by what it took so far.

    A training counts as all of the steps that it may make: it may stop sooner, and so the rest.

    Args:
        left: Work to do, by kind: see `Experiment.work`.
        clock: Seconds from any beginning.
    """

    def __init__(self, left: dict[str, int], clock: Callable[[], float] = time.monotonic):
        self._left, self._clock = dict(left), clock
        self._took: dict[str, tuple[float, int]] = {}
        self._begun = self._seen = clock()
        self._step = 0

    def fitted(self, kind: str, work: int, left: dict[str, int]) -> None:
        """Takes note of a finished fit.

        Args:
            kind: Of its work.
            work: How much of it.
            left: Afterwards, by kind.
        """
        self.stepped(0)
        self._took[kind] = self._with(kind, work)
        self._left, self._begun = dict(left), self._seen

    def stepped(self, step: int) -> None:
        """Takes note of a step of the training at hand."""
        self._seen, self._step = self._clock(), step

    def _with(self, kind, work):
        seconds, done = self._took.get(kind, (0.0, 0))
        return seconds + self._seen - self._begun, done + work

    def text(self) -> str:
        """Returns "about 1:02:03 left", with the kinds of work of which nothing is known yet."""
        took, left = dict(self._took), dict(self._left)
        if self._step:
            took["training"] = self._with("training", self._step)
            left["training"] -= self._step
        if not took:
            return ""
        seconds = sum(left[kind] * spent / done for kind, (spent, done) in took.items())
        unknown = [f"{kind}s" for kind, work in left.items() if work and kind not in took]
        without = f", {' and '.join(unknown)} not counted" if unknown else ""
        return f"about {duration(seconds - (self._clock() - self._seen))} left{without}"
