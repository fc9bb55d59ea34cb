"""Damaged checkpoints, a full or read-only disk, a clock set back, a lock left behind."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import kgan
from kgan.cli import main
from kgan.runs.checkpoint import Checkpoints
from kgan.training.stopping import Stop, StoppedError
from kgan.training.unfinished import reopen
from tests.training.runs import assert_same, indices

pytestmark = pytest.mark.usefixtures("unexported", "eager")

SETTINGS = [
    "network.name=mlp", "network.latent_dim=4", "network.generator.width=8",
    "network.discriminator.width=8", "batch_size=16", "steps=12", "log_every=2", "sample_every=5",
    "checkpoint_every=4", "checkpoints_kept=3", "precision=float32",
    "network.discriminator.dropout=0", "network.discriminator.input_dropout=0",
]  # fmt: skip
TRAIN = ["train", *(word for setting in SETTINGS for word in ("--set", setting))]
SCRIPT = Path(__file__).with_name("failing_disk.py")
DATA = "ckpt-{}.data-00000-of-00001"


def command(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def well(*args):
    result = command(*args)
    assert result.exit_code == 0, result.output
    return result


def train(run, *more):
    return command(*TRAIN, "--run-dir", run, "--out", run.parent / "models", *more)


def resume(run):
    return command("train", "--resume", run, "--out", run.parent / "models")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing happened to; its checkpoints are those of 4, 8 and 12."""
    run = tmp_path_factory.mktemp("whole") / "run"
    assert train(run).exit_code == 0
    assert indices(run) == [4, 8, 12]
    return run


@pytest.fixture
def run(whole, tmp_path):
    """The same as if it had been killed before it exported."""
    place = shutil.copytree(whole, tmp_path / "run")
    (place / "summary.json").unlink()
    return place


def names(run):
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def flip(path, place=0.5):
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 0x10
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGE = {
    "flipped byte": lambda place: flip(place / DATA.format(12)),
    "flipped index": lambda place: flip(place / "ckpt-12.index", 0.3),
    "missing shard": lambda place: (place / DATA.format(12)).unlink(),
    "missing index": lambda place: (place / "ckpt-12.index").unlink(),
    "cut shard": lambda place: cut(place / DATA.format(12)),
    "cut index": lambda place: cut(place / "ckpt-12.index"),
    "empty index": lambda place: (place / "ckpt-12.index").write_bytes(b""),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_readers_take_the_newest_whole_one_and_leave_all_as_it_is(kind, run):
    DAMAGE[kind](run / "checkpoints")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    result = well("sample", run, "--seeds", "0-1", "--out", run.parent / "a.png")
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert re.search(r"Damaged checkpoints in .*: ckpt-12 \(.+\)\. Taking ckpt-8\.", line)
    with pytest.warns(kgan.errors.RunWarning):
        assert int(kgan.open_run(run)[0].step.value) == 8
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("kind", ["flipped byte", "missing index"])
def test_a_resumed_run_goes_on_from_it_and_sets_the_damaged_aside(kind, run, whole):
    place = run / "checkpoints"
    DAMAGE[kind](place)
    damaged = {path.name: path.read_bytes() for path in place.glob("ckpt-12.*")}
    result = resume(run)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Warning: ") == 1
    assert "Taking ckpt-8; the damaged files are now called *.damaged." in result.stderr
    assert_same(run, whole)
    assert {p.name[:-8]: p.read_bytes() for p in place.glob("*.damaged")} == damaged
    assert indices(run) == [4, 8, 12]


RECORDS = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_text(""),
    "garbage": lambda path: path.write_bytes(b"\x00\xff\n{"),
    "elsewhere": lambda path: path.write_text('model_checkpoint_path: "ckpt-77"\n'),
    "older": lambda path: path.write_text('model_checkpoint_path: "ckpt-4"\n'),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_the_record_of_checkpoints_does_not_matter(kind, run, whole):
    RECORDS[kind](run / "checkpoints" / "checkpoint")
    assert int(kgan.open_run(run)[0].step.value) == 12


def test_a_resumed_run_writes_the_record_anew(run, whole):
    place = run / "checkpoints"
    for path in (*place.glob("ckpt-12.*"), place / "checkpoint"):
        path.unlink()
    # As a stop between a checkpoint and its record leaves it: known to nobody.
    (place / "checkpoint").write_text('model_checkpoint_path: "ckpt-4"\n')
    assert resume(run).exit_code == 0
    assert_same(run, whole)
    assert tf.train.latest_checkpoint(str(place)) == str(place / "ckpt-12")


def test_nothing_piles_up_over_many_resumes(run, whole):
    place = run / "checkpoints"
    for path in (*place.glob("ckpt-8.*"), *place.glob("ckpt-12.*")):
        path.unlink()
    for number in range(3):
        (place / f"ckpt-{90 + number}_temp").mkdir()
        (place / "ckpt-1.index.tempstate77").touch()
        (place / "ckpt-2.stopped").touch()
        # A part of an old one, as a kill while it was removed leaves it.
        (place / DATA.format(3)).touch()
        with pytest.raises(StoppedError):
            kgan.train(reopen(run, "train", {}), run, run.parent / "models", stop=Stop(0))
        # The newest three, and the newest that no stop made.
        assert indices(run) == [[4, 5], [4, 5, 6], [4, 5, 6, 7]][number]
    assert resume(run).exit_code == 0
    assert indices(run) == [7, 8, 12]
    assert_same(run, whole)
    known = re.compile(r"checkpoint|ckpt-\d+\.(index|stopped|data-00000-of-00001)")
    assert all(known.fullmatch(name) for name in names(run)), names(run)
    assert not [name for name in names(run) if name.startswith("ckpt-3.")]


def test_a_later_one_of_a_killed_process_gives_way(run):
    # As in checkpoints/best: a score comes before the run's own checkpoint of that step.
    model, _ = kgan.open_run(run)
    Checkpoints(model, run / "checkpoints", keep=1).save(25)
    assert indices(run) == [25]
    assert tf.train.latest_checkpoint(str(run / "checkpoints")).endswith("ckpt-25")


def test_none_that_can_be_read_is_told_and_nothing_is_renamed(run):
    for step in (4, 8, 12):
        flip(run / "checkpoints" / DATA.format(step))
    before = names(run)
    for result in (resume(run), command("sample", run)):
        assert result.exit_code == 2
        line = result.stderr.splitlines()[-1]
        assert line.startswith(
            f"Error: No checkpoint in {run / 'checkpoints'} can be read: ckpt-12"
        )
        assert "ckpt-4 (" in line
        assert "Bring one back from a copy, or start a new run." in line
        assert "Traceback" not in result.output
    assert names(run) == before


def test_a_run_whose_checkpoints_are_gone_is_not_begun_anew(run):
    shutil.rmtree(run / "checkpoints")
    before = (run / "metrics.jsonl").read_bytes()
    result = resume(run)
    assert result.exit_code == 2
    assert "came to step 12, but its checkpoints are gone: bring them back" in result.stderr
    assert (run / "metrics.jsonl").read_bytes() == before


def test_lines_that_are_lost_are_told(run):
    lines = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (run / "metrics.jsonl").write_bytes(b"".join(lines[:1]))
    for path in (run / "checkpoints").glob("ckpt-12.*"):
        path.unlink()
    step = json.loads(lines[0])["step"]
    result = resume(run)
    assert result.exit_code == 0, result.output
    told = f"ends at step {step}, the checkpoint is of step 8: the lines between are lost."
    assert result.stderr.count(told) == 1


def test_one_of_another_model_is_no_damage(run):
    record = json.loads((run / "config.json").read_text())
    record["config"]["network"]["generator"]["width"] = 9
    (run / "config.json").write_text(json.dumps(record))
    before = names(run)
    for result in (resume(run), command("sample", run)):
        assert result.exit_code == 2
        assert "ckpt-12 does not fit this run" in result.stderr
        assert "Damaged" not in result.stderr
    assert names(run) == before


def test_initial_weights_are_nothing_to_sample(run):
    for path in (run / "checkpoints").glob("ckpt-*.*"):
        if path.name.startswith("ckpt-4."):
            path.rename(path.with_name(path.name.replace("ckpt-4.", "ckpt-0.")))
        else:
            path.unlink()
    assert indices(run) == [0]
    result = command("sample", run)
    assert result.exit_code == 2
    assert "has no checkpoint yet" in result.stderr


def test_a_clock_that_is_set_back_changes_nothing(whole, tmp_path, monkeypatch):
    now = [time.time()]

    def backwards():
        now[0] -= 3600
        return now[0]

    monkeypatch.setattr(time, "time", backwards)
    run = tmp_path / "run"
    assert train(run, "--max-time", "1h").exit_code == 0
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    seconds = [line["seconds"] for line in lines]
    assert seconds == sorted(seconds)
    assert min(seconds) >= 0
    # Each line's images over its rate are its seconds, and these add up.
    images = np.diff([line["images_seen"] for line in lines], prepend=0)
    rates = np.array([line["images_per_second"] for line in lines])
    np.testing.assert_allclose(np.cumsum(images / rates), seconds, rtol=0.01, atol=0.01)
    assert indices(run) == [4, 8, 12]
    assert_same(run, whole)


@pytest.mark.parametrize("content", [b"", b"\x00junk\xff" * 99])
def test_a_lock_left_behind_hinders_nobody(content, run, whole):
    (run / ".lock").write_bytes(content)
    assert resume(run).exit_code == 0
    assert_same(run, whole)


def isolated(*args):
    """Runs a command in a mount namespace of its own, where mounting needs no rights."""
    command = ["unshare", "--user", "--map-root-user", "--mount", *map(str, args)]
    silent = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(command, capture_output=True, text=True, env=silent)


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory):
    """A folder with runs whose disk failed, and how each of their commands ended."""
    place = tmp_path_factory.mktemp("spoiled")
    try:
        tried = isolated("mount", "-t", "tmpfs", "tmpfs", place)
    except OSError as error:
        pytest.skip(f"no unshare here: {error}")
    if tried.returncode:
        pytest.skip(f"no mounting in a namespace of one's own here: {tried.stderr.strip()}")
    done = isolated(sys.executable, SCRIPT, place, *TRAIN)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return place, json.loads((place / "found.json").read_text())


FAILURES = {
    "full checkpoint": ("checkpoints/ckpt-8", 4),
    "full tensorboard": ("tensorboard", 0),
    "full metrics": ("metrics.jsonl", 0),
    "read-only samples": ("samples/step-00000005.png", 4),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_disk_that_fails_ends_the_run_in_one_line_and_nothing_is_lost(what, spoiled, whole):
    place, found = spoiled
    run = place / what / "small" / "run"
    first, *again, locked, last = found[what]
    name, step = FAILURES[what]
    reason = "No space left on device" if "full" in what else "Read-only file system"
    assert first[0] == 1, first
    assert first[1].splitlines()[-1] == (
        f"Error: Cannot write {run / name}: {reason}. The run is whole up to step {step}. Free "
        f"space or make it writable, then go on with: kgan train --resume '{run}'"
    )
    for status, told in again:  # still full
        assert status == 1
        assert re.search(f"Error: Cannot write .*: {reason}. The run is whole up to step", told)
    assert locked[0] == 2
    assert locked[1].endswith(f"Error: Cannot write {run}: Read-only file system.\n")
    assert last[0] == 0, last
    assert not re.search("Traceback|Warning", str(found[what]))
    assert_same(place / what / "run", whole)
    assert not [path for path in names(place / what / "run") if re.search("damaged|temp", path)]
