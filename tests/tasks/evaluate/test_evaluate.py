"""Runs, SavedModels, folders and arrays: scored alike, and what a run keeps of it."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kgan
from kgan.console.sample import sample_to
from kgan.errors import InputError
from kgan.methods.settings import override
from kgan.metrics import METRICS
from kgan.runs.scores import read_evaluation
from kgan.tasks.evaluate.evaluate import evaluate

COUNT = 40
SCORES = [name for metric in METRICS.values() if not metric.labels for name in metric.scores]
TINY = {"batch_size": 16, "steps": 3, "precision": "float32"}


def trained(place, config, data, train=kgan.train, **changes):
    run = kgan.prepare(override(config, {**TINY, **changes}), data)
    train(run, place / "run", place / "saved_models")
    return place / "run"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a tiny run of `kgan train` and its SavedModel."""
    place = tmp_path_factory.mktemp("gan")
    widths = {"network.generator.width": 4, "network.discriminator.width": 4}
    trained(place, kgan.GANConfig(), kgan.load("digits"), **widths, **{"network.name": "mlp"})
    return place


@pytest.fixture(scope="module")
def images(place):
    """What the run makes of its first seeds."""
    return kgan.open_run(place / "run")[0].sample(range(COUNT))


@pytest.fixture
def run(place, tmp_path):
    """The run, to be written to."""
    return shutil.copytree(place / "run", tmp_path / "run")


@pytest.fixture(scope="module")
def arrays(place, images):
    path = place / "images.npz"
    np.savez(path, images=images)
    return path


@pytest.fixture(scope="module")
def pictures(place):
    path = place / "pictures"
    sample_to(str(path), str(place / "run"), f"0-{COUNT - 1}")
    return path


def values(entry):
    return {score["name"].partition("[")[0]: score["value"] for score in entry["scores"]}


def read(run):
    return json.loads((run / "evaluation.json").read_text())


@pytest.fixture(scope="module")
def table(place, arrays, pictures, tmp_path_factory):
    """The run, its SavedModel and its images as arrays and as files, side by side."""
    sources = [place / "run", place / "saved_models" / "digits-mlp", arrays, pictures]
    out = tmp_path_factory.mktemp("out") / "results"
    return evaluate(sources, samples=COUNT, out=out), sources, out


def test_the_same_images_have_the_same_scores_wherever_they_come_from(table, place):
    found, sources, _ = table
    assert [entry["source"] for entry in found["sources"]] == [str(path) for path in sources]
    run, saved, arrays, pictures = map(values, found["sources"])
    assert list(run) == SCORES
    assert run == arrays == pictures
    # Up to the one grey level that a served image may differ by.
    assert saved == pytest.approx(run, rel=0.01)
    assert all({score["n"] for score in entry["scores"]} == {COUNT} for entry in found["sources"])


def test_scores_say_where_their_images_come_from(table):
    run, saved, arrays, pictures = (entry["scores"][0] for entry in table[0]["sources"])
    keys = ("step", "checkpoint", "seeds", "precision")
    assert [run[key] for key in keys] == [3, "last", "0-39", "float32"]
    assert [saved[key] for key in keys] == [None, None, "0-39", "float32"]
    for score in (arrays, pictures):
        assert [score[key] for key in keys] == [None] * 4


def test_what_it_takes_is_told_in_seconds(table):
    for entry in table[0]["sources"]:
        assert list(entry["seconds"]) == ["sampling", "features", "metrics"]
        assert all(seconds >= 0 for seconds in entry["seconds"].values())


def test_out_holds_everything_and_the_run_nothing(table, place):
    found, _, out = table
    kept = read_evaluation(out)
    assert kept["scores"] == [s for entry in found["sources"] for s in entry["scores"]]
    assert kept["baselines"] == found["baselines"]
    assert kept["seconds"] == [
        {"source": entry["source"], **entry["seconds"]} for entry in found["sources"]
    ]
    assert {path.name for path in out.iterdir()} == {
        "evaluation.json", *(f"neighbours-{number}.png" for number in range(4)),
    }  # fmt: skip
    assert not (place / "run" / "evaluation.json").exists()
    assert not (place / "run" / "neighbours.png").exists()


def test_baselines_stand_beside(table):
    baselines = table[0]["baselines"]
    assert list(baselines) == ["test images", "noise", "train images", "k-means centroids"]
    floor = values({"scores": baselines["test images"]})
    scored = values(table[0]["sources"][0])
    assert floor["fid"] < scored["fid"]
    assert floor["coverage"] > scored["coverage"]


def test_a_run_keeps_its_scores_its_neighbours_and_an_event(run):
    found = evaluate(run, ["fid", "manifold"], COUNT)
    (entry,) = found["sources"]
    kept = read(run)
    assert kept == {
        "format": 2, "scores": entry["scores"], "seconds": entry["seconds"],
        "baselines": found["baselines"],
    }  # fmt: skip
    # Eight rows of an image and its seven nearest, 64 pixels each with gaps of 2.
    with Image.open(run / "neighbours.png") as picture:
        assert picture.size == (8 * 66 + 2, 8 * 66 + 2)
    events = {
        (value.tag, event.step)
        for path in (run / "tensorboard").iterdir()
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert {(f"{name}[digits-cnn]", 3) for name in ("fid", "recall")} <= events


def test_few_images_make_a_smaller_picture(run):
    evaluate(run, ["fid"], 3)
    with Image.open(run / "neighbours.png") as picture:
        assert picture.size == (8 * 66 + 2, 3 * 66 + 2)


def test_scores_of_equal_conditions_are_replaced_and_others_kept(run):
    evaluate(run, ["fid", "parzen"], COUNT)
    path = run / "evaluation.json"
    path.write_text(json.dumps({**read(run), "modes": 8}))
    first = read(run)["scores"]
    evaluate(run, ["fid"], COUNT)
    assert sorted(score["name"] for score in read(run)["scores"]) == ["fid[digits-cnn]", "parzen"]
    evaluate(run, ["fid"], COUNT, split="test")
    evaluate(run, ["fid"], 30)
    again = read(run)
    assert again["modes"] == 8
    assert [(s["name"], s["n"], s["split"]) for s in again["scores"]] == [
        ("parzen", 40, "test"),
        ("fid[digits-cnn]", 40, "train"),
        ("fid[digits-cnn]", 40, "test"),
        ("fid[digits-cnn]", 30, "train"),
    ]
    assert again["scores"][:2] == first[::-1]


def test_a_vae_keeps_what_its_training_said(train, tmp_path):
    config = override(kgan.PRESETS["vae-digits"], {"network.options.width": 8})
    run = trained(tmp_path, config, kgan.split("digits"), train, likelihood_samples=2)
    before = read(run)
    assert "elbo" in {score["name"] for score in before["scores"]}
    found = evaluate(run, ["fid"], COUNT)
    after = read(run)
    assert after["scores"] == [*before["scores"], *found["sources"][0]["scores"]]
    assert after["baselines"] == {**before["baselines"], **found["baselines"]}
    assert {score["step"] for score in after["scores"]} == {3}


def test_files_are_scored_as_far_as_they_go(arrays, images):
    found = evaluate(arrays, ["fid"], 10_000, dataset="digits")
    assert found["sources"][0]["scores"][0]["n"] == COUNT
    few = evaluate([arrays], ["fid"], 25, dataset="digits")
    assert few["sources"][0]["scores"][0]["n"] == 25
    np.savez(arrays.with_name("few.npz"), images=images[:25])
    same = evaluate(arrays.with_name("few.npz"), ["fid"], dataset="digits")
    assert values(same["sources"][0]) == values(few["sources"][0])


def test_real_images_may_be_a_folder(place, arrays, tmp_path):
    for number, image in enumerate(np.asarray(kgan.split("digits").test.images)):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{number}.png")
    found = evaluate(arrays, ["fid"], dataset=tmp_path, features="digits-cnn")
    (score,) = found["sources"][0]["scores"]
    # 299 images: 199 to train on, 50 each of validation and test.
    assert (score["dataset"], score["n_reference"]) == (tmp_path.name, 249)


def test_folders_are_scaled_to_the_real_images(arrays, pictures):
    found = evaluate(pictures, ["fid"], dataset="digits", image_size=12)
    (score,) = found["sources"][0]["scores"]
    assert np.isfinite(score["value"])
    with pytest.raises(InputError, match="images are 8x8x1, those of 'digits' are 12x12x1"):
        evaluate(arrays, ["fid"], dataset="digits", image_size=12)


def test_features_of_a_saved_model(place, run):
    endpoint = f"{place / 'saved_models' / 'digits-mlp' / '1'}:discriminate"
    found = evaluate(run, ["fid"], COUNT, features=endpoint)
    (score,) = found["sources"][0]["scores"]
    assert score["name"] == "fid[digits-mlp-1-discriminate]"


def test_files_do_not_tell_their_data(arrays, place):
    for source in (arrays, place / "saved_models" / "digits-mlp"):
        with pytest.raises(InputError, match="does not tell its data: name the real images with"):
            evaluate(source)


def test_runs_of_several_data_sets_do_not_compare(run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    record = json.loads((other / "config.json").read_text())
    record["config"]["data"]["name"] = "mnist"
    (other / "config.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"several data sets \(digits, mnist\).*--dataset"):
        evaluate([run, other], ["fid"], COUNT)
    found = evaluate([run, other], ["fid"], COUNT, dataset="digits")
    assert values(found["sources"][0]) == values(found["sources"][1])
    assert read(other)["scores"][0]["dataset"] == "digits"


@pytest.mark.parametrize("options", [{}, {"image_size": 8}])
def test_every_run_must_have_had_the_data_as_they_are_now(options, run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    record = json.loads((other / "config.json").read_text())
    record["fingerprint"]["train"]["pixels"] = "0" * 16
    (other / "config.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=rf"{other} was not trained on 'digits'.*--dataset"):
        evaluate([run, other], ["fid"], COUNT, **options)


def test_progress_tells_what_is_done(run):
    told = []
    evaluate(run, ["fid"], COUNT, progress=lambda *what: told.append(what))
    assert told[0] == ("real images", 0, 1)
    assert (f"images of {run}", 0, COUNT) in told
    assert told[-1] == ("baselines", 1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sources": []}, "Nothing to evaluate"),
        ({"samples": 0}, "--samples 0: expected 1 or more"),
        ({"metrics": []}, "No metric: expected one or more of fid, kid"),
        ({"metrics": ["fud"]}, "Unknown metric 'fud'"),
        ({"features": "digit-cnn"}, "Unknown features 'digit-cnn'"),
        ({"split": "held"}, "Unknown split 'held'"),
        ({"checkpoint": "best"}, "no best checkpoint"),
        ({"dataset": "ring"}, "holds points, not images"),
        ({"samples": 5, "metrics": ["manifold"]}, "expects 6 rows or more"),
    ],
)
def test_what_will_not_do_is_told_and_nothing_is_written(arguments, message, place):
    before = {path: path.stat().st_mtime_ns for path in (place / "run").rglob("*")}
    with pytest.raises(InputError, match=message):
        evaluate(**{"sources": place / "run", **arguments})
    assert {path: path.stat().st_mtime_ns for path in (place / "run").rglob("*")} == before


def test_sources_that_will_not_do(place, arrays, tmp_path):
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "floats.npz", images=np.zeros((3, 8, 8, 1)))
    np.savez(tmp_path / "flat.npz", images=np.zeros((3, 64), np.uint8))
    np.savez(tmp_path / "none.npz", images=np.zeros((0, 8, 8, 1), np.uint8))
    np.savez(tmp_path / "others.npz", pictures=np.zeros((3, 8, 8, 1), np.uint8))
    np.savez(tmp_path / "objects.npz", images=np.array([{}], dtype=object))
    (tmp_path / "rubbish.npz").write_bytes(b"rubbish")
    (tmp_path / "cut.npz").write_bytes(arrays.read_bytes()[:-50])
    (tmp_path / "void.npz").touch()
    packed = tmp_path / "flipped.npz"
    np.savez_compressed(packed, images=np.zeros((3, 8, 8, 1), np.uint8))
    packed.write_bytes(packed.read_bytes()[:60] + b"\xff" * 9 + packed.read_bytes()[69:])
    np.save(tmp_path / "bare.npy", np.zeros((3, 8, 8, 1), np.uint8))
    (tmp_path / "bare.npy").rename(tmp_path / "bare.npz")
    for name, message in {
        "nowhere": "neither a run, a SavedModel, a folder of images nor an .npz",
        "empty": "Found no images",
        "floats.npz": "has images float64 .*expected uint8",
        "flat.npz": "has images uint8 .3, 64.",
        "none.npz": "has images uint8 .0, 8, 8, 1.",
        "others.npz": "holds no array 'images'",
        "objects.npz": "holds no array 'images'",
        "rubbish.npz": "holds no array 'images'",
        "cut.npz": "holds no array 'images'",
        "bare.npz": "holds no array 'images'",
        "void.npz": "holds no array 'images'",
        "flipped.npz": "holds no array 'images'",
        "nothing.npz": "holds no array 'images'",
    }.items():
        with pytest.raises(InputError, match=message):
            evaluate(tmp_path / name, dataset="digits")
    with pytest.raises(InputError, match="SavedModel, which has no checkpoint 'best'"):
        evaluate(place / "saved_models" / "digits-mlp", dataset="digits", checkpoint="best")
