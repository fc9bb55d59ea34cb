"""The memory of a process does not grow with the data that it prepares and reads; what is left."""

import subprocess
import sys

import pytest

from kgan import memory

CHILD = """
import resource, sys
import numpy as np
from kgan.data import prepared

def images(count):
    image = np.zeros((64, 64, 3), np.uint8)
    for i in range(count):
        yield image, [i % 10, i % 7, *[i % 2] * 40]

def anonymous():  # without the pages of the file, which the kernel takes back at need
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

count = int(sys.argv[1])
columns = {"label": tuple("0123456789"), "days": ()} | {str(i): ("no", "yes") for i in range(40)}
examples = prepared.store("m", {}, {"n": count}, images(count), total=count, columns=columns)
assert len(examples.columns) == 42
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for start in range(0, count, 128):
    examples.images[start : start + 128].sum()
print(peak, anonymous())
"""


def measure(count):
    command = [sys.executable, "-c", CHILD, str(count)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [int(kibibytes) / 1024 for kibibytes in out.split()]


def test_memory_is_flat():
    small, large = measure(500), measure(10_000)  # 6 and 117 MiB of pixels
    for before, after in zip(small, large, strict=True):
        assert after - before < 8


@pytest.mark.parametrize(
    ("limit", "stat", "expected"),
    [
        ("1000000\n", "anon 300000\nfile 600000\n", 700_000),
        ("1000000\n", "file 600000\ntotal_rss 300000\n", 700_000),
        ("1000000\n", "anon 2000000\ntotal_rss 2000000\n", 0),
        ("1000000\n", "", 1_000_000),
        ("max\n", "anon 300000\n", 2**40),
    ],
)
def test_in_a_container_what_is_taken_is_not_free(limit, stat, expected, tmp_path, monkeypatch):
    (tmp_path / "limit").write_text(limit)
    (tmp_path / "memory.stat").write_text(stat)
    taken = "anon" if "anon" in stat else "total_rss"
    monkeypatch.setattr(memory, "_GROUPS", [(tmp_path, "limit", taken), (tmp_path, "no", taken)])
    monkeypatch.setattr(memory, "_of_machine", lambda: 2**40)
    assert memory.available() == expected
