"""kgan sample."""

import click

from kgan.cli.options import checkpoint_option


@click.command()
@click.argument("model", required=False)
@click.option(
    "--seeds", default="0-63", show_default=True, metavar="A-B,C,...", help="One image each."
)
@click.option(
    "--out",
    default="samples.png",
    show_default=True,
    metavar="PATH",
    help="X.png: one sheet; X.npz: arrays; X.gif: a walk between the seeds; a folder: single PNGs.",
)
@click.option("--columns", type=int, metavar="N", help="Images a row of the sheet.")
@checkpoint_option
def sample(model, seeds, out, columns, checkpoint):
    """Draw images from MODEL: a run folder, a SavedModel or its name [the newest]."""
    from kgan.cli.startup import load_tensorflow

    load_tensorflow()
    from kgan.training.sampling import sample_to

    sample_to(out, model, seeds, columns, checkpoint)
