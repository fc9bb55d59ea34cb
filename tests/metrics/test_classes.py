"""Scores of classes against NumPy, and what must hold of them whatever the images are."""

import dataclasses

import numpy as np
import pytest

import kgan
from kgan.errors import InputError
from kgan.metrics import features
from kgan.metrics.classes import TooFewError, class_accuracy, class_recall
from kgan.metrics.features import Extractor
from kgan.metrics.neighbours import manifold_scores
from kgan.metrics.reference import Data, Labels
from kgan.metrics.scores import Scorer, applicable

RNG = np.random.default_rng(0)
NAMES = ("dark", "middle", "bright")
OF_CLASSES = ["class_accuracy", "class_recall"]


def hand_made(names=NAMES):
    """Features are four quarters' means; the class is by the brightness of the first pixel."""

    def call(images):
        import tensorflow as tf

        values = tf.cast(images, tf.float32) / 255
        quarters = tf.reshape(tf.nn.avg_pool2d(values, 2, 2, "VALID"), (len(images), 4))
        shown = tf.cast(values[:, 0, 0, 0] * 2.999, tf.int32)
        return quarters, tf.one_hot(shown, 3)

    return Extractor("hand", "0" * 16, "none", call, 1, (4, 4), class_names=names)


def drawn(count):
    """Images whose classes are their brightness, and those classes."""
    labels = RNG.integers(0, 3, count)
    noise = RNG.integers(0, 80, (count, 4, 4, 1))
    return (labels[:, None, None, None] * 85 + noise).astype(np.uint8), labels


def made_data():
    parts = dict(zip(("train", "validation", "test"), map(drawn, (90, 40, 60)), strict=True))
    images = {part: found[0] for part, found in parts.items()}
    labels = {part: found[1] for part, found in parts.items()}
    return Data("made", **images, labels=Labels(NAMES, **labels))


@pytest.fixture(scope="module")
def data():
    return made_data()


@pytest.fixture(scope="module")
def generated():
    """Generated images; of the brightest class every second is another."""
    images, labels = drawn(100)
    wrong = np.flatnonzero(labels == 2)[::2]
    images[wrong] = np.minimum(images[wrong], 80)
    return images, labels


def scored(data, generated, metrics=OF_CLASSES, network=None, **options):
    scorer = Scorer(data, network or hand_made(), metrics, **options)
    found = scorer.score(scorer.see(*generated))
    return {score["name"].partition("[")[0]: score for score in found}


def recalls(real, real_labels, fake, fake_labels, k):
    """The equation by brute force, for classes of as many images of either kind."""
    found = {}
    for label in np.unique(real_labels):
        own, others = real[real_labels == label], fake[fake_labels == label]
        among = np.linalg.norm(others[:, None] - others[None], axis=-1)
        np.fill_diagonal(among, np.inf)
        radii = np.sort(among, axis=1)[:, k - 1]
        apart = np.linalg.norm(own[:, None] - others[None], axis=-1)
        found[label] = (apart <= radii).any(axis=1).mean()
    return found


def test_the_recall_of_each_class_is_its_equation():
    real, fake = RNG.normal(size=(60, 4)), RNG.normal(0.5, 0.7, size=(60, 4))
    real_labels, fake_labels = RNG.permutation(60) % 3 * 2, RNG.permutation(60) % 3 * 2
    for k in (1, 5):
        expected = recalls(real, real_labels, fake, fake_labels, k)
        found = class_recall(real, real_labels, fake, fake_labels, k)
        assert found["by_class"] == pytest.approx(expected)
        assert found["value"] == pytest.approx(np.mean(list(expected.values())))
        assert 0 < found["value"] < 1
        assert (found["n_by_class"], found["left_out"]) == ({0: 20, 2: 20, 4: 20}, [])


def test_one_class_has_the_recall_of_the_whole(data, generated):
    one = Labels(("all",), *(np.zeros(n, int) for n in (90, 40, 60)))
    labels = np.zeros(100, int)
    found = scored(
        dataclasses.replace(data, labels=one), (generated[0], labels), ["manifold", "class_recall"]
    )
    assert found["class_recall"]["value"] == found["recall"]["value"] > 0
    assert found["class_recall"]["n_reference"] == found["recall"]["n_reference"] == 100


def test_a_copy_of_the_data_reaches_all_of_it_and_swapped_classes_none():
    real = RNG.normal(size=(60, 3)) + 100 * np.repeat(np.arange(3), 20)[:, None]
    labels = np.repeat(np.arange(3), 20)
    assert class_recall(real, labels, real, labels)["value"] == 1
    swapped = class_recall(real, labels, real, (labels + 1) % 3)
    assert set(swapped["by_class"].values()) == {0}
    # The recall of the whole does not see it.
    assert manifold_scores(real, real)["recall"] == 1


def test_classes_of_few_images_are_told_and_left_out():
    real, fake = RNG.normal(size=(33, 2)), RNG.normal(size=(33, 2))
    labels = np.array([0] * 10 + [1] * 6 + [2] * 5 + [3] * 12)
    asked = np.array([0] * 10 + [1] * 6 + [2] * 12 + [3] * 4 + [4])
    found = class_recall(real, labels, fake, asked)
    assert found["left_out"] == [2, 3, 4]
    assert found["n_by_class"] == {0: 10, 1: 6}
    assert found["value"] == np.mean(list(found["by_class"].values()))
    with pytest.raises(TooFewError, match="No class has 6 or more generated images"):
        class_recall(real[:5], labels[:5], fake, asked)


def test_the_accuracy_is_the_share_of_the_asked_classes():
    probabilities = RNG.dirichlet(np.ones(4), size=200).astype(np.float32)
    labels = RNG.choice([0, 1, 3], 200)
    found = class_accuracy(probabilities, labels)
    right = [max(row) == row[label] for row, label in zip(probabilities, labels, strict=True)]
    assert found["value"] == sum(right) / 200
    assert found["n_by_class"] == {label: labels.tolist().count(label) for label in (0, 1, 3)}
    total = sum(found["by_class"][label] * found["n_by_class"][label] for label in (0, 1, 3))
    assert total == pytest.approx(sum(right))
    of_one = [r for r, label in zip(right, labels, strict=True) if label == 1]
    assert found["by_class"][1] == np.mean(of_one)


def test_scores_name_their_classes_and_the_worst(data, generated):
    found = scored(data, generated)
    images, labels = generated
    accuracy, recall = found["class_accuracy"], found["class_recall"]
    shown = (images[:, 0, 0, 0] / 255 * 2.999).astype(int)
    assert accuracy["value"] == (shown == labels).mean()
    assert accuracy["by_class"] == {
        name: (shown[labels == number] == number).mean() for number, name in enumerate(NAMES)
    }
    assert accuracy["worst"] == "bright"
    assert accuracy["n_by_class"]["dark"] == (labels == 0).sum()
    assert (accuracy["n"], accuracy["n_reference"]) == (100, None)
    network = hand_made()
    real = np.concatenate([network(data.train).features, network(data.validation).features])
    known = np.concatenate([data.labels.train, data.labels.validation])
    expected = class_recall(real, known, network(images).features, labels)
    assert list(recall["by_class"].values()) == list(expected["by_class"].values())
    assert recall["value"] == expected["value"]
    assert recall["worst"] == min(NAMES, key=recall["by_class"].get)
    assert recall["n"] == recall["n_reference"] == sum(recall["n_by_class"].values())
    assert (recall["k"], recall["left_out"], recall["split"]) == (5, [], "train")


def test_against_the_test_images_only(data, generated):
    found = scored(data, generated, split="test")["class_recall"]
    network = hand_made()
    pair = network(data.test).features, data.labels.test
    expected = class_recall(*pair, network(generated[0]).features, generated[1])
    assert found["value"] == expected["value"]


def test_images_without_labels_have_no_scores_of_classes(data, generated):
    assert list(scored(data, generated[:1], ["fid", *OF_CLASSES])) == ["fid"]


def test_the_baselines_are_what_a_perfect_generator_would_have_and_noise():
    """A generator that draws the test images of the classes asked for, of the shipped network."""
    parts = kgan.split("digits")
    parts = {part: getattr(parts, part) for part in ("train", "validation", "test")}
    images = {part: found.images for part, found in parts.items()}
    labels = {part: found.labels for part, found in parts.items()}
    digits = Data("digits", **images, labels=Labels(parts["train"].class_names, **labels))
    network = features.find("digits-cnn")
    scorer = Scorer(digits, network, OF_CLASSES)
    rows = {
        name: {score["name"].partition("[")[0]: score for score in found}
        for name, found in scorer.baselines(299).items()
    }
    perfect = scored(digits, (digits.test[:], labels["test"]), network=network)
    own = network(digits.test).probabilities.argmax(axis=1) == labels["test"]
    assert rows["test images"]["class_accuracy"]["value"] == own.mean() > 0.98
    for name in OF_CLASSES:
        assert rows["test images"][name]["value"] == perfect[name]["value"]
        assert rows["test images"][name]["by_class"] == perfect[name]["by_class"]
    assert rows["noise"]["class_accuracy"]["value"] == pytest.approx(0.1, abs=0.05)
    assert rows["noise"]["class_recall"]["value"] < rows["test images"]["class_recall"]["value"]
    # Twenty real images are two of a class: the accuracy alone can be had.
    few = scorer.baselines(20)
    assert [score["name"] for score in few["test images"]] == ["class_accuracy[digits-cnn]"]


def test_what_data_and_features_can_have(data):
    network = hand_made()
    assert set(OF_CLASSES) <= set(applicable(data, network, labelled=True))
    assert not set(OF_CLASSES) & set(applicable(data, network))
    for classes in ((), NAMES[::-1], (*NAMES, "more")):
        others = hand_made(classes)
        assert "class_recall" in applicable(data, others, labelled=True)
        assert "class_accuracy" not in applicable(data, others, labelled=True)
        with pytest.raises(InputError, match=r"classes are those of 'made' \(dark, middle, bright"):
            Scorer(data, others, ["class_accuracy"])
    bare = dataclasses.replace(data, labels=None)
    half = dataclasses.replace(data, labels=dataclasses.replace(data.labels, test=None))
    for wrong, split in ((bare, "train"), (bare, "test"), (half, "test")):
        assert not set(OF_CLASSES) & set(applicable(wrong, network, split, labelled=True))
        with pytest.raises(
            InputError, match=f"the {split} images of 'made' have none: choose other scores"
        ):
            Scorer(wrong, network, ["class_recall"], split=split)
    assert "class_recall" in applicable(half, network, labelled=True)
    assert list(Scorer(half, network, OF_CLASSES).baselines(60)["test images"]) == []


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(4, int), r"labels int64 \(4,\): expected integers \(5,\)"),
        (np.zeros(5), r"labels float64 \(5,\)"),
        (np.zeros((5, 1), int), r"labels int64 \(5, 1\)"),
        (np.array([0, 1, 2, 3, 0]), r"from 0 to 3: expected integers \(5,\) in \[0, 3\)"),
        (np.array([0, 1, -1, 2, 0]), "from -1 to 2"),
    ],
)
def test_labels_that_will_not_do(labels, message):
    with pytest.raises(InputError, match=message):
        class_accuracy(np.full((5, 3), 1 / 3, np.float32), labels)
    if labels.max() < 3:
        with pytest.raises(InputError, match=message.partition(":")[0]):
            class_recall(np.zeros((5, 2)), labels, np.zeros((5, 2)), np.zeros(5, int), 1)


def test_shipped_classifiers_and_saved_models_tell_their_classes(tmp_path):
    assert features.find("digits-cnn").class_names == kgan.load("digits").class_names
    assert features.find("mnist-cnn").class_names == tuple("0123456789")
    assert features.find("cifar10-cnn").class_names[3:7] == ("cat", "deer", "dog", "frog")
    path = tmp_path / "kgan.json"
    for text, expected in {
        '{"class_names": ["a", "b"]}': ("a", "b"),
        '{"class_names": "ab"}': (),
        '{"class_names": [1, 2]}': (),
        "{}": (), "[]": (), "rubbish": (), "[" * 100_000: (),
    }.items():  # fmt: skip
        path.write_text(text)
        assert features.store.class_names(path) == expected
    assert features.store.class_names(tmp_path / "none.json") == ()
