"""Speed of a served DCGAN: its SavedModel in TF Serving's C++ runtime, and Keras called eagerly.

usage: python tests/benchmarks/serving.py [--rounds 10] [--images 256] [--threads N]

32x32x3 images, width 64, 100 latents, untrained, float32. Both make uint8 images from int64 seeds:
one by the endpoint `sample`, timed inside the C++ program, so without a pipe or a network; the
other by `seed_latents`, the generator called eagerly, and the same rounding to grey levels. They
take turns at short bursts of as many images at every batch size, with as many threads; a ratio is
the median over the rounds. On a busy machine only the ratios mean something. Needs g++.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

WIDTH, LATENT, SHAPE = 64, 100, (32, 32, 3)
BATCHES = (1, 16, 64)
PERCENTILES = (50, 95, 99)
SAVED, EAGER = "SavedModel, C++", "Keras, eager"


def eager(gan):
    """Returns a function from seeds to images as a Keras user writes it."""
    from kgan.models.seeds import seed_latents

    def sample(seeds):
        latents = seed_latents(seeds, LATENT)
        return gan.to_images(gan.ema_generator(latents, training=False)).numpy()

    return sample


def timed(function, count: int, *args) -> list[float]:
    """Returns the seconds of each of `count` calls."""
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        function(*args)
        seconds.append(time.perf_counter() - start)
    return seconds


def compare(loader, sample, rounds: int, images: int) -> dict:
    """Returns the seconds of each call by contender and batch size, `(rounds, calls)`."""

    def bursts(batch, calls):
        seeds = np.arange(batch)
        return {
            SAVED: loader.time("sample", calls, seeds=seeds),
            EAGER: timed(sample, calls, seeds),
        }

    seconds = {name: {batch: [] for batch in BATCHES} for name in (SAVED, EAGER)}
    for batch in BATCHES:
        bursts(batch, 3)  # graphs are optimised and kernels chosen at the first calls
    for _ in range(rounds):
        for batch in BATCHES:
            for name, burst in bursts(batch, max(1, images // batch)).items():
                seconds[name][batch].append(burst)
    return seconds


def report(seconds: dict) -> None:
    print(f"\nimages/s{SAVED:>20}{EAGER:>16}   ratio")
    for batch in BATCHES:
        saved, keras = (
            [batch / statistics.fmean(burst) for burst in seconds[name][batch]]
            for name in (SAVED, EAGER)
        )
        ratio = statistics.median(a / b for a, b in zip(saved, keras, strict=True))
        rates = statistics.median(saved), statistics.median(keras)
        print(f"batch {batch:<4}{rates[0]:18,.0f}{rates[1]:16,.0f}{ratio:8.2f}")
    print(f"\n{'ms at batch 1':15}" + "".join(f"{f'p{p}':>10}" for p in PERCENTILES))
    for name, of_batch in seconds.items():
        found = 1e3 * np.percentile(np.concatenate(of_batch[1]), PERCENTILES)
        print(f"{name:15}" + "".join(f"{value:10.2f}" for value in found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--images", type=int, default=256, help="images in a burst")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: all")
    options = parser.parse_args()

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    sys.path.insert(0, str(Path(__file__).parents[1] / "serving"))
    from loader import Loader, build, unavailable

    from kgan.models import GAN
    from kgan.networks import dcgan
    from kgan.serving import export

    if reason := unavailable():
        raise SystemExit(reason)
    gan = GAN(dcgan.generator(SHAPE, LATENT, width=WIDTH), dcgan.discriminator(SHAPE, width=WIDTH))
    sample = eager(gan)
    with tempfile.TemporaryDirectory() as folder:
        program, path = build(folder), export(gan, folder, "dcgan")
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        loads = []
        for _ in range(options.rounds):
            with Loader(program, path, options.threads) as loader:
                loads.append(loader.load_seconds)
        print(f"{options.threads} threads, {options.rounds} rounds of {options.images} images")
        print(f"SavedModel: {size / 1e6:.1f} MB, loads in {statistics.median(loads):.2f} s")
        with Loader(program, path, options.threads) as loader:
            seeds = np.arange(max(BATCHES))
            difference = loader("sample", seeds=seeds)["images"].astype(int) - sample(seeds)
            if np.abs(difference).max() > 1:
                raise SystemExit("The contenders make other images: there is nothing to compare.")
            report(compare(loader, sample, options.rounds, options.images))


if __name__ == "__main__":
    main()
