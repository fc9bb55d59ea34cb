"""How many threads a run has."""

import os

import pytest
import tensorflow as tf

from kgan.training import determinism


@pytest.mark.parametrize(
    ("asked", "environment", "cores", "expected"),
    [
        ((0, 0), {}, {0, 1, 5}, (3, 3)),
        ((0, 0), {"TF_NUM_INTRAOP_THREADS": "5", "TF_NUM_INTEROP_THREADS": "0"}, {0}, (5, 1)),
        ((0, 2), {"TF_NUM_INTRAOP_THREADS": "x", "TF_NUM_INTEROP_THREADS": "7"}, {0, 1}, (2, 2)),
        ((3, 0), {"TF_NUM_INTRAOP_THREADS": "5", "OMP_NUM_THREADS": "6"}, {0}, (3, 1)),
    ],
)
def test_threads_are_those_asked_for_or_one_a_core(
    asked, environment, cores, expected, monkeypatch
):
    # As counted in /proc/self/task with TensorFlow 2.21.
    for kind in ("INTRAOP", "INTEROP"):
        monkeypatch.delenv(f"TF_NUM_{kind}_THREADS", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    intra, inter = asked
    threading = tf.config.threading
    monkeypatch.setattr(threading, "get_intra_op_parallelism_threads", lambda: intra)
    monkeypatch.setattr(threading, "get_inter_op_parallelism_threads", lambda: inter)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores, raising=False)
    assert tuple(determinism.threads().values()) == expected
