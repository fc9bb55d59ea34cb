"""kgan datasets."""

import click

from kgan.cli.grouped import Command, examples, option
from kgan.cli.options import data_dir_option


@click.command(
    cls=Command, epilog=examples("kgan datasets --data-dir DIR", "kgan datasets --clear photos")
)
@data_dir_option
@option(
    "--cache",
    is_flag=True,
    heading="Cache of prepared images",
    help="List its entries: size, age, source.",
)
@option(
    "--clear",
    is_flag=False,
    flag_value="all",
    metavar="[NAME,...]",
    heading="Cache of prepared images",
    help="Remove all entries, or those of these names; the data sets themselves stay.",
)
def datasets(data_dir: str | None, cache: bool, clear: str | None) -> None:
    """List the data sets that need no download, and those already on disk."""
    from kgan.data import cache as cached
    from kgan.data.catalogue import describe

    if clear is not None:
        lines = cached.clear(clear)
    elif cache:
        lines = cached.describe()
    else:
        lines = [f"{name:16} {text}" for name, text in describe(data_dir)]
    for line in lines:
        click.echo(line)
