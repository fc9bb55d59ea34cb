"""The memory of a process does not grow with the data that it prepares and reads."""

import subprocess
import sys

CHILD = """
import resource, sys
import numpy as np
from kgan.data import prepared

def images(count):
    image = np.zeros((64, 64, 3), np.uint8)
    for i in range(count):
        yield image, i % 10

def anonymous():  # without the pages of the file, which the kernel takes back at need
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

count = int(sys.argv[1])
names = tuple("0123456789")
examples = prepared.prepare("m", {}, {"n": count}, images(count), total=count, class_names=names)
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
