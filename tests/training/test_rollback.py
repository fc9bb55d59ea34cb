"""A run that meets a value that is not finite goes back, and on with other draws."""

import contextlib
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import kgan
from kgan.cli import main
from kgan.data.pipeline import batches
from kgan.errors import RunWarning, TrainingError
from kgan.methods.settings import override
from kgan.models import step as updates
from kgan.runs.checkpoint import Checkpoints
from kgan.training import run as loop
from kgan.training.stopping import Stop, StoppedError
from kgan.training.unfinished import reopen
from tests.training.runs import (
    KilledAt,
    KillError,
    assert_equal,
    assert_same_pictures,
    history,
    state_of,
)

pytestmark = pytest.mark.usefixtures("unexported", "eager")

TINY = {
    "network.name": "mlp",
    "network.latent_dim": 4,
    "network.generator.width": 8,
    "network.discriminator.width": 8,
    "batch_size": 16,
    "steps": 8,
    "log_every": 3,
    "sample_every": 5,
    "checkpoint_every": 6,
    "precision": "float32",
}
LAYERS = {
    "network.name": "stacked",
    "network.options.width": 8,
    "network.code_size": 4,
    "optimizer.name": "sgd",
    "reconstruction.corruption": "gaussian",
    "steps": 5,
    "checkpoint_every": 4,
}


class Plant(keras.callbacks.Callback):
    """Makes a weight NaN after some steps, each once; keeps what the weights then are."""

    def __init__(self, *steps, network=0, always=False):
        super().__init__()
        self.steps, self._network, self._always = list(steps), network, always
        self.seen = {}

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.step.value)
        self.seen[step] = [w for network in self.model.networks for w in network.get_weights()]
        if step in self.steps:
            if not self._always:
                self.steps.remove(step)
            variable = self.model.networks[self._network].weights[0]
            variable.assign(variable * np.nan)


def prepared(config=None, **changes):
    config = override(config or kgan.GANConfig(), {**TINY, **changes})
    data = kgan.split("digits") if config.method.command == "pretrain" else kgan.load("digits")
    return kgan.prepare(config, data)


def trained(place, *callbacks, run=None, stop=None, **changes):
    run = run or prepared(**changes)
    kgan.train(run, place, place.parent / "models", callbacks=callbacks, stop=stop)
    return run.model


def resumed(place, *callbacks):
    run = reopen(place, "train", {})
    kgan.train(run, place, place.parent / "models", callbacks=callbacks)
    return run.model


def events(run):
    return [line for line in history(run) if "event" in line]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A run that was rolled back where a checkpoint was due: its folder, its model, its weights."""
    place, plant = tmp_path_factory.mktemp("planted") / "run", Plant(5)
    with pytest.warns(RunWarning, match="Step 6: .* is not finite. Went back to .* step 3 "):
        model = trained(place, plant, checkpoint_every=3, checkpoints_kept=4)
    return place, model, plant.seen


def test_a_nan_weight_is_rolled_back_and_training_goes_on(planted):
    run, model, _ = planted
    (line,) = events(run)
    assert line["step"] == 6
    assert line["images_seen"] == 96
    assert line["to_step"] == 3
    assert line["learning_rates"] == [1e-4, 1e-4]
    assert [line["step"] for line in history(run)] == [3, 6, 8]
    assert all(np.isfinite(w).all() for network in model.networks for w in network.get_weights())
    # What was saved at 6 is 3, but for the step, the learning rates and the empty metrics.
    before, after = state_of(run, 3), state_of(run, 6)
    differ = {key for key in before if not np.array_equal(before[key], after[key])}
    rates = {key for key in before if before[key].shape == () and before[key] == np.float32(2e-4)}
    assert len(rates) == 2
    assert rates < differ
    assert differ - rates <= {key for key in before if key.startswith(("metrics", "step"))}
    assert all(after[key] == before[key] / 2 for key in rates)
    assert (int(after["step/0/.ATTRIBUTES/VARIABLE_VALUE"]), int(model.step.value)) == (6, 8)
    assert not any(value.any() for key, value in after.items() if key.startswith("metrics"))


def test_afterwards_draws_are_those_of_the_later_steps(planted, workdir):
    place, _, seen = planted
    # By hand: the checkpoint's state at step 6, and the batches from there.
    run = prepared()
    (workdir / "alone").mkdir()
    for path in (place / "checkpoints").glob("ckpt-3.*"):
        shutil.copy(path, workdir / "alone")
    Checkpoints(run.model, workdir / "alone").restore()
    for optimizer in run.model.optimizers:
        optimizer.learning_rate.assign(optimizer.learning_rate * 0.5)
    run.model.step.assign(6)
    run.model.run_eagerly = True
    by_hand = Plant()
    run.model.fit(batches(run.examples, 16, 0, 6, 8), shuffle=False, verbose=0, callbacks=[by_hand])
    for step in (7, 8):
        for got, expected in zip(seen[step], by_hand.seen[step], strict=True):
            np.testing.assert_array_equal(got, expected)


def test_a_nan_loss_is_rolled_back(workdir, eager, monkeypatch):
    # In the graph itself: the loss of the step that counts 4.
    monkeypatch.setattr(loop, "_fit", eager)
    run = prepared(checkpoint_every=3)
    mean = tf.reduce_mean

    def broken(values):
        return mean(values) + tf.where(run.model.step.value == 4, np.nan, 0.0)

    monkeypatch.setattr(updates.tf, "reduce_mean", broken)
    with pytest.warns(RunWarning, match="Step 5"):
        model = trained(workdir / "run", run=run)
    assert [(line["step"], line["to_step"]) for line in events(workdir / "run")] == [(5, 3)]
    assert all(np.isfinite(w).all() for network in model.networks for w in network.get_weights())


def test_a_nan_in_what_no_loss_sees_is_found_too(workdir):
    # The moving average alone: every loss is finite.
    with pytest.warns(RunWarning, match="Step 3: a weight is not finite. .* step 0 "):
        model = trained(workdir / "run", Plant(2, network=2))
    assert [line["reason"] for line in events(workdir / "run")] == ["a weight"]
    assert all(np.isfinite(w).all() for network in model.networks for w in network.get_weights())


@pytest.mark.parametrize("steps", [6, 7])  # A multiple of a rhythm, and of none.
def test_at_the_last_step_too(steps, workdir):
    with pytest.warns(RunWarning, match=f"Step {steps}: "):
        trained(workdir / "run", Plant(steps - 1), steps=steps)
    assert events(workdir / "run") == history(workdir / "run")[-1:]
    assert json.loads((workdir / "run/summary.json").read_text())["event"] == "rolled_back"


def test_nothing_is_drawn_or_scored_from_nan(workdir):
    changes = {"evaluation.every": 2, "evaluation.samples": 40, "evaluation.score": "parzen"}
    with pytest.warns(RunWarning, match="Step 4: "):
        trained(workdir / "run", Plant(3, network=2), log_every=50, **changes)
    lines = (workdir / "run/evaluations.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4, 6, 8]
    assert all(np.isfinite(json.loads(line)["value"]) for line in lines)
    model, _ = kgan.open_run(workdir / "run", "best")
    assert all(np.isfinite(weight).all() for weight in model.ema_generator.get_weights())


def test_layers_of_a_stack_are_rolled_back_within_themselves(workdir):
    config = kgan.AutoencoderConfig()
    changes = {**{k: v for k, v in TINY.items() if not k.startswith("network")}, **LAYERS}
    run = kgan.prepare(override(config, changes), kgan.split("digits"))
    plant = Plant(6, 11)
    with pytest.warns(RunWarning):
        kgan.train(run, workdir / "run", callbacks=[plant])
    found = [(line["step"], line["to_step"]) for line in events(workdir / "run")]
    assert found == [(8, 5), (12, 10)]
    depth = len(run.model.optimizers)
    assert len(events(workdir / "run")[0]["learning_rates"]) == depth
    # The lowest layer is what it was when it was finished.
    for layer in (0, -2):
        np.testing.assert_array_equal(plant.seen[5][layer], plant.seen[15][layer])
    assert int(run.model.step.value) == depth * 5


def test_a_schedule_is_left_as_it_is(workdir):
    settings = {k: v for k, v in TINY.items() if not k.startswith("network")}
    config = override(kgan.AutoencoderConfig(), {**settings, "network.options.width": 4})
    run = kgan.prepare(config, kgan.split("digits"))
    with pytest.warns(RunWarning, match="learning rate as scheduled"):
        kgan.train(run, workdir / "run", callbacks=[Plant(4)])
    assert events(workdir / "run")[0]["learning_rates"] == [None]


def test_float16_too(workdir):
    with pytest.warns(RunWarning):
        model = trained(workdir / "run", Plant(4), precision="float16")
    assert isinstance(model.generator_optimizer, keras.optimizers.LossScaleOptimizer)
    assert events(workdir / "run")[0]["learning_rates"] == [1e-4, 1e-4]
    assert float(model.generator_optimizer.learning_rate) == np.float32(1e-4)


def test_it_gives_up_and_keeps_the_last_good_checkpoint(workdir):
    run = workdir / "run"
    with (
        pytest.warns(RunWarning) as told,
        pytest.raises(TrainingError, match="after 3 roll-backs, so training stopped"),
    ):
        trained(run, Plant(*range(2, 30), always=True), steps=20)
    assert len(told) == 3
    assert [line["step"] for line in events(run)] == [3, 5, 6]
    assert all(np.isfinite(value).all() for value in state_of(run).values())
    files = {path: path.read_bytes() for path in (run / "checkpoints").iterdir()}
    # Resumed, it counts those of before.
    with pytest.raises(TrainingError, match=r"checkpoints/ckpt-6\. Start again with a lower"):
        resumed(run, Plant(7))
    assert {path: path.read_bytes() for path in (run / "checkpoints").iterdir()} == files


def test_without_roll_backs_it_gives_up_at_once(workdir):
    run = workdir / "run"
    with pytest.raises(TrainingError, match=r"ckpt-3\. Start again with a lower --learning-rate"):
        trained(run, Plant(4), max_rollbacks=0, checkpoint_every=3)
    assert sorted(path.name for path in (run / "checkpoints").glob("*.index")) == [
        "ckpt-0.index",
        "ckpt-3.index",
    ]
    assert not events(run)


def test_the_command_tells_it_in_lines_and_fails(workdir):
    sets = {**TINY, "generator_optimizer.learning_rate": 1e30, "max_rollbacks": 2}
    words = [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
    result = CliRunner().invoke(main, ["train", *words, "--run-dir", "run"])
    assert result.exit_code == 1, result.output
    assert result.stderr.count("Warning: Step ") == 2
    assert result.stderr.splitlines()[-1].startswith("Error: Step 8: ")
    assert "Traceback" not in result.stderr
    assert not Path("run/summary.json").exists()


@pytest.fixture(scope="module")
def rolled_back(tmp_path_factory):
    """A run that was rolled back at 5 to 0 and never stopped."""
    place = tmp_path_factory.mktemp("rolled") / "run"
    with pytest.warns(RunWarning):
        trained(place, Plant(3))
    return place


@pytest.mark.parametrize("step", [5, 7])
def test_killed_after_a_roll_back_and_resumed_equals_undisturbed(step, rolled_back, workdir):
    run = workdir / "run"
    with pytest.warns(RunWarning), pytest.raises(KillError):
        trained(run, Plant(3), KilledAt(step))
    resumed(run)
    assert_equal(state_of(run), state_of(rolled_back))
    assert history(run) == history(rolled_back)
    assert_same_pictures(run, rolled_back)


class StopAt(keras.callbacks.Callback):
    """Asks for a stop, which the run's own callbacks heed after the next step."""

    def __init__(self, step):
        super().__init__()
        self.stop, self._step = Stop(), step

    def on_train_batch_begin(self, batch, logs=None):
        if int(self.model.step.value) + 1 == self._step:
            self.stop.signal = 15


def test_stopped_before_and_after_equals_undisturbed(rolled_back, workdir):
    run = workdir / "run"
    # A stop's checkpoint is not gone back to: nobody would have been there without it.
    for number, step in enumerate((1, 2, 7)):
        at = StopAt(step)
        current = reopen(run, "train", {}) if number else prepared()
        rolls = pytest.warns(RunWarning) if step == 7 else contextlib.nullcontext()
        with rolls, pytest.raises(StoppedError):
            trained(run, at, Plant(3), run=current, stop=at.stop)
        assert (run / "checkpoints" / f"ckpt-{step}.index").exists()
    assert [(line["step"], line["to_step"]) for line in events(run)] == [(5, 0)]
    resumed(run)
    assert_equal(state_of(run), state_of(rolled_back))
    assert history(run) == history(rolled_back)
    assert sorted(path.name for path in (run / "checkpoints").glob("ckpt-*.[is]*")) == [
        "ckpt-7.index",
        "ckpt-7.stopped",
        "ckpt-8.index",
    ]


def test_a_stop_at_weights_that_are_not_finite_saves_none(rolled_back, workdir):
    run, at = workdir / "run", StopAt(4)
    with pytest.raises(StoppedError):
        trained(run, at, Plant(3), stop=at.stop)
    assert sorted(path.name for path in (run / "checkpoints").glob("*.index")) == ["ckpt-0.index"]
    with pytest.warns(RunWarning):
        resumed(run, Plant(3))
    assert_equal(state_of(run), state_of(rolled_back))
    assert history(run) == history(rolled_back)


def test_a_run_of_before_there_were_roll_backs_goes_on(rolled_back, workdir, monkeypatch):
    from kgan.training.unfinished import find_unfinished

    old = shutil.copytree(rolled_back, workdir / "run")
    (old / "summary.json").unlink()
    record = json.loads((old / "config.json").read_text())
    del record["config"]["max_rollbacks"]
    (old / "config.json").write_text(json.dumps(record))
    assert reopen(old, "train", {}).config.max_rollbacks == 3
    assert find_unfinished(prepared(), old) == old
