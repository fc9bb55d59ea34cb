"""One line that says how far something is, at the bottom of the terminal and as wide as it."""

import warnings
from collections.abc import Callable

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment

GAP = "  "
NARROWEST_BAR = 5


def duration(seconds: float) -> str:
    """Returns seconds as "1:02:03" or "2:03"."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class StatusLine:
    """How much of a total is done, a bar, and what else there is room for.

    Args:
        total: What `done` counts to.
        done: So far.

    Attributes:
        done: So far.
        fields: What is said beside it, the most important first. They are left out from the end
            where they do not fit, never cut; the bar has what room is left.
    """

    def __init__(self, total: int, done: int = 0):
        self.total, self.done = total, done
        self.fields: list[str] = []

    @property
    def text(self) -> str:
        """All of it but the bar, for where there is no terminal."""
        return GAP.join([f"{self.done}/{self.total}", *self._shown])

    @property
    def _shown(self) -> list[str]:
        return [field for field in self.fields if field]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # One column less: some terminals wrap a line that fills the last.
        room = options.max_width - 1
        count = f"{self.done:>{len(str(self.total))}}/{self.total}"
        room -= len(count)
        fitting = []
        for field in self._shown:
            if len(GAP) + len(field) > room:
                break
            fitting.append(field)
            room -= len(GAP) + len(field)
        yield Segment(count)
        if room - len(GAP) >= NARROWEST_BAR:
            width = room - len(GAP)
            # It draws nothing but segments.
            drawn = ProgressBar(self.total, self.done, width).__rich_console__(console, options)
            bar = [part for part in drawn if isinstance(part, Segment)]
            # Without colours it ends where what is done does.
            yield from (Segment(GAP), *bar, Segment(" " * (width - Segment.get_line_length(bar))))
        yield Segment("".join(GAP + field for field in fitting))


class Status(Live):
    """Keeps something at the bottom of a terminal, warnings above it; without one does nothing.

    Args:
        console: Where to.
        show: Returns what is shown, asked for again and again.
        transient: Whether it goes when it is stopped.
    """

    def __init__(
        self, console: Console, show: Callable[[], RenderableType], transient: bool = False
    ):
        super().__init__(
            console=console, get_renderable=show, refresh_per_second=4, transient=transient
        )

    def start(self, refresh: bool = False) -> None:
        """Begins to show it."""
        if self.console.is_interactive and not (self.console.quiet or self.is_started):
            self._before, warnings.showwarning = warnings.showwarning, self._warn
            super().start(refresh)

    def stop(self) -> None:
        """Leaves the terminal and the warnings as they were."""
        if self.is_started:
            super().stop()
            warnings.showwarning = self._before

    def _warn(self, message, *args, **kwargs):
        self.console.print(f"Warning: {message}")
