"""What a newcomer gets in some minutes of one core: KGAN's default beside the usual tutorial.

usage: python tests/benchmarks/quality.py [--minutes 10] [--dataset mnist] [--data-dir DIR]

Both train for the same time, each a process of one thread on a core of its own, KGAN's as `kgan
train --dataset NAME --max-time` does. The other is the DCGAN of TensorFlow's tutorial
(https://www.tensorflow.org/tutorials/generative/dcgan), written from its description in plain
Keras: 5x5 transposed convolutions of 128 and 64 channels with batch normalisation, a discriminator
of 64 and 128 with dropout, Adam(1e-4), batches of 256. Its sizes are for 28x28; other images of one
or three channels whose sides are multiples of 4 will do. `kgan evaluate` then scores 10,000 samples
of each. Prints the scores and how many steps each came to.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLES, BATCH, LATENT = 10_000, 256, 100
ALONE = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def tutorial(dataset: str, data_dir: str | None, seconds: float, out: Path) -> None:
    """Trains the tutorial's GAN for some time and writes samples of it."""
    import keras
    import numpy as np
    import tensorflow as tf
    from keras import layers

    import kgan

    images = kgan.split(dataset, data_dir=data_dir).train.images
    height, width, channels = images.shape[1:]
    generator = keras.Sequential(
        [
            keras.Input((LATENT,)),
            layers.Dense(height // 4 * (width // 4) * 256, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Reshape((height // 4, width // 4, 256)),
            layers.Conv2DTranspose(128, 5, 1, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(64, 5, 2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(
                channels, 5, 2, padding="same", use_bias=False, activation="tanh"
            ),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((height, width, channels)),
            layers.Conv2D(64, 5, 2, padding="same"),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Conv2D(128, 5, 2, padding="same"),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    optimizers = keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4)

    @tf.function
    def step(real):
        noise = tf.random.normal((BATCH, LATENT))
        with tf.GradientTape() as of_generator, tf.GradientTape() as of_discriminator:
            fake = generator(noise, training=True)
            real_logits = discriminator(real, training=True)
            fake_logits = discriminator(fake, training=True)
            generator_loss = entropy(tf.ones_like(fake_logits), fake_logits)
            discriminator_loss = entropy(tf.ones_like(real_logits), real_logits)
            discriminator_loss += entropy(tf.zeros_like(fake_logits), fake_logits)
        for tape, loss, network, optimizer in (
            (of_generator, generator_loss, generator, optimizers[0]),
            (of_discriminator, discriminator_loss, discriminator, optimizers[1]),
        ):
            variables = network.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)

    data = tf.data.Dataset.from_tensor_slices(np.asarray(images[:]))
    data = data.shuffle(len(images), seed=0).repeat().batch(BATCH, drop_remainder=True)
    began, steps = time.monotonic(), 0
    for batch in data:
        step((tf.cast(batch, tf.float32) - 127.5) / 127.5)
        steps += 1
        if time.monotonic() - began > seconds:
            break
    rng = np.random.default_rng(0)
    made = [
        generator(rng.normal(size=(500, LATENT)).astype(np.float32), training=False)
        for _ in range(SAMPLES // 500)
    ]
    pixels = np.clip(np.round(np.concatenate(made) * 127.5 + 127.5), 0, 255).astype(np.uint8)
    np.savez(out, images=pixels)
    print(f"tutorial: {steps} steps of {BATCH} in {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """Trains both side by side, then scores them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--data-dir", default=os.environ.get("TFDS_DATA_DIR"))
    parser.add_argument("--tutorial", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    seconds = 60 * options.minutes
    if options.tutorial:
        tutorial(options.dataset, options.data_dir, seconds, options.tutorial)
        return
    kgan = [sys.executable, "-c", "from kgan.cli import main; main()"]
    where = ["--data-dir", options.data_dir] if options.data_dir else []
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        own = [*kgan, "train", "--dataset", options.dataset, *where, "--max-time"]
        own += [f"{seconds:.0f}s", "--run-dir", "run"]
        other = [sys.executable, os.path.abspath(__file__), "--minutes", str(options.minutes)]
        other += ["--dataset", options.dataset, *where, "--tutorial", "tutorial.npz"]
        running = [
            subprocess.Popen(
                ["taskset", "-c", str(core), *command], cwd=place, env={**os.environ, **ALONE}
            )
            for core, command in zip((cores[0], cores[-1]), (own, other), strict=True)
        ]
        for process in running:
            process.wait()
        sources = ["run", "tutorial.npz"]
        command = [*kgan, "evaluate", *sources, "--dataset", options.dataset, *where]
        command += ["--samples", str(SAMPLES), "--out", "scores"]
        subprocess.run(command, cwd=place, check=True)


if __name__ == "__main__":
    main()
