"""The lines of a run's metrics.jsonl, and of files like it."""

import json
from collections.abc import Callable
from pathlib import Path

from kgan.runs import folder
from kgan.runs.records import read_metrics


def keep_lines(path: Path, step: int, read: Callable = read_metrics) -> list[dict]:
    """Drops the lines of a metrics.jsonl that come after a step; returns those that stay.

    Args:
        path: The file.
        step: The last that stays.
        read: What reads it, of another one of a run's files.
    """
    lines = [line for line in read(path) if line["step"] <= step]
    folder.write_text(path, "".join(json.dumps(line) + "\n" for line in lines))
    return lines


def add_event(path: Path, step: int, images: int, event: dict) -> None:
    """Adds a line to the metrics.jsonl of a run that does not train now.

    Args:
        path: The file; lines past the step are dropped, they will come again.
        step: The run's newest.
        images: Real examples a step.
        event: What happened, as "event", and more.
    """
    lines = keep_lines(path, step)
    seconds = lines[-1]["seconds"] if lines else 0.0
    line = {"step": step, "images_seen": step * images, "seconds": seconds, **event}
    folder.write_text(path, "".join(json.dumps(line) + "\n" for line in [*lines, line]))
