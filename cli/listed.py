"""Lists of what there is, a line each or as wide as the terminal."""

import shutil
import sys

import click


def show(rows: list[tuple[str, str]]) -> None:
    """Prints names and what they are; a pipe gets a line each."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    indent = max(len(name) for name, _ in rows) + 2
    for name, text in rows:
        click.echo(click.wrap_text(text, width, f"{name:{indent}}", " " * indent))
