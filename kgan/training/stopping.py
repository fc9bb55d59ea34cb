"""Ending a run before its last step, with nothing lost: on a signal, or when its time is up."""

import contextlib
import math
import re
import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kgan.errors import InputError, shown

if TYPE_CHECKING:  # It needs TensorFlow, which durations do not.
    from kgan.training.strategy import Devices

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppedError(Exception):
    """Training ended before its last step because it was asked to; a checkpoint was saved."""


class Stop:
    """Why training is to end after the step that it is at, if it is.

    Within the `with` block SIGINT and SIGTERM ask for it, unless they were ignored before, as
    SIGINT is in a shell's background; a second SIGINT interrupts at once.

    Args:
        max_seconds: After which it is to end, from now; None for never.

    Attributes:
        signal: The signal that asked for it, None if none did.
    """

    def __init__(self, max_seconds: float | None = None):
        self._deadline = math.inf if max_seconds is None else time.monotonic() + max_seconds
        self.signal: signal.Signals | None = None

    @property
    def seconds_left(self) -> float:
        """Until the time is up, infinite if it never is."""
        return self._deadline - time.monotonic()

    @property
    def asked(self) -> bool:
        """Whether training is to end."""
        return self.seconds_left <= 0 or self.signal is not None

    def asked_of_any(self, devices: "Devices") -> bool:
        """Returns whether any process of a run was asked; each waits for all and gets the same."""
        asked = max(devices.values(self.signal or int(self.asked)))
        if asked > 1:
            self.signal = signal.Signals(asked)
        # Not `self.asked`: a signal that came while it waited is for the next question.
        return asked > 0

    def __enter__(self) -> "Stop":
        before = {number: signal.getsignal(number) for number in SIGNALS}
        self._before = {n: handler for n, handler in before.items() if handler != signal.SIG_IGN}
        for number in self._before:
            signal.signal(number, self._handle)
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number, frame):
        self.signal = signal.Signals(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def interrupting() -> Iterator[list[int]]:
    """Within it SIGTERM raises KeyboardInterrupt, as SIGINT does; gives the list of its comings."""
    received = []

    def interrupt(number, frame):
        received.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)


NUMBER = "[0-9]{1,9}"
UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}


def parse_duration(text: str) -> int:
    """Returns the seconds of "2h", "1h30m" or "45s".

    Raises:
        InputError: The text is no such duration, or 0.
    """
    parts = re.fullmatch("(?:(N)d)?(?:(N)h)?(?:(N)m)?(?:(N)s)?".replace("N", NUMBER), text.strip())
    numbers = [int(number or 0) for number in parts.groups()] if parts else [0]
    seconds = sum(n * unit for n, unit in zip(numbers, UNITS.values(), strict=False))
    if not seconds:
        raise InputError(
            f"--max-time {shown(text)}: expected a duration, such as 2h, 1h30m or 45s."
        )
    return seconds
