"""Pictures of a run: when they come, of what they are, and that they leave training alone."""

import functools
import itertools
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image

import kgan
from kgan.console.sample import sample_to
from kgan.methods.settings import override
from kgan.training import run as runs
from kgan.training.callbacks import Samples
from kgan.training.rhythm import Rhythm
from kgan.training.stopping import StoppedError
from kgan.training.unfinished import reopen
from tests.training.runs import assert_same, pictures

pytestmark = pytest.mark.usefixtures("unexported", "eager")

TINY = {
    "network.name": "mlp",
    "network.latent_dim": 4,
    "network.generator.width": 8,
    "network.discriminator.width": 8,
    "batch_size": 16,
    "steps": 6,
    "sample_every": 4,
    "precision": "float32",
}


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        return self.now


def test_gaps_are_a_quarter_of_the_time_so_far_between_the_first_and_the_longest():
    clock = Clock()
    clock.now = 1000.0
    rhythm, moments = Rhythm(20, longest=300, clock=clock), []
    while clock.now < 1000 + 86_400:
        if rhythm.due:
            moments.append(clock.now - 1000)
            rhythm.mark()
        clock.now += 1
    assert moments[:5] == [20, 40, 60, 80, 100]
    for before, after in itertools.pairwise(moments):
        assert after - before == np.ceil(min(max(20, before / 4), 300))
    assert moments[-1] - moments[-2] == 300


def sampled(folder, every, seconds_a_step, steps, finite=lambda step: True):
    """Returns at which steps a run has pictures whose steps take so long."""
    clock, model = Clock(), SimpleNamespace(step=keras.Variable(0, dtype="int64"))
    folder.mkdir()
    samples = Samples(
        folder,
        every,
        lambda model: Image.new("L", (1, 1)),
        lambda: finite(int(model.step.value)),
        clock=clock,
    )
    samples.set_model(model)
    for step in range(1, steps + 1):
        samples.on_train_batch_begin(step - 1)
        model.step.assign(step)
        clock.now += seconds_a_step
        samples.on_train_batch_end(step - 1)
    samples.on_train_end()
    return sorted(pictures(folder))


def test_a_slow_run_has_pictures_soon_and_a_long_one_few(tmp_path):
    found = sampled(tmp_path / "slow", 1000, 10.0, 720)
    assert found[:4] == [0, 2, 4, 6]
    assert all(after - before <= 2 + before / 4 for before, after in itertools.pairwise(found[1:]))
    assert len(found) < 40


def test_a_fast_run_has_those_by_steps_alone(tmp_path):
    assert sampled(tmp_path / "fast", 50, 0.1, 120) == [0, 50, 100, 120]


def test_weights_that_are_not_finite_are_worth_no_picture_by_time(tmp_path):
    found = sampled(tmp_path / "bad", 1000, 10.0, 7, finite=lambda step: step not in (2, 3))
    assert found == [0, 4, 6, 7]


def trained(place, monkeypatch, clock, stop=None, run=None):
    monkeypatch.setattr(runs, "Samples", functools.partial(Samples, clock=clock))
    if run is None:
        run = kgan.prepare(override(kgan.GANConfig(), TINY), kgan.load("digits"))
    kgan.train(run, place, place.parent / "models", stop=stop)


def always_due():
    """Returns a clock by which every gap is over when it is looked at again."""
    return map(lambda power: 1e3 * 2.0**power, itertools.count()).__next__


def test_training_is_the_same_to_the_bit_whenever_it_was_drawn_and_stopped(tmp_path, monkeypatch):
    trained(tmp_path / "seldom", monkeypatch, Clock())
    assert sorted(pictures(tmp_path / "seldom")) == [0, 4, 6]
    trained(tmp_path / "often", monkeypatch, always_due())
    assert sorted(pictures(tmp_path / "often")) == list(range(7))
    assert_same(tmp_path / "often", tmp_path / "seldom")

    # Stopped after its first step: it has a picture of that, and can be drawn from.
    run = tmp_path / "stopped"
    stop = SimpleNamespace(asked=True)
    with pytest.raises(StoppedError, match="after step 1"):
        trained(run, monkeypatch, Clock(), stop)
    assert sorted(pictures(run)) == [0, 1]
    assert pictures(run)[1] == pictures(tmp_path / "often")[1]
    sample_to(str(tmp_path / "drawn.png"), str(run), "0-63")
    drawn = Image.open(tmp_path / "drawn.png")
    np.testing.assert_array_equal(drawn, Image.open(run / "samples" / "step-00000001.png"))
    trained(run, monkeypatch, Clock(), run=reopen(run, "train", {}))
    assert_same(run, tmp_path / "often")
