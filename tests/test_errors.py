"""What errors say, whatever is repeated in them."""

import shlex
from pathlib import Path

from kgan import names
from kgan.errors import InputError, plain


def test_an_error_is_one_line_that_does_nothing_to_a_terminal():
    error = InputError("No model \x1b[31mred\r\n\x07\x9b at \udcff: expected é, 写真 or 🎲.")
    assert str(error) == r"No model \x1b[31mred \x07\x9b at \udcff: expected é, 写真 or 🎲."


def test_a_command_to_paste_is_quoted():
    assert names.command("train --resume", "my run") == "kgan train --resume 'my run'"
    command = names.command("sample", Path("$(touch x)"), "--checkpoint best")
    assert shlex.split(command) == ["kgan", "sample", "$(touch x)", "--checkpoint", "best"]


def test_what_can_be_printed_stays():
    assert plain("Drawing from runs/00000-My  photos, 50 %") == (
        "Drawing from runs/00000-My  photos, 50 %"
    )
