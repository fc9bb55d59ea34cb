"""Options that several commands have."""

import click


def _together(*options):
    def add(function):
        for option in reversed(options):
            function = option(function)
        return function

    return add


data_dir_option = click.option(
    "--data-dir", metavar="DIR", help="Where tensorflow-datasets keeps its data."
)
image_size_option = click.option(
    "--image-size", metavar="N|HxW", help="Resize and centre-crop the images."
)

data_options = _together(
    click.option("--dataset", metavar="NAME|FOLDER", help="digits, a TFDS name, a folder; ring."),
    data_dir_option,
    image_size_option,
    click.option("--preset", metavar="NAME", help="Start from a preset: see `kgan presets`."),
)

strategy_option = click.option(
    "--strategy",
    type=click.Choice(["auto", "single", "mirrored", "multiworker", "tpu"]),
    default="auto",
    show_default=True,
    help="Devices: one, all GPUs, TF_CONFIG's workers, TPU.",
)

training_options = _together(
    click.option("--steps", type=int, metavar="N", help="Updates (of each layer of a stack)."),
    click.option("--epochs", type=int, metavar="N", help="Passes over the data, not --steps."),
    click.option("--batch-size", type=int, metavar="N", help="Real examples an update."),
    click.option("--accumulate", type=int, metavar="N", help="Pieces of a batch, for memory."),
    click.option("--learning-rate", type=float, metavar="X", help="Of every optimizer."),
    click.option("--seed", type=int, metavar="N", help="Of weights, order and noise."),
    click.option("--precision", metavar="P", help="auto, float32, bfloat16 or float16."),
    click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Other settings."),
    click.option("--run-dir", metavar="DIR", help="The run's folder [next number in runs/]."),
    click.option("--resume", metavar="RUN", help="Go on with an unfinished run; auto: see below."),
    click.option(
        "--allow-changed-data", is_flag=True, help="Resume though the data are no longer the same."
    ),
    strategy_option,
    click.option("--max-time", metavar="TIME", help="Stop and save after 2h, 90m, 45s."),
    click.option("--keep", type=int, metavar="N", help="Checkpoints, the newest [2]."),
    click.option("--out", default="saved_models", show_default=True, help="Of the SavedModel."),
    click.option("--dry-run", is_flag=True, help="Check, print the configuration, stop."),
)

checkpoint_option = click.option(
    "--checkpoint", default="last", show_default=True, metavar="WHICH", help="Of a run: last, best."
)
