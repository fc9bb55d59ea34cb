"""kgan finetune."""

import click

from kgan.cli.options import data_dir_option, image_size_option, strategy_option


@click.command()
@click.argument("run")
@click.option(
    "--labels", metavar="N,...", help="How many [100,1000,10000,all, those that there are]."
)
@click.option(
    "--arms", metavar="NAME,...", help="pretrained, random, probe, random_probe [all four]."
)
@click.option("--seeds", default=5, show_default=True, metavar="N", help="Repetitions.")
@click.option(
    "--learning-rates",
    default="0.001,0.0003",
    show_default=True,
    metavar="X,...",
    help="To choose from, on validation.",
)
@click.option("--dataset", metavar="NAME|FOLDER", help="Other data than the run's.")
@data_dir_option
@image_size_option
@click.option("--steps", type=int, metavar="N", help="Updates at most [60 epochs, 1,000 or more].")
@click.option("--batch-size", default=128, show_default=True, metavar="N", help="Labels a step.")
@strategy_option
@click.option("--out", default="saved_models", show_default=True, help="Where the model is saved.")
@click.option("--dry-run", is_flag=True, help="Check everything, print what would be done, stop.")
def finetune(**options):
    """Train classifiers from RUN's network on few labels, against the same from scratch."""
    from kgan.cli.startup import load_tensorflow
    from kgan.tasks.options import check_finetune

    check_finetune(**options)
    load_tensorflow()
    from kgan.tasks.session import finetune_from_options

    finetune_from_options(**options)
