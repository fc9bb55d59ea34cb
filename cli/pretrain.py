"""kgan pretrain."""

import click

from kgan.cli.options import data_options, training_options


@click.command()
@data_options
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
@training_options
def pretrain(**options):
    """Train an autoencoder; with no option, a convolutional one on the embedded digits.

    SIGTERM and the first Ctrl-C save a checkpoint and stop. `--resume auto` goes on with the newest
    unfinished run of the same configuration in runs/, or in --run-dir, or starts it.
    """
    from kgan.cli.startup import load_tensorflow
    from kgan.training.options import asked

    call = asked("pretrain", **options)
    load_tensorflow()
    from kgan.training.session import train_asked

    train_asked(call)
