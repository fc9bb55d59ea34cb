"""A run killed at any moment and resumed equals one that never stopped, bit for bit."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from kgan.cli import main
from tests.training.runs import assert_same, history

SETTINGS = ["log_every=5", "checkpoint_every=20", "sample_every=60", "batch_size=32"]
VARIANTS = {
    # Batch statistics and bfloat16 (where it is fast).
    "dcgan": (
        "train",
        120,
        ["steps=120", "network.generator.width=8", "network.discriminator.width=8"],
    ),
    # Labels of reals and of fakes, those balanced.
    "mlp_conditional": (
        "train",
        120,
        [
            "steps=120",
            "network.generator.width=32",
            "network.discriminator.width=16",
            "network.conditional=true",
            "data.balance=true",
        ],
    ),
    # Dropout, whose seeds are state, two discriminator steps and a penalty with noise of its own.
    "mlp": (
        "train",
        120,
        [
            "steps=120",
            "network.generator.width=32",
            "network.discriminator.width=16",
            "game.discriminator_steps=2",
            'game.objective="wasserstein"',
        ],
    ),
    # Batch statistics and corruption.
    "denoising": ("pretrain", 120, ["steps=120", "network.options.width=4"]),
    # Two layers of 63 steps, an optimizer each; killed in the second, whose first step is no
    # multiple of anything.
    "stacked": (
        "pretrain",
        126,
        [
            "steps=63",
            "network.options.width=32",
            "network.options.depth=2",
            "reconstruction.corruption=gaussian",
        ],
    ),
    # Reparameterisation and binarisation; the learned deviation is a weight outside the networks.
    "vae": ("pretrain", 120, ["steps=120", "network.options.width=32", "likelihood_samples=10"]),
    "vae_gaussian": (
        "pretrain",
        120,
        [
            "steps=120",
            "network.options.width=32",
            "reconstruction.likelihood=gaussian",
            "likelihood_samples=10",
        ],
    ),
}


def arguments(variant, run_dir):
    command, _, settings = VARIANTS[variant]
    sets = [word for setting in [*SETTINGS, *settings] for word in ("--set", setting)]
    return [command, "--model", variant.split("_")[0], "--run-dir", str(run_dir), *sets]


def kgan(*args):
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    return result


def kill_after(step, command, metrics):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if metrics.exists() and len(metrics.read_text().splitlines()) >= step // 5:
            os.kill(process.pid, signal.SIGKILL)
            return process.wait()
        time.sleep(0.005)
    raise AssertionError("the run ended before it was killed")


@pytest.mark.parametrize("variant", VARIANTS)
def test_killed_and_resumed_equals_undisturbed(variant, workdir):
    command_name, total, _ = VARIANTS[variant]
    kgan(*arguments(variant, workdir / "whole"))
    killed = workdir / "killed"
    command = [sys.executable, "-c", "from kgan.cli import main; main()"]
    status = kill_after(70, [*command, *arguments(variant, killed)], killed / "metrics.jsonl")
    assert status == -signal.SIGKILL
    assert not (killed / "summary.json").exists()
    # As if killed while writing: a line cut short, and a checkpoint half written.
    with (killed / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9')
    (killed / "checkpoints" / "ckpt-999_temp").mkdir()
    kgan(command_name, "--resume", killed)

    assert_same(killed, workdir / "whole")
    # A layer's last step is logged too.
    layers = range(63, total + 1, 63) if variant == "stacked" else ()
    assert [line["step"] for line in history(killed)] == sorted({*range(5, total + 1, 5), *layers})
    assert not list((killed / "checkpoints").glob("*_temp*"))
    name = f"digits-{variant.split('_')[0]}"
    assert Path("saved_models", name, "2", "saved_model.pb").exists()
    if command_name == "pretrain":
        scores = [(workdir / run / "evaluation.json").read_text() for run in ("whole", "killed")]
        assert scores[0] == scores[1]
