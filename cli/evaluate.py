"""kgan evaluate."""

import click

from kgan.cli.options import checkpoint_option, data_dir_option, image_size_option


@click.command()
@click.argument("sources", nargs=-1, required=True)
@click.option(
    "--metrics", metavar="NAME,...", help="fid, kid, manifold, classifier_score, parzen [all]."
)
@click.option("--samples", default=10_000, show_default=True, metavar="N", help="Images to score.")
@click.option(
    "--features",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="digits-cnn, mnist-cnn, cifar10-cnn, inception-2015, or a SavedModel's version.",
)
@click.option("--split", default="train", show_default=True, help="Real images: train or test.")
@checkpoint_option
@click.option("--dataset", metavar="NAME|FOLDER", help="Real images [the run's].")
@data_dir_option
@image_size_option
@click.option("--inception-graph", metavar="FILE", help="Take this file, download nothing.")
@click.option("--out", metavar="DIR", help="Where the results go [the runs' own folders].")
def evaluate(**options):
    """Score SOURCES: runs, SavedModels, folders of images or .npz files, side by side."""
    from kgan.cli.startup import load_tensorflow
    from kgan.tasks.options import check_evaluate

    check_evaluate(**options)
    load_tensorflow()
    from kgan.tasks.evaluation_session import evaluate_from_options

    evaluate_from_options(**options)
