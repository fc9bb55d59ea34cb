"""Runs that end without a SavedModel."""

from pathlib import Path

import pytest

import kgan


@pytest.fixture(scope="session")
def train():
    """`kgan.train` for where no SavedModel is read: one costs as much as such a small run."""

    def train(*args):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("kgan.training.run.export", lambda model, place, *_: Path(place))
            return kgan.train(*args)

    return train
