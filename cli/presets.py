"""kgan presets."""

import click


@click.command()
def presets():
    """List the presets: what `kgan train --preset NAME` starts from."""
    from kgan.training.presets import PRESETS

    for name, config in PRESETS.items():
        click.echo(
            f"{name:18} {config.data.name:8} {config.network.name:6} {config.game.objective:15} "
            f"{config.steps:>7,} steps of {config.batch_size}"
        )
