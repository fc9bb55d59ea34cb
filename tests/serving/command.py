"""The command `kgan` as a user types it, in this process."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner

from kgan.cli import main


def kgan(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def refused(*args) -> str:
    """Returns the one line that a wrong call leaves on stderr; it leaves no file."""
    before = set(Path.cwd().iterdir())
    result = kgan(*args)
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Drawing from")]
    assert len(lines) == 1, result.stderr
    assert set(Path.cwd().iterdir()) == before
    return lines[0].removeprefix("Error: ")


def assert_close(images, expected):
    """Other batch sizes may round to the next grey level."""
    assert images.shape == expected.shape
    assert np.abs(images.astype(int) - expected).max() <= 1
