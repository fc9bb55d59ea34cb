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
@click.option(
    "--server",
    metavar="ADDRESS",
    help="Draw from TF Serving: http://HOST:8501 (REST) or HOST:8500 (gRPC).",
)
@click.option("--model", "name", metavar="NAME", help="The model's name on the server.")
@click.option(
    "--model-version", "version", metavar="N|LABEL", help="On the server [the newest there]."
)
@click.option("--timeout", type=float, metavar="SECONDS", help="Of one request [30].")
@click.option("--server-batch", "batch_size", type=int, metavar="N", help="Images a request [64].")
def sample(model, seeds, out, columns, checkpoint, server, **served):
    """Draw images from MODEL: a run folder, a SavedModel or its name [the newest].

    With --server, MODEL is the name of a model there.
    """
    from kgan.cli.startup import load_tensorflow
    from kgan.training import drawing

    # A server has no checkpoints: its default must not pass for one that was asked for.
    source = click.get_current_context().get_parameter_source("checkpoint")
    if source is click.core.ParameterSource.DEFAULT:
        checkpoint = None
    drawing.check(out, model, seeds, columns, checkpoint, server, **served)
    load_tensorflow()
    from kgan.training.sampling import sample_to

    sample_to(out, model, seeds, columns, checkpoint, server, **served)
