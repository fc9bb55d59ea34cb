"""A run killed at any moment and resumed equals one that never stopped, bit for bit.

One process trains all of them. Its files are copied from the midst of each run while it is stopped:
they are those that a kill would leave. In the last run it is killed.
"""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from kgan.cli import main
from tests.forks import Fork
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
    # Dropout, whose seeds are state, two discriminator steps and a penalty with noise of its own;
    # schedules, spectral norms, which are state too, and augmentations.
    "mlp": (
        "train",
        120,
        [
            "steps=120",
            "network.generator.width=32",
            "network.discriminator.width=16",
            "game.discriminator_steps=2",
            'game.objective="wasserstein"',
            "game.penalties.gradient_penalty=linear:10:1",
            "game.ema_half_life=cosine:0:50",
            "game.augment=color,cutout",
            "generator_optimizer.learning_rate=cosine:0.0002:0",
            "discriminator_optimizer.beta_2=linear:0.9:0.99:10:100",
            "network.discriminator.spectral_normalization=true",
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


KILLED = "mlp"
PROGRAM = """
import json, sys
from pathlib import Path
from kgan.cli import main
from kgan.training import run
run.export = lambda model, place, *_: Path(place)  # Nobody looks at it.
for arguments in json.loads(sys.argv[1]):
    main(arguments, standalone_mode=False)
"""


def arguments(variant, run_dir):
    command, _, settings = VARIANTS[variant]
    sets = [word for setting in [*SETTINGS, *settings] for word in ("--set", setting)]
    return [command, "--model", variant.split("_")[0], "--run-dir", str(run_dir), *sets]


def stop_after(step, process, run):
    """Stops a process when one of its runs has come to a step."""
    metrics, deadline = run / "metrics.jsonl", time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if metrics.exists() and len(metrics.read_text().splitlines()) >= step // 5:
            process.stop()
            assert not (run / "summary.json").exists(), "the run ended before it was stopped"
            return
        time.sleep(0.005)
    raise AssertionError("the run ended before it was stopped")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with every variant's undisturbed run in `whole`, and in `killed` a half one."""
    place = tmp_path_factory.mktemp("runs")
    calls = [arguments(variant, place / "whole" / variant) for variant in VARIANTS]
    calls.append(arguments(KILLED, place / "killed" / KILLED))
    process = Fork(PROGRAM, json.dumps(calls), cwd=place)
    for variant in VARIANTS:
        if variant != KILLED:
            stop_after(70, process, place / "whole" / variant)
            shutil.copytree(place / "whole" / variant, place / "killed" / variant)
            process.send_signal(signal.SIGCONT)
    stop_after(70, process, place / "killed" / KILLED)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    return place


@pytest.mark.parametrize("variant", VARIANTS)
def test_killed_and_resumed_equals_undisturbed(variant, runs, workdir):
    command, total, _ = VARIANTS[variant]
    whole, killed = (runs / name / variant for name in ("whole", "killed"))
    # As if killed while writing: a line cut short, and a checkpoint half written.
    with (killed / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9')
    (killed / "checkpoints" / "ckpt-999_temp").mkdir()
    result = CliRunner().invoke(main, [command, "--resume", str(killed)])
    assert result.exit_code == 0, result.output

    assert_same(killed, whole)
    # A layer's last step is logged too.
    layers = range(63, total + 1, 63) if variant == "stacked" else ()
    assert [line["step"] for line in history(killed)] == sorted({*range(5, total + 1, 5), *layers})
    assert not list((killed / "checkpoints").glob("*_temp*"))
    name = f"digits-{variant.split('_')[0]}"
    assert Path("saved_models", name, "1", "saved_model.pb").exists()
    if command == "pretrain":
        scores = [(run / "evaluation.json").read_text() for run in (whole, killed)]
        assert scores[0] == scores[1]
