"""kgan train."""

import click

from kgan.cli.options import data_options, training_options


@click.command()
@data_options
@click.option("--model", metavar="NAME", help="Networks: dcgan, mlp.")
@click.option("--objective", metavar="NAME", help="non_saturating, minimax, hinge, ...")
@click.option("--discriminator-steps", type=int, metavar="K", help="Updates before each of G's.")
@click.option("--latent-dim", type=int, metavar="N", help="Dimensions of the noise.")
@click.option(
    "--evaluate-every", type=int, metavar="N", help="Steps between scores; keep the best."
)
@training_options
def train(**options):
    """Train a GAN; with no option, a DCGAN on the embedded digits.

    SIGTERM and the first Ctrl-C save a checkpoint and stop. `--resume auto` goes on with the newest
    unfinished run of the same configuration in runs/, or in --run-dir, or starts it.
    """
    from kgan.cli.startup import load_tensorflow
    from kgan.training.options import asked

    call = asked("train", **options)
    load_tensorflow()
    from kgan.training.session import train_asked

    train_asked(call)
