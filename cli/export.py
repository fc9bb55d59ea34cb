"""kgan export."""

import click

from kgan.cli.options import checkpoint_option


@click.command()
@click.argument("run", required=False)
@click.option("--name", metavar="NAME", help="The model's name [the run's].")
@click.option("--out", metavar="DIR", help="Where to [saved_models].")
@click.option("--keep", type=int, metavar="N", help="Leave the newest N versions only [all].")
@click.option("--models-config", is_flag=True, help="Write DIR/models.config for all models.")
@click.option(
    "--base-path",
    metavar="PATH",
    help="What the server calls DIR, in models.config [/models, as in Docker].",
)
@click.option("--show", metavar="MODEL", help="Print requests to MODEL on a server, and no more.")
@checkpoint_option
def export(run, **options):
    """Write the next SavedModel version from a checkpoint of RUN."""
    from kgan.cli.startup import load_tensorflow
    from kgan.training.exporting import check, export_from_options

    check(run, **options)
    load_tensorflow()
    for line in export_from_options(run, **options):
        click.echo(line)
