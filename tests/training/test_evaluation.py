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
from kgan.methods.gan import GANMethod
from kgan.methods.settings import override
from kgan.metrics import features
from kgan.metrics.scores import Data
from kgan.runs.checkpoint import Checkpoints
from kgan.tasks.evaluate.evaluate import evaluate
from kgan.training import evaluation
from kgan.training.unfinished import reopen
from tests.training.runs import (
    KilledAt,
    KillError,
    assert_equal,
    assert_same_pictures,
    perfect_sample,
    state,
)

pytestmark = pytest.mark.usefixtures("unexported")

TINY = {
    "network.latent_dim": 4,
    "network.generator.width": 4,
    "network.discriminator.width": 4,
    "generator_optimizer.learning_rate": 0.02,
    "batch_size": 16,
    "steps": 8,
    "log_every": 2,
    "sample_every": 100,
    "checkpoint_every": 2,
    "evaluation.samples": 40,
    "precision": "float32",
}


def trained(place, callbacks=(), **changes):
    """Trains the tiny run in a folder of its own; returns the run's folder."""
    config = override(kgan.GANConfig(), {**TINY, **changes})
    run = kgan.prepare(config, kgan.load("digits"))
    kgan.train(run, place / "run", place / "saved_models", callbacks=callbacks)
    return place / "run"


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("scored"), **{"evaluation.every": 3})


@pytest.fixture(scope="module")
def unscored(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("unscored"))


def lines(run):
    return [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()]


def weights(run, checkpoint="last"):
    model, _ = kgan.open_run(run, checkpoint)
    return [int(model.step.value), *(w for n in model.networks for w in n.get_weights())]


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
    kgan.train(reopen(killed, "train", {}), killed, tmp_path / "saved_models")
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
    kgan.train(reopen(run, "train", {}), run, tmp_path / "saved_models")
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
        kgan.train(
            again, run, tmp_path / "saved_models", [KilledAt(4)], allow_changed_data=True
        )  # fmt: skip
    assert [line["step"] for line in lines(run)] == [4]
    assert weights(run, "best")[0] == 4
    aside = run / "evaluations.jsonl.before-2"
    assert [json.loads(line) for line in aside.read_text().splitlines()] == before
    assert (run / "checkpoints" / "best.before-2" / "ckpt-2.index").exists()

    (run / "evaluations.jsonl").write_text(json.dumps({**before[0], "name": "fid[others]"}) + "\n")
    again = kgan.prepare(override(kgan.GANConfig(), {**TINY, **changes}), black)
    kgan.train(again, run, tmp_path / "saved_models")
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


@pytest.mark.parametrize("score", ["class_accuracy", "class_recall"])
def test_a_run_without_classes_is_not_chosen_by_them(score):
    config = override(kgan.GANConfig(), {**TINY, "evaluation.every": 4, "evaluation.score": score})
    with pytest.raises(InputError, match=f"evaluation.score is {score}.*--conditional, or choose"):
        kgan.prepare(config, kgan.load("digits"))


def test_a_run_with_classes_may_be_chosen_by_them(tmp_path):
    score = "class_recall"
    changes = {"evaluation.every": 4, "evaluation.samples": 100, "evaluation.score": score}
    run = trained(tmp_path, **changes, **{"network.conditional": True})
    found = lines(run)
    assert [line["step"] for line in found] == [4, 8]
    assert weights(run, "best")[0] == max(found, key=lambda line: line["value"])["step"]
    # The images are those that the run itself draws, and so are their labels.
    (own,) = evaluate(run, [score], 100, out=tmp_path / "out")["sources"][0]["scores"]
    assert own["value"] == pytest.approx(found[-1]["value"])
    assert own["by_class"] == pytest.approx(found[-1]["by_class"])
    assert own["n_by_class"] == found[-1]["n_by_class"]


def test_images_are_scored_by_the_classes_they_were_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(kgan.GAN, "sample", perfect_sample)
    changes = {"evaluation.every": 8, "evaluation.samples": 100, "network.conditional": True}
    (line,) = lines(trained(tmp_path, **changes, **{"evaluation.score": "class_accuracy"}))
    assert line["value"] > 0.9
    assert min(line["by_class"].values()) > 0.5


def test_classes_that_the_classifier_does_not_know_are_told_before_training():
    changes = {"evaluation.every": 4, "evaluation.score": "class_accuracy"}
    config = override(kgan.GANConfig(), {**TINY, **changes, "network.conditional": True})
    data = kgan.load("digits")
    other = dataclasses.replace(data, name="mine")
    with pytest.raises(InputError, match=r"classes are those of 'mine' .*'digits-cnn' has others"):
        kgan.prepare(config, other)
    assert kgan.prepare(config, data).scorer is not None


def test_points_have_no_such_scores():
    config = override(kgan.PRESETS["ring"], {"evaluation.every": 3})
    with pytest.raises(InputError, match="holds points, not images"):
        kgan.prepare(config, kgan.load("ring"))


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


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("digits", (8, 8, 1), "digits-cnn"),
        ("photos", (64, 48, 3), "cifar10-cnn"),
        ("scans", (64, 48, 1), "mnist-cnn"),
        ("icons", (8, 16, 1), "digits-cnn"),
        # Folders that are called like a data set.
        ("mnist", (64, 64, 3), "cifar10-cnn"),
        ("cifar10", (64, 64, 1), "mnist-cnn"),
        ("cifar10", (64, 64, 3), "cifar10-cnn"),
        ("digits", (12, 12, 1), "digits-cnn"),
    ],
)
def test_features_need_no_download_unless_they_are_asked_for(name, shape, expected, monkeypatch):
    monkeypatch.setattr(features.store, "downloaded", lambda *_: pytest.fail("downloads"))
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), np.uint8)
    found = evaluation.extractor("auto", Data(name, images, images, images))
    assert found.name == expected
    assert np.isfinite(found(images).features).all()
    own = shape == (8, 8, 1)
    # What other data mean by the same names is not known.
    assert bool(found.class_names) == own
    assert ("--features inception-2015" in found.caveat) != own
    asked = evaluation.extractor(expected, Data(name, images, images, images))
    assert asked.caveat == ""
    assert asked.class_names == found.class_names


def test_a_run_is_scored_against_what_it_was_given_whatever_a_name_loads():
    """The default configuration names the digits; the data are others."""
    config = override(kgan.GANConfig(), {**TINY, "evaluation.every": 3,
                                         "evaluation.features": "digits-cnn"})  # fmt: skip
    images = 255 - kgan.load("digits").images[:90]
    mine = kgan.Examples(images, {}, kgan.IMAGES, "mine")
    data = kgan.prepare(config, mine).scorer._data
    assert data.name == "mine"
    together = np.concatenate([data.train, data.validation, data.test])
    assert sorted(map(bytes, together)) == sorted(map(bytes, images))


def test_a_run_of_other_data_is_not_scored_against_what_it_names(tmp_path):
    config = override(kgan.GANConfig(), {**TINY, "steps": 1})
    mine = kgan.Examples(255 - kgan.load("digits").images, {}, kgan.IMAGES, "mine")
    kgan.train(kgan.prepare(config, mine), tmp_path / "run", tmp_path / "saved_models")
    with pytest.raises(InputError, match=r"not trained on 'digits'.*other training pixels.*--data"):
        evaluate(tmp_path / "run", ["fid"], 40)


def test_coverage_is_of_the_points_that_were_given():
    class Generator:
        image_shape = (2,)

        def sample(self, seeds):
            return np.repeat(np.float32([[2.0, 0.0]]), len(seeds), axis=0)

    ring, config = kgan.split("ring"), kgan.GANConfig()
    found = GANMethod().score(Generator(), ring, config)
    assert {score["name"]: score["value"] for score in found["scores"]}["modes"] == 1
    named = override(config, {"data.name": "ring"})
    other = dataclasses.replace(ring.train, values=ring.train.values[:] + 1)
    other = dataclasses.replace(ring, train=other)
    assert GANMethod().score(Generator(), other, named)["scores"] == []


@pytest.mark.parametrize(("dtype", "rows"), [("f4", (8, 8, 1)), ("i4", (8, 8, 1)), ("f8", (2,))])
def test_examples_of_another_form_are_refused(dtype, rows):
    space = kgan.IMAGES if len(rows) == 3 else kgan.POINTS
    examples = kgan.Examples(np.zeros((64, *rows), dtype), {}, space, "mine")
    with pytest.raises(InputError, match=r"mine holds .*: expected (uint8 images|float32 points)"):
        kgan.prepare(override(kgan.GANConfig(), TINY), examples)
