"""Tables that fit the terminal: no number is cut, and no name."""

import textwrap
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

NAME = 12  # characters that a column's name has on a line, at least, before it takes several
GAP = 2


def print_table(rows: Sequence[Sequence[str]], console: Console, title: str | None = None) -> None:
    """Prints rows of text, in as many blocks of columns below each other as the width asks for.

    Args:
        rows: The first is the header; the first column is repeated in every block, of several
            without the rows that are empty there. None, no table.
        console: Where to.
        title: Above it all.
    """
    columns: list[Sequence[str]] = list(zip(*rows, strict=True))
    if _width(columns) > console.width:
        columns = [_narrow(column) for column in columns]
    blocks: list[list[Sequence[str]]] = []
    for column in columns[1:]:
        if blocks and _width([*blocks[-1], column]) <= console.width:
            blocks[-1].append(column)
        else:
            blocks.append([columns[0], column])
    if title:
        console.print(title)
    for block in blocks:
        console.print()
        console.print(_table(block if len(blocks) == 1 else _filled(block)))
    if blocks:
        console.print()


def _lines(cell: str) -> int:
    return max(map(len, cell.split("\n")))


def _narrow(column: Sequence[str]) -> list[str]:
    """Returns a column whose name is no wider than its cells, in several lines if need be."""
    name, *cells = column
    return ["\n".join(textwrap.wrap(name, max(NAME, *map(_lines, cells)))), *cells]


def _width(columns: Sequence[Sequence[str]]) -> int:
    return sum(GAP + max(map(_lines, column)) for column in columns) - GAP


def _filled(columns: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    head, *rows = zip(*columns, strict=True)
    return [*zip(head, *(row for row in rows if any(row[1:])), strict=True)]


def _table(columns: Sequence[Sequence[str]]) -> Table:
    shown = Table(box=box.SIMPLE, show_edge=False, pad_edge=False, collapse_padding=True)
    for number, (name, *_) in enumerate(columns):
        # Text: names are no markup.
        shown.add_column(Text(name), justify="right" if number else "left", overflow="fold")
    for row in zip(*(cells for _, *cells in columns), strict=True):
        shown.add_row(*map(Text, row))
    return shown
