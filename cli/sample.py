"""kgan sample."""

from typing import Any

import click

from kgan.cli.grouped import PATH, Command, examples, option
from kgan.cli.options import checkpoint_option


@click.command(
    cls=Command,
    epilog=examples(
        "kgan sample --seeds 0-99 --out grid.png",
        "kgan sample runs/00000-digits-dcgan --classes all --out classes.png",
    ),
)
@click.argument("model", required=False, type=PATH)
@option(
    "--seeds",
    metavar="A-B,C,...",
    heading="Images",
    shown="0-63, or 0-7 of each class",
    help="One image each.",
)
@option(
    "--classes",
    metavar="NAME,N,...|all",
    heading="Images",
    shown="as often as in the data",
    help="Of a model with classes: each of these, by name or number, from all of the seeds; on a "
    "sheet a row each.",
)
@option(
    "--truncation",
    type=float,
    metavar="PSI",
    heading="Images",
    shown="none",
    help="Keep the numbers of latents within +-PSI, such as 0.7: better images, less varied. Of a "
    "walk too, all along it.",
)
@option(
    "--out",
    type=PATH,
    default="samples.png",
    show_default=True,
    metavar="PATH",
    heading="Images",
    help="X.png: one sheet; X.npz: arrays; X.gif: a walk between the seeds; a folder: single PNGs. "
    "What is there is written over.",
)
@option(
    "--columns",
    type=int,
    metavar="N",
    heading="Images",
    shown="about a square; with --classes a row each",
    help="Images a row, of X.png alone.",
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
    seeds: str | None,
    classes: str | None,
    truncation: float | None,
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
    check_sample(out, model, seeds, columns, checkpoint, server, classes, truncation, **served)
    load_tensorflow()
    from kgan.console.sample import sample_to

    sample_to(out, model, seeds, columns, checkpoint, server, classes, truncation, **served)
