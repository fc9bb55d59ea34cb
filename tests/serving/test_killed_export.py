"""Exports that end at any moment leave no part of a version in sight."""

import json
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kgan.models import GAN
from kgan.networks import mlp
from kgan.serving import SavedGenerator, export
from kgan.serving.saved import signatures
from tests.forks import Fork

MOMENTS, KILLED_EVERY = 24, 12
PROGRAM = """
import sys
from kgan.models import GAN
from kgan.networks import mlp
from kgan.serving import export
gan = GAN(mlp.generator((2,), 3, width=4), mlp.discriminator((2,), width=2, pieces=2))
while True:
    print(export(gan, sys.argv[1], "m", keep=3), flush=True)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a version holds."""
    gan = GAN(mlp.generator((2,), 3, width=4), mlp.discriminator((2,), width=2, pieces=2))
    return contents(export(gan, tmp_path_factory.mktemp("whole"), "m"))


def contents(version: Path) -> tuple:
    """Its files, the shapes of all weights, read to the end, its endpoints and its requests."""
    weights = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    shapes = sorted(np.shape(weights.get_tensor(n)) for n in weights.get_variable_to_shape_map())
    requests = tf.data.TFRecordDataset(str(version / "assets.extra" / "tf_serving_warmup_requests"))
    json.loads((version / "assets.extra" / "kgan.json").read_text())
    files = sorted(str(path.relative_to(version)) for path in version.rglob("*"))
    return files, shapes, sorted(signatures(version)), len(list(requests))


def exporting(root: Path) -> Fork:
    child = Fork(PROGRAM, root)
    while not child.printed():  # it has written one
        assert child.poll() is None
        time.sleep(0.01)
    return child


def test_whenever_it_is_killed_every_version_in_sight_is_whole(tmp_path, whole):
    folder, chance = tmp_path / "m", random.Random(0)
    child, aside, seen = exporting(tmp_path), 0, set()
    try:
        for moment in range(MOMENTS):
            time.sleep(chance.uniform(0, 0.3))
            # What a stopped process has on disk is what it would leave if it were killed.
            child.stop()
            in_sight = [path for path in folder.iterdir() if not path.name.startswith(".")]
            for version in in_sight:
                assert contents(version) == whole, version
            seen |= {path.name for path in in_sight}
            aside += any(path.name.startswith(".aside-") for path in folder.iterdir())
            if moment % KILLED_EVERY == KILLED_EVERY - 1:
                child.kill()
                child.wait()
                assert SavedGenerator(max(in_sight, key=lambda path: int(path.name)))
                if moment < MOMENTS - 1:
                    child = exporting(tmp_path)
            else:
                child.send_signal(signal.SIGCONT)
    finally:
        child.kill()
        child.wait()
    assert aside > MOMENTS / 4, "most moments were between two exports"
    assert len(seen) > MOMENTS / 5
    newest = max(int(path.name) for path in in_sight)
    gan = GAN(mlp.generator((2,), 3, width=4), mlp.discriminator((2,), width=2, pieces=2))
    assert export(gan, tmp_path, "m").name == str(newest + 1)
    # The lock went with the killed process, and what it had begun is cleared away.
    assert not list(folder.glob(".aside-*"))
