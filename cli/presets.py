"""kgan presets."""

import click

from kgan.cli.listed import show


@click.command()
def presets() -> None:
    """List the presets: what `kgan train` and `kgan pretrain --preset NAME` start from."""
    from kgan.methods.presets import PRESETS

    show(
        [
            (
                name,
                f"kgan {config.method.command:9} {config.data.name:8} {config.network.name:17} "
                f"{config.headline()}; {config.steps:,} steps of {config.batch_size}",
            )
            for name, config in PRESETS.items()
        ]
    )
