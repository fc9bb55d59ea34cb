"""`kgan finetune` as a user types it."""

import json
import os
import re
import shutil
import signal
import time

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

from kgan.cli import main
from kgan.data.split import split

SMALL = ["--set", "network.generator.width=4", "--set", "network.discriminator.width=4"]


def kgan(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a short run of `kgan train` on the digits, in `run`."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = kgan("train", *SMALL, "--steps", 5, "--run-dir", "run")
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def inside(trained, monkeypatch):
    monkeypatch.chdir(trained)
    return trained


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_its_status(number, inside, monkeypatch):
    def killed(*args, **kwargs):
        os.kill(os.getpid(), number)
        time.sleep(5)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr("kgan.console.finetune.run_experiment", killed)
    result = kgan("finetune", "run", "--labels", "20", "--seeds", 1)
    signal.signal(signal.SIGINT, before)
    assert result.exit_code == 128 + number
    assert result.stderr.endswith("Stopped. The same command goes on from here.\n")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_from_a_run_to_a_table_and_a_classifier(inside):
    options = ["--labels", "20,all", "--seeds", 1, "--steps", 5, "--learning-rates", "0.001"]
    result = kgan("finetune", "run", *options)
    assert result.exit_code == 0, result.output
    assert "all 1,198" in result.stdout
    assert "300 labels" in result.stdout
    assert "the same data: the training part" in result.stdout
    assert "one seed" in result.stdout
    first, *lines = result.stderr.splitlines()
    assert first == (
        "12 classifiers to fit, on 20, 1,198 labels: 8 trainings of at most 5 steps and 4 linear "
        "probes."
    )
    fits = [line for line in lines if ": validation " in line]
    assert [re.search(r"; (\d+)/12  about \d+:\d\d left", line)[1] for line in fits] == [
        str(number) for number in range(1, 13)
    ]
    place = inside / "run" / "finetune"
    assert {path.name for path in place.iterdir()} >= {
        "results.jsonl", "settings.json", "table.json", "finetune.png",
    }  # fmt: skip
    table = json.loads((place / "table.json").read_text())
    assert (table["train"], table["validation"], table["test"]) == (1198, 300, 299)
    path = inside / "saved_models" / "digits-dcgan-classifier" / "1"
    about = json.loads((path / "assets.extra" / "kgan.json").read_text())
    assert about["scores"]["test_accuracy"] == table["classifier"]["test_accuracy"]
    assert (about["dataset"], about["class_names"]) == ("digits", list("0123456789"))
    call = tf.saved_model.load(str(path)).signatures["serving_default"]
    test = split("digits").test
    found = call(images=tf.constant(np.asarray(test.images)))["probabilities"].numpy()
    assert found.shape == (299, 10)
    accuracy = (found.argmax(1) == test.labels).mean()
    assert accuracy == pytest.approx(table["classifier"]["test_accuracy"], abs=0.02)
    again = kgan("finetune", "run", *options)
    assert again.stdout == result.stdout
    assert not (path.parent / "2").exists()


def test_fewer_arms_make_a_smaller_table(inside):
    result = kgan(
        "finetune", "run", "--labels", "30", "--seeds", 2, "--arms", "random_probe, probe"
    )
    assert result.exit_code == 0, result.output
    assert "probe of random" in result.stdout
    assert "gain" not in result.stdout.lower()
    assert "Saved" not in result.stderr
    table = json.loads((inside / "run" / "finetune" / "table.json").read_text())
    assert [row["arm"] for row in table["rows"]] == ["probe", "random_probe"]


def test_by_default_there_are_as_many_labels_as_the_data_have(inside):
    plan = json.loads(kgan("finetune", "run", "--dry-run").stdout)
    assert list(plan["labels"]) == ["100", "1000", "1198"]


def test_dry_run_writes_nothing(inside):
    before = set(inside.rglob("*"))
    result = kgan("finetune", "run", "--labels", "50", "--dry-run")
    assert result.exit_code == 0, result.output
    plan = json.loads(result.stdout)
    assert plan["labels"]["50"]["steps_at_most"] == 1000
    assert plan["learning_rates"] == [0.001, 0.0003]
    assert set(inside.rglob("*")) == before


def make_folder(root, classes, size=8, count=8):
    rng = np.random.default_rng(0)
    for name in classes:
        (root / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (size, size), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


def test_runs_and_data_that_will_not_do(inside, tmp_path):
    points = shutil.copytree("run", tmp_path / "points")
    record = json.loads((points / "config.json").read_text())
    (points / "config.json").write_text(json.dumps({**record, "image_shape": [2]}))
    young = shutil.copytree("run", tmp_path / "young")
    shutil.rmtree(young / "checkpoints")
    flat = make_folder(tmp_path / "flat", [""], count=12)
    big = make_folder(tmp_path / "big", ["a", "b"], size=16)
    for arguments, message in (
        ([points], "makes points"),
        ([young], "has no checkpoint yet"),
        (["run", "--dataset", flat, "--labels", "all"], "has no labels"),
        (["run", "--dataset", big, "--labels", "all"], "give --image-size 8x8"),
    ):
        result = kgan("finetune", *arguments)
        assert result.exit_code == 2, result.output
        assert message in result.stderr
        assert result.stderr.count("Error") == 1
    two = make_folder(tmp_path / "two", ["a", "b"])
    result = kgan("finetune", "run", "--dataset", two, "--labels", "all", "--dry-run")
    assert result.exit_code == 0, result.output
