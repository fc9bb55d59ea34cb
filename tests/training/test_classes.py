"""Runs of class-conditional GANs: which column, how often each class, which images."""

import dataclasses

import numpy as np
import pytest

import kgan
from kgan.data.split import subset
from kgan.methods.recorded import open_record
from kgan.methods.settings import override
from kgan.training import run as loop
from kgan.training.stopping import Stop, StoppedError

pytestmark = pytest.mark.usefixtures("unexported", "eager")

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


def test_of_a_part_that_is_given_as_all_no_record_says_more(tmp_path):
    """Which parts of the set its rows are of, nobody knows."""
    run = prepared(subset(DATA, np.arange(60)))
    assert run.trained_on is None
    with pytest.raises(StoppedError):
        kgan.train(run, tmp_path / "run", tmp_path / "models", stop=Stop(0))
    assert open_record(tmp_path / "run").trained_on is None
    assert prepared(kgan.load("digits").labelled_by("label")).trained_on is not None


@pytest.mark.parametrize("hold_out", ["none", "split"])
def test_the_labels_in_use_are_those_that_may_not_change(hold_out, monkeypatch):
    monkeypatch.setattr("kgan.training.build.build", lambda *_: None)  # The data are the point.

    def found(label, colours, shapes=SHAPES):
        data = dataclasses.replace(DATA, columns={"label": shapes, "colour": colours})
        return prepared(data, data__label=label, data__hold_out=hold_out).fingerprint

    others = kgan.Column(COLOURS.values[::-1].copy(), COLOURS.names)
    assert found("colour", COLOURS) != found("colour", others)
    reversed_ = kgan.Column(SHAPES.values[::-1].copy(), SHAPES.names)
    assert found("colour", COLOURS) == found("colour", COLOURS, reversed_)
    assert found(None, COLOURS) == found(None, others)
    loaded = DATA.labelled_by("colour")
    assert prepared(loaded, data__hold_out=hold_out).fingerprint == found("colour", COLOURS)


@pytest.mark.parametrize(("count", "conditional"), [(500, True), (1200, False)])
def test_a_run_of_classes_with_long_names_opens_again(count, conditional, tmp_path):
    run = prepared(long_names(count), network__conditional=conditional)
    with pytest.raises(StoppedError):
        kgan.train(run, tmp_path / "run", tmp_path / "models", stop=Stop(0))
    record = open_record(tmp_path / "run")
    assert record.spec.class_names == (run.spec.class_names if conditional else ())


def test_more_than_a_record_holds_are_refused_before_there_is_one():
    with pytest.raises(
        kgan.InputError, match=r"600 classes of 'made' take 6\d\d,.* 524,288 at mos"
    ):
        prepared(long_names(600))


def long_names(count):
    """Returns data of so many classes, whose names have 1,000 characters each."""
    names = tuple(f"{number:01000}" for number in range(count))
    labels = kgan.Column(np.arange(1200, dtype=np.int32) % count, names)
    return kgan.Examples(
        np.zeros((1200, 8, 8, 1), np.uint8), {"label": labels}, kgan.IMAGES, "made"
    )


@pytest.mark.parametrize("setting", ["network.conditional", "data.balance"])
def test_a_class_without_a_training_example_is_named(setting):
    data = kgan.load("digits")
    labels = np.where(data.labels == 7, 1, data.labels).astype(np.int32)
    empty = dataclasses.replace(data, columns={"label": kgan.Column(labels, data.class_names)})
    with pytest.raises(kgan.InputError, match="class '7' of 'digits' has no training example"):
        kgan.prepare(override(kgan.GANConfig(), {setting: True}), empty)
