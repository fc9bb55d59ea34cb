"""kgan pretrain."""

import click


@click.command()
@click.option("--dataset", metavar="NAME|FOLDER", help="digits, a TFDS name, a folder.")
@click.option("--data-dir", metavar="DIR", help="Where tensorflow-datasets keeps its data.")
@click.option("--image-size", metavar="N|HxW", help="Resize and centre-crop the images.")
@click.option("--preset", metavar="NAME", help="Start from a preset: see `kgan presets`.")
@click.option("--model", metavar="NAME", help="conv_autoencoder, denoising, stacked, vae.")
@click.option("--code-size", type=int, metavar="N", help="Dimensions of the code.")
@click.option(
    "--corruption", metavar="KIND", help="Of the input: masking, salt_and_pepper, gaussian."
)
@click.option(
    "--amount", type=float, metavar="X", help="Share of the elements, or deviation, above 0 to 1."
)
@click.option("--likelihood", metavar="NAME", help="bernoulli, squared_error; vae: gaussian.")
@click.option("--binarization", metavar="NAME", help="Of the pixels: none, static; vae: dynamic.")
@click.option("--beta", type=float, metavar="X", help="vae: weight of the divergence.")
@click.option("--steps", type=int, metavar="N", help="Updates; stacked: of each layer.")
@click.option("--epochs", type=int, metavar="N", help="Passes over the data, instead of --steps.")
@click.option("--batch-size", type=int, metavar="N", help="Examples an update.")
@click.option("--learning-rate", type=float, metavar="X", help="Of the optimizer.")
@click.option("--seed", type=int, metavar="N", help="Of weights, order and noise.")
@click.option("--precision", metavar="P", help="auto, float32, bfloat16 or float16.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any other setting.")
@click.option("--run-dir", metavar="DIR", help="The run's folder [next number in runs/].")
@click.option("--resume", metavar="RUN", help="Go on with an unfinished run.")
@click.option("--out", default="saved_models", show_default=True, help="Where the model is saved.")
@click.option("--dry-run", is_flag=True, help="Check everything, print the configuration, stop.")
def pretrain(**options):
    """Train an autoencoder; with no option, a convolutional one on the embedded digits."""
    from kgan.cli.startup import load_tensorflow

    load_tensorflow()
    from kgan.training.session import train_from_options

    train_from_options("pretrain", **options)
