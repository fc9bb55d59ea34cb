"""Time of `kgan sample` over `import tensorflow`, and images/s of sampling.

usage: python tests/benchmarks/sampling.py [ROUNDS]      (default: 5)

The two commands alternate; medians are of whole processes. Images/s are those of the shipped digits
generator in one process, after a first call.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(command: list[str], cwd: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    alone = [sys.executable, "-c", "import tensorflow"]
    sample = [sys.executable, "-c", "from kgan.cli import main; main()", "sample"]
    with tempfile.TemporaryDirectory() as empty:
        pairs = [(seconds(alone, empty), seconds(sample, empty)) for _ in range(rounds + 1)][1:]
    imports, samples = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"import tensorflow {imports:.2f} s   kgan sample (64 seeds) {samples:.2f} s")
    print(f"kgan sample over import tensorflow: {samples / imports:.2f}")

    from kgan.serving import SavedGenerator

    root = Path(__file__).parents[2]
    generator = SavedGenerator(root / "saved_models" / "digits-dcgan" / "1")
    generator.sample(range(64))
    for count in (64, 1024, 8192):
        start = time.perf_counter()
        generator.sample(range(count))
        print(f"{count:>6} seeds: {count / (time.perf_counter() - start):8,.0f} images/s")


if __name__ == "__main__":
    main()
