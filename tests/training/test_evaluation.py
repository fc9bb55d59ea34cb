"""A run that is scored while it trains: the lines, the best checkpoint, and nothing else."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kgan
from kgan.errors import InputError
from kgan.methods.settings import override
from kgan.runs.checkpoint import Checkpoints
from kgan.tasks.evaluate.evaluate import evaluate
from kgan.training import evaluation
from tests.training.runs import (
    KilledAt,
    KillError,
    assert_equal,
    assert_same_pictures,
    state,
)
from tests.training.scored import TINY, go_on, lines, trained, weights

pytestmark = pytest.mark.usefixtures("unexported")


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("scored"), **{"evaluation.every": 3})


@pytest.fixture(scope="module")
def unscored(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("unscored"))


def test_there_is_a_line_for_every_step_that_is_due_and_for_the_last(scored):
    found = lines(scored)
    assert [line["step"] for line in found] == [3, 6, 8]
    for line in found:
        assert line["name"] == "fid[digits-cnn]"
        assert np.isfinite(line["value"])
        expected = {"n": 40, "n_reference": 1498, "dataset": "digits", "split": "train",
                    "seeds": "0-39"}  # fmt: skip
        assert {key: line[key] for key in expected} == expected
    assert len({line["value"] for line in found}) == 3


def test_the_curve_is_a_picture(scored):
    with Image.open(scored / "evaluations.png") as picture:
        assert picture.size == (600, 350)


def test_the_best_checkpoint_is_that_of_the_best_line(scored):
    best = min(lines(scored), key=lambda line: line["value"])
    assert weights(scored, "best")[0] == best["step"]
    assert len(list((scored / "checkpoints" / "best").glob("*.index"))) == 1
    assert weights(scored)[0] == 8


def test_the_best_checkpoint_gives_the_score_of_its_line(scored):
    best = min(lines(scored), key=lambda line: line["value"])
    found = evaluate(scored, ["fid"], 40, checkpoint="best", out=scored.parent / "out")
    (score,) = found["sources"][0]["scores"]
    assert score["value"] == pytest.approx(best["value"], rel=1e-6)
    assert (score["step"], score["checkpoint"]) == (best["step"], "best")


class Noted(keras.callbacks.Callback):
    """Notes the weights after every tenth step."""

    def on_train_begin(self, logs=None):
        self.seen = {}

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.step.value)
        if step % 10 == 0:
            self.seen[step] = [w for n in self.model.networks for w in n.get_weights()]


def test_the_highest_coverage_is_the_best_and_its_weights_come_back(tmp_path):
    noted = Noted()
    changes = {
        "network.name": "dcgan",
        "network.generator.width": 8,
        "network.discriminator.width": 8,
        "generator_optimizer.learning_rate": 0.002,
        "discriminator_optimizer.learning_rate": 0.002,
        "batch_size": 64,
        "steps": 120,
        "checkpoint_every": 100,
        "evaluation.every": 40,
        "evaluation.score": "coverage",
        "evaluation.samples": 300,
    }
    run = trained(tmp_path, [noted], **changes)
    found = lines(run)
    assert [line["step"] for line in found] == [40, 80, 120]
    assert {line["name"] for line in found} == {"coverage[digits-cnn]"}
    values = [line["value"] for line in found]
    assert min(values) < max(values)
    step, *restored = weights(run, "best")
    assert step == found[values.index(max(values))]["step"]
    for got, expected in zip(restored, noted.seen[step], strict=True):
        np.testing.assert_array_equal(got, expected)


def test_training_is_the_same_to_the_bit_with_and_without_scores(scored, unscored):
    assert_equal(state(unscored / "checkpoints"), state(scored / "checkpoints"))
    timing = ("seconds", "images_per_second")
    history = [
        [
            {key: value for key, value in json.loads(line).items() if key not in timing}
            for line in (run / "metrics.jsonl").read_text().splitlines()
        ]
        for run in (scored, unscored)
    ]
    assert history[0] == history[1]
    assert_same_pictures(unscored, scored)
    assert not (unscored / "evaluations.jsonl").exists()
    assert not (unscored / "checkpoints" / "best").exists()


def test_scores_go_to_tensorboard(scored):
    tags = {
        (value.tag, event.step)
        for path in (scored / "tensorboard").iterdir()
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert {("fid[digits-cnn]", step) for step in (3, 6, 8)} <= tags


@pytest.mark.parametrize("step", [3, 8])
def test_killed_and_resumed_has_the_same_lines_once_each(step, scored, tmp_path):
    # Checkpoints are at 2, 4, 6: a kill at 3 goes back past a line; at 8 the last line is to come.
    with pytest.raises(KillError):
        trained(tmp_path, [KilledAt(step)], **{"evaluation.every": 3})
    killed = tmp_path / "run"
    with (killed / "evaluations.jsonl").open("a") as file:
        file.write('{"step": 6, "na')
    go_on(killed)
    assert lines(killed) == lines(scored)
    curves = [(run / "evaluations.png").read_bytes() for run in (scored, killed)]
    assert curves[0] == curves[1]
    assert_equal(state(scored / "checkpoints"), state(killed / "checkpoints"))
    assert_equal(state(scored / "checkpoints" / "best"), state(killed / "checkpoints" / "best"))


def test_a_resumed_run_knows_the_best_of_before(tmp_path):
    changes = {"evaluation.every": 2, "evaluation.score": "parzen", "steps": 6}
    with pytest.raises(KillError):
        trained(tmp_path, [KilledAt(4)], **changes)
    run = tmp_path / "run"
    found = lines(run)
    assert {(line["name"], line["split"], line["n"]) for line in found} == {
        ("parzen", "validation", 40)
    }
    before = weights(run, "best")[0]
    # As if step 2 had been better than whatever can come.
    found[0]["value"] = 1e9
    (run / "evaluations.jsonl").write_text("".join(json.dumps(line) + "\n" for line in found))
    go_on(run)
    assert [line["step"] for line in lines(run)] == [2, 4, 6]
    assert lines(run)[:2] == found
    assert weights(run, "best")[0] == before


def test_scores_of_other_data_or_features_do_not_compete(tmp_path):
    changes = {"evaluation.every": 2, "steps": 6}
    with pytest.raises(KillError):
        trained(tmp_path, [KilledAt(2)], **changes)
    run = tmp_path / "run"
    # As if step 2 had been better than whatever can come, on these data and in other features.
    before = [{**line, "value": 0.0} for line in lines(run)]
    (run / "evaluations.jsonl").write_text(json.dumps(before[0]) + "\n")
    black = dataclasses.replace(kgan.load("digits"), values=np.zeros((1797, 8, 8, 1), np.uint8))
    again = kgan.prepare(override(kgan.GANConfig(), {**TINY, **changes}), black)
    with pytest.raises(KillError):
        go_on(run, again, [KilledAt(4)], allow_changed_data=True)
    assert [line["step"] for line in lines(run)] == [4]
    assert weights(run, "best")[0] == 4
    aside = run / "evaluations.jsonl.before-2"
    assert [json.loads(line) for line in aside.read_text().splitlines()] == before
    assert (run / "checkpoints" / "best.before-2" / "ckpt-2.index").exists()

    (run / "evaluations.jsonl").write_text(json.dumps({**before[0], "name": "fid[others]"}) + "\n")
    again = kgan.prepare(override(kgan.GANConfig(), {**TINY, **changes}), black)
    go_on(run, again)
    assert [line["name"] for line in lines(run)] == ["fid[others]", "fid[digits-cnn]"]
    assert evaluation.best_of(lines(run)) == lines(run)[1]
    assert weights(run, "best")[0] == 6


def test_a_run_without_a_best_checkpoint_says_so(unscored):
    before = set(unscored.rglob("*"))
    with pytest.raises(InputError, match="no best checkpoint: train with --evaluate-every N"):
        kgan.open_run(unscored, "best")
    with pytest.raises(InputError, match=r"Unknown checkpoint 'newest'. Known: best, last"):
        kgan.open_run(unscored, "newest")
    assert set(unscored.rglob("*")) == before


def test_a_best_checkpoint_outlives_the_newest(scored, tmp_path):
    moved = shutil.copytree(scored, tmp_path / "run")
    for path in (moved / "checkpoints").iterdir():
        if path.is_file():
            path.unlink()
    assert weights(moved, "best")[0] in (3, 6, 8)
    with pytest.raises(InputError, match="has no checkpoint yet"):
        kgan.open_run(moved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluation.every": -1}, "evaluation.every is -1: expected 0 or more"),
        ({"evaluation.samples": 0}, "evaluation.samples is 0: expected 1 or more"),
        ({"evaluation.score": "fud"}, "Unknown score 'fud'"),
        ({"evaluation.every": 3, "evaluation.features": "digits"}, "Unknown features 'digits'"),
    ],
)
def test_settings_that_will_not_do_are_told_before_training(changes, message):
    with pytest.raises(InputError, match=message):
        kgan.prepare(override(kgan.GANConfig(), {**TINY, **changes}), kgan.load("digits"))


def test_a_run_of_before_there_were_scores_still_opens(unscored, tmp_path):
    old = shutil.copytree(unscored, tmp_path / "run")
    record = json.loads((old / "config.json").read_text())
    del record["config"]["evaluation"]
    (old / "config.json").write_text(json.dumps(record))
    assert weights(old)[0] == 8


def test_the_best_place_is_cleared_of_what_a_kill_left(scored):
    model, _ = kgan.open_run(scored, "best")
    leftover = scored / "checkpoints" / "best" / "ckpt-9_temp"
    leftover.mkdir()
    Checkpoints(model, scored / "checkpoints" / "best", keep=1).save(int(model.step.value))
    assert not leftover.exists()
