"""kgan export."""

from typing import Any

import click

from kgan.cli.grouped import PATH, Command, examples, option
from kgan.cli.options import checkpoint_option


@click.command(
    cls=Command,
    epilog=examples(
        "kgan export runs/00000-digits-dcgan --name digits --keep 3",
        "kgan export --models-config",
    ),
)
@click.argument("run", required=False, type=PATH)
@option(
    "--name",
    metavar="NAME",
    heading="Model",
    shown="the run's",
    help="What the model is called.",
)
@checkpoint_option
@option(
    "--keep",
    type=int,
    metavar="N",
    heading="Model",
    shown="all",
    help="Leave the newest N versions only.",
)
@option(
    "--out",
    type=PATH,
    metavar="DIR",
    heading="Model",
    shown="saved_models",
    help="Where to.",
)
@option(
    "--models-config",
    is_flag=True,
    heading="Server",
    help="Write DIR/models.config for all models.",
)
@option(
    "--base-path",
    metavar="PATH",
    heading="Server",
    shown="/models, as in Docker",
    help="What the server calls DIR, in models.config.",
)
@option(
    "--show",
    type=PATH,
    metavar="MODEL",
    heading="Server",
    help="Print requests to MODEL on a server, and no more.",
)
def export(run: str, **options: Any) -> None:
    """Write the next SavedModel version from a checkpoint of RUN."""
    from kgan.cli.startup import load_tensorflow
    from kgan.console.checks import check_export
    from kgan.console.export import export_from_options

    check_export(run, **options)
    load_tensorflow()
    for line in export_from_options(run, **options):
        click.echo(line)
