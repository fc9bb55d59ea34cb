"""Runs with classes that are scored, and chosen, by them while they train."""

import dataclasses

import pytest

import kgan
from kgan.errors import InputError
from kgan.methods.settings import override
from kgan.tasks.evaluate.evaluate import evaluate
from tests.training.runs import perfect_sample
from tests.training.scored import TINY, lines, trained, weights

pytestmark = pytest.mark.usefixtures("unexported")


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
    changes = {"steps": 1, "evaluation.every": 1, "evaluation.samples": 100}
    changes |= {"network.conditional": True}
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


@pytest.mark.parametrize("hold_out", ["split", "none"])
def test_too_few_samples_for_a_recall_are_told_before_training(hold_out):
    changes = {"evaluation.every": 4, "evaluation.score": "class_recall", "evaluation.samples": 12}
    changes |= {"network.conditional": True, "data.hold_out": hold_out}
    config, data = override(kgan.GANConfig(), {**TINY, **changes}), kgan.load("digits")
    with pytest.raises(InputError, match=r"evaluation.samples is 12: class_recall.*6 or more are"):
        kgan.prepare(config, data)
    assert kgan.prepare(override(config, {"evaluation.samples": 100}), data).scorer is not None
