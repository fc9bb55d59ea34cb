"""A run killed again and again equals one that was left alone.

usage: python tests/benchmarks/kills.py [KILLS]      (default: 30)

A DCGAN of the digits is trained by `kgan train --resume auto` in processes that end by SIGKILL,
each at a random moment after it began to train: in a step, a save, a picture or the export. After
so many kills it is left to end. Checkpoint, metrics, pictures and samples of the SavedModel are
then compared with those of a run that was left alone.
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CALL = [
    sys.executable, "-c", "from kgan.cli import main; main()", "train", "--resume", "auto",
    "--set", "network.generator.width=8", "--set", "network.discriminator.width=8",
    "--set", "log_every=10", "--set", "checkpoint_every=20", "--set", "sample_every=60",
]  # fmt: skip


def start(place: Path, steps: int) -> subprocess.Popen:
    command = [*CALL, "--steps", str(steps), "--run-dir", str(place), "--out", f"{place}-out"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def lines(place: Path) -> list[dict]:
    path = place / "metrics.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def kill(place: Path, steps: int, seconds: float) -> str:
    """Kills a process so many seconds after it goes on; returns in what."""
    before, process = len(lines(place)), start(place, steps)
    while len(lines(place)) <= before and process.poll() is None:
        before = min(before, len(lines(place)))  # lines past the last checkpoint are dropped
        time.sleep(0.005)
    time.sleep(seconds)
    files = {path.name for path in place.rglob("*")}
    process.send_signal(signal.SIGKILL)
    if process.wait() == 0:
        return "it had ended"
    if Path(f"{place}-out").exists() and lines(place)[-1]["step"] == steps:
        return "the export"
    return "a save" if any("temp" in name for name in files) else "a step or a picture"


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    steps, chance = 60 * kills, random.Random(0)
    with tempfile.TemporaryDirectory() as root:
        whole, killed = Path(root, "whole"), Path(root, "killed")
        assert start(whole, steps).wait() == 0
        for number in range(kills):
            moment = kill(killed, steps, chance.uniform(0, 0.6))
            print(f"kill {number + 1}: step {lines(killed)[-1]['step']}, in {moment}", flush=True)
            if moment == "it had ended":
                raise SystemExit("The run ended before so many kills.")
        assert start(killed, steps).wait() == 0
        compare(whole, killed)
    print(f"{kills} kills: checkpoint, metrics, pictures and SavedModel equal, every line once")


def compare(whole: Path, killed: Path) -> None:
    import numpy as np
    import tensorflow as tf

    a, b = (tf.train.load_checkpoint(str(place / "checkpoints")) for place in (whole, killed))
    for name in a.get_variable_to_shape_map():
        if "OBJECT_GRAPH" not in name and "save_counter" not in name:
            np.testing.assert_array_equal(a.get_tensor(name), b.get_tensor(name), err_msg=name)
    timing = ("seconds", "images_per_second")
    histories = [
        [{key: line[key] for key in line if key not in timing} for line in lines(place)]
        for place in (whole, killed)
    ]
    assert histories[0] == histories[1]
    for picture in (whole / "samples").iterdir():
        other = killed / "samples" / picture.name
        if other.exists() or int(picture.stem[5:]) % 60 == 0:  # the others are by time
            assert picture.read_bytes() == other.read_bytes()
    served = [
        tf.saved_model.load(f"{place}-out/digits-dcgan/1").signatures["serving_default"](
            seeds=tf.range(8, dtype=tf.int64)
        )
        for place in (whole, killed)
    ]
    np.testing.assert_array_equal(*(outputs["images"] for outputs in served))


if __name__ == "__main__":
    main()
