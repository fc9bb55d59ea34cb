"""kgan models."""

import click

from kgan.cli.listed import show


@click.command()
def models() -> None:
    """List the models: what --model takes, and what each is for."""
    from kgan.methods import MODELS, method_of

    show([(name, f"kgan {method_of(name).command}: {line.about}") for name, line in MODELS.items()])
