"""kgan presets."""

import click


@click.command()
def presets():
    """List the presets: what `kgan train` and `kgan pretrain --preset NAME` start from."""
    from kgan.training.presets import PRESETS

    for name, config in PRESETS.items():
        click.echo(
            f"{name:24} kgan {config.command:9} {config.data.name:8} {config.network.name:17} "
            f"{config.headline()}; {config.steps:,} steps of {config.batch_size}"
        )
