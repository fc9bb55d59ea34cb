"""kgan evaluate."""

from typing import Any

import click

from kgan.cli.grouped import PATH, Command, examples, listed, option
from kgan.cli.options import checkpoint_option, run_data_options


@click.command(
    cls=Command,
    epilog=examples(
        "kgan evaluate runs/00000-digits-dcgan --samples 2000",
        "kgan evaluate images.npz --dataset mnist --metrics fid,manifold",
    ),
)
@click.argument("sources", nargs=-1, required=True, type=PATH)
@option(
    "--metrics",
    metavar="NAME,...",
    heading="Scores",
    shown="all that the images can have",
    help=f"{listed('kgan.metrics:METRICS')}.",
)
@option(
    "--samples",
    default=10_000,
    show_default=True,
    metavar="N",
    heading="Scores",
    help="Images to score.",
)
@option(
    "--features",
    type=PATH,
    default="auto",
    show_default=True,
    metavar="NAME",
    heading="Scores",
    help=f"{listed('kgan.metrics:classifiers')}, inception-2015, or a SavedModel's version; auto: "
    "the classifier of the data set, or else of the images' channels.",
)
@option(
    "--inception-graph",
    type=PATH,
    metavar="FILE",
    heading="Scores",
    help="inception-2015 from this file, nothing downloaded.",
)
@option(
    "--dataset",
    type=PATH,
    metavar="NAME|FOLDER",
    heading="Data",
    shown="the run's",
    help="Real images.",
)
@run_data_options
@option(
    "--split",
    default="train",
    show_default=True,
    metavar="NAME",
    heading="Data",
    help="Which real images: train (all but the test images), validation (to choose by), test.",
)
@checkpoint_option
@option(
    "--out",
    type=PATH,
    metavar="DIR",
    heading="Results",
    shown="the runs' own folders",
    help="Where the results go.",
)
def evaluate(**options: Any) -> None:
    """Score SOURCES: runs, SavedModels, folders of images or .npz files, side by side."""
    from kgan.cli.startup import load_tensorflow
    from kgan.console.checks import check_evaluate

    check_evaluate(**options)
    load_tensorflow()
    from kgan.console.evaluate import evaluate_from_options

    evaluate_from_options(**options)
