"""kgan datasets."""

import click


@click.command()
@click.option("--data-dir", metavar="DIR", help="Where tensorflow-datasets keeps its data.")
def datasets(data_dir):
    """List the data sets that need no download, and those already on disk."""
    from kgan.data.catalogue import describe

    for name, text in describe(data_dir):
        click.echo(f"{name:16} {text}")
