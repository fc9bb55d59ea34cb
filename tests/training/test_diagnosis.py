import json

import numpy as np
import pytest

import kgan
from kgan.errors import RunWarning
from kgan.methods.diagnosis import IN_A_ROW, diagnosed, said
from kgan.methods.settings import override
from kgan.training import diagnosis

FINE = {"diversity": 0.9, "real_accuracy": 0.8, "held_out_accuracy": 0.8, "overfitting": 0.1}
WRONG = {
    "collapsed": {"diversity": 0.1},
    "has won": {"real_accuracy": 1.0, "held_out_accuracy": 0.999},
    "by heart": {"overfitting": 0.7},
}


@pytest.mark.parametrize("word", WRONG)
def test_what_is_wrong_is_said_once_when_it_lasts(word):
    wrong = {**FINE, **WRONG[word]}
    lines = [FINE, *[wrong] * (IN_A_ROW + 2), FINE, *[wrong] * IN_A_ROW]
    told = [said(lines[: end + 1]) for end in range(len(lines))]
    assert [index for index, texts in enumerate(told) if texts] == [IN_A_ROW, len(lines) - 1]
    assert all(word in text for texts in told for text in texts)


def test_without_held_out_images_what_they_tell_is_left_out():
    known = {"diversity": 0.9, "real_accuracy": 1.0}
    assert "has won" in said([known] * IN_A_ROW)[0]
    assert not said([{"diversity": 0.9, "real_accuracy": 0.9}] * IN_A_ROW)


def prepared(hold_out="split", **changes):
    small = {
        "network.name": "mlp",
        "network.generator.width": 8,
        "network.discriminator.width": 4,
        "batch_size": 16,
        "log_every": 2,
        "steps": 30,
        "sample_every": 100,
        "checkpoint_every": 10,
        "precision": "float32",
        "data.hold_out": hold_out,
    }
    run = kgan.prepare(override(kgan.GANConfig(), {**small, **changes}), kgan.load("digits"))
    run.model.run_eagerly = True
    return run


@pytest.mark.parametrize("conditional", [False, True])
def test_numbers_are_those_of_the_images_and_leave_the_model_as_it_is(conditional):
    run = prepared(**{"network.conditional": conditional})
    before = [variable.numpy() for variable in run.model.variables]
    found = diagnosed(run.model, run.data)
    assert found.keys() == FINE.keys()
    assert 0 <= found["real_accuracy"] <= 1
    for value, variable in zip(before, run.model.variables, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())
    assert found == diagnosed(run.model, run.data)
    none = prepared("none", **{"network.conditional": conditional})
    assert diagnosed(none.model, none.data).keys() == {"diversity", "real_accuracy"}


def test_a_run_is_diagnosed_at_its_own_rhythm_and_warned_of(tmp_path, monkeypatch, unexported):
    run = prepared()
    monkeypatch.setattr(diagnosis, "STEPS", 10)
    monkeypatch.setattr(type(run.method), "diagnose", lambda *_: {**FINE, "diversity": 0.0})
    with pytest.warns(RunWarning, match="Step 30: samples look alike: the generator has coll"):
        kgan.train(run, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").open()]
    found = [line for line in lines if line.get("event") == "diagnosed"]
    assert [line["step"] for line in found] == [10, 20, 30]
    assert [line["diversity"] for line in found] == [0.0] * 3
    assert ["reason" in line for line in found] == [False, False, True]
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert "event" not in summary
    assert summary["generator_loss"] == lines[-2]["generator_loss"]
