"""A toy whose classes a planted encoder tells apart at once, and a run that holds that encoder."""

from pathlib import Path

import keras
import numpy as np
import pytest

from kgan.data import Column, Examples
from kgan.data.space import IMAGES
from kgan.data.split import Splits
from kgan.tasks.finetune import experiment as module
from kgan.tasks.finetune import finetune
from kgan.tasks.finetune.experiment import Experiment
from kgan.tasks.finetune.features import Encoder

SHAPE = (6, 6, 1)
CLASSES = 4


def examples(count, seed):
    """Images of noise in which the sum over a class's own, scattered pixels is high."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % CLASSES).astype(np.int32)
    own = np.random.default_rng(7).permutation(36) % CLASSES
    mean = np.where(own == labels[:, None], 150, 110)
    pixels = np.clip(rng.normal(mean, 40), 0, 255).astype(np.uint8)
    names = tuple("abcd")
    return Examples(pixels.reshape(-1, *SHAPE), {"label": Column(labels, names)}, IMAGES, "toy")


def to_range(images):
    return np.asarray(images, np.float32) / 255


@pytest.fixture(scope="session")
def splits():
    return Splits(examples(400, 1), examples(200, 2), examples(200, 3), "made")


@pytest.fixture(scope="session")
def planted():
    """An encoder whose codes are the sums over each class's pixels, and a dropout."""
    inputs = keras.Input(SHAPE)
    x = keras.layers.Flatten()(inputs)
    x = keras.layers.Dense(8)(x)
    network = keras.Model(inputs, keras.layers.Dropout(0.1)(x))
    own = np.random.default_rng(7).permutation(36) % CLASSES
    kernel = np.zeros((36, 8), np.float32)
    kernel[:, :CLASSES] = own[:, None] == np.arange(CLASSES)
    network.set_weights([kernel, np.full(8, -4.5, np.float32)])
    return Encoder(network, (0.0, 1.0), to_range, judges=False)


@pytest.fixture
def unexported(monkeypatch):
    """For tests of what comes before: a SavedModel costs as much as two trainings."""
    monkeypatch.setattr(finetune, "export", lambda model, place, name, *_: Path(place) / name)


@pytest.fixture
def make(tmp_path, splits, planted):
    """Returns a function that prepares a comparison on the toy in a folder of its own."""

    def make(
        run="run", labels=(12, 400), seeds=2, rates=(0.01, 0.001), steps=60, arms=tuple(module.ARMS)
    ):
        (tmp_path / run).mkdir(exist_ok=True)
        return Experiment(
            run_dir=tmp_path / run,
            name="toy",
            source=planted,
            splits=splits,
            arms=arms,
            labels=labels,
            seeds=seeds,
            learning_rates=rates,
            batch_size=32,
            steps=steps,
            pretrained_on=None,
            settings={
                "dataset": "toy",
                "sizes": [400, 200, 200],
                "rates": list(rates),
                "encoder": module._digest(planted),
            },
        )

    return make
