"""kgan datasets."""

import click

from kgan.cli.options import data_dir_option


@click.command()
@data_dir_option
def datasets(data_dir):
    """List the data sets that need no download, and those already on disk."""
    from kgan.data.catalogue import describe

    for name, text in describe(data_dir):
        click.echo(f"{name:16} {text}")
