"""kgan presets."""

import shutil
import sys

import click


@click.command()
def presets():
    """List the presets: what `kgan train` and `kgan pretrain --preset NAME` start from."""
    from kgan.methods.presets import PRESETS

    # A pipe gets a line each.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    for name, config in PRESETS.items():
        text = (
            f"kgan {config.method.command:9} {config.data.name:8} {config.network.name:17} "
            f"{config.headline()}; {config.steps:,} steps of {config.batch_size}"
        )
        click.echo(click.wrap_text(text, width, f"{name:24} ", " " * 25))
