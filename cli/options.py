"""Options that several commands have."""

from collections.abc import Callable

import click

from kgan.cli.grouped import PATH, listed, names, option


def _together(*options):
    def add(function):
        for one in reversed(options):
            function = one(function)
        return function

    return add


def _data_dir(shown, key=()):
    return option(
        "--data-dir",
        key=key,
        type=PATH,
        metavar="DIR",
        heading="Data",
        shown=shown,
        help="Where tensorflow-datasets keeps its data.",
    )


def _image_size(shown, key=()):
    return option(
        "--image-size",
        key=key,
        metavar="N|HxW",
        heading="Data",
        shown=shown,
        help="Resize and centre-crop the images.",
    )


def _label(shown=None, key=()):
    return option(
        "--label",
        key=key,
        metavar="COLUMN",
        heading="Data",
        shown=shown,
        help="Which of the set's columns are the labels, where it has several.",
    )


PREPARED = "$TFDS_DATA_DIR or ~/tensorflow_datasets"
data_dir_option = _data_dir(PREPARED)
# Of commands that take a run's data.
run_data_options = _together(_data_dir("the run's"), _image_size("the run's"), _label("the run's"))
label_option = _label(key="data.label")
data_options = _together(
    option(
        "--dataset",
        key="data.name",
        type=PATH,
        metavar="NAME|FOLDER",
        heading="Data",
        help=f"{listed('kgan.data:DATASETS')} (grid and ring: points, for train alone), "
        "any image set of tensorflow-datasets, or a folder.",
    ),
    _data_dir(PREPARED, "data.data_dir"),
    _image_size("as they are", "data.image_size"),
)
strategy_option = option(
    "--strategy",
    type=click.Choice(["auto", *names("kgan.training.cluster:STRATEGIES")]),
    default="auto",
    show_default=True,
    metavar="NAME",
    heading="Devices",
    help=f"{listed('kgan.training.cluster:STRATEGIES')}: one device, all GPUs, TF_CONFIG's "
    "workers, a TPU.",
)


def training_options(*rates: str) -> Callable[[Callable], Callable]:
    """Returns the options of what trains runs, whose learning rates are these settings."""
    return _together(
        option(
            "--steps",
            key="steps",
            type=int,
            metavar="N",
            heading="Optimisation",
            help="Updates (of each layer of a stack).",
        ),
        option(
            "--epochs",
            type=int,
            metavar="N",
            heading="Optimisation",
            help="Passes over the data, instead of --steps.",
        ),
        option(
            "--batch-size",
            key="batch_size",
            type=int,
            metavar="N",
            heading="Optimisation",
            help="Real examples an update, on all devices together.",
        ),
        option(
            "--learning-rate",
            key=rates,
            type=float,
            metavar="X",
            heading="Optimisation",
            help="Of every optimizer; where it has a schedule, at its start.",
        ),
        option(
            "--preset",
            metavar="NAME",
            heading="Run",
            shown="the data set's own, if there is one",
            help="Start from a named configuration: see kgan presets.",
        ),
        option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            heading="Run",
            help="Any other setting that --dry-run prints; more than once.",
        ),
        option(
            "--seed",
            key="seed",
            type=int,
            metavar="N",
            heading="Run",
            help="Decides weights, order and noise.",
        ),
        option(
            "--run-dir",
            type=PATH,
            metavar="DIR",
            heading="Run",
            shown="the next number in runs/",
            help="The run's folder.",
        ),
        option(
            "--resume",
            type=PATH,
            metavar="RUN|auto",
            heading="Run",
            help="Go on with an unfinished run. auto: the newest of the same configuration in "
            "runs/ or at --run-dir, or else a new one.",
        ),
        option(
            "--allow-changed-data",
            is_flag=True,
            heading="Run",
            help="Resume though the data are no longer the same.",
        ),
        option(
            "--max-time",
            metavar="TIME",
            heading="Run",
            shown="no limit",
            help="Save and stop after 2h, 90m, 45s.",
        ),
        option(
            "--keep",
            key="checkpoints_kept",
            type=int,
            metavar="N",
            heading="Run",
            help="Newest checkpoints to keep.",
        ),
        option(
            "--out",
            type=PATH,
            default="saved_models",
            show_default=True,
            metavar="DIR",
            heading="Run",
            help="Where the SavedModel goes.",
        ),
        option(
            "--dry-run",
            is_flag=True,
            heading="Run",
            help="Check everything, print the configuration, stop.",
        ),
        option(
            "--precision",
            key="precision",
            metavar="NAME",
            heading="Devices",
            help=f"{listed('kgan.methods.config:PRECISIONS')}.",
        ),
        option(
            "--accumulate",
            key="accumulate",
            type=int,
            metavar="N",
            heading="Devices",
            help="Pieces that a batch is computed in, for less memory.",
        ),
        strategy_option,
    )


checkpoint_option = option(
    "--checkpoint",
    default="last",
    show_default=True,
    metavar="WHICH",
    heading="Model",
    help="Of a run: last, or best if it was scored while it trained.",
)
