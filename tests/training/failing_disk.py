"""Trains in small file systems that fail: a script of its own, for a mount namespace of its own.

    python failing_disk.py FOLDER train ARGUMENT ...

Each run trains in a file system that fills up, or becomes read-only, when one of its classes is
about to write for the second time; FOLDER/found.json says how each of its commands ended.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from runs import eagerly  # beside this script

from kgan.cli import main
from kgan.runs import board
from kgan.training import callbacks, run

place, train = Path(sys.argv[1]), sys.argv[2:]


def mount(*args):
    subprocess.run(["mount", *map(str, args)], check=True)


def fill(run, name):
    (run.parent / "fill").touch()
    for size in (65536, 4096, 256, 1):
        try:
            with (run.parent / "fill").open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(size))
        except OSError:
            pass


def full_file(run, name):
    mount("--bind", "/dev/full", run / name)


def lock_up(run, name):
    mount("--bind", run / name, run / name)
    mount("-o", "remount,ro,bind", run / name)


CASES = {
    "full checkpoint": (callbacks.Checkpointing, "at", fill, None),
    "full tensorboard": (board.Board, "__init__", fill, None),
    "full metrics": (callbacks.MetricsLog, "at", full_file, "metrics.jsonl"),
    "read-only samples": (callbacks.Samples, "at", lock_up, "samples"),
}


def kgan(*args):
    result = CliRunner().invoke(main, list(map(str, args)))
    return [result.exit_code, result.stderr]


def spoiled(what, there):
    spoiled_class, method, spoil, name = CASES[what]
    there.mkdir(parents=True)
    mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", there)
    run, models = there / "run", place / what / "models"
    proper, calls = getattr(spoiled_class, method), []

    def broken(self, *args):
        calls.append(args)
        if len(calls) == 2:
            spoil(run, name)
        return proper(self, *args)

    setattr(spoiled_class, method, broken)
    ends = [kgan(*train, "--run-dir", run, "--out", models)]
    setattr(spoiled_class, method, proper)
    if spoil is fill:
        ends.append(kgan("train", "--resume", run, "--out", models))
        (there / "fill").unlink()
    else:
        subprocess.run(["umount", run / name], check=True)
    mount("--bind", run, run)
    mount("-o", "remount,ro,bind", run)
    ends.append(kgan("train", "--resume", run, "--out", models))
    subprocess.run(["umount", run], check=True)
    ends.append(kgan("train", "--resume", run, "--out", models))
    shutil.copytree(run, place / what / "run")
    return ends


run.export = lambda model, place, *_: Path(place)  # Nobody looks at it.
with eagerly():
    found = {what: spoiled(what, place / what / "small") for what in CASES}
(place / "found.json").write_text(json.dumps(found))
