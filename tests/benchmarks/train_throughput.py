"""Speed of a DCGAN training step on 32x32x3 images: KGAN, plain Keras, PyTorch eager and compiled.

    python tests/benchmarks/train_throughput.py [--rounds 8] [--steps 10] [--precision bfloat16]

Width 64, batch 128, 100 latents, Adam(2e-4, 0.5), the non-saturating loss: one discriminator update
on real images and fresh noise, then one generator update on fresh noise. Each contender is a
process of its own; they take turns at short bursts, so that a busy machine slows all of them alike.
Install PyTorch (`pip install kgan[bench]`) to have it compared.
"""

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import time

WIDTH, BATCH, LATENT = 64, 128, 100
SIZE, CHANNELS = 32, 3
THREADS = 2
CONTENDERS = ("kgan", "keras", "torch", "torch-compiled")
PRECISIONS = ("float32", "bfloat16")


def multiply_adds() -> int:
    """Multiply-adds of one training step, counting what an update needs and nothing else."""
    maps = [(16, CHANNELS, WIDTH), (8, WIDTH, 2 * WIDTH), (4, 2 * WIDTH, 4 * WIDTH)]
    first, *rest = [side * side * 16 * a * b for side, a, b in maps]
    dense, logit = LATENT * 16 * 4 * WIDTH, 16 * 4 * WIDTH
    convolutions = first + sum(rest)
    generate = dense + convolutions
    discriminate = convolutions + logit
    # Real and fake: forward, filter gradients, input gradients of all but the first convolution.
    update_discriminator = generate + 2 * (3 * discriminate - first)
    # Forward, input gradients; through the generator also filter gradients, none into the noise.
    update_generator = 3 * generate - dense + 2 * discriminate
    return BATCH * (update_discriminator + update_generator)


def serve(step, peak) -> None:
    """Runs `step` as often as each "go N" line on stdin asks and prints the seconds."""
    for line in sys.stdin:
        word, count = line.split()
        if word == "peak":
            print("t", peak(), flush=True)
            continue
        start = time.perf_counter()
        for _ in range(int(count)):
            step()
        print("t", time.perf_counter() - start, flush=True)


def images():
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (40 * BATCH, SIZE, SIZE, CHANNELS), np.uint8)


def tensorflow_worker(name: str, precision: str) -> None:
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    keras.mixed_precision.set_global_policy(
        "mixed_bfloat16" if precision == "bfloat16" else "float32"
    )
    data = tf.data.Dataset.from_tensor_slices(images()).repeat().batch(BATCH, drop_remainder=True)
    model = kgan_model() if name == "kgan" else keras_model()

    class Bursts(keras.callbacks.Callback):
        """Lets `fit` go on for as many steps as it is told to."""

        left, start = 0, 0.0

        def on_train_batch_begin(self, batch, logs=None):
            if self.left == 0:
                if self.start:
                    print("t", time.perf_counter() - self.start, flush=True)
                line = sys.stdin.readline()
                while line.startswith("peak"):
                    print("t", peak(), flush=True)
                    line = sys.stdin.readline()
                if not line:
                    sys.exit()
                self.left, self.start = int(line.split()[1]), time.perf_counter()
            self.left -= 1

    def peak() -> float:
        dtype = tf.bfloat16 if precision == "bfloat16" else tf.float32
        a = tf.cast(tf.random.normal((2048, 2048)), dtype)
        seconds = []
        for _ in range(8):
            start = time.perf_counter()
            tf.matmul(a, a)
            seconds.append(time.perf_counter() - start)
        return min(seconds) / 2048**3

    model.fit(data.prefetch(2), steps_per_epoch=10**9, verbose=0, callbacks=[Bursts()])


def kgan_model():
    import kgan.networks.dcgan as dcgan
    from kgan.models import GAN

    shape = (SIZE, SIZE, CHANNELS)
    model = GAN(dcgan.generator(shape, LATENT, WIDTH), dcgan.discriminator(shape, WIDTH))
    model.compile()
    return model


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


def torch_worker(name: str, precision: str) -> None:
    import torch
    from torch import nn
    from torch.nn.functional import softplus

    torch.set_num_threads(THREADS)

    def up(a, b, bias=False):
        return nn.ConvTranspose2d(a, b, 4, 2, 1, bias=bias)

    def down(a, b, bias=False):
        return nn.Conv2d(a, b, 4, 2, 1, bias=bias)

    w = WIDTH
    # Channels last is PyTorch's faster layout here, compiled or not.
    generator = nn.Sequential(
        nn.Linear(LATENT, 64 * w, bias=False), nn.Unflatten(1, (4 * w, 4, 4)),
        nn.BatchNorm2d(4 * w), nn.ReLU(True), up(4 * w, 2 * w),
        nn.BatchNorm2d(2 * w), nn.ReLU(True), up(2 * w, w),
        nn.BatchNorm2d(w), nn.ReLU(True), up(w, CHANNELS, bias=True), nn.Tanh(),
    ).to(memory_format=LAYOUT(torch))  # fmt: skip
    discriminator = nn.Sequential(
        down(CHANNELS, w, bias=True), nn.LeakyReLU(0.2, True),
        down(w, 2 * w), nn.BatchNorm2d(2 * w), nn.LeakyReLU(0.2, True),
        down(2 * w, 4 * w), nn.BatchNorm2d(4 * w), nn.LeakyReLU(0.2, True),
        nn.Flatten(), nn.Linear(64 * w, 1),
    ).to(memory_format=LAYOUT(torch))  # fmt: skip
    adams = [
        torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999), fused=True)
        for network in (generator, discriminator)
    ]
    data = torch.from_numpy(images().transpose(0, 3, 1, 2).copy())

    def discriminator_loss(real):
        with torch.no_grad():
            fake = generator(torch.randn(BATCH, LATENT))
        logits = discriminator(real).float(), discriminator(fake).float()
        return softplus(-logits[0]).mean() + softplus(logits[1]).mean()

    def generator_loss():
        return softplus(-discriminator(generator(torch.randn(BATCH, LATENT))).float()).mean()

    if name == "torch-compiled":
        discriminator_loss = torch.compile(discriminator_loss)
        generator_loss = torch.compile(generator_loss)
    position = 0

    def step():
        nonlocal position
        real = data[position : position + BATCH].to(memory_format=LAYOUT(torch))
        real = real.float() / 127.5 - 1
        position = (position + BATCH) % len(data)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = discriminator_loss(real)
        adams[1].zero_grad()
        loss.backward()
        adams[1].step()
        discriminator.requires_grad_(False)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = generator_loss()
        adams[0].zero_grad()
        loss.backward()
        adams[0].step()
        discriminator.requires_grad_(True)

    serve(step, lambda: 0.0)


def LAYOUT(torch):
    return torch.channels_last if not os.environ.get("NCHW") else torch.contiguous_format


class Worker:
    """A contender in its own process."""

    def __init__(self, name: str, precision: str):
        command = [sys.executable, __file__, "--worker", name, "--precision", precision]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": str(THREADS)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env=environment, **pipes)

    def ask(self, request: str) -> float:
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("t "):
                return float(line[2:])
        raise SystemExit(f"{self.process.args}: the worker ended")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--worker", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker = torch_worker if options.worker.startswith("torch") else tensorflow_worker
        return worker(options.worker, options.precision[0])
    names = list(options.only)
    if not importlib.util.find_spec("torch") and any(n.startswith("torch") for n in names):
        print("PyTorch is not installed (pip install kgan[bench]): left out.")
        names = [n for n in names if not n.startswith("torch")]
    for precision in options.precision:
        compare(names, precision, options.rounds, options.steps)


def compare(names, precision, rounds, steps) -> None:
    workers = {name: Worker(name, precision) for name in names}
    for worker in workers.values():
        worker.ask("go 3")
    seconds = {name: [] for name in names}
    for _ in range(rounds):
        for name, worker in workers.items():
            seconds[name].append(worker.ask(f"go {steps}") / steps)
    peak = 1 / min(workers[names[0]].ask("peak 1") for _ in range(3))
    for worker in workers.values():
        worker.process.stdin.close()
        worker.process.wait()
    print(f"{precision}: matmul peak {peak / 1e9:.0f} G multiply-adds/s")
    for name, times in seconds.items():
        median = statistics.median(times)
        ratios = [
            statistics.median(b / a for a, b in zip(times, seconds[o], strict=True)) for o in names
        ]
        print(
            f"{name:15} {1e3 * median:6.1f} ms/step (min {1e3 * min(times):6.1f}) {BATCH / median:6.0f} images/s "
            f"{multiply_adds() / median / peak:4.0%} of peak   speed over "
            + "  ".join(f"{o} {r:.2f}" for o, r in zip(names, ratios, strict=True) if o != name),
            flush=True,
        )


if __name__ == "__main__":
    main()
