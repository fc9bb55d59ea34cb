"""kgan train."""

import click


@click.command()
@click.option("--dataset", metavar="NAME|FOLDER", help="digits, ring, grid, a TFDS name, a folder.")
@click.option("--data-dir", metavar="DIR", help="Where tensorflow-datasets keeps its data.")
@click.option("--image-size", metavar="N|HxW", help="Resize and centre-crop the images.")
@click.option("--preset", metavar="NAME", help="Start from a preset: see `kgan presets`.")
@click.option("--model", metavar="NAME", help="Networks: dcgan, mlp.")
@click.option("--objective", metavar="NAME", help="non_saturating, minimax, hinge, ...")
@click.option("--discriminator-steps", type=int, metavar="K", help="Updates before each of G's.")
@click.option("--latent-dim", type=int, metavar="N", help="Dimensions of the noise.")
@click.option("--steps", type=int, metavar="N", help="Generator updates.")
@click.option("--epochs", type=int, metavar="N", help="Passes over the data, instead of --steps.")
@click.option("--batch-size", type=int, metavar="N", help="Real examples a discriminator update.")
@click.option("--learning-rate", type=float, metavar="X", help="Of both optimizers.")
@click.option("--seed", type=int, metavar="N", help="Of weights, order and noise.")
@click.option("--precision", metavar="P", help="auto, float32, bfloat16 or float16.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any other setting.")
@click.option("--run-dir", metavar="DIR", help="The run's folder [next number in runs/].")
@click.option("--resume", metavar="RUN", help="Go on with an unfinished run.")
@click.option("--out", default="saved_models", show_default=True, help="Where the model is saved.")
@click.option("--dry-run", is_flag=True, help="Check everything, print the configuration, stop.")
def train(**options):
    """Train a GAN; with no option, a DCGAN on the embedded digits."""
    from kgan.cli.startup import load_tensorflow

    load_tensorflow()
    from kgan.training.session import train_from_options

    train_from_options("train", **options)
