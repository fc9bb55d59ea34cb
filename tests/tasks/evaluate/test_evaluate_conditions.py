"""What else decides a score, and is said beside it: truncation, and what was trained on."""

import json
import shutil

import numpy as np
import pytest

import kgan
from kgan.console.evaluate import conditions
from kgan.errors import InputError
from kgan.methods.settings import override
from kgan.runs.scores import read_evaluation
from kgan.tasks.evaluate.evaluate import evaluate

TINY = {
    "batch_size": 16, "steps": 2, "precision": "float32", "network.name": "mlp",
    "network.generator.width": 4, "network.discriminator.width": 4, "network.latent_dim": 4,
    "network.conditional": True,
}  # fmt: skip
SEEN = "was trained on the test images too (--hold-out none): its scores against them are of"


@pytest.fixture(scope="module")
def runs(train, tmp_path_factory):
    """A run that holds out, one that does not, and one of before it was written down."""
    place, found = tmp_path_factory.mktemp("runs"), {}
    for hold_out in ("split", "none"):
        config = override(kgan.GANConfig(), {**TINY, "data.hold_out": hold_out})
        found[hold_out] = place / hold_out
        train(kgan.prepare(config, kgan.load("digits")), found[hold_out], place / "models")
    found["old"] = shutil.copytree(found["none"], place / "old")
    record = json.loads((found["old"] / "config.json").read_text())
    del record["trained_on"]
    (found["old"] / "config.json").write_text(json.dumps(record))
    return found


@pytest.fixture
def archive(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), np.uint8)
    np.savez(tmp_path / "cut.npz", images=images, truncation=0.5)
    np.savez(tmp_path / "whole.npz", images=images)
    return tmp_path / "cut.npz"


def test_scores_of_test_images_that_a_run_has_seen_say_so(runs, tmp_path):
    options = {"samples": 20, "out": tmp_path}
    table = evaluate([*runs.values()], ["fid"], split="test", dataset="digits", **options)
    everything = ["train", "validation", "test"]
    (own,), *others = [entry["scores"] for entry in table["sources"]]
    assert own["trained_on"] == ["train"]
    assert [score["trained_on"] for (score,) in others] == [everything] * 2
    assert read_evaluation(tmp_path)["scores"][1]["trained_on"] == everything
    told = [line for line in conditions(table) if SEEN in line]
    assert [line.split(" was")[0] for line in told] == [str(runs["none"]), str(runs["old"])]
    # Against the training images every run's scores are of images that it has seen.
    seen = evaluate(runs["none"], ["fid"], **options)
    assert seen["sources"][0]["scores"][0]["trained_on"] == everything
    assert not [line for line in conditions(seen) if SEEN in line]
    (line,) = [line for line in conditions(evaluate(runs["none"], ["parzen"], **options))
               if SEEN in line]  # fmt: skip
    assert line.startswith(str(runs["none"]))


def test_of_other_data_nothing_is_said(runs, tmp_path):
    run = shutil.copytree(runs["none"], tmp_path / "run")
    record = json.loads((run / "config.json").read_text())
    record["config"]["data"]["name"] = "mine"
    (run / "config.json").write_text(json.dumps(record))
    table = evaluate(run, ["fid"], 20, split="test", dataset="digits", out=tmp_path / "out")
    assert "trained_on" not in table["sources"][0]["scores"][0]
    assert not [line for line in conditions(table) if SEEN in line]


def test_truncation_is_a_condition_that_the_line_says(archive, tmp_path):
    whole = tmp_path / "whole.npz"
    table = evaluate([archive, whole], ["fid"], 40, dataset="digits", out=tmp_path / "out")
    scores = read_evaluation(tmp_path / "out")["scores"]
    assert scores[0]["truncation"] == 0.5
    assert "truncation" not in scores[1]
    cut, uncut = conditions(table)[-2:]
    assert f"{archive}: 40 images, truncation 0.5 (compares with the same alone); sampling" in cut
    assert f"{whole}: 40 images; sampling" in uncut


def test_baselines_of_another_number_of_images_say_theirs(archive, tmp_path):
    table = evaluate([archive], ["fid"], 60, dataset="digits", out=tmp_path / "out")
    lines = conditions(table)
    assert "Images of the baselines: test images 60, noise 60." in lines
    assert any(line.startswith("Scores of few images, here 40, are rough") for line in lines)
    same = conditions(evaluate([archive], ["fid"], 40, dataset="digits", out=tmp_path / "out"))
    assert not any(line.startswith("Images of the baselines") for line in same)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.longdouble("1e4000"), "a", [0.5, 0.5]])
def test_what_is_no_truncation_is_refused(value, archive, tmp_path):
    with np.load(archive) as arrays:
        np.savez(tmp_path / "x.npz", images=arrays["images"], truncation=value)
    with pytest.raises(InputError, match=r"x.npz has truncation .*: expected a number above 0"):
        evaluate(tmp_path / "x.npz", ["fid"], 40, dataset="digits")


def test_a_source_that_is_there_twice_has_its_times_twice(archive, tmp_path):
    out = tmp_path / "out"
    table = evaluate([archive, archive], ["fid"], 40, dataset="digits", out=out)
    assert read_evaluation(out)["seconds"] == [
        {"source": str(archive), **entry["seconds"]} for entry in table["sources"]
    ]


def test_a_recall_of_too_few_images_is_left_out_with_a_line_unless_it_is_asked_for(runs, tmp_path):
    table = evaluate(runs["split"], samples=12, out=tmp_path)
    names = {score["name"].partition("[")[0] for score in table["sources"][0]["scores"]}
    assert {"fid", "class_accuracy"} <= names
    assert "class_recall" not in names
    (line,) = [line for line in conditions(table) if "class_recall" in line]
    assert line.startswith(f"class_recall of {runs['split']} is left out. No class has 6 or more ")
    with pytest.raises(InputError, match="No class has 6 or more generated images"):
        evaluate(runs["split"], ["class_recall"], 12, out=tmp_path)
