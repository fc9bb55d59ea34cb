"""Memory of preparing and of reading an image folder, for growing numbers of images.

usage: python tests/benchmarks/memory.py [COUNT ...]      (default: 10000 50000 200000)

Each count is measured in a process of its own: PNG files of 32x32x3 are written, prepared into the
on-disk array, and read for one epoch through the training pipeline. Printed in MiB: the peak while
preparing, and the process's own memory after the epoch. The memory map's pages are not counted in
the latter: they belong to the file, and the kernel takes them back at need.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def write_images(folder: Path, count: int) -> None:
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(count):
        blocks = rng.integers(0, 256, (8, 8, 3), np.uint8)
        image = Image.fromarray(blocks.repeat(4, 0).repeat(4, 1))
        image.save(folder / f"{i:06d}.png", compress_level=1)


def own_memory(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


def measure(folder: str) -> None:
    from kgan.data import load

    start = time.perf_counter()
    examples = load(folder)
    seconds, peak = time.perf_counter() - start, own_memory("VmHWM")
    from kgan.data.pipeline import batches  # TensorFlow: not before the peak is taken

    before, steps = own_memory("RssAnon"), len(examples) // 128
    for _ in batches(examples, 128, seed=0, start=0, stop=steps):
        pass
    print(
        f"{len(examples):>8,} images  {examples.images.nbytes / 2**20:6.0f} MiB of pixels  "
        f"prepared in {seconds:5.1f} s with a peak of {peak:5.1f} MiB  "
        f"grew by {own_memory('RssAnon') - before:5.1f} MiB over an epoch of training batches",
        flush=True,
    )


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2])
        return
    for count in [int(word) for word in sys.argv[1:]] or [10_000, 50_000, 200_000]:
        with tempfile.TemporaryDirectory() as root:
            images = Path(root, "images")
            images.mkdir()
            write_images(images, count)
            environment = {**os.environ, "KGAN_CACHE_DIR": str(Path(root, "cache"))}
            command = [sys.executable, __file__, "--measure", str(images)]
            subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
