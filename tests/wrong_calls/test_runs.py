"""Runs whose files are damaged, and what the commands say of them."""

import json
import os
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgan import memory
from kgan.runs.folder import create
from kgan.serving.saved import versions
from tests.wrong_calls.calls import QUICK, folder, spoil
from tests.wrong_calls.calls import kgan as command


@pytest.mark.parametrize(
    ("name", "content", "calls"),
    [
        ("config.json", b"{}", ["train --resume run", "sample run", "evaluate run", "export run",
                                "finetune run", "pretrain --resume run"]),
        ("config.json", folder, ["train --resume run", "sample run", "evaluate run", "export run",
                                 "finetune run"]),
        ("config.json", b"\xff", ["train --resume auto --run-dir run", "sample run"]),
        ("summary.json", b"[]", ["train --resume run", "train --resume auto --run-dir run"]),
        ("summary.json", folder, ["train --resume run"]),
        ("metrics.jsonl", b"garbage\n", ["train --resume run"]),
        ("metrics.jsonl", folder, ["train --resume run"]),
        ("evaluation.json", b"[1]", ["export run"]),
    ],
)  # fmt: skip
def test_a_command_tells_which_file_is_damaged(name, content, calls, run, monkeypatch):
    monkeypatch.chdir(run.parent)
    spoil(run / name, content)
    for call in calls:
        result = command(*call.split())
        assert result.exit_code == 2, result.output
        assert f"Error: run/{name}" in result.stderr
        assert result.stderr.count("Error: ") == 1
        assert "Traceback" not in result.output
        assert not os.path.exists("saved_models/digits-mlp/1")


def test_a_damaged_run_hinders_no_other(run, monkeypatch):
    monkeypatch.chdir(run.parent)
    runs = run.parent / "runs"
    for number, content in enumerate([b"{}", b"[]", b"\xff", folder]):
        (runs / f"0000{number + 5}-x").mkdir(parents=True)
        spoil(runs / f"0000{number + 5}-x" / "config.json", content)
    shutil.copytree(run, runs / "00001-digits-mlp")
    shutil.copytree(run, runs / "00009-x")
    (runs / "00009-x" / "summary.json").mkdir()
    (runs / "0000²-x").mkdir()
    (runs / "٠٠٠٠٣-x").mkdir()
    record = json.loads((run / "config.json").read_text())["config"]
    widths = [
        word
        for key in ("generator.width", "discriminator.width")
        for word in ("--set", f"network.{key}=4")
    ]
    same = ["--model", "mlp", "--latent-dim", 4, "--steps", 4, "--batch-size", 16, *widths]
    more = ["evaluation.samples=40", "evaluation.score=parzen", "log_every=2", "precision=float32"]
    same += [word for setting in more for word in ("--set", setting)]
    assert record["steps"] == 4
    result = command("train", *same, "--evaluate-every", 2, "--resume", "auto")
    assert result.exit_code == 0, result.output
    assert "runs/00001-digits-mlp" in result.stderr
    assert result.stderr.count("Warning: Left out: ") == 5
    # The next number is that of ASCII digits.
    result = command("train", *same, "--dry-run")
    assert result.exit_code == 0, result.output
    assert create(None, "next").name == "00010-next"


def test_what_is_taken_unasked_is_one_that_can_be_read(run, monkeypatch):
    monkeypatch.chdir(run.parent)
    whole = shutil.copytree(run, run.parent / "runs" / "00000-x")
    newer = shutil.copytree(run, run.parent / "runs" / "00001-x")
    (newer / "config.json").write_text("{}")
    for path in (newer / "checkpoints").iterdir():
        path.touch()
    (run.parent / "saved_models/x/1").mkdir(parents=True)
    (run.parent / "saved_models/x/1/saved_model.pb").symlink_to("nowhere")
    result = command("sample", "--seeds", "0")
    assert result.exit_code == 0, result.output
    assert f"Drawing from runs/{whole.name}" in result.stderr
    assert f"Warning: Left out: runs/{newer.name}/config.json is damaged" in result.stderr


@settings(QUICK, max_examples=12)
@given(data=st.data())
def test_a_mutated_run_is_drawn_from_or_refused(data, run, monkeypatch):
    monkeypatch.chdir(run.parent)
    monkeypatch.setattr(memory, "available", lambda: 2**31)
    content = bytearray((run / "config.json").read_bytes())
    kept = bytes(content)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(32, 126))
    (run / "config.json").write_bytes(content)
    result = command("sample", "run", "--seeds", "0")
    assert result.exit_code in (0, 2)
    assert ("Error: " in result.stderr) == (result.exit_code == 2)
    (run / "config.json").write_bytes(kept)


def test_versions_in_other_digits_are_none(tmp_path):
    for name in ("1", "2", "²", "٣", "x", "10", "9" * 400, "-1"):
        place = tmp_path / name[:200]
        place.mkdir()
        (place / "saved_model.pb").touch()
    assert [path.name for path in versions(tmp_path)] == ["1", "2", "10"]
    assert versions(tmp_path / "nowhere") == []


def test_a_checkpoint_of_another_configuration_says_what_differs(run, monkeypatch):
    monkeypatch.chdir(run.parent)
    record = json.loads((run / "config.json").read_text())
    record["config"]["network"]["generator"]["width"] = 9
    (run / "config.json").write_text(json.dumps(record))
    for call in (["sample", "run"], ["export", "run"], ["train", "--resume", "run"]):
        result = command(*call)
        assert result.exit_code == 2
        line = result.stderr.splitlines()[-1]
        assert "ckpt-4 does not fit this run" in line
        assert "variables differ: networks/0 is (4, 4), by config.json it would" in line
        assert "remove" not in line
