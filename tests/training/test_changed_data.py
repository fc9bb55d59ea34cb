"""A run goes on with the data that it began with, or with others only if it is told to."""

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import kgan
from kgan.cli import main
from kgan.data import Column, Examples
from kgan.data.space import IMAGES
from kgan.data.split import Splits
from kgan.errors import RunWarning
from kgan.methods.settings import override
from kgan.tasks.finetune import experiment
from kgan.training import determinism, provenance
from kgan.training.run import _check_agreement
from kgan.training.stopping import Stop, StoppedError
from kgan.training.unfinished import find_unfinished, reopen
from tests.training.runs import history

pytestmark = pytest.mark.usefixtures("unexported", "eager")

TINY = {
    "network.name": "mlp",
    "network.latent_dim": 4,
    "network.generator.width": 8,
    "network.discriminator.width": 8,
    "network.discriminator.dropout": 0.0,
    "network.discriminator.input_dropout": 0.0,
    "data.hold_out": "none",
    "batch_size": 16,
    "steps": 6,
    "log_every": 2,
    "precision": "float32",
}
WORDS = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
NOISE = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), np.uint8)


def labels(values):
    return {"label": Column(values, ("a", "b"))}


OWN = Examples(NOISE, labels(np.arange(40, dtype=np.int32) % 2), IMAGES, "own")


def prepared(data=OWN, config=None, **changes):
    config = override(config or kgan.GANConfig(), {**TINY, **changes})
    return kgan.prepare(config, data)


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def start(place, run=None):
    with pytest.raises(StoppedError):
        kgan.train(run or prepared(), place, place.parent / "models", stop=Stop(0))
    return place


def go_on(place, data=OWN, **options):
    return kgan.train(prepared(data), place, place.parent / "models", **options)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A run on the user's own examples, stopped after a step."""
    return start(tmp_path_factory.mktemp("begun") / "run")


@pytest.fixture
def run(begun, workdir):
    return shutil.copytree(begun, workdir / "run")


def edit(run, change):
    record = json.loads((run / "config.json").read_text())
    change(record)
    (run / "config.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"values": 255 - NOISE}, "other training pixels"),
        ({"columns": labels(OWN.labels[::-1])}, "other training labels"),
        ({"values": NOISE[1:], "columns": labels(OWN.labels[1:])}, "40 training examples, now 39"),
    ],
)
def test_other_data_are_refused_and_nothing_is_written(changes, told, run):
    before = snapshot(run)
    with pytest.raises(kgan.InputError, match=rf"{told}\): bring .* --allow-changed-data, or"):
        go_on(run, replace(OWN, **changes))
    assert snapshot(run) == before


def test_other_data_that_are_allowed_are_told_and_then_the_run_s_own(run):
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9')  # As if killed while it wrote.
    black = replace(OWN, values=np.zeros_like(NOISE[:30]), columns=labels(OWN.labels[:30]))
    with pytest.raises(StoppedError):
        go_on(run, black, stop=Stop(0), allow_changed_data=True)
    event = {
        "step": 1,
        "images_seen": 16,
        "event": "data_changed",
        "changed": ["40 training examples, now 30"],
    }
    assert history(run)[0] == event
    record = json.loads((run / "config.json").read_text())
    assert record["examples"] == 30
    assert record["fingerprint"] == prepared(black).fingerprint
    # The next time these are the data; those of before would be others.
    with pytest.raises(kgan.InputError, match="30 training examples, now 40"):
        go_on(run)
    with pytest.raises(StoppedError):
        go_on(run, black, stop=Stop(0), allow_changed_data=True)
    assert [line.get("event") for line in history(run)] == ["data_changed", None]


def test_images_of_another_shape_are_refused_whatever_is_allowed(run):
    smaller = replace(OWN, values=NOISE[:, :6, :6])
    with pytest.raises(kgan.InputError, match=r"8x8x1, now 6x6x1\): bring them back, or start"):
        go_on(run, smaller, allow_changed_data=True)


THREE = Column(np.arange(40, dtype=np.int32) % 3, ("a", "b", "c"))
SWAPPED = Column(OWN.labels, ("b", "a"))


def test_other_classes_of_a_conditional_run_are_refused_whatever_is_allowed(run, workdir):
    conditional = {"network.conditional": True}
    started = start(workdir / "conditional", prepared(**conditional))
    before, two = snapshot(started), "the model takes 2 classes ('a', 'b'), now"
    for classes, told in (
        (THREE, f"{two} 3 classes ('a', 'b', 'c')"),
        (SWAPPED, f"{two} 2 classes ('b', 'a')"),
    ):
        other = replace(OWN, columns={"label": classes})
        with pytest.raises(kgan.InputError, match=re.escape(f"{told}): bring them back, or start")):
            kgan.train(prepared(other, **conditional), started, workdir / "models",
                       allow_changed_data=True)  # fmt: skip
        assert snapshot(started) == before
        # Of one that takes no classes they may change.
        with pytest.raises(StoppedError):
            go_on(run, other, stop=Stop(0), allow_changed_data=True)


def test_a_checkpoint_that_does_not_fit_is_told_before_the_run_is_of_other_data(run):
    edit(run, lambda record: record.update(digest=""))
    wider = prepared(replace(OWN, values=255 - NOISE), **{"network.generator.width": 9})
    before = snapshot(run)
    with pytest.raises(kgan.InputError, match="does not fit this run"):
        kgan.train(wider, run, run.parent / "models", allow_changed_data=True)
    assert snapshot(run) == before


def test_a_run_of_before_there_were_fingerprints_goes_on_as_it_did(run):
    def age(record):
        del record["fingerprint"], record["threads"]

    edit(run, age)
    with pytest.raises(kgan.InputError, match="40 training examples, now 39"):
        go_on(run, replace(OWN, values=NOISE[1:], columns=labels(OWN.labels[1:])))
    assert find_unfinished(prepared(), run) == run
    with pytest.raises(StoppedError):
        go_on(run, replace(OWN, values=255 - NOISE), stop=Stop(0))
    assert not any("event" in line for line in history(run))


def test_parts_that_are_held_out_count_too(workdir):
    config = kgan.AutoencoderConfig()
    shared = ("batch_size", "steps", "log_every", "precision")
    changes = {key: TINY[key] for key in shared} | {"network.name": "stacked"}
    changes |= {"network.options.width": 2, "reconstruction.binarization": "static"}
    splits = Splits(OWN, OWN, OWN, "made")
    make = lambda splits: kgan.prepare(override(config, changes), splits)  # noqa: E731
    run = start(workdir / "run", make(splits))
    other = replace(splits, test=replace(OWN, values=255 - NOISE))
    with pytest.raises(kgan.InputError, match=r"run \(other test pixels\):"):
        kgan.train(make(other), run, workdir / "models")
    start(run, make(splits))


@pytest.fixture
def drawings(workdir):
    """A folder of pictures in two classes, and a run on them that was stopped after a step."""
    for number, pixels in enumerate(NOISE[..., 0]):
        path = workdir / "drawings" / "ab"[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    data = {"data.name": str(workdir / "drawings")}
    start(workdir / "runs" / "00000-drawings-mlp", prepared(kgan.load("drawings"), **data))
    return workdir / "drawings"


def train(*words):
    return CliRunner().invoke(main, ["train", *words])


def test_a_folder_that_changed_is_told_in_a_line(drawings):
    run = drawings.parent / "runs" / "00000-drawings-mlp"
    for path in drawings.glob("*/*.png"):
        os.utime(path)  # Other times, and so prepared anew, but the same pictures.
    assert reopen(run, "train", {}).examples.name == "drawings"
    touched = prepared(kgan.load(drawings), **{"data.name": str(drawings)})
    assert find_unfinished(touched, run) == run
    compared = experiment.design(run, [20], 1, dataset="drawings")
    settings = compared.settings
    assert compared.pretrained_on == "the same data: all parts, validation and test included"

    for path in drawings.glob("*/*.png"):
        Image.new("L", (8, 8)).save(path)
    result = train("--resume", str(run))
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        f"Error: The data are not those of run {run} (other training pixels): bring them back, "
        "go on with these by --allow-changed-data, or start a new run."
    )
    with pytest.raises(kgan.InputError, match=r"not trained on .*drawings' as it is now .*--data"):
        experiment.design(run, [20], 1)
    # What is compared on them is kept apart too, and the run's own by any name.
    changed = experiment.design(run, [20], 1, dataset="drawings")
    differing = {key for key in settings if settings[key] != changed.settings[key]}
    assert differing == {"fingerprint"}
    assert "others (other training pixels): test images may be" in changed.pretrained_on

    other = prepared(kgan.load(drawings), **{"data.name": str(drawings)})
    with pytest.warns(RunWarning, match="The data are not those of run runs/00000-drawings-mlp"):
        assert find_unfinished(other) is None
    assert not history(run)
    # One of these very data is gone on with first, also where its number is the lower one.
    exact = start(drawings.parent / "runs" / "00001-x", other)
    newer = drawings.parent / "runs" / "100000-drawings-mlp"
    run = run.rename(newer)
    assert find_unfinished(other, allow_changed_data=True) == exact.relative_to(drawings.parent)
    shutil.rmtree(exact)
    run = run.rename(newer.with_name("00000-drawings-mlp"))
    result = train("--resume", "auto", "--allow-changed-data", *WORDS, "--dataset", str(drawings))
    assert result.exit_code == 0, result.output
    assert "Run: runs/00000-drawings-mlp" in result.stderr
    assert "Warning" not in result.stderr
    assert [line.get("event") for line in history(run)] == ["data_changed", None, None, None]


def test_a_name_alone_does_not_make_data_those_of_a_run(workdir):
    """The default configuration names the digits; the data are as many others."""
    digits = kgan.load("digits")
    mine = replace(digits, values=255 - digits.images)
    run = start(workdir / "run", prepared(mine))
    with pytest.raises(kgan.InputError, match=r"not trained on 'digits' as it is now .*--dataset"):
        experiment.design(run, [20], 1)


@pytest.mark.parametrize("command", ["train", "pretrain"])
def test_the_option_wants_a_run_to_go_on_with(command, workdir):
    result = CliRunner().invoke(main, [command, "--allow-changed-data"])
    assert result.exit_code == 2
    assert "--allow-changed-data is for a run that goes on: give it with --resume" in result.stderr
    assert not list(workdir.iterdir())


def test_workers_with_other_settings_or_data_are_refused(run):
    def beside(other):
        answers = iter(seen)
        devices = SimpleNamespace(values=lambda value=0: [value, next(answers)])
        return _check_agreement(replace(other, devices=devices), run)

    seen, one = [], prepared()
    devices = SimpleNamespace(values=lambda value=0: seen.append(value) or [value])
    _check_agreement(replace(one, devices=devices), run)
    beside(prepared())
    with pytest.raises(kgan.InputError, match="started with different settings"):
        beside(prepared(seed=1))
    with pytest.raises(kgan.InputError, match="started with different data"):
        beside(prepared(replace(OWN, values=255 - NOISE)))


def test_another_number_of_threads_between_operations_is_warned_of_too():
    now = determinism.threads()
    other = SimpleNamespace(threads={**now, "inter_op": now["inter_op"] + 1}, folder=Path("run"))
    with pytest.warns(RunWarning, match=rf"INTEROP_THREADS={now['inter_op'] + 1}\."):
        provenance.warn_of_threads(other)


def test_another_number_of_threads_is_warned_of(run):
    assert json.loads((run / "config.json").read_text())["threads"] == determinism.threads()
    edit(run, lambda record: record.update(threads={"intra_op": 77, "inter_op": 3}))
    with (
        pytest.warns(
            RunWarning, match=r"began with 77 \(3 inter-op\) threads .*_INTRAOP_THREADS=77 "
        ),
        pytest.raises(StoppedError),
    ):
        go_on(run, stop=Stop(0))


def test_edited_settings_are_told(run):
    edit(run, lambda record: record["config"].update(seed=9))
    with pytest.warns(RunWarning, match=r"config\.json were edited"), pytest.raises(StoppedError):
        go_on(run, stop=Stop(0))


@pytest.mark.filterwarnings("error")
def test_the_same_number_of_threads_is_not(run):
    with pytest.raises(StoppedError):
        go_on(run, stop=Stop(0))


@pytest.mark.parametrize(
    ("dataset", "expected"), [(None, "label"), ("drawings", "label"), ("digits", None)]
)
def test_a_comparison_takes_the_column_that_the_run_was_trained_with(
    dataset, expected, drawings, monkeypatch
):
    run = drawings.parent / "runs" / "00000-drawings-mlp"
    edit(run, lambda record: record["config"]["data"].update(label="label"))
    asked, load = [], experiment.split
    monkeypatch.setattr(
        experiment, "split", lambda *a, **k: asked.append(k["label"]) or load(*a, **k)
    )
    experiment.design(run, [20], 1, dataset=dataset)
    assert asked == [expected]
