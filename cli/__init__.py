"""The command `kgan`: one module a command; TensorFlow loads only when a command runs."""

import warnings

import click

from kgan import __version__
from kgan.cli.datasets import datasets
from kgan.cli.evaluate import evaluate
from kgan.cli.export import export
from kgan.cli.finetune import finetune
from kgan.cli.models import models
from kgan.cli.presets import presets
from kgan.cli.pretrain import pretrain
from kgan.cli.sample import sample
from kgan.cli.train import train
from kgan.errors import DataWarning, InputError, RunWarning, TrainingError

LONGEST = 500  # characters of a message of Click's


class _Group(click.Group):
    """Turns KGAN's errors into one line and an exit status: 2 for a wrong call, 1 for a failure."""

    def invoke(self, ctx):
        try:
            with warnings.catch_warnings():
                # Other packages' warnings are for those who program with them.
                warnings.simplefilter("ignore")
                for shown in (DataWarning, RunWarning):
                    warnings.simplefilter("always", shown)
                warnings.showwarning = _echo_warning
                return super().invoke(ctx)
        except InputError as error:
            raise _Failure(str(error), 2) from error
        except TrainingError as error:
            raise _Failure(str(error), 1) from error
        except click.UsageError as error:
            # Click repeats what it was given, however long.
            if len(error.message) > LONGEST:
                error.message = f"{error.message[:LONGEST]}..."
            raise


def _echo_warning(message, *args, **kwargs):
    click.echo(f"Warning: {message}", err=True)


class _Failure(click.ClickException):
    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # to Click one of the class


@click.group(
    cls=_Group,
    commands=[train, pretrain, finetune, sample, evaluate, export, datasets, models, presets],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="kgan")
def main() -> None:
    """Train, sample and serve generative models of images.

    Begin with `kgan train`: a DCGAN on handwritten digits, minutes on a CPU.
    """
