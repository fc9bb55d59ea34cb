"""Runs that were trained with classes: drawn by frequency, and scored by the classes asked for."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import kgan
from kgan.console.evaluate import conditions, rows
from kgan.console.sample import sample_to
from kgan.errors import InputError
from kgan.methods.settings import override
from kgan.metrics import features
from kgan.metrics.classes import class_recall
from kgan.models.seeds import seed_labels
from kgan.runs.scores import read_evaluation
from kgan.tasks.evaluate.evaluate import evaluate
from kgan.training import evaluation
from tests.training.runs import perfect_sample

COUNT = 150
TINY = {
    "batch_size": 16, "steps": 3, "precision": "float32", "network.name": "mlp",
    "network.generator.width": 4,
    "network.discriminator.width": 4, "network.latent_dim": 4,
}  # fmt: skip
OF_CLASSES = ("class_accuracy", "class_recall")


def trained(place, data, train=kgan.train, **changes):
    config = override(kgan.GANConfig(), {**TINY, **changes})
    train(kgan.prepare(config, data), place / "run", place / "saved_models")
    return place / "run"


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    place = tmp_path_factory.mktemp("conditional")
    return trained(place, kgan.load("digits"), **{"network.conditional": True})


@pytest.fixture(scope="module")
def plain(train, tmp_path_factory):
    return trained(tmp_path_factory.mktemp("plain"), kgan.load("digits"), train)


@pytest.fixture(scope="module")
def table(conditional, plain, tmp_path_factory):
    """The run without classes first, the conditional one second."""
    out = tmp_path_factory.mktemp("out")
    return evaluate([plain, conditional], samples=COUNT, out=out), out


def by_name(scores):
    return {score["name"].partition("[")[0]: score for score in scores}


def test_the_images_are_those_of_kgan_sample_and_scored_by_their_classes(table, conditional):
    found = by_name(table[0]["sources"][1]["scores"])
    model, _ = kgan.open_run(conditional)
    images = model.sample(range(COUNT))
    labels = seed_labels(np.arange(COUNT), model.class_frequencies).numpy()
    network = features.find("digits-cnn")
    seen = network(images)
    right = seen.probabilities.argmax(axis=1) == labels
    assert found["class_accuracy"]["value"] == right.mean()
    assert found["class_accuracy"]["n_by_class"] == {
        name: (labels == int(name)).sum() for name in "0123456789"
    }
    parts = kgan.split("digits")
    real = [part for part in (parts.train, parts.validation)]
    expected = class_recall(
        np.concatenate([network(part.images).features for part in real]),
        np.concatenate([part.labels for part in real]),
        seen.features,
        labels,
    )
    assert found["class_recall"]["value"] == pytest.approx(expected["value"])
    assert found["class_recall"]["seeds"] == f"0-{COUNT - 1}"


@pytest.fixture(scope="module")
def archive(conditional, tmp_path_factory):
    """Images of the run, as `kgan sample` writes them."""
    out = tmp_path_factory.mktemp("archive") / "images.npz"
    sample_to(str(out), str(conditional), f"0-{COUNT - 1}")
    return out


def test_a_saved_model_and_an_archive_are_scored_by_class_as_the_run_is(
    table, conditional, archive, tmp_path
):
    expected = by_name(table[0]["sources"][1]["scores"])
    saved = conditional.parent / "saved_models" / "digits-mlp" / "1"
    found = evaluate([saved, archive], OF_CLASSES, COUNT, dataset="digits", out=tmp_path)
    for entry in found["sources"]:
        scores = by_name(entry["scores"])
        for name in OF_CLASSES:
            assert scores[name]["value"] == pytest.approx(expected[name]["value"], abs=0.01)
        assert scores["class_accuracy"]["n_by_class"] == expected["class_accuracy"]["n_by_class"]
    with np.load(archive) as arrays:
        assert [*arrays["class_names"]] == list("0123456789")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": np.zeros(3, np.int32)}, "labels int32 \\(3,\\): expected integers from 0 to 9"),
        ({"labels": np.full(COUNT, 10)}, "has labels int64"),
        ({"labels": np.full(COUNT, -1)}, "has labels int64"),
        ({"labels": np.zeros(COUNT)}, "has labels float64"),
        ({"class_names": np.arange(10)}, "class_names int64 \\(10,\\): expected text"),
        ({"class_names": np.array([list("ab")])}, "class_names <U1 \\(1, 2\\): expected text"),
        ({"class_names": np.array(list("abcdefghij"))}, "draws others"),
        ({"class_names": None}, "draws none"),
        ({"labels": None}, "draws none"),
    ],
)
def test_an_archive_of_other_labels_is_refused(changed, message, archive, tmp_path):
    with np.load(archive) as arrays:
        found = {name: value for name, value in {**arrays, **changed}.items() if value is not None}
    np.savez(tmp_path / "other.npz", **found)
    with pytest.raises(InputError, match=message):
        evaluate(tmp_path / "other.npz", ["class_accuracy"], COUNT, dataset="digits")


def test_a_perfect_generator_has_the_accuracy_of_the_classifier(conditional, tmp_path, monkeypatch):
    monkeypatch.setattr(kgan.GAN, "sample", perfect_sample)
    # More than are drawn at once, so that images and labels are put together.
    found = evaluate(conditional, OF_CLASSES, 1200, out=tmp_path)
    scores = by_name(found["sources"][0]["scores"])
    own = by_name(found["baselines"]["test images"])
    accuracy = own["class_accuracy"]["value"]
    assert scores["class_accuracy"]["value"] == pytest.approx(accuracy, abs=0.02)
    assert min(scores["class_accuracy"]["by_class"].values()) > 0.8
    noise = by_name(found["baselines"]["noise"])
    assert scores["class_recall"]["value"] > 0.3 > noise["class_recall"]["value"]


def test_a_run_without_classes_leaves_their_cells_empty(table, plain, conditional):
    found, out = table
    scored = [by_name(entry["scores"]) for entry in found["sources"]]
    assert [[name in scores for name in OF_CLASSES] for scores in scored] == [
        [False] * 2,
        [True] * 2,
    ]
    baselines = {name: by_name(scores) for name, scores in found["baselines"].items()}
    assert baselines["test images"]["class_accuracy"]["value"] > 0.95
    assert baselines["noise"]["class_accuracy"]["value"] == pytest.approx(0.1, abs=0.05)
    cells = {row[0].partition("[")[0]: row[1:] for row in rows(found)}
    for name in OF_CLASSES:
        assert cells[name][0] == ""
        assert all(cells[name][1:4])
    assert all(cells["fid"][:4])
    scores = [score for entry in found["sources"] for score in entry["scores"]]
    kept = read_evaluation(out)
    assert kept["scores"] == scores
    assert kept["baselines"] == found["baselines"]
    assert [seconds["source"] for seconds in kept["seconds"]] == [
        score["source"] for score in (scores[0], scores[-1])
    ]


def test_the_worst_class_is_named_below_the_table(table, conditional):
    found, _ = table
    accuracy, recall = (by_name(found["sources"][1]["scores"])[name] for name in OF_CLASSES)
    (line,) = [line for line in conditions(found) if line.startswith("Worst class")]
    for score, what in ((accuracy, "recognised"), (recall, "reached")):
        share = min(score["by_class"].values())
        assert score["by_class"][score["worst"]] == share
        assert f"{score['worst']}, {100 * share:.1f} % {what}" in line
    assert line.startswith(f"Worst class of {conditional}: ")


def test_classes_of_few_images_are_told(conditional, tmp_path):
    found = evaluate(conditional, ["class_recall"], 80, out=tmp_path)
    (score,) = found["sources"][0]["scores"]
    labels = seed_labels(np.arange(80), kgan.open_run(conditional)[0].class_frequencies).numpy()
    few = [str(label) for label in range(10) if (labels == label).sum() < 6]
    assert score["left_out"] == few != []
    assert f", {len(few)} of few images left out" in conditions(found)[0]


def test_a_run_keeps_the_scores_of_its_classes(conditional):
    found = evaluate(conditional, ["class_accuracy", "fid"], 60)
    kept = json.loads((conditional / "evaluation.json").read_text())
    assert kept["scores"] == found["sources"][0]["scores"]
    assert set(by_name(kept["scores"])) == {"class_accuracy", "fid"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sixty zeros and as many ones, in folders called by other names."""
    place, data = tmp_path_factory.mktemp("folder"), kgan.load("digits")
    for number, name in enumerate(("round", "tall")):
        (place / name).mkdir()
        for row in np.flatnonzero(data.labels == number)[:60]:
            Image.fromarray(data.images[row, ..., 0]).save(place / name / f"{row}.png")
    return place


def test_other_data_have_a_recall_and_no_accuracy(folder, train, tmp_path):
    own = {"data.name": str(folder), "network.conditional": True}
    run = trained(tmp_path, kgan.load(folder), train, **own)
    scores = by_name(evaluate(run, samples=40)["sources"][0]["scores"])
    assert set(scores["class_recall"]["by_class"]) == {"round", "tall"}
    assert "class_accuracy" not in scores
    with pytest.raises(
        InputError, match=r"takes features whose classes are those of .*round, tall"
    ):
        evaluate(run, ["class_accuracy"], 40)
    # Beside data with other classes than its own it has none.
    elsewhere = by_name(evaluate(run, samples=40, dataset="digits")["sources"][0]["scores"])
    assert not set(OF_CLASSES) & set(elsewhere)
    with pytest.raises(InputError, match=f"classes of 'digits', {run} draws others"):
        evaluate(run, ["class_recall"], 40, dataset="digits")


@pytest.mark.parametrize(("dataset", "expected"), [(None, "label"), ("digits", "label"), (0, None)])
def test_real_images_have_the_labels_that_the_run_was_trained_with(
    dataset, expected, conditional, plain, archive, folder, tmp_path, monkeypatch
):
    run = shutil.copytree(conditional, tmp_path / "run")
    record = json.loads((run / "config.json").read_text())
    record["config"]["data"]["label"] = "label"
    (run / "config.json").write_text(json.dumps(record))
    asked, load = [], evaluation.split
    monkeypatch.setattr(
        evaluation, "split", lambda *a, **k: asked.append(k["label"]) or load(*a, **k)
    )
    evaluate([archive, plain, run], ["fid"], 10, dataset=str(folder) if dataset == 0 else dataset)
    assert asked == [expected]


@pytest.mark.parametrize("metric", OF_CLASSES)
def test_a_run_without_classes_is_refused_in_one_line(metric, plain, conditional):
    sources = plain if metric == "class_recall" else [conditional, plain]
    with pytest.raises(InputError, match=rf"{metric} takes images of the classes.*draws none"):
        evaluate(sources, ["fid", metric], COUNT)
