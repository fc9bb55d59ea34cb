"""Runs of class-conditional GANs: which column, how often each class, which images."""

import dataclasses

import numpy as np
import pytest

import kgan
from kgan.methods.recorded import open_record
from kgan.methods.settings import override
from kgan.training import run as loop
from kgan.training.stopping import Stop, StoppedError

pytestmark = pytest.mark.usefixtures("unexported")

TINY = {
    "network.name": "mlp",
    "network.latent_dim": 4,
    "network.generator.width": 8,
    "network.discriminator.width": 4,
    "network.conditional": True,
    "batch_size": 12,
    "steps": 5,
    "precision": "float32",
}
IMAGES = np.random.default_rng(0).integers(0, 256, (120, 8, 8, 1), np.uint8)
SHAPES = kgan.Column((np.arange(120) % 12 == 0).astype(np.int32), ("round", "square"))
COLOURS = kgan.Column(np.arange(120, dtype=np.int32) % 3, ("red", "green", "blue"))
DATA = kgan.Examples(IMAGES, {"label": SHAPES, "colour": COLOURS}, kgan.IMAGES, "made")


def prepared(data=DATA, **changes):
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    config = override(kgan.GANConfig(), {**TINY, "data.hold_out": "none", **changes})
    return kgan.prepare(config, data)


def labels_seen(run, place, monkeypatch):
    """Returns the labels of all batches of a training."""
    seen, make = [], loop.batches

    def watched(*args, **kwargs):
        found = make(*args, **kwargs)
        seen.extend(labels.numpy() for _, labels in found)
        return found

    monkeypatch.setattr(loop, "batches", watched)
    kgan.train(run, place / "run", place / "models")
    return np.concatenate(seen)


def test_the_column_that_is_named_is_what_a_run_is_conditional_on(tmp_path):
    run = prepared(data__label="colour")
    assert run.model.num_classes == 3
    assert run.spec.class_names == ("red", "green", "blue")
    kgan.train(run, tmp_path / "run", tmp_path / "models")
    model, _ = kgan.open_run(tmp_path / "run")
    assert model.class_frequencies == (40, 40, 40)
    with pytest.raises(kgan.InputError, match=r"'taste'.*Known: colour, label"):
        prepared(data__label="taste")


def test_reals_and_fakes_come_as_often_as_in_the_data(tmp_path, monkeypatch):
    run = prepared()
    assert run.model.class_frequencies == (110, 10)
    labels = labels_seen(run, tmp_path, monkeypatch)
    assert np.count_nonzero(labels) < 15  # of 60, 5 on average


def test_balanced_reals_and_fakes_have_every_class_equally_often(tmp_path, monkeypatch):
    run = prepared(data__balance=True)
    assert len(set(run.model.class_frequencies)) == 1
    labels = labels_seen(run, tmp_path, monkeypatch)
    np.testing.assert_array_equal(np.bincount(labels), [30, 30])
    assert kgan.open_run(tmp_path / "run")[0].class_frequencies == run.model.class_frequencies


def test_without_labels_nothing_is_conditional_or_balanced():
    bare = kgan.Examples(IMAGES, {}, kgan.IMAGES, "bare")
    with pytest.raises(kgan.InputError, match="'bare' has no classes to be conditional on"):
        prepared(bare)
    with pytest.raises(kgan.InputError, match="'bare' has no labels to balance"):
        prepared(bare, network__conditional=False, data__balance=True)


def test_what_is_trained_on_is_what_is_held_out_or_not(tmp_path):
    assert prepared().trained_on == ("train", "validation", "test")
    with_a_test_elsewhere = dataclasses.replace(DATA, test_size=20)
    assert prepared(with_a_test_elsewhere).trained_on == ("train", "validation")
    run = prepared(with_a_test_elsewhere, data__hold_out="split")
    assert len(run.data.test) == 0
    with pytest.raises(StoppedError):
        kgan.train(run, tmp_path / "run", tmp_path / "models", stop=Stop(0))
    assert open_record(tmp_path / "run").trained_on == ("train",)
    held_out = prepared(data__hold_out="split")
    assert held_out.trained_on == ("train",)
    assert [len(part) for part in vars(held_out.data).values() if not isinstance(part, str)] == [
        80, 20, 20,
    ]  # fmt: skip


@pytest.mark.parametrize("setting", ["network.conditional", "data.balance"])
def test_a_class_without_a_training_example_is_named(setting):
    data = kgan.load("digits")
    labels = np.where(data.labels == 7, 1, data.labels).astype(np.int32)
    empty = dataclasses.replace(data, columns={"label": kgan.Column(labels, data.class_names)})
    with pytest.raises(kgan.InputError, match="class '7' of 'digits' has no training example"):
        kgan.prepare(override(kgan.GANConfig(), {setting: True}), empty)
