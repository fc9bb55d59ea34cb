"""Tables that fit the terminal: no number is cut, and no name beyond recognition."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

NAME = 20  # characters of a column's name on one line; longer ones take several


def print_table(rows: Sequence[Sequence[str]], console: Console, title: str | None = None) -> None:
    """Prints rows of text, in as many blocks of columns below each other as the width asks for.

    Args:
        rows: The first is the header; the first column is repeated in every block.
        console: Where to.
        title: Above it all.
    """
    if not rows:
        return
    columns = list(zip(*rows, strict=True))
    blocks, first = [], columns[0]
    for column in columns[1:]:
        wider = [*blocks[-1], column] if blocks else [column]
        if blocks and _width([first, *wider]) > console.width:
            blocks.append([column])
        else:
            blocks[-1:] = [wider]
    for number, block in enumerate(blocks):
        console.print(_table([first, *block], None if number else title))


def _lines(cell: str) -> int:
    return max(len(line) for line in cell.split("\n"))


def _width(columns) -> int:
    """Returns what a table of these columns takes: a space and a gap on each side of every one."""
    widths = [max(min(_lines(name), NAME), *map(_lines, cells)) for name, *cells in columns]
    return sum(width + 3 for width in widths) + 1


def _table(columns, title) -> Table:
    shown = Table(title=title, title_justify="left", box=box.SIMPLE)
    for number, (name, *cells) in enumerate(columns):
        width = max(min(_lines(name), NAME), *map(_lines, cells))
        # Text: names are no markup.
        shown.add_column(
            Text(name), justify="right" if number else "left", min_width=width, overflow="fold"
        )
    for row in zip(*(cells for _, *cells in columns), strict=True):
        shown.add_row(*map(Text, row))
    return shown
