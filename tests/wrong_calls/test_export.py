"""Wrong calls of `kgan export`, `kgan datasets` and `kgan presets`."""

import pytest

from tests.wrong_calls.calls import held

CALLS = {
    "of no run": (["empty"], "is no run"),
    "of a file": (["full/file"], "is no run"),
    "of a SavedModel": (["saved_models/digits-mlp/1"], "is no run"),
    "of nothing": ([], "expected RUN, --models-config or --show MODEL"),
    "name of no run": (["--models-config", "--name", "x"], "name one"),
    "keep of no run": (["--models-config", "--keep", "1"], "name one"),
    "checkpoint of no run": (["--models-config", "--checkpoint", "best"], "name one"),
    "unknown checkpoint": (["run", "--checkpoint", "newest"], "Known: best, last"),
    "a path for a name": (["run", "--name", "a/b"], "--name is 'a/b': expected one such as"),
    "a hidden name": (["run", "--name", ".x"], "--name is '.x': expected one such as"),
    "the folder above for a name": (["run", "--name", ".."], "--name is '..': expected one such"),
    "a long name": (["run", "--name", "x" * 300], "(302 characters): expected one such as"),
    "a name to be quoted": (["run", "--name", "$(touch x)"], "expected one such as digits-dcgan"),
    "keep none": (["run", "--keep", "0"], "--keep 0: expected 1 or more"),
    "base path for nothing": (["empty", "--base-path", "/x"], "add --models-config"),
    "a long base path": (["--models-config", "--base-path", "x" * 300], "at most 255 bytes"),
    "models of none": (["--models-config", "--out", "empty"], "holds no SavedModel"),
    "models of a file": (["--models-config", "--out", "full/file"], "no writable folder"),
    "out on a link to nothing": (["run", "--out", "dangling"], "no writable folder"),
    "show of nothing": (["--show", "x"], "neither a run nor a SavedModel"),
    "show of a run": (["--show", "run"], "run is a run: expected its SavedModel"),
    "show and a run": (["empty", "--show", "x"], "give it alone"),
    "show and more": (["--keep", "2", "--show", "x"], "give it alone"),
}

OTHERS = {
    "a data folder that there is not": (["datasets", "--data-dir", "nope"], "no such folder"),
    "a file for a data folder": (["datasets", "--data-dir", "full/file"], "no such folder"),
    "a link to itself for one": (["datasets", "--data-dir", "loop"], "no such folder"),
    "a data folder without any": (["datasets", "--data-dir", "empty"], "no prepared set"),
    "an entry that there is not": (["datasets", "--clear", "nope"], "nope"),
    "a name for presets": (["presets", "digits"], "unexpected extra argument"),
}


@pytest.mark.parametrize("case", CALLS)
def test_export(case, inside):
    arguments, message = CALLS[case]
    held(["export", *arguments], message, inside)


@pytest.mark.parametrize("case", OTHERS)
def test_lists(case, inside):
    arguments, message = OTHERS[case]
    held(arguments, message, inside)
