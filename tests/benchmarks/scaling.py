"""What replicas, checkpoints and long runs cost, on this machine.

usage: python tests/benchmarks/scaling.py [replicas] [checkpoints] [memory]     (default: all)

replicas: the DCGAN's training step (32x32x3, width 64, a global batch of 64, float32) on one device
of two threads, on two replicas of one process that share two threads, and on two processes of one
thread each, over loopback: the same computation on the same cores. Each contender is a process, or
a pair, of its own; they take turns at bursts of 10 steps. A ratio is the median over the rounds.

checkpoints: the time of a checkpoint of the same networks, and its share of the training at the
usual 500 steps from one to the next.

memory: a run of 10,000 steps on the digits; its resident memory and its folder, at 2,000 and at
10,000 steps.

A GPU, if there is one, is what "single" runs on; then the shares of the CPU mean nothing.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCH, SHAPE, BURST, ROUNDS = 64, (32, 32, 3), 10, 7
CHECKPOINT_EVERY = 500
THREADS = {"single": "2", "mirrored": "2", "multiworker": "1"}


def prepared(devices):
    """Returns a DCGAN run on noise."""
    import numpy as np

    from kgan.data import Examples
    from kgan.data.space import IMAGES
    from kgan.methods.gan import GANConfig
    from kgan.training.build import prepare

    images = np.random.default_rng(0).integers(0, 256, (40 * BATCH, *SHAPE), np.uint8)
    config = GANConfig(batch_size=BATCH, precision="float32")
    return prepare(config, Examples(images, {}, IMAGES, "noise"), devices)


def worker(mode: str) -> None:
    """Trains a burst for every line on stdin and prints its seconds."""
    import tensorflow as tf

    if mode == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, parts)
    from kgan.data.pipeline import batches
    from kgan.training import determinism
    from kgan.training.strategy import choose

    devices = choose(mode)
    determinism.enable()
    run = prepared(devices)
    steps = (ROUNDS + 2) * BURST
    data = devices.feed(lambda shard: batches(run.examples, BATCH, 0, 0, steps, shard=shard))

    class Bursts(tf.keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch % BURST == 0:
                if batch:
                    print("t", time.perf_counter() - self.start, flush=True)
                sys.stdin.readline()
                self.start = time.perf_counter()

    run.model.fit(data, steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=[Bursts()])


def start(mode: str, config: dict | None = None) -> subprocess.Popen:
    threads = THREADS[mode]
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, threads)}
    if config:
        environment["TF_CONFIG"] = json.dumps(config)
    return subprocess.Popen(
        [sys.executable, __file__, "--worker", mode], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def pair() -> list[subprocess.Popen]:
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    workers = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    cluster = {"worker": workers}
    return [
        start("multiworker", {"cluster": cluster, "task": {"type": "worker", "index": index}})
        for index in range(2)
    ]


def burst(processes: list[subprocess.Popen]) -> float:
    """Returns the seconds of a step of a contender's next burst."""
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    seconds = []
    for process in processes:
        for line in process.stdout:
            if line.startswith("t "):
                seconds.append(float(line.split()[1]))
                break
    return max(seconds) / BURST


def replicas() -> None:
    contenders = {"single": [start("single")], "mirrored": [start("mirrored")]}
    contenders["multiworker"] = pair()
    for processes in contenders.values():
        burst(processes)  # traces
    times = {mode: [] for mode in contenders}
    for _ in range(ROUNDS):
        for mode, processes in contenders.items():
            times[mode].append(burst(processes))
    for processes in contenders.values():
        for process in processes:
            process.kill()
    for mode, seconds in times.items():
        ratio = statistics.median(a / b for a, b in zip(seconds, times["single"], strict=True))
        print(
            f"{mode:12} {1000 * statistics.median(seconds):7.1f} ms a step  {ratio:5.2f} x single"
        )


def checkpoints() -> None:
    from kgan.data.pipeline import batches
    from kgan.runs.checkpoint import Checkpoints
    from kgan.training.strategy import Devices

    run = prepared(Devices())
    steps = 60
    data = batches(run.examples, BATCH, 0, 0, 2 * steps)
    fit = {"steps_per_epoch": steps, "shuffle": False, "verbose": 0}
    run.model.fit(data, **fit)
    began = time.perf_counter()
    run.model.fit(batches(run.examples, BATCH, 0, 0, steps), **fit)
    step = (time.perf_counter() - began) / steps
    with tempfile.TemporaryDirectory() as folder:
        saved = Checkpoints(run.model, Path(folder))
        seconds = []
        for number in range(1, 8):
            began = time.perf_counter()
            saved.save(number)
            seconds.append(time.perf_counter() - began)
        size = sum(path.stat().st_size for path in Path(folder).glob("ckpt-7.*")) / 2**20
    save = statistics.median(seconds)
    share = save / (CHECKPOINT_EVERY * step)
    print(f"checkpoint   {1000 * save:7.1f} ms for {size:.1f} MiB, {share:.2%} of "
          f"{CHECKPOINT_EVERY} steps of {1000 * step:.0f} ms")  # fmt: skip


def memory() -> None:
    """Prints what a run of 10,000 steps holds in memory and on the disk, early and late."""
    import tensorflow as tf

    from kgan.methods import presets
    from kgan.methods.settings import override
    from kgan.training.build import load_data, prepare
    from kgan.training.run import train

    changes = {"steps": 10_000, "precision": "float32", "checkpoint_every": 100}
    changes |= {"network.generator.width": 8, "network.discriminator.width": 8}
    config = override(presets.find("train", "digits", None, None), changes)
    run = prepare(config, load_data(config))

    with tempfile.TemporaryDirectory() as root:
        place = Path(root, "run")

        class Watch(tf.keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if batch + 1 in (2000, 4000, 6000, 8000, 9999):
                    status = Path("/proc/self/status").read_text().splitlines()
                    rss = next(int(s.split()[1]) for s in status if s.startswith("VmRSS"))
                    files = [path for path in place.rglob("*") if path.is_file()]
                    parts = {"checkpoints": 0, "other": 0}
                    for path in files:
                        part = "checkpoints" if "checkpoints" in path.parts else "other"
                        parts[part] += path.stat().st_size
                    print(
                        f"step {batch + 1:6}  {rss / 1024:7.1f} MiB of memory  on disk "
                        f"{parts['checkpoints'] / 2**20:.2f} MiB of checkpoints, "
                        f"{parts['other'] / 2**20:.2f} MiB of all else",
                        flush=True,
                    )

        train(run, place, Path(root, "out"), callbacks=[Watch()])


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2])
        return
    parts = {"replicas": replicas, "checkpoints": checkpoints, "memory": memory}
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
