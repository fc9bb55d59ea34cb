"""Every callback of Keras with every model: it does what it promises, or is refused at once."""

import csv
import functools
import warnings

import keras
import numpy as np
import pytest

import kgan
from tests.models.small import MODELS as ALL
from tests.models.small import Case, assert_same, compiled, state

# A conditional GAN is one as others are to a callback.
MODELS = {name: make for name, make in ALL.items() if name != "ConditionalGAN"}
CASES = {}


@pytest.fixture
def case(name):
    if name not in CASES:
        CASES[name] = Case(name)
    return CASES[name]


class Counter(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.batches = self.epochs = 0
        self.states = []

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        assert np.isfinite(logs["loss"])

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        self.logs = dict(logs)
        self.states.append(self.model.get_weights())


def callback(case, folder):
    counter = Counter()
    case.fit(counter, validates=True)
    assert counter.batches == 2 * case.trainings
    assert all(m.name in counter.logs for m in case.model.metrics)
    assert all(f"val_{m.name}" in counter.logs for m in case.model.metrics)


def callback_list(case, folder):
    counter = Counter()
    listed = keras.callbacks.CallbackList([counter], add_history=True, model=case.model, epochs=1)
    case.model.fit(case.data, verbose=0, callbacks=listed)
    assert counter.batches == 2 * case.trainings


def history(case, folder):
    given = keras.callbacks.History()
    returned = case.fit(given, validates=True)
    assert (returned[-1] if case.trainings > 1 else returned) is given
    assert len(given.history[case.monitor]) == case.trainings


def lambda_callback(case, folder):
    seen = []
    case.fit(
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    )
    assert seen == [0, 1] * case.trainings


def progbar_logger(case, folder, capsys):
    case.fit(keras.callbacks.ProgbarLogger(), verbose=2, validates=True)
    assert capsys.readouterr().out.count(case.monitor) == case.trainings


def csv_logger(case, folder):
    counter = Counter()
    case.fit(keras.callbacks.CSVLogger(folder / "log.csv", append=True), counter, validates=True)
    rows = list(csv.DictReader((folder / "log.csv").read_text().splitlines()))
    assert len(rows) == case.trainings
    assert float(rows[-1][case.monitor]) == pytest.approx(counter.logs[case.monitor])


def model_checkpoint(case, folder):
    best = {"monitor": case.monitor, "mode": "min", "save_best_only": True}
    model_path, weights_path = str(folder / "a.keras"), str(folder / "a.weights.h5")
    # Monitored values rise, so that the first epoch is the best.
    case.fit(
        case.steady(float),
        keras.callbacks.ModelCheckpoint(model_path, **best),
        keras.callbacks.ModelCheckpoint(weights_path, save_weights_only=True, **best),
        counter := Counter(),
        epochs=2,
    )
    loaded = keras.saving.load_model(model_path)
    assert_same(loaded.get_weights(), counter.states[0])
    assert loaded.compiled
    saved = state(loaded)
    for variable in loaded.weights:
        variable.assign(0 * variable)
    loaded.load_weights(weights_path)
    assert_same(state(loaded), saved)


def backup_and_restore(case, folder):
    model = case.model
    backup = keras.callbacks.BackupAndRestore(folder / "backup")
    if case.trainings > 1:
        with pytest.raises(kgan.InputError, match="which layer it stopped in"):
            case.fit(backup)
        fit = functools.partial(model.fit_layer, 1)
    else:
        fit = model.fit
    states = []

    def interrupt(epoch, logs):
        if epoch == 1:
            states.append(state(model))
            raise KeyboardInterrupt

    options = {"epochs": 3, "verbose": 0}
    stop = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(case.data, **options, callbacks=[backup, stop])
    for variable in [v for o in model.optimizers for v in o.variables] + model.weights:
        variable.assign(0 * variable)
    begun = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: states.append(state(model))
    )
    given = fit(case.data, **options, callbacks=[backup, begun])
    assert_same(states[1], states[0])
    assert given.epoch == [1, 2]
    model._initial_epoch = None  # Keras keeps it.


def early_stopping(case, folder):
    stop = keras.callbacks.EarlyStopping(
        case.monitor, mode="min", patience=1, restore_best_weights=True
    )
    counter = Counter()
    case.fit(case.steady(float), stop, counter, epochs=4)
    assert counter.epochs == 2 * case.trainings
    assert_same(case.model.get_weights(), counter.states[-2])
    assert any((a != b).any() for a, b in zip(*counter.states[-2:], strict=True))


def learning_rate_scheduler(case, folder):
    before = case.set_rates()
    case.fit(keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2))
    np.testing.assert_allclose(case.rates(), np.divide(before, 2), rtol=1e-6)


def reduce_lr_on_plateau(case, folder):
    before = case.set_rates()
    reduce = keras.callbacks.ReduceLROnPlateau(case.monitor, factor=0.25, patience=1, mode="min")
    case.fit(case.steady(), reduce, epochs=2)
    np.testing.assert_allclose(case.rates(), np.divide(before, 4), rtol=1e-6)


def remote_monitor(case, folder):
    with pytest.warns(UserWarning, match="Could not reach RemoteMonitor"):
        case.fit(keras.callbacks.RemoteMonitor("http://127.0.0.1:9"))


def swap_ema_weights(case, folder):
    with pytest.raises(kgan.InputError, match=r"use_ema=True, and this .* has none"):
        case.fit(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    averaging = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.75)
    if case.name in ("GAN", "StackedAutoencoder"):
        key = "generator_optimizer" if case.name == "GAN" else "optimizer"
        with pytest.raises(kgan.InputError, match="use_ema=True: expected False"):
            MODELS[case.name]().compile(**{key: averaging})
        return
    model = MODELS[case.name]()
    model.compile(averaging, run_eagerly=True)
    seen = []

    def note(number, logs):
        seen.append([v.numpy() for v in model.trainable_variables])

    callbacks = [
        keras.callbacks.LambdaCallback(on_train_batch_end=note),
        keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
        keras.callbacks.LambdaCallback(on_epoch_end=note),
    ]
    model.fit(case.data, verbose=0, callbacks=callbacks)
    for first, second, swapped, last in zip(
        *seen, [v.numpy() for v in model.trainable_variables], strict=True
    ):
        average = 0.75 * first + 0.25 * second
        np.testing.assert_allclose(swapped, average, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(last, average, rtol=1e-6, atol=1e-6)


def tensor_board(case, folder):
    board = keras.callbacks.TensorBoard(folder, histogram_freq=1, write_steps_per_second=True)
    case.fit(board, validates=True)
    for part in ("train", "validation"):
        assert sum(path.stat().st_size for path in (folder / part).glob("events*")) > 300


def terminate_on_nan(case, folder):
    model = case.model
    before, step = model.get_weights(), int(model.step.value)
    model.networks[0].trainable_variables[0].assign_add(np.nan * np.ones(1, np.float32))
    case.fit(keras.callbacks.TerminateOnNaN(), epochs=3)
    assert int(model.step.value) - step == case.trainings
    model.set_weights(before)


def orbax_checkpoint(case, folder):
    with pytest.raises(kgan.InputError, match="take ModelCheckpoint"):
        case.fit(object.__new__(keras.callbacks.OrbaxCheckpoint))


TABLE = {
    "Callback": callback,
    "CallbackList": callback_list,
    "History": history,
    "LambdaCallback": lambda_callback,
    "ProgbarLogger": progbar_logger,
    "CSVLogger": csv_logger,
    "ModelCheckpoint": model_checkpoint,
    "BackupAndRestore": backup_and_restore,
    "EarlyStopping": early_stopping,
    "LearningRateScheduler": learning_rate_scheduler,
    "ReduceLROnPlateau": reduce_lr_on_plateau,
    "RemoteMonitor": remote_monitor,
    "SwapEMAWeights": swap_ema_weights,
    "TensorBoard": tensor_board,
    "TerminateOnNaN": terminate_on_nan,
    "OrbaxCheckpoint": orbax_checkpoint,
}


@pytest.mark.parametrize("kind", [kind for kind in dir(keras.callbacks) if kind[0] != "_"])
@pytest.mark.parametrize("name", MODELS)
def test_every_callback_of_keras_does_its_work_on_every_model(kind, case, tmp_path, request):
    more = [request.getfixturevalue("capsys")] if kind == "ProgbarLogger" else []
    TABLE[kind](case, tmp_path, *more)


@pytest.mark.parametrize("name", MODELS)
def test_what_cannot_work_is_refused_before_the_first_epoch(case, tmp_path):
    step = int(case.model.step.value)
    kinds = keras.callbacks
    wrong = [
        (kinds.EarlyStopping("val_los"), "does not log: expected one of"),
        (kinds.ReduceLROnPlateau("fid"), "does not log"),
        (kinds.ModelCheckpoint(tmp_path / "a.keras", "val_x", save_best_only=True), "does not log"),
    ]
    if case.name == "GAN":
        wrong += [
            (kinds.EarlyStopping("val_loss"), "'val_loss', which this GAN does not log"),
            (kinds.EarlyStopping("loss"), "'loss', which of a GAN is no measure of quality"),
            (kinds.EarlyStopping("val_real_score"), "mode='min' or mode='max'"),
        ]
    if case.trainings > 1:
        wrong += [
            (kinds.CSVLogger(tmp_path / "log.csv"), "append=True, or train by fit_layer"),
            (
                kinds.ModelCheckpoint(tmp_path / "a.keras", "loss", save_best_only=True),
                "compares the loss of different layers",
            ),
        ]
    for callback, told in wrong:
        with pytest.raises(kgan.InputError, match=told):
            case.fit(callback, validates=True)
    with pytest.raises(kgan.InputError, match="need validation_data"):
        case.fit(kinds.EarlyStopping(case.monitor, mode="min"))
    scheduled = compiled(case.name)
    for callback in (
        kinds.LearningRateScheduler(lambda epoch: 0.1),
        kinds.ReduceLROnPlateau("val_loss"),
    ):
        with pytest.raises(kgan.InputError, match="has a schedule: compile it with a number"):
            scheduled.fit(case.data, callbacks=[callback], verbose=0)
    assert int(case.model.step.value) == step
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["Classifier", "VAE"])
def test_which_way_a_metric_is_better_is_known(name, case):
    metric = {"Classifier": "val_accuracy", "VAE": "val_elbo"}[name]
    rising = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update({metric: float(epoch)})
    )
    stop = keras.callbacks.EarlyStopping(metric, patience=1)
    assert len(case.fit(rising, stop, epochs=3).epoch) == 3


def test_a_callback_of_ones_own_may_log_what_others_monitor():
    case = CASES["GAN"] if "GAN" in CASES else Case("GAN")

    class Scored(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["fid"] = float(epoch)

    stop = keras.callbacks.EarlyStopping("fid", mode="min", patience=1)
    with pytest.raises(kgan.InputError, match="'loss', which of a GAN is no measure of quality"):
        case.fit(Scored(), keras.callbacks.EarlyStopping("loss"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(case.fit(Scored(), stop, epochs=4).epoch) == 2
