"""kgan pretrain."""

from typing import Any

import click

from kgan.cli.grouped import Command, examples, listed, option, settings_by_option
from kgan.cli.options import data_options, training_options


@click.command(
    cls=Command,
    epilog=examples(
        "kgan pretrain --model denoising --corruption masking --amount 0.4",
        "kgan pretrain --dataset photos --image-size 64 --model vae --max-time 1h",
    ),
)
@data_options
@option(
    "--model",
    key="network.name",
    metavar="NAME",
    heading="Autoencoder",
    help=f"{listed('kgan.networks:AUTOENCODERS')}.",
)
@option(
    "--code-size",
    key="network.code_size",
    type=int,
    metavar="N",
    heading="Autoencoder",
    help="Dimensions of the code.",
)
@option(
    "--corruption",
    key="reconstruction.corruption",
    metavar="KIND",
    heading="Autoencoder",
    help=f"Of the input: {listed('kgan.data.kinds:KINDS')}.",
)
@option(
    "--amount",
    key="reconstruction.amount",
    type=float,
    metavar="X",
    heading="Autoencoder",
    help="Share of the elements that are corrupted, or the noise's deviation: above 0, at most 1.",
)
@option(
    "--likelihood",
    key="reconstruction.likelihood",
    metavar="NAME",
    heading="Autoencoder",
    help=f"{listed('kgan.methods.autoencoder:LIKELIHOODS')} (vae only).",
)
@option(
    "--binarization",
    key="reconstruction.binarization",
    metavar="NAME",
    heading="Autoencoder",
    help=f"Of the pixels: {listed('kgan.methods.autoencoder:BINARIZATIONS')} (vae only).",
)
@option(
    "--beta",
    key="reconstruction.beta",
    type=float,
    metavar="X",
    heading="Autoencoder",
    help="vae: weight of the divergence.",
)
@training_options("optimizer.learning_rate")
def pretrain(**options: Any) -> None:
    """Train an autoencoder; with no option, a convolutional one on the embedded digits.

    SIGTERM, the first Ctrl-C and --max-time save a checkpoint and stop; --resume goes on.
    """
    from kgan.cli.startup import load_tensorflow
    from kgan.console.options import asked

    call = asked("pretrain", settings_by_option(), **options)
    load_tensorflow()
    from kgan.console.train import train_asked

    train_asked(call)
