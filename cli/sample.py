"""kgan sample."""

from typing import Any

import click

from kgan.cli.grouped import PATH, Command, examples, option
from kgan.cli.options import checkpoint_option


@click.command(
    cls=Command,
    epilog=examples(
        "kgan sample --seeds 0-99 --out grid.png",
        "kgan sample runs/00000-digits-dcgan --seeds 1,5,9 --out walk.gif",
    ),
)
@click.argument("model", required=False, type=PATH)
@option(
    "--seeds",
    default="0-63",
    show_default=True,
    metavar="A-B,C,...",
    heading="Images",
    help="One image each.",
)
@option(
    "--out",
    type=PATH,
    default="samples.png",
    show_default=True,
    metavar="PATH",
    heading="Images",
    help="X.png: one sheet; X.npz: arrays; X.gif: a walk between the seeds; a folder: single PNGs.",
)
@option(
    "--columns",
    type=int,
    metavar="N",
    heading="Images",
    shown="about a square",
    help="Images a row of the sheet.",
)
@checkpoint_option
@option(
    "--server",
    metavar="ADDRESS",
    heading="From a server",
    help="Draw from TF Serving: http://HOST:8501 (REST) or HOST:8500 (gRPC).",
)
@option(
    "--model",
    "name",
    metavar="NAME",
    heading="From a server",
    help="The model's name on the server.",
)
@option(
    "--model-version",
    "version",
    metavar="N|LABEL",
    heading="From a server",
    shown="the newest there",
    help="On the server.",
)
@option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    heading="From a server",
    shown="30",
    help="Of one request.",
)
@option(
    "--server-batch",
    "batch_size",
    type=int,
    metavar="N",
    heading="From a server",
    shown="64",
    help="Images a request.",
)
def sample(
    model: str | None,
    seeds: str,
    out: str,
    columns: int | None,
    checkpoint: str | None,
    server: str | None,
    **served: Any,
) -> None:
    """Draw images from MODEL: a run folder, a SavedModel or its name [the newest].

    With --server, MODEL is the name of a model there.
    """
    from kgan.cli.startup import load_tensorflow
    from kgan.console.checks import check_sample

    # A server has no checkpoints: its default must not pass for one that was asked for.
    source = click.get_current_context().get_parameter_source("checkpoint")
    if source is click.core.ParameterSource.DEFAULT:
        checkpoint = None
    check_sample(out, model, seeds, columns, checkpoint, server, **served)
    load_tensorflow()
    from kgan.console.sample import sample_to

    sample_to(out, model, seeds, columns, checkpoint, server, **served)
