"""What errors say, whatever is repeated in them."""

from kgan.errors import InputError, plain


def test_an_error_is_one_line_that_does_nothing_to_a_terminal():
    error = InputError("No model \x1b[31mred\r\n\x07\x9b at \udcff: expected é, 写真 or 🎲.")
    assert str(error) == r"No model \x1b[31mred \x07\x9b at \udcff: expected é, 写真 or 🎲."


def test_what_can_be_printed_stays():
    assert plain("Drawing from runs/00000-My  photos, 50 %") == (
        "Drawing from runs/00000-My  photos, 50 %"
    )
