"""What a run's folder holds, to be compared with another's, and how a run ends before its time."""

import contextlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import kgan
from kgan.training import run as loop


class KillError(Exception):
    pass


class KilledAt(keras.callbacks.Callback):
    """Ends a run after a step, when all of its own callbacks were called."""

    def __init__(self, step):
        super().__init__()
        self._step = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step.value) == self._step:
            raise KillError


@contextlib.contextmanager
def eagerly():
    """Within it runs train without a graph of their step; returns what trains with one."""
    fit = loop._fit

    def eager(run, *args):
        run.model.run_eagerly = True
        fit(run, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_fit", eager)
        yield fit


def indices(run):
    """Returns the steps of a run's checkpoints, whatever the file `checkpoint` says."""
    return sorted(int(path.stem[5:]) for path in (run / "checkpoints").glob("ckpt-*.index"))


def state_of(run, step=None):
    """Returns what `state` does of a run's checkpoint, the newest if no step is given."""
    return state(run / "checkpoints" / f"ckpt-{indices(run)[-1] if step is None else step}")


def state(checkpoint):
    """Returns the tensors of a checkpoint, or of the newest in a folder, by name."""
    reader = tf.train.load_checkpoint(str(checkpoint))
    names = [name for name in reader.get_variable_to_shape_map() if "save_counter" not in name]
    return {name: reader.get_tensor(name) for name in names if "OBJECT_GRAPH" not in name}


def perfect_sample(model, seeds, labels):
    """A digit of the test images for every seed, of the class asked for: instead of `sample`."""
    test = kgan.split("digits").test
    of_class = [np.flatnonzero(test.labels == label) for label in range(10)]
    pairs = zip(seeds, labels, strict=True)
    return test.images[[of_class[label][seed % len(of_class[label])] for seed, label in pairs]]


def assert_equal(got, expected):
    """Two states, to the bit."""
    assert got.keys() == expected.keys()
    assert len(expected) > 15
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name], value, err_msg=name)


def history(run):
    """Returns the lines of a run's metrics, without the times."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    timing = ("seconds", "images_per_second")
    return [{key: line[key] for key in line if key not in timing} for line in lines]


def assert_same(run, other):
    """Two runs: newest checkpoint, metrics and pictures, to the bit."""
    assert_equal(state_of(run), state_of(other))
    assert history(run) == history(other)
    assert_same_pictures(run, other)


def assert_same_pictures(run, other):
    """Both have the pictures at the rhythm of steps, and those of common steps are equal.

    Others there are by time and at stops, which are where they may be.
    """
    found, expected = pictures(run), pictures(other)
    due = pictures_due(other)
    assert due <= found.keys() & expected.keys()
    assert len(due) > 1
    for step in found.keys() & expected.keys():
        assert found[step] == expected[step], step


def pictures(run):
    """Returns the bytes of a run's pictures by step."""
    return {int(path.stem[5:]): path.read_bytes() for path in (run / "samples").glob("step-*.png")}


def pictures_due(run):
    """Returns the steps of which every finished run of such settings has a picture."""
    config = json.loads((run / "config.json").read_text())["config"]
    every, steps, last = config["sample_every"], config["steps"], history(run)[-1]["step"]
    return {*range(0, last + 1, every), *range(steps, last + 1, steps)}
