"""Against which data, and in which features, a run is scored."""

import dataclasses

import numpy as np
import pytest

import kgan
from kgan.errors import InputError
from kgan.methods.gan import GANMethod
from kgan.methods.settings import override
from kgan.metrics import features
from kgan.metrics.reference import Data
from kgan.tasks.evaluate.evaluate import evaluate
from kgan.training import evaluation
from tests.training.scored import TINY


def test_points_have_no_such_scores():
    config = override(kgan.PRESETS["ring"], {"evaluation.every": 3})
    with pytest.raises(InputError, match="holds points, not images"):
        kgan.prepare(config, kgan.load("ring"))


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


def test_a_run_of_other_data_is_not_scored_against_what_it_names(unexported, eager, tmp_path):
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
    # Of the mixture's own components, which no part of the points holds.
    about = {(score["dataset"], score["split"], score["mixture"]) for score in found["scores"]}
    assert about == {("ring", "all", "ring")}
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
