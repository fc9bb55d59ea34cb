"""Speed of a DCGAN training step on 32x32x3 images: KGAN, plain Keras, PyTorch eager and compiled.

usage: python tests/benchmarks/train_throughput.py [--precision bfloat16] [--rounds 10] [--steps 10]

Width 64, batch 128, 100 latents, Adam(2e-4, 0.5), the non-saturating loss: one discriminator
update on real images and fresh noise, then one generator update on fresh noise. KGAN trains as
`kgan train` does, with its records, moving average and determinism; the others do the bare step.
Each contender is a process of its own. They take turns at short bursts, and so does a large matrix
product, whose speed counts as the machine's peak; a ratio is the median over the rounds. On a busy
machine only the processor time means something, and PyTorch's only with OMP_WAIT_POLICY=passive.
PyTorch takes part if it is installed (pip install kgan[bench]).
"""

import argparse
import contextlib
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WIDTH, BATCH, LATENT, SIZE, CHANNELS = 64, 128, 100, 32, 3
MATMUL = 2048
CONTENDERS = ("kgan", "keras", "torch", "torch-compiled")
PRECISIONS = ("float32", "bfloat16")


def multiply_adds() -> int:
    """Multiply-adds of one training step: those that its two updates need, and no others."""
    maps = [(16, CHANNELS, WIDTH), (8, WIDTH, 2 * WIDTH), (4, 2 * WIDTH, 4 * WIDTH)]
    first, *rest = [side * side * 16 * a * b for side, a, b in maps]
    convolutions, dense, logit = first + sum(rest), LATENT * 16 * 4 * WIDTH, 16 * 4 * WIDTH
    generate, discriminate = convolutions + dense, convolutions + logit
    # Real and fake: forward, filter gradients, input gradients but for the images'.
    discriminator_update = generate + 2 * (3 * discriminate - first)
    # Through the discriminator input gradients only; none into the noise.
    generator_update = 3 * generate - dense + 2 * discriminate
    return BATCH * (discriminator_update + generator_update)


def images():
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (40 * BATCH, SIZE, SIZE, CHANNELS), np.uint8)


def requests():
    """Yields the count of each "go N" line on stdin; prints the seconds until the next is taken.

    They are printed by the clock and by the processors' own account.
    """
    for line in sys.stdin:
        start, used = time.perf_counter(), time.process_time()
        yield int(line.split()[1])
        print("t", time.perf_counter() - start, time.process_time() - used, flush=True)


def matmul_worker(_, precision: str, threads: int) -> None:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    matrix = tf.cast(tf.random.normal((MATMUL, MATMUL)), precision)
    for count in requests():
        for _ in range(count):
            tf.matmul(matrix, matrix)


def tensorflow_worker(name: str, precision: str, threads: int) -> None:
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)

    class Bursts(keras.callbacks.Callback):
        """Lets `fit` go on for as many steps as it is told to."""

        asked, left = requests(), 0

        def on_train_batch_begin(self, batch, logs=None):
            while self.left == 0:
                self.left = next(self.asked, None)
                if self.left is None:
                    raise EOFError
            self.left -= 1

    with contextlib.suppress(EOFError):
        (train_kgan if name == "kgan" else train_keras)(precision, Bursts())


def train_kgan(precision: str, bursts) -> None:
    """Trains as `kgan train` does."""
    import kgan
    from kgan.methods.gan import NetworkConfig

    config = kgan.GANConfig(
        network=NetworkConfig("dcgan", LATENT, {"width": WIDTH}, {"width": WIDTH}),
        batch_size=BATCH,
        steps=10**6,
        precision=precision,
    )
    run = kgan.prepare(config, kgan.Examples(images(), {}, kgan.IMAGES, "random"))
    with tempfile.TemporaryDirectory() as folder:
        kgan.train(run, Path(folder), Path(folder) / "saved_models", callbacks=[bursts])


def train_keras(precision: str, bursts) -> None:
    import keras
    import tensorflow as tf

    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    data = tf.data.Dataset.from_tensor_slices(images()).repeat().batch(BATCH, drop_remainder=True)
    keras_model().fit(data.prefetch(2), steps_per_epoch=10**6, verbose=0, callbacks=[bursts])


def keras_model():
    """The step as a Keras user writes it."""
    import keras
    import tensorflow as tf
    from keras import layers

    def up(filters):
        return layers.Conv2DTranspose(filters, 4, 2, padding="same", use_bias=filters == CHANNELS)

    def down(filters):
        return layers.Conv2D(filters, 4, 2, padding="same", use_bias=filters == WIDTH)

    generator = keras.Sequential([keras.Input((LATENT,)), layers.Dense(64 * WIDTH, use_bias=False)])
    generator.add(layers.Reshape((4, 4, 4 * WIDTH)))
    for filters in (2 * WIDTH, WIDTH, CHANNELS):
        for layer in (layers.BatchNormalization(), layers.ReLU(), up(filters)):
            generator.add(layer)
    generator.add(layers.Activation("tanh", dtype="float32"))
    discriminator = keras.Sequential([keras.Input((SIZE, SIZE, CHANNELS)), down(WIDTH)])
    for filters in (2 * WIDTH, 4 * WIDTH):
        for layer in (layers.LeakyReLU(0.2), down(filters), layers.BatchNormalization()):
            discriminator.add(layer)
    for layer in (layers.LeakyReLU(0.2), layers.Flatten(), layers.Dense(1, dtype="float32")):
        discriminator.add(layer)

    class Gan(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator, self.discriminator = generator, discriminator
            self.adams = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in range(2)]
            for adam, network in zip(self.adams, (generator, discriminator), strict=True):
                adam.build(network.trainable_variables)
            self.built = True

        def train_step(self, data):
            real = tf.cast(data, tf.float32) / 127.5 - 1
            fake = self.generator(tf.random.normal((BATCH, LATENT)), training=True)
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.nn.softplus(-self.discriminator(real, training=True)))
                loss += tf.reduce_mean(tf.nn.softplus(self.discriminator(fake, training=True)))
            variables = self.discriminator.trainable_variables
            self.adams[1].apply(tape.gradient(loss, variables), variables)
            with tf.GradientTape() as tape:
                fake = self.generator(tf.random.normal((BATCH, LATENT)), training=True)
                logits = self.discriminator(fake, training=True)
                generator_loss = tf.reduce_mean(tf.nn.softplus(-logits))
            variables = self.generator.trainable_variables
            self.adams[0].apply(tape.gradient(generator_loss, variables), variables)
            return {"discriminator_loss": loss, "generator_loss": generator_loss}

    model = Gan()
    model.compile(optimizer=None)
    return model


def torch_worker(name: str, precision: str, threads: int) -> None:
    import torch
    from torch import nn
    from torch.nn.functional import softplus

    torch.set_num_threads(threads)

    def up(a, b, bias=False):
        return nn.ConvTranspose2d(a, b, 4, 2, 1, bias=bias)

    def down(a, b, bias=False):
        return nn.Conv2d(a, b, 4, 2, 1, bias=bias)

    w, layout = WIDTH, torch.channels_last  # the faster layout here, compiled or not
    generator = nn.Sequential(
        nn.Linear(LATENT, 64 * w, bias=False), nn.Unflatten(1, (4 * w, 4, 4)),
        nn.BatchNorm2d(4 * w), nn.ReLU(True), up(4 * w, 2 * w),
        nn.BatchNorm2d(2 * w), nn.ReLU(True), up(2 * w, w),
        nn.BatchNorm2d(w), nn.ReLU(True), up(w, CHANNELS, bias=True), nn.Tanh(),
    ).to(memory_format=layout)  # fmt: skip
    discriminator = nn.Sequential(
        down(CHANNELS, w, bias=True), nn.LeakyReLU(0.2, True),
        down(w, 2 * w), nn.BatchNorm2d(2 * w), nn.LeakyReLU(0.2, True),
        down(2 * w, 4 * w), nn.BatchNorm2d(4 * w), nn.LeakyReLU(0.2, True),
        nn.Flatten(), nn.Linear(64 * w, 1),
    ).to(memory_format=layout)  # fmt: skip
    generator_adam, discriminator_adam = (
        torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999), fused=True)
        for network in (generator, discriminator)
    )

    def discriminator_loss(real):
        with torch.no_grad():
            fake = generator(torch.randn(BATCH, LATENT))
        real_logits, fake_logits = discriminator(real).float(), discriminator(fake).float()
        return softplus(-real_logits).mean() + softplus(fake_logits).mean()

    def generator_loss():
        return softplus(-discriminator(generator(torch.randn(BATCH, LATENT))).float()).mean()

    if name == "torch-compiled":
        discriminator_loss = torch.compile(discriminator_loss)
        generator_loss = torch.compile(generator_loss)

    def update(adam, loss, *inputs):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            value = loss(*inputs)
        adam.zero_grad()
        value.backward()
        adam.step()

    data = torch.from_numpy(images().transpose(0, 3, 1, 2).copy()).to(memory_format=layout)
    step = 0
    for count in requests():
        for _ in range(count):
            start = step * BATCH % len(data)
            real = data[start : start + BATCH].float() / 127.5 - 1
            update(discriminator_adam, discriminator_loss, real)
            discriminator.requires_grad_(False)  # its filter gradients are not needed
            update(generator_adam, generator_loss)
            discriminator.requires_grad_(True)
            step += 1


WORKERS = {
    "matmul": matmul_worker,
    "kgan": tensorflow_worker,
    "keras": tensorflow_worker,
    "torch": torch_worker,
    "torch-compiled": torch_worker,
}


class Worker:
    """A contender in its own process."""

    def __init__(self, name: str, precision: str, threads: int):
        command = [sys.executable, __file__, "--worker", name, "--precision", precision]
        self.name = name
        self.process = subprocess.Popen(
            [*command, "--threads", str(threads)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": str(threads)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, steps: int) -> tuple[float, float]:
        """Returns the seconds a step, and those of processor time."""
        self.process.stdin.write(f"go {steps}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("t "):
                elapsed, used = map(float, line.split()[1:])
                return elapsed / steps, used / steps
        raise SystemExit(f"The worker {self.name} ended early.")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(names: list[str], precision: str, rounds: int, steps: int, threads: int) -> None:
    workers = [Worker(name, precision, threads) for name in ("matmul", *names)]
    for worker in workers:
        worker.run(4)
    seconds, used = ({worker.name: [] for worker in workers} for _ in range(2))
    for _ in range(rounds):
        for worker in workers:
            elapsed, processor = worker.run(steps)
            seconds[worker.name].append(elapsed)
            used[worker.name].append(processor)
    for worker in workers:
        worker.close()
    peak = MATMUL**3 / statistics.median(seconds.pop("matmul"))
    print(f"\n{precision}, {threads} threads; matrix product: {peak / 1e9:.0f} G multiply-adds/s")
    print(f"{'':15} ms/step  (least)  CPU ms  images/s  of peak   speed over " + "  ".join(names))
    for name, own in seconds.items():
        median = statistics.median(own)
        ratios = [
            statistics.median(b / a for a, b in zip(own, other, strict=True))
            for other in seconds.values()
        ]
        print(
            f"{name:15} {1e3 * median:7.1f}  ({1e3 * min(own):5.1f})"
            f"  {1e3 * statistics.median(used[name]):6.1f} {BATCH / median:9.0f}"
            f"  {multiply_adds() / median / peak:7.0%}   {'':11}"
            + "  ".join(f"{r:{len(n)}.2f}" for n, r in zip(names, ratios, strict=True)),
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10, help="steps in a burst")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--worker", choices=WORKERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        WORKERS[options.worker](options.worker, options.precision[0], options.threads)
        return
    names = list(options.only)
    if not importlib.util.find_spec("torch"):
        print("PyTorch is not installed (pip install kgan[bench]): left out.")
        names = [name for name in names if not name.startswith("torch")]
    for precision in options.precision:
        compare(names, precision, options.rounds, options.steps, options.threads)


if __name__ == "__main__":
    main()
