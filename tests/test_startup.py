"""`import kgan` loads nothing heavy, and what it loads later says nothing."""

import contextlib
import os
import sys

import pytest

import kgan
from kgan.startup import silent_tensorflow


def test_names_of_kgan_are_loaded_in_silence(monkeypatch):
    entered = []

    @contextlib.contextmanager
    def noted():
        entered.append("in")
        yield
        entered.append("out")

    monkeypatch.setattr(kgan, "silent_tensorflow", noted)
    assert kgan.InputError is not None
    assert entered == ["in", "out"]


@pytest.mark.parametrize(
    ("level", "loaded", "shown"),
    [(None, False, ""), ("3", False, ""), ("0", False, "hello"), ("2", False, "hello"),
     (None, True, "hello")],
)  # fmt: skip
def test_the_user_decides_what_tensorflow_says(level, loaded, shown, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    if not loaded:
        monkeypatch.delitem(sys.modules, "tensorflow")
    if level is None:
        monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    else:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    with silent_tensorflow():
        os.write(2, b"hello")
    assert capfd.readouterr().err == shown
    assert os.environ.get("TF_CPP_MIN_LOG_LEVEL") == (level or (None if loaded else "3"))
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"
