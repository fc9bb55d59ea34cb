"""Stopping by a signal or a time, and going on as if nothing had been."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
import tensorflow as tf
from click.testing import CliRunner

from kgan.cli import main
from kgan.console import options
from kgan.errors import InputError
from kgan.training.stopping import Stop, parse_duration
from tests.forks import KGAN, Fork
from tests.training.runs import assert_same, eagerly

pytestmark = pytest.mark.usefixtures("unexported")

SETTINGS = ["network.name=mlp", "log_every=7", "checkpoint_every=50", "sample_every=40",
            "batch_size=32", "steps=120",
            "network.generator.width=8", "network.discriminator.width=8"]  # fmt: skip
TRAIN = ["train", *(word for setting in SETTINGS for word in ("--set", setting))]


def kgan(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was never stopped."""
    run = tmp_path_factory.mktemp("whole") / "run"
    result = kgan(*TRAIN, "--run-dir", run, "--out", run.parent / "models")
    assert result.exit_code == 0, result.output
    return run


@pytest.fixture
def no_time(monkeypatch):
    """Each `--max-time 1s` is up at the first step, however fast the machine is."""
    monkeypatch.setattr(options, "parse_duration", {"1s": 0}.__getitem__)


def wait_for(step: int, run: Path, process: Fork) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        log = run / "metrics.jsonl"
        if log.exists() and len(log.read_text().splitlines()) >= step // 7:
            return
        time.sleep(0.005)
    raise AssertionError("the run ended before it was stopped")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_run_goes_on_bit_for_bit(number, whole, workdir):
    run = workdir / "run"
    process = Fork(KGAN, *TRAIN, "--run-dir", run)
    wait_for(30, run, process)
    process.send_signal(number)
    assert process.wait() == 128 + number
    errors = process.printed()
    step = int(re.search(r"Training stopped after step (\d+)\.", errors)[1])
    assert f"kgan train --resume {run}" in errors
    assert "Traceback" not in errors
    assert tf.train.latest_checkpoint(str(run / "checkpoints")).endswith(f"ckpt-{step}")
    assert 28 <= step < 120
    assert kgan("train", "--resume", run).exit_code == 0
    assert_same(run, whole)


def test_time_that_is_up_saves_and_auto_goes_on_until_it_is_done(whole, workdir, no_time):
    stopped = [kgan(*TRAIN, "--resume", "auto", "--max-time", "1s") for _ in range(2)]
    assert [result.exit_code for result in stopped] == [0, 0], stopped[0].output
    assert [path.name for path in Path("runs").iterdir()] == ["00000-digits-mlp"]
    run = Path("runs/00000-digits-mlp")
    step = re.search(r"Training stopped after step (\d+)\. Its time is up\.\n", stopped[0].stderr)[
        1
    ]
    assert stopped[0].stderr.splitlines()[-3:] == [
        f"Newest picture: {run}/samples/step-{int(step):08d}.png",
        f"Draw from it with: kgan sample {run}",
        f"Go on with: kgan train --resume {run}",
    ]
    assert not (run / "summary.json").exists()
    result = kgan(*TRAIN, "--resume", "auto")
    assert result.exit_code == 0, result.output
    assert_same(run, whole)
    # It is finished: the next is a new one, and so is one of another configuration.
    with eagerly():
        again = kgan(*TRAIN, "--resume", "auto", "--max-time", "1s")
        other = kgan(*TRAIN, "--seed", 1, "--resume", "auto", "--max-time", "1s")
    assert "00001-digits-mlp" in again.stderr
    assert "00002-digits-mlp" in other.stderr


def test_auto_leaves_a_run_alone_that_another_process_is_at(workdir, no_time):
    long = [word.replace("steps=120", "steps=100000") for word in TRAIN]
    process = Fork(KGAN, *long, "--run-dir", "runs/00000-mine")
    try:
        wait_for(10, workdir / "runs/00000-mine", process)
        process.stop()  # It is still at it, and takes nobody's time.
        with eagerly():
            result = kgan(*long, "--resume", "auto", "--max-time", "1s")
        assert result.exit_code == 0, result.output
        assert "00001-digits-mlp" in result.stderr
    finally:
        process.kill()
        process.wait()


def interrupted_twice():
    with Stop() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.asked
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)


@pytest.fixture
def heeding():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_second_interrupt_ends_it_at_once(heeding):
    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_interrupt_stays_ignored(heeding):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Stop() as stop:
        os.kill(os.getpid(), signal.SIGINT)
    assert not stop.asked


def test_a_time_that_is_up_asks_for_it():
    assert not Stop().asked
    assert not Stop(100).asked
    assert Stop(0).asked


class Cluster:
    """Workers of which the others say what they are told to; one is asked while it waits."""

    def __init__(self, stop, others, meanwhile=None):
        self.stop, self.others, self.meanwhile = stop, others, meanwhile

    def values(self, value):
        self.stop.signal = self.stop.signal or self.meanwhile
        return [value, *self.others]


def test_all_workers_get_the_same_answer_whatever_comes_while_they_wait():
    stop = Stop()
    assert not stop.asked_of_any(Cluster(stop, [0, 0], meanwhile=signal.SIGTERM))
    assert stop.asked_of_any(Cluster(stop, [0, 0]))
    assert stop.signal == signal.SIGTERM
    for others, received in (([0, signal.SIGINT], signal.SIGINT), ([1, 0], None)):
        stop = Stop()
        assert stop.asked_of_any(Cluster(stop, others))
        assert stop.signal == received


def test_more_checkpoints_are_kept_if_asked(workdir):
    often = {"checkpoint_every=50": "checkpoint_every=1", "steps=120": "steps=6"}
    with eagerly():
        result = kgan(*(often.get(word, word) for word in TRAIN), "--keep", 4)
    assert result.exit_code == 0, result.output
    found = Path("runs/00000-digits-mlp/checkpoints").glob("*.index")
    assert sorted(int(path.stem.rpartition("-")[2]) for path in found) == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("1h30m", 5400), ("45s", 45), ("1d", 86_400), ("1d2h3m4s", 93_784)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "0s", "h", "-1h", "1.5h", "2h later", "30m1h"])
def test_what_is_no_duration(text):
    with pytest.raises(InputError, match=r"--max-time .*: expected a duration, such as 2h"):
        parse_duration(text)
