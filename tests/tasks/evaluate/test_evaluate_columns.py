"""Which column of the data the classes are of: two may have classes of the same names."""

import json
import shutil

import numpy as np
import pytest

import kgan
from kgan.console.evaluate import conditions
from kgan.console.sample import sample_to
from kgan.errors import InputError
from kgan.methods.recorded import open_record
from kgan.methods.settings import override
from kgan.tasks.evaluate.evaluate import evaluate
from kgan.tasks.finetune.experiment import design

NO_YES = ("no", "yes")
TINY = {
    "batch_size": 16, "steps": 2, "precision": "float32", "network.name": "mlp",
    "network.generator.width": 4, "network.discriminator.width": 4, "network.latent_dim": 4,
    "network.conditional": True, "data.label": "even",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def digits():
    """The digits, with columns as those of tensorflow-datasets that hold truth values."""
    own = kgan.load("digits")
    even, large = own.labels % 2 == 0, own.labels > 4
    columns = {
        **own.columns,
        "even": kgan.Column(even.astype(np.int32), NO_YES),
        "is/large": kgan.Column(large.astype(np.int32), NO_YES),
    }
    data = kgan.Examples(own.values, columns, kgan.IMAGES, "digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kgan.data._load", lambda *args: data)
        yield data


@pytest.fixture(scope="module")
def sources(digits, tmp_path_factory):
    """A run, its SavedModel and images of it."""
    place = tmp_path_factory.mktemp("even")
    run = kgan.prepare(override(kgan.GANConfig(), TINY), kgan.split("digits", label="even"))
    kgan.train(run, place / "run", place / "saved_models")
    sample_to(str(place / "images.npz"), str(place / "run"), "0-39")
    return place / "run", place / "saved_models" / "digits-mlp" / "1", place / "images.npz"


def without_column(source, place):
    """Returns a copy of a source as it was before it told its column."""
    if source.suffix == ".npz":
        with np.load(source) as arrays:
            kept = {name: value for name, value in arrays.items() if name != "class_column"}
        np.savez(place / "old.npz", **kept)
        return place / "old.npz"
    old = shutil.copytree(source, place / "1")
    about = old / "assets.extra" / "kgan.json"
    found = json.loads(about.read_text())
    del found["class_column"]
    about.write_text(json.dumps(found))
    return old


def recalls(table):
    return [
        [score["by_class"].keys() for score in entry["scores"] if "by_class" in score]
        for entry in table["sources"]
    ]


def test_every_source_tells_the_column_of_its_classes(sources):
    run, saved, archive = sources
    assert json.loads((run / "config.json").read_text())["classes"]["column"] == "even"
    assert json.loads((saved / "assets.extra/kgan.json").read_text())["class_column"] == "even"
    with np.load(archive) as arrays:
        assert arrays["class_column"] == "even"


def test_a_run_of_before_has_the_column_that_was_asked_for(sources, tmp_path):
    run = shutil.copytree(sources[0], tmp_path / "run")
    record = json.loads((run / "config.json").read_text())
    del record["classes"]["column"]
    record["config"]["data"]["label"] = "large"
    (run / "config.json").write_text(json.dumps(record))
    assert open_record(run).spec.class_column == "large"
    # The last part of a name will do.
    assert recalls(evaluate(run, ["class_recall"], 40, dataset="digits", out=tmp_path / "out"))


def test_classes_of_another_column_are_told_in_a_line_and_not_scored(sources, tmp_path):
    run, saved, archive = sources
    options = {"dataset": "digits", "label": "large", "out": tmp_path}
    table = evaluate([run, saved, archive], samples=40, **options)
    assert recalls(table) == [[], [], []]
    told = [line for line in conditions(table) if "No scores of the classes" in line]
    assert told == [
        f"No scores of the classes of 'digits': {source} draws those of the column 'even', the "
        "labels are of 'is/large' (see --label)."
        for source in sources
    ]
    for source in sources:
        with pytest.raises(InputError, match="draws those of the column 'even', the labels are of"):
            evaluate(source, ["class_recall"], 40, **options)


@pytest.mark.parametrize("label", ["even", "is/large"])
def test_where_no_column_is_told_the_names_decide(label, sources, tmp_path):
    old = [without_column(source, tmp_path) for source in sources[1:]]
    options = {"dataset": "digits", "label": label, "out": tmp_path / "out"}
    found = recalls(evaluate(old, ["class_recall"], 40, **options))
    assert [set(names) for (names,) in found] == [set(NO_YES)] * 2


def test_the_labels_are_the_run_s_or_those_that_are_asked_for(sources, tmp_path):
    table = evaluate([*sources], ["class_recall"], 40, out=tmp_path)
    assert [set(names) for (names,) in recalls(table)] == [set(NO_YES)] * 3
    assert [entry["left_out"] for entry in table["sources"]] == [[]] * 3
    run = sources[0]
    assert design(run, [20], 1).splits.train.label == "even"
    assert design(run, [20], 1, label="large").splits.train.label == "is/large"
    for asked in (lambda **o: evaluate(run, ["fid"], 40, **o), lambda **o: design(run, [20], **o)):
        with pytest.raises(InputError, match=r"column of 'digits': 'odd'\. Known: even, is/large"):
            asked(label="odd")


@pytest.mark.parametrize("column", [np.array(["even"]), np.array(3)])
def test_an_archive_of_no_column_s_name_is_refused(column, sources, tmp_path):
    with np.load(sources[2]) as arrays:
        np.savez(tmp_path / "x.npz", **{**arrays, "class_column": column})
    with pytest.raises(InputError, match=r"x.npz has class_column .*: expected one text, \(\)"):
        evaluate(tmp_path / "x.npz", ["fid"], 40, dataset="digits")
