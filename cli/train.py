"""kgan train."""

from typing import Any

import click

from kgan.cli.grouped import Command, examples, listed, option, settings_by_option
from kgan.cli.options import data_options, label_option, training_options


@click.command(
    cls=Command,
    epilog=examples(
        "kgan train --dataset photos --image-size 64 --max-time 2h",
        "kgan train --objective wasserstein --discriminator-steps 5 --dry-run",
    ),
)
@data_options
@option(
    "--model",
    key="network.name",
    metavar="NAME",
    heading="Game",
    help=f"Networks: {listed('kgan.networks:NETWORKS')}.",
)
@option(
    "--conditional",
    is_flag=True,
    default=None,
    key="network.conditional",
    heading="Game",
    help="Learn to make images of a class that is asked for; the data need labels.",
)
@option(
    "--objective",
    key="game.objective",
    metavar="NAME",
    heading="Game",
    help=f"{listed('kgan.losses:OBJECTIVES')}.",
)
@option(
    "--discriminator-steps",
    key="game.discriminator_steps",
    type=int,
    metavar="K",
    heading="Game",
    help="Updates before each of the generator's.",
)
@option(
    "--augment",
    key="game.augment",
    metavar="NAMES",
    heading="Game",
    help=f"For few images: {listed('kgan.models:AUGMENTATIONS')}, with commas between: changes "
    "that the discriminator sees on all images.",
)
@option(
    "--latent-dim",
    key="network.latent_dim",
    type=int,
    metavar="N",
    heading="Game",
    help="Dimensions of the noise.",
)
@training_options("generator_optimizer.learning_rate", "discriminator_optimizer.learning_rate")
@label_option
@option(
    "--balance",
    is_flag=True,
    default=None,
    key="data.balance",
    heading="Data",
    help="Draw every class equally often.",
)
@option(
    "--hold-out",
    key="data.hold_out",
    metavar="NAME",
    heading="Data",
    help=f"{listed('kgan.methods.config:HOLD_OUTS')}: train on all but the validation and test "
    "images, or on all but a test split of the set's own.",
)
@option(
    "--evaluate-every",
    key="evaluation.every",
    type=int,
    metavar="N",
    heading="Run",
    help="Steps between two scores, of which the best checkpoint is kept; 0 for none.",
)
def train(**options: Any) -> None:
    """Train a GAN; with no option, a DCGAN on the embedded digits.

    SIGTERM, the first Ctrl-C and --max-time save a checkpoint and stop; --resume goes on.
    """
    from kgan.cli.startup import load_tensorflow
    from kgan.console.options import asked

    call = asked("train", settings_by_option(), **options)
    load_tensorflow()
    from kgan.console.train import train_asked

    train_asked(call)
