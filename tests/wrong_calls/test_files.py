"""Every file of a run's folder, broken: in a table, and by hypothesis."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgan.errors import InputError
from kgan.methods.recorded import open_record
from kgan.runs import records
from kgan.runs.scores import read_evaluation
from tests.wrong_calls.calls import QUICK, folder, large, loop, pipe, refused, spoil

# By file: how it is read, from the run's folder.
READERS = {
    "config.json": open_record,
    "summary.json": records.read_summary,
    "evaluation.json": read_evaluation,
    "metrics.jsonl": lambda run: records.read_metrics(run / "metrics.jsonl"),
    "evaluations.jsonl": lambda run: records.read_evaluations(run / "evaluations.jsonl"),
    "finetune/settings.json": lambda run: records.read_settings(run / "finetune/settings.json"),
    "finetune/results.jsonl": lambda run: records.read_results(run / "finetune/results.jsonl"),
    "finetune/table.json": lambda run: records.read_table(run / "finetune/table.json"),
}


@pytest.mark.parametrize("name", READERS)
def test_a_run_as_it_is_written_is_read(name, whole):
    assert READERS[name](whole)


# Of every file; what stands on its last line is not whole without a line's end.
SPOILT = {
    "empty object": (b"{}\n", "has no"),
    "list": (b"[]\n", "is [], expected an object"),
    "text": (b'"run"\n', "is 'run', expected an object"),
    "number": (b"1\n", "is 1, expected an object"),
    "null": (b"null\n", "is None, expected an object"),
    "cut": (b'{"a": \n', "no JSON"),
    "other bytes": (b"\x80\x04\x95\n", "no UTF-8"),
    "another encoding": ('{"a": 1}\n'.encode("utf-16"), "no UTF-8"),
    "twice": (b'{"a": 1, "a": 2}\n', "'a' is there twice"),
    "no number": (b'{"a": NaN}\n', "it holds NaN"),
    "infinity": (b'{"a": -Infinity}\n', "it holds -Infinity"),
    "beyond double precision": (b'{"a": 1e400}\n', "it holds 1e400"),
    "thousands of digits": (b'{"a": ' + b"9" * 9999 + b"}\n", "thousands of digits"),
    "deep": (b'{"a": ' + b"[" * 99_999 + b"]" * 99_999 + b"}\n", "nested too deeply"),
    "folder": (folder, "expected a file"),
    "link to itself": (loop, "Cannot read"),
    "pipe": (pipe, "expected a file"),
    "large": (large, "bytes, expected"),
}
# What an empty object is: nothing was scored, no comparison was made.
MAY_BE_EMPTY = ("evaluation.json", "finetune/settings.json")


@pytest.mark.parametrize("kind", SPOILT)
@pytest.mark.parametrize("name", READERS)
def test_a_spoilt_file_is_refused_in_a_line_that_names_it(name, kind, whole, tmp_path):
    run = tmp_path / "run"
    (run / "finetune").mkdir(parents=True)
    content, message = SPOILT[kind]
    spoil(run / name, content)
    if kind == "empty object" and name in MAY_BE_EMPTY:
        assert not any(READERS[name](run).values())
        return
    with pytest.raises(InputError) as error:
        READERS[name](run)
    text = str(error.value)
    assert str(run / name) in text
    assert message in text
    assert text.isprintable()
    assert len(text) < 700


def test_a_log_takes_no_gigabytes_once_it_is_read(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with path.open("wb") as file:
        file.truncate(2**26 + 1)
    with pytest.raises(InputError, match=r"67,108,865 bytes, expected 67,108,864 at most.*first"):
        records.read_metrics(path)


def test_a_score_that_nobody_knows_is_named(whole, tmp_path):
    path = tmp_path / "evaluations.jsonl"
    path.write_text((whole / "evaluations.jsonl").read_text().replace("parzen", "nope"))
    with pytest.raises(InputError) as error:
        records.read_evaluations(path)
    assert f"{path} is damaged (line 1: name is 'nope', expected one of fid, " in str(error.value)


# One value of a whole config.json, by its dotted key, and what the error tells of it.
VALUES = {
    "name": (3, "name is 3, expected text"),
    "trained_on": (["all"], "trained_on[0] is 'all', expected one of train, validation, test"),
    "examples": (0, "examples is 0, expected a whole number from 1"),
    "image_shape": ("x", "image_shape is 'x', expected a list of 1 to 3"),
    "image_shape.0": (-8, "image_shape[0] is -8, expected a whole number from 1"),
    "replicas": (1.5, "replicas is 1.5, expected a whole number"),
    "versions": ([], "versions is [], expected an object"),
    "device": ("a\nb", "device is 'a\\nb', expected text without control characters"),
    "surprise": (1, "has an unknown 'surprise'"),
    "config": ([], "config is [], expected an object"),
    "config.steps": ("12", "steps is '12': expected an integer"),
    "config.seed": (True, "seed is True: expected an integer"),
    "config.batch_size": (0, "batch_size is 0: expected 1 or more"),
    "config.log_every": (10**30, "expected 1,000,000,000 at most"),
    "config.precision": ("float8", "Unknown precision 'float8'"),
    "config.batchsize": (3, "Did you mean 'batch_size'"),
    "config.data": ("digits", "data is 'digits': expected settings by name"),
    "config.data.name": (None, "data.name is None: expected a word"),
    "config.data.data_dir": (3, "data.data_dir is 3: expected a word"),
    "config.data.image_size": ("x", "data.image_size is 'x': expected a height and a width"),
    "config.data.folder": ("x", "Unknown setting 'data.folder'"),
    "config.network.name": ("dcgam", "Did you mean 'dcgan'"),
    "config.network.latent_dim": (4.5, "network.latent_dim is 4.5: expected an integer"),
    "config.network.generator": ([], "network.generator is []: expected settings by name"),
    "config.game.objective": ({}, "game.objective is {}: expected a word"),
    "config.game.r1": (0.5, "Unknown setting 'game.r1'"),
    "config.game.penalties": ("r1", "game.penalties is 'r1'"),
    "config.evaluation.score": ("fud", "Unknown score 'fud'"),
    "config.generator_optimizer": (None, "generator_optimizer is None: expected settings by na"),
    "config.generator_optimizer.name": (None, "Unknown optimizer None"),
    "config.generator_optimizer.learning_rate": ("fast", "learning_rate is 'fast': expected a nu"),
}


def test_a_newer_format_is_told(whole, tmp_path):
    record = json.loads((whole / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**record, "format": 9}))
    with pytest.raises(InputError, match="by a newer KGAN, in format 9: expected 2 at most"):
        open_record(tmp_path)


@pytest.mark.parametrize("key", VALUES)
def test_a_wrong_value_in_a_configuration_is_named(key, whole, tmp_path):
    value, message = VALUES[key]
    record = json.loads((whole / "config.json").read_text())
    *path, last = key.split(".")
    place = record
    for part in path:
        place = place[part]
    place[int(last) if isinstance(place, list) else last] = value
    (tmp_path / "config.json").write_text(json.dumps(record))
    with pytest.raises(InputError) as error:
        open_record(tmp_path)
    assert message in str(error.value)
    assert "bring it back from a copy, or start a new run." in str(error.value)


def fits(name, run):
    """Returns whether a file is read; if not, it is refused in a line that names it."""
    refusal = refused(READERS[name], run)
    assert refusal is None or (str(run) in refusal and refusal.isprintable())
    return refusal is None


@pytest.mark.parametrize("name", READERS)
@QUICK
@given(data=st.data())
def test_mutated_bytes_are_read_or_refused(name, whole, place, data):
    content = bytearray((whole / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        how = data.draw(st.sampled_from(["flip", "cut", "insert", "repeat"]))
        if how == "flip" and at < len(content):
            content[at] ^= data.draw(st.integers(1, 255))
        elif how == "cut":
            del content[at : at + data.draw(st.integers(1, 50))]
        elif how == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        else:
            content[at:at] = content[: data.draw(st.integers(1, 200))]
    (place / name).write_bytes(content)
    fits(name, place)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([0, -1, 10**30, 2**63, "", "x" * 2000, "\x00", "\ud800", "auto", {}, []])
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


def leaves(value, path=()):
    """Returns where every value within a value stands."""
    inside = value if isinstance(value, dict) else {}
    if isinstance(value, list):
        inside = dict(enumerate(value))
    found = [path] if path else []
    for key, part in inside.items():
        found += leaves(part, (*path, key))
    return found


@pytest.mark.parametrize("name", READERS)
@QUICK
@given(data=st.data())
def test_mutated_values_are_read_or_refused(name, whole, place, data):
    first, *rest = (whole / name).read_text().split("\n") if name.endswith("jsonl") else [
        (whole / name).read_text()
    ]  # fmt: skip
    value = json.loads(first)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(leaves(value) or [()]))
        if not path:
            continue
        inner = value
        for key in path[:-1]:
            inner = inner[key]
        if data.draw(st.booleans()) and isinstance(inner, dict):
            changed = inner.pop(path[-1])
            inner[data.draw(st.text(max_size=5))] = changed
        else:
            inner[path[-1]] = data.draw(JSON)
    (place / name).write_text("\n".join([json.dumps(value), *rest]))
    if fits(name, place) and name == "config.json":
        # What is read can be used.
        assert open_record(place).config.headline()
