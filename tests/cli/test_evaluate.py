"""`kgan evaluate` as a user types it, and the checkpoints that other commands take."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from kgan.cli import main
from kgan.console import evaluate as evaluation
from kgan.metrics import METRICS

SMALL = ["--set", "network.generator.width=4", "--set", "network.discriminator.width=4"]
SCORES = [name for metric in METRICS.values() if not metric.labels for name in metric.scores]


def kgan(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def well(*args):
    result = kgan(*args)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a short run that is scored while it trains, its images and a ring."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        few = ["--set", "evaluation.samples=40", "--batch-size", 16, "--learning-rate", 0.02]
        well("train", *SMALL, *few, "--steps", 4, "--evaluate-every", 2, "--run-dir", "run")
        make_step_2_the_best(folder / "run")
        well("sample", "run", "--seeds", "0-39", "--out", "images.npz")
    return folder


def make_step_2_the_best(run):
    """Puts other weights into checkpoints/best, so that it is not the last, whatever was better."""
    import kgan as package
    from kgan.runs.checkpoint import Checkpoints

    lines = (run / "evaluations.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == [2, 4]
    shutil.rmtree(run / "checkpoints" / "best")
    model, _ = package.open_run(run)
    model.step.assign(2)
    for network in model.networks:
        network.set_weights([weight * 0.5 for weight in network.get_weights()])
    Checkpoints(model, run / "checkpoints" / "best", keep=1).save(2)


@pytest.fixture
def inside(trained, monkeypatch):
    monkeypatch.chdir(trained)
    return trained


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """However slow the machine is, nothing takes so long that progress is told."""
    monkeypatch.setattr(evaluation, "LINE_SECONDS", (1e9, 1e9))


def rows(stdout):
    """The table's rows, by their first cell."""
    found = {}
    for line in stdout.splitlines():
        cells = re.split(r"\s{2,}", line.strip())
        if len(cells) > 1:
            found[cells[0]] = cells[1:]
    return found


def test_a_table_of_all_scores_beside_their_baselines_and_its_conditions(inside):
    result = well("evaluate", "run", "--samples", 40)
    table = rows(result.stdout)
    assert table["score"] == [
        "run", "test images", "noise", "train images", "k-means centroids",
    ]  # fmt: skip
    names = [name if name == "parzen" else f"{name}[digits-cnn]" for name in SCORES]
    assert [name for name in table if name != "score"] == names
    kept = {score["name"]: score["value"] for score in read(inside / "run")["scores"]}
    for name in names:
        assert float(table[name][0].split(" ")[0]) == pytest.approx(kept[name], rel=0.06, abs=1e-3)
        assert len(table[name]) == 3
    assert "±" in table["kid[digits-cnn]"][0]
    assert "Against 1,498 images of digits (train).\n" in result.stdout
    assert re.search(r"Features digits-cnn \(sha256 [0-9a-f]{16}\), resize: bili", result.stdout)
    assert "parzen against 299 images of digits (test), each source's sigma by" in result.stdout
    assert re.search(r"run: 40 images, seeds 0-39, step 4 \(last\); sampling \d", result.stdout)
    assert (inside / "run" / "neighbours.png").exists()
    few = "Scores of few images, here 40, are rough, and compare with those of as many alone.\n"
    assert few in result.stdout
    assert "Images of the baselines" not in result.stdout
    assert result.stderr == "Wrote run/evaluation.json\n"


def read(run):
    return json.loads((run / "evaluation.json").read_text())


def test_sources_stand_side_by_side_and_go_where_out_says(inside, tmp_path, monkeypatch):
    shutil.copytree("run", tmp_path / "twin" / "run")
    well("sample", "run", "--seeds", "0-39", "--out", tmp_path / "pictures")
    sources = ["run", "images.npz", tmp_path / "pictures", "digits-dcgan"]
    options = ["--metrics", "fid, parzen", "--samples", 40, "--out", tmp_path / "out"]
    monkeypatch.setattr(evaluation, "LINE_SECONDS", (0.0, 0.0))
    result = well("evaluate", *sources, *options)
    told = ["real images", "images of run: 0 of 40", "features of run", "scores of run"]
    assert result.stderr.splitlines()[:4] == told
    table = rows(result.stdout)
    assert table["score"][:4] == ["run", "images.npz", "pictures", "digits-dcgan"]
    assert list(table) == ["score", "fid[digits-cnn]", "parzen"]
    assert len(set(table["fid[digits-cnn]"][:3])) == 1
    assert (tmp_path / "out" / "evaluation.json").exists()
    # Two runs of one name are told apart.
    twins = well("evaluate", "run", tmp_path / "twin" / "run", *options)
    assert f"{tmp_path / 'twin' / 'run'}: 40 images" in twins.stdout


def test_a_run_with_a_link_in_it_is_not_written_to(inside, tmp_path):
    run = shutil.copytree("run", tmp_path / "linked")
    (tmp_path / "other").mkdir()
    shutil.rmtree(run / "tensorboard")
    (run / "tensorboard").symlink_to(tmp_path / "other")
    result = kgan("evaluate", run, "--metrics", "fid", "--samples", 40)
    assert (result.exit_code, "is a symbolic link" in result.stderr) == (2, True)
    assert not [*(tmp_path / "other").iterdir()]


def test_a_source_may_be_called_as_a_baseline_or_hold_brackets(inside, tmp_path, monkeypatch):
    names = ["noise", "[b]x", "a[/b]c", ":smile:"]
    for name in names:
        well("sample", "run", "--seeds", "0-39", "--out", tmp_path / name)
    options = ["--metrics", "fid", "--dataset", "digits", "--samples", 40]
    expected = rows(well("evaluate", "images.npz", *options).stdout)["fid[digits-cnn]"]
    monkeypatch.chdir(tmp_path)
    result = well("evaluate", *names, *options)
    found = rows(result.stdout)
    assert found["score"] == ["noise", "[b]x", "b]c", ":smile:", "test images", "noise"]
    assert found["fid[digits-cnn]"] == [expected[0]] * 4 + expected[1:]
    assert all(f"\n{name}: 40 images;" in result.stdout for name in names)


@pytest.mark.parametrize(
    ("metric", "against", "features"),
    [
        ("manifold", "\nAgainst 40 images", True),
        ("classifier_score", None, True),
        ("parzen", "parzen against 299 images", False),
    ],
)
def test_each_metric_alone_tells_its_conditions(metric, against, features, inside):
    result = well("evaluate", "run", "--samples", 40, "--metrics", metric)
    assert ("Features digits-cnn" in result.stdout) == features
    assert (against or "40 images") in result.stdout
    assert ("gainst" in result.stdout) == bool(against)


def test_the_best_checkpoint_is_scored(inside):
    result = well("evaluate", "run", "--samples", 40, "--metrics", "fid")
    assert "\nAgainst 1,498 images" in result.stdout
    assert "Features digits-cnn" in result.stdout
    result = well("evaluate", "run", "--samples", 40, "--metrics", "fid", "--checkpoint", "best")
    assert "step 2 (best)" in result.stdout
    last, best = (s for s in read(inside / "run")["scores"] if s["name"].startswith("fid"))
    assert (last["step"], best["step"]) == (4, 2)
    assert last["value"] != best["value"]


def test_the_best_checkpoint_is_drawn_from_and_exported(inside, tmp_path):
    images = {}
    for which in ("last", "best"):
        out = tmp_path / f"{which}.npz"
        well("sample", "run", "--checkpoint", which, "--seeds", "0-9", "--out", out)
        images[which] = np.load(out)["images"].astype(int)
    assert np.abs(images["last"] - images["best"]).max() > 1
    options = ["--name", "best", "--out", tmp_path / "models"]
    result = well("export", "run", "--checkpoint", "best", *options)
    assert f"Saved {tmp_path / 'models' / 'best' / '1'}" in result.stdout
    well("sample", tmp_path / "models/best", "--seeds", "0-9", "--out", tmp_path / "saved.npz")
    saved = np.load(tmp_path / "saved.npz")["images"].astype(int)
    assert np.abs(saved - images["best"]).max() <= 1
    about = json.loads((tmp_path / "models/best/1/assets.extra/kgan.json").read_text())
    assert {score["step"] for score in about["scores"]} == {about["step"]} == {2}


def test_runs_that_draw_no_images(inside, tmp_path):
    ring = ["--dataset", "ring", *SMALL, "--steps", 1, "--batch-size", 16]
    well("train", *ring, "--run-dir", tmp_path / "ring", "--out", tmp_path / "models")
    for name in (tmp_path / "ring", tmp_path / "models" / "ring-mlp"):
        for options in ([], ["--dataset", "digits"]):
            result = kgan("evaluate", name, "--samples", 20, *options)
            assert result.exit_code == 2, result.output
            assert re.search(
                "points in the plane: expected models|makes points|tell its data", result.stderr
            )
            assert result.stderr.count("\n") == 1


def test_a_run_without_a_best_checkpoint(inside, tmp_path):
    plain = shutil.copytree("run", tmp_path / "plain")
    shutil.rmtree(plain / "checkpoints" / "best")
    for command in ("evaluate", "sample", "export"):
        result = kgan(command, plain, "--checkpoint", "best")
        assert result.exit_code == 2, result.output
        assert "has no best checkpoint: train with --evaluate-every N" in result.stderr
        assert result.stderr.count("Error") == 1


def test_scores_while_training_that_will_not_do(workdir):
    for options, message in (
        (["--evaluate-every", "-1"], "evaluation.every is -1: expected 0 or more"),
        (["--evaluate-every", "3", "--dataset", "ring"], "holds points, not images"),
        (["--evaluate-every", "3", "--set", "evaluation.score=fud"], "Unknown score 'fud'"),
        (
            ["--evaluate-every", "3", "--set", "evaluation.score=class_accuracy"],
            "evaluation.score is class_accuracy, which takes a model that draws images of classes",
        ),
    ):
        result = kgan("train", *options)
        assert result.exit_code == 2, result.output
        assert message in result.stderr
        assert result.stderr.count("\n") == 1
    assert not list(workdir.iterdir())


def test_a_run_with_classes_names_the_worst_one(inside, tmp_path, monkeypatch):
    few = ["--conditional", "--model", "mlp", "--batch-size", 16, "--steps", 2]
    monkeypatch.setattr("kgan.training.run.export", lambda model, place, *_: Path(place))
    well("train", *SMALL, *few, "--run-dir", tmp_path / "classes")
    out = ["--samples", 80, "--out", tmp_path / "out"]
    result = well("evaluate", "run", tmp_path / "classes", *out)
    table = rows(result.stdout)
    # An empty cell, then the run's, test images and noise.
    assert len(table["class_accuracy[digits-cnn]"]) == 3
    assert len(table["fid[digits-cnn]"]) == 4
    told = r"\nWorst class of classes: \d, [\d.]+ % recognised \(class_accuracy\); \d, "
    assert re.search(
        told + r"[\d.]+ % reached, \d of few images left out \(class_rec", result.stdout
    )
    refused = kgan("evaluate", "run", "--metrics", "class_recall", "--samples", 80)
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "class_recall takes images of the classes of 'digits', run draws none" in refused.stderr


def test_help_tells_what_there_is():
    text = " ".join(well("evaluate", "--help").stdout.split())
    assert all(name in text for name in (*METRICS, "--checkpoint", "--inception-graph"))
