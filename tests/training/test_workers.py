"""`kgan train` in two processes: one folder, stopped, killed, and gone on with."""

import json
import shutil
import signal
import time

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import kgan
from kgan.cli import main
from kgan.methods.recorded import open_record
from kgan.models import GAN
from kgan.training.build import build
from tests.forks import KGAN, Fork
from tests.training.runs import pictures, pictures_due

SETTINGS = [
    "--model", "mlp", "--precision", "float32", "--steps", "90", "--batch-size", "16",
    "--set", "network.generator.width=4", "--set", "network.discriminator.width=4",
    "--set", "log_every=5", "--set", "checkpoint_every=15", "--set", "sample_every=45",
    "--set", "generator_optimizer.epsilon=0.1", "--set", "discriminator_optimizer.epsilon=0.1",
]  # fmt: skip


def history(run_dir):
    path = run_dir / "metrics.jsonl"
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run of one device that nobody stopped."""
    place = tmp_path_factory.mktemp("whole")
    result = kgan_train(*SETTINGS, "--run-dir", place / "run", "--out", place / "models")
    assert result.exit_code == 0, result.output
    return place / "run"


@pytest.fixture
def workers(workdir, cluster):
    """Returns a function that starts both, waits for a step, and returns them."""
    started = []

    def workers(step):
        command = ["train", *SETTINGS, "--run-dir", "run", "--resume", "auto", "--out", "out"]
        pair = [Fork(KGAN, *command, env=env) for env in cluster(2)]
        started.extend(pair)
        deadline = time.monotonic() + 300
        while not any(line["step"] >= step for line in history(workdir / "run")):
            assert time.monotonic() < deadline
            assert all(process.poll() is None for process in pair), pair[0].printed()
            time.sleep(0.02)
        return pair

    yield workers
    for process in started:
        process.kill()
        process.wait()


def test_workers_share_a_run_that_is_stopped_and_killed(workers, workdir, whole):
    chief, other = workers(step=20)
    other.send_signal(signal.SIGTERM)
    assert (chief.wait(), other.wait()) == (143, 143)
    assert "Go on with: kgan train --resume run" in chief.printed()
    assert not (workdir / "out").exists()

    chief, other = workers(step=max(line["step"] for line in history(workdir / "run")) + 20)
    other.kill()
    assert chief.wait() == 1
    last = chief.printed().strip().splitlines()[-1]
    assert last.startswith("Error: A worker was lost (")
    assert last.endswith("start all of them again with kgan train --resume run")

    chief, other = workers(step=90)
    ended = chief.wait(), other.wait()
    printed, silent = chief.printed(), other.printed()
    assert ended == (0, 0), printed + silent
    assert "on 2 replicas" in printed
    assert "Saved out/digits-mlp/1" in printed
    assert "Waiting for the other workers of TF_CONFIG\n" in silent
    assert "digits-mlp" not in silent

    lines, expected = history(workdir / "run"), history(whole)
    assert [line["step"] for line in lines] == list(range(5, 91, 5))
    for line, other in zip(lines, expected, strict=True):
        timing = {"seconds": 0, "images_per_second": 0}
        assert {**line, **timing} == pytest.approx({**other, **timing}, rel=1e-3)
    again = kgan_train(*SETTINGS, "--run-dir", "run", "--resume", "auto")
    assert (again.exit_code, again.stderr) == (0, "Run run is finished.\n")
    names, expected = (
        {path.relative_to(run) for path in run.rglob("*")} for run in (workdir / "run", whole)
    )
    inside = ("tensorboard", "samples")  # of the samples those due alone are in every run
    assert {n for n in names if n.parts[0] not in inside} == {
        n for n in expected if n.parts[0] not in inside
    }
    assert pictures_due(whole) <= pictures(workdir / "run").keys()
    found, wanted = (kgan.open_run(run)[0] for run in (workdir / "run", whole))
    record = open_record(whole)
    first = build(record.config, record.spec)
    for networks in zip(found.networks, wanted.networks, first.networks, strict=True):
        for one, other, start in zip(*(n.get_weights() for n in networks), strict=True):
            moved = np.abs(other - start).max()
            assert np.abs(one - other).max() <= 0.02 * moved


def test_workers_share_a_finetuning(workdir, cluster):
    made = ["pretrain", "--model", "stacked", "--steps", "5"]
    made += ["--set", "network.options.width=8", "--set", "network.options.depth=1"]
    result = CliRunner().invoke(main, [*made, "--run-dir", "alone"])
    assert result.exit_code == 0, result.output
    shutil.copytree(workdir / "alone", workdir / "run")
    options = ["--labels", "20", "--seeds", "1", "--steps", "20", "--batch-size", "20"]
    options += ["--arms", "pretrained,probe", "--learning-rates", "0.001", "--out"]
    result = CliRunner().invoke(main, ["finetune", "alone", *options, "out"])
    assert result.exit_code == 0, result.output
    pair = [Fork(KGAN, "finetune", "run", *options, "shared", env=env) for env in cluster(2)]
    ended = [process.wait() for process in pair]
    told, silent = (process.printed() for process in pair)
    assert ended == [0, 0], told + silent
    assert "Saved shared/digits-stacked-classifier/1" in told
    assert "validation" not in silent
    rows = [
        [*map(json.loads, (workdir / run / "finetune/results.jsonl").read_text().splitlines())]
        for run in ("alone", "run")
    ]
    assert len(rows[0]) == 2
    for one, other in zip(*rows, strict=True):
        assert (one["arm"], one["labels"], one["seed"]) == (other["arm"], 20, 0)
        for part in ("validation_accuracy", "test_accuracy"):  # rounding may decide an image or two
            assert one[part] == pytest.approx(other[part], abs=0.01)


MIRRORED = """
import tensorflow as tf
parts = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
from kgan.cli import main
main()
"""


def test_replicas_are_stopped_and_one_device_goes_on(workdir, whole):
    command = ["train", *SETTINGS, "--strategy", "mirrored", "--run-dir", "run"]
    process = Fork(MIRRORED, *command)
    while not any(line["step"] >= 20 for line in history(workdir / "run")):
        assert process.poll() is None, process.printed()
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 143, process.printed()
    assert "on 2 replicas" in process.printed()
    assert kgan_train("--resume", "run").exit_code == 0
    for line, other in zip(history(workdir / "run"), history(whole), strict=True):
        timing = {"seconds": 0, "images_per_second": 0}
        assert {**line, **timing} == pytest.approx({**other, **timing}, rel=1e-3)


def kgan_train(*args):
    return CliRunner().invoke(main, ["train", *map(str, args)])


def test_memory_that_is_short_is_told_with_what_to_try(workdir, monkeypatch):
    def too_much(gan):
        gan.step.assign_add(tf.cast(tf.reduce_sum(tf.random.uniform([gan.step + 2**45])), tf.int64))

    monkeypatch.setattr(GAN, "_average", too_much)
    points = ["--dataset", "ring", "--batch-size", "16"]
    result = CliRunner().invoke(main, ["train", *points])
    assert result.exit_code == 1
    last = result.output.strip().splitlines()[-1]
    assert last.startswith("Error: Out of memory with batches of 16 (OOM when allocating")
    assert last.endswith(
        "start again with --accumulate 2 for the same batch in smaller pieces, or --batch-size 8."
    )
