"""A run killed at any moment and resumed equals one that never stopped, bit for bit."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from kgan.cli import main

SETTINGS = ["steps=300", "log_every=10", "checkpoint_every=50", "sample_every=150", "batch_size=32"]
VARIANTS = {
    # Batch statistics and bfloat16 (where it is fast).
    "dcgan": ["network.generator.width=8", "network.discriminator.width=8"],
    # Dropout, whose seeds are state, two discriminator steps and a penalty with noise of its own.
    "mlp": [
        "network.generator.width=32",
        "network.discriminator.width=16",
        "game.discriminator_steps=2",
        'game.objective="wasserstein"',
    ],
}


def arguments(variant, run_dir):
    settings = [*SETTINGS, *VARIANTS[variant]]
    sets = [word for setting in settings for word in ("--set", setting)]
    return ["train", "--model", variant, "--run-dir", str(run_dir), *sets]


def kgan(*args):
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    return result


def kill_after(step, command, metrics):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if metrics.exists() and len(metrics.read_text().splitlines()) >= step // 10:
            os.kill(process.pid, signal.SIGKILL)
            return process.wait()
        time.sleep(0.005)
    raise AssertionError("the run ended before it was killed")


def state(run_dir):
    reader = tf.train.load_checkpoint(str(run_dir / "checkpoints"))
    names = [name for name in reader.get_variable_to_shape_map() if "save_counter" not in name]
    return {name: reader.get_tensor(name) for name in names if "OBJECT_GRAPH" not in name}


def history(run_dir):
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    timing = ("seconds", "images_per_second")
    return [{key: line[key] for key in line if key not in timing} for line in lines]


@pytest.mark.parametrize("variant", VARIANTS)
def test_killed_and_resumed_equals_undisturbed(variant, workdir):
    kgan(*arguments(variant, workdir / "whole"))
    killed = workdir / "killed"
    command = [sys.executable, "-c", "from kgan.cli import main; main()"]
    status = kill_after(120, [*command, *arguments(variant, killed)], killed / "metrics.jsonl")
    assert status == -signal.SIGKILL
    assert not (killed / "summary.json").exists()
    # As if killed while writing: a line cut short, and a checkpoint half written.
    with (killed / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9')
    (killed / "checkpoints" / "ckpt-999_temp").mkdir()
    kgan("train", "--resume", killed)

    expected, got = state(workdir / "whole"), state(killed)
    assert expected.keys() == got.keys()
    assert len(expected) > 20
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name], value, err_msg=name)
    assert history(killed) == history(workdir / "whole")
    assert [line["step"] for line in history(killed)] == list(range(10, 301, 10))
    for picture in (workdir / "whole" / "samples").iterdir():
        assert picture.read_bytes() == (killed / "samples" / picture.name).read_bytes()
    assert not list((killed / "checkpoints").glob("*_temp*"))
    assert Path("saved_models", f"digits-{variant}", "2", "saved_model.pb").exists()
