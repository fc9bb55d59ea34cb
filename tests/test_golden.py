"""Runs that earlier versions wrote open as they did: a change of any format is noticed here.

`golden/0.1` was made by KGAN 0.1: `kgan train --model mlp` and `kgan pretrain --model vae` on the
digits, four steps of tiny networks; `expected.npz` is what its `kgan sample RUN --seeds 0-3` drew.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

import kgan
from kgan.methods.recorded import open_record
from kgan.runs.scores import read_evaluation
from kgan.tasks.finetune.experiment import design
from kgan.training.unfinished import find_unfinished, reopen

GOLDEN = Path(__file__).parent / "golden" / "0.1"


@pytest.fixture(params=["gan", "vae"])
def run(request, workdir):
    return shutil.copytree(GOLDEN / request.param, workdir / request.param)


def test_they_draw_what_they_drew(run):
    expected = np.load(run / "expected.npz")
    images = kgan.open_run(run)[0].sample(expected["seeds"])
    # Another CPU may round a pixel to the next level.
    assert np.abs(images.astype(int) - expected["images"]).max() <= 1


def test_they_are_exported_scored_and_compared(run):
    model, name = kgan.open_run(run)
    assert (kgan.export(model, "saved_models", name) / "saved_model.pb").exists()
    kgan.evaluate(run, ["fid"], 40)
    assert read_evaluation(run)["scores"][-1]["name"] == "fid[digits-cnn]"
    told = design(run, [20], 1).pretrained_on
    assert told.endswith("(KGAN 0.1 held nothing out)") == (run.name == "gan")
    assert ("the training part" in told) == (run.name == "vae")


def test_their_scores_have_today_s_form(workdir):
    found = read_evaluation(GOLDEN / "vae")
    scores = {score["name"]: score for score in found["scores"]}
    assert scores["mse"]["value"] == pytest.approx(0.0734167, abs=1e-6)
    assert scores["negative_log_likelihood"]["value"] == pytest.approx(27.445818, abs=1e-5)
    assert scores["negative_log_likelihood"]["importance_samples"] == 2
    assert {score["n"] for score in found["scores"]} == {299}
    assert set(found["baselines"]) == {"PCA, 2 components (exact)", "mean image"}
    assert read_evaluation(GOLDEN / "gan") == {"scores": [], "baselines": {}}
    (workdir / "evaluation.json").write_text('{"n": 2500, "modes": 8, "high_quality": 0.5}')
    found = read_evaluation(workdir)["scores"]
    assert {(score["name"], score["split"]) for score in found} == {
        ("modes", "all"),
        ("high_quality", "all"),
    }


def test_an_unfinished_one_cannot_go_on(run):
    """The noise of its next step would be another."""
    (run / "summary.json").unlink()
    record = open_record(run)
    with pytest.raises(kgan.InputError, match=r"begun by KGAN 0\.1.*cannot go on\. Start a new"):
        reopen(run, record.config.method.command, {})
    data = kgan.load("digits") if run.name == "gan" else kgan.split("digits")
    prepared = kgan.prepare(record.config, data)
    assert find_unfinished(prepared, run) is None
    with pytest.raises(kgan.InputError, match=r"begun by KGAN 0\.1"):
        kgan.train(prepared, run)
