"""kgan export."""

import click

from kgan.cli.options import checkpoint_option


@click.command()
@click.argument("run")
@click.option("--name", metavar="NAME", help="The model's name [the run's].")
@click.option("--out", default="saved_models", show_default=True, metavar="DIR", help="Where to.")
@checkpoint_option
def export(run, name, out, checkpoint):
    """Write the next SavedModel version from a checkpoint of RUN."""
    from kgan.cli.startup import load_tensorflow

    load_tensorflow()
    from kgan.serving import export as export_model
    from kgan.training.run import restore

    model, run_name = restore(run, checkpoint)
    click.echo(f"Saved {export_model(model, out, name or run_name)}")
