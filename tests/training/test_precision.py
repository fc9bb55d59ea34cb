"""The number format that "auto" is."""

from pathlib import Path

import pytest
import tensorflow as tf

from kgan.training import precision


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"compute_capability": (7, 5)}, "float32"),
        ({"compute_capability": (8, 0)}, "bfloat16"),
        ({"compute_capability": (12, 0)}, "bfloat16"),
        ({}, "float32"),
    ],
)
def test_a_gpu_is_asked_what_it_can(details, expected, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)
    assert precision.resolve("auto") == expected
    assert precision.resolve("float16") == "float16"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags : avx512f avx512_bf16", "bfloat16"),
        ("flags : amx_bf16 avx2", "bfloat16"),
        ("flags : avx2 avx512f xamx_bf16", "float32"),
        (None, "float32"),
    ],
)
def test_a_processor_by_its_flags(flags, expected, monkeypatch):
    def read(path):
        if flags is None:
            raise FileNotFoundError(path)
        return flags

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(Path, "read_text", read)
    assert precision.resolve("auto") == expected
