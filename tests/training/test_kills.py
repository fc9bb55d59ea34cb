"""A run that ends at any moment at all goes on to where it would have come.

A process is stopped for an instant and its files copied: they are those that a kill would leave.
Then each copy is gone on with. `python tests/benchmarks/kills.py` does it with 30 kills.
"""

import random
import shutil
import signal
import time

import numpy as np
import tensorflow as tf
from click.testing import CliRunner

import kgan
from kgan.cli import main
from tests.forks import KGAN, Fork
from tests.training.runs import assert_same_pictures, history

MOMENTS = 3
CALL = [
    "train", "--dataset", "ring", "--steps", "120", "--batch-size", "32",
    "--set", "network.generator.width=16", "--set", "network.discriminator.width=16",
    "--set", "log_every=5", "--set", "checkpoint_every=10", "--set", "sample_every=40",
    "--set", "network.discriminator.dropout=0", "--set", "network.discriminator.input_dropout=0",
]  # fmt: skip


def copies(workdir):
    """Runs `kgan train` and yields what its files were at some moments of it."""
    process = Fork(KGAN, *CALL, "--run-dir", "run", "--out", "out", cwd=workdir)
    chance, taken = random.Random(0), 0
    while not (workdir / "run" / "checkpoints" / "ckpt-0.index").exists():
        assert process.poll() is None
        time.sleep(0.002)
    # Denser than needed, and thinned out below: how long a run lasts is not known beforehand.
    while process.poll() is None:
        time.sleep(chance.uniform(0.0, 0.05))
        process.stop()
        place = workdir / f"copy{taken}"
        place.mkdir()
        for name in ("run", "out"):
            if (workdir / name).exists():
                shutil.copytree(workdir / name, place / name)
        process.send_signal(signal.SIGCONT)
        taken += 1
    assert process.wait() == 0
    unfinished = [
        place
        for place in (workdir / f"copy{number}" for number in range(taken))
        if not (place / "run" / "summary.json").exists()
    ]
    exporting = [place for place in unfinished if (place / "out").exists()]
    assert len(unfinished) > MOMENTS
    chosen = chance.sample(unfinished, MOMENTS - 2) + unfinished[-1:] + exporting[:1]
    return list(dict.fromkeys(chosen))


def test_a_run_goes_on_from_every_moment(tmp_path, monkeypatch):
    places = copies(tmp_path)
    whole = tmp_path / "run"
    expected = kgan.open_run(whole)[0].generator.get_weights()
    served = tf.saved_model.load(str(tmp_path / "out" / "ring-mlp" / "1"))
    seeds = tf.range(5, dtype=tf.int64)
    points = served.signatures["serving_default"](seeds=seeds)
    for place in places:
        monkeypatch.chdir(place)
        result = CliRunner().invoke(main, ["train", "--resume", "run", "--out", "out"])
        assert result.exit_code == 0, result.output
        found = kgan.open_run(place / "run")[0].generator.get_weights()
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
        assert history(place / "run") == history(whole)
        assert_same_pictures(place / "run", whole)
        versions = [path for path in (place / "out" / "ring-mlp").iterdir() if path.name.isdigit()]
        for version in versions:
            found = tf.saved_model.load(str(version)).signatures["serving_default"](seeds=seeds)
            for key, value in points.items():
                np.testing.assert_array_equal(found[key], value)
