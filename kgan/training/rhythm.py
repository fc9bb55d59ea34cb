"""Moments that come ever more seldom, so that what happens at them stays little."""

import math
import time
from collections.abc import Callable


class Rhythm:
    """Tells when something is due again: soon at first, then after longer and longer gaps.

    A gap is a quarter of the time so far, but at least the first one.

    Args:
        first: Seconds from its making to the first moment, and the shortest gap.
        longest: Seconds of the longest gap; by default gaps grow without end, and moments are as
            many as the logarithm of the time.
        clock: Seconds from any beginning.
    """

    def __init__(
        self,
        first: float,
        longest: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._first, self._longest, self._clock = first, longest, clock
        self._began = clock()
        self.mark()

    @property
    def due(self) -> bool:
        """Whether the gap since the last mark is over."""
        return self._clock() >= self._next

    def mark(self) -> None:
        """Begins the next gap."""
        now = self._clock()
        self._next = now + min(max(self._first, (now - self._began) / 4), self._longest)
