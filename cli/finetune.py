"""kgan finetune."""

from typing import Any

import click

from kgan.cli.grouped import PATH, Command, examples, listed, option
from kgan.cli.options import run_data_options, strategy_option


@click.command(
    cls=Command,
    epilog=examples(
        "kgan finetune runs/00000-digits-conv_autoencoder --labels 20,100,all",
        "kgan finetune runs/00000-digits-dcgan --arms probe,random_probe --labels 100",
    ),
)
@click.argument("run", type=PATH)
@option(
    "--labels",
    metavar="N,...",
    heading="Comparison",
    shown="100,1000,10000,all: those that there are",
    help="How many the classifiers learn from.",
)
@option(
    "--arms",
    metavar="NAME,...",
    heading="Comparison",
    shown="all",
    help=f"{listed('kgan.tasks.finetune:ARMS')}.",
)
@option(
    "--seeds",
    default=5,
    show_default=True,
    metavar="N",
    heading="Comparison",
    help="Repetitions, each on labels of its own.",
)
@option(
    "--dataset",
    type=PATH,
    metavar="NAME|FOLDER",
    heading="Data",
    shown="the run's",
    help="Images with labels.",
)
@run_data_options
@option(
    "--learning-rates",
    default="0.001,0.0003",
    show_default=True,
    metavar="X,...",
    heading="Optimisation",
    help="To choose from, on validation.",
)
@option(
    "--steps",
    type=int,
    metavar="N",
    heading="Optimisation",
    shown="60 epochs, 1,000 or more",
    help="Updates at most.",
)
@option(
    "--batch-size",
    default=128,
    show_default=True,
    metavar="N",
    heading="Optimisation",
    help="Labels a step.",
)
@option(
    "--out",
    type=PATH,
    default="saved_models",
    show_default=True,
    metavar="DIR",
    heading="Results",
    help="Where the best classifier goes.",
)
@option(
    "--dry-run",
    is_flag=True,
    heading="Results",
    help="Check everything, print what would be done, stop.",
)
@strategy_option
def finetune(**options: Any) -> None:
    """Train classifiers from RUN's network on few labels, against the same from scratch."""
    from kgan.cli.startup import load_tensorflow
    from kgan.console.checks import check_finetune

    check_finetune(**options)
    load_tensorflow()
    from kgan.console.finetune import finetune_from_options

    finetune_from_options(**options)
