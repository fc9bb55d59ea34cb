"""Models saved by Keras's own means, whole and as weights, and loaded where KGAN is not yet."""

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import kgan
from kgan import keras_names
from kgan.losses import OBJECTIVES, Objective, adversarial
from tests.models.small import (
    GANS,
    IMAGES,
    LAYERS,
    MODELS,
    assert_same,
    batches,
    compiled,
    data,
    gan,
    network,
    state,
)


def trained_once_more(name, model):
    if name == "StackedAutoencoder":
        model.fit_layer(LAYERS - 1, batches(name, 8), verbose=0)
    else:
        model.fit(batches(name, 8), verbose=0)
    return state(model)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Models after an epoch, their files, and what a second epoch made of them."""
    folder = tmp_path_factory.mktemp("models")
    states = {}
    for name in MODELS:
        model = compiled(name, run_eagerly=True)
        before = trained_once_more(name, model)
        model.save(folder / f"{name}.keras")
        model.save_weights(folder / f"{name}.weights.h5")
        states[name] = before, trained_once_more(name, model)
        assert any((a != b).any() for a, b in zip(*states[name], strict=True))
    return folder, states


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_trains_on_to_the_bit(name, trained):
    folder, states = trained
    model = keras.saving.load_model(folder / f"{name}.keras")
    before, after = states[name]
    assert_same(state(model), before)
    assert_same(trained_once_more(name, model), after)
    if name in GANS:
        assert model.objective is OBJECTIVES["hinge"]
        assert (model.discriminator_steps, model.accumulate) == (2, 2)
        assert model.penalties == {"r1": 0.5}
        expected = (None, None) if name == "GAN" else (2, (1.0, 3.0))
        assert (model.num_classes, model.class_frequencies) == expected
    elif name != "Classifier":
        assert model.accumulate == 2


@pytest.mark.parametrize("name", MODELS)
def test_weights_go_with_optimizers_seeds_and_counters(name, trained):
    folder, states = trained
    model = compiled(name, run_eagerly=True)
    model.load_weights(folder / f"{name}.weights.h5")
    assert_same(state(model), states[name][0])


FRESH = """
import sys
import kgan
from kgan.startup import silent_tensorflow
assert not {"keras", "tensorflow", "numpy"} & set(sys.modules)
with silent_tensorflow():
    import keras
assert "kgan.models" not in sys.modules
for path in sys.argv[1:]:
    model = keras.models.load_model(path)
    print(type(model).__name__, model.compiled, int(model.step.value))
"""


def test_a_fresh_process_loads_what_it_has_no_class_of_yet_and_is_quiet(trained):
    paths = [str(trained[0] / f"{name}.keras") for name in MODELS]
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-c", FRESH, *paths]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{type(m()).__name__} True 1" for m in MODELS.values()]


def test_keras_may_be_imported_first(trained, monkeypatch):
    monkeypatch.setattr(keras_names, "HOMES", dict(keras_names.HOMES))
    known = keras.saving.get_custom_objects()
    for name in keras_names.HOMES:
        monkeypatch.delitem(known, f"kgan>{name}")
    with pytest.raises(TypeError, match="Could not locate class 'GAN'"):
        keras.saving.load_model(trained[0] / "GAN.keras")
    keras_names.register()
    model = keras.saving.load_model(trained[0] / "GAN.keras")
    assert_same(state(model), trained[1]["GAN"][0])


def test_keras_knows_every_registered_class_by_name():
    sources = (path.read_text() for path in Path(kgan.__file__).parent.rglob("*.py"))
    pattern = re.compile(r'register_keras_serializable\("kgan"\)\n(?:@.*\n)*class (\w+)')
    # An objective is registered where what it is made of is.
    assert sorted(["Objective", *(n for text in sources for n in pattern.findall(text))]) == sorted(
        keras_names.HOMES
    )


@pytest.mark.parametrize("name", MODELS)
def test_uncompiled_models_say_that_they_are(name, trained):
    model = keras.saving.load_model(trained[0] / f"{name}.keras", compile=False)
    with pytest.raises(ValueError, match=r"call `compile\(\)` before"):
        model.fit(*data(name), verbose=0)


@pytest.mark.parametrize("name", ["GAN", "StackedAutoencoder"])
def test_scaled_losses_and_settings_of_keras_go_along(name, tmp_path):
    def scaled():
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5), initial_scale=64.0)

    settings = {"run_eagerly": True, "steps_per_execution": 3}
    if name == "GAN":
        model = compiled(
            name, generator_optimizer=scaled(), discriminator_optimizer=scaled(), **settings
        )
    else:
        model = compiled(name, optimizer=scaled(), **settings)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(state(loaded), state(model))
    assert [optimizer.initial_scale for optimizer in loaded.optimizers] == [64.0, 64.0]
    assert (loaded.run_eagerly, loaded.steps_per_execution) == (True, 3)


@keras.saving.register_keras_serializable("tests")
def real_loss(real_logits, fake_logits):
    return fake_logits - real_logits


def test_an_objective_of_registered_functions_is_saved(tmp_path):
    objective = Objective(real_loss, adversarial.hinge_discriminator, True, {"r2": 0.5})
    model = gan()
    model.compile(objective)
    model.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert loaded.objective == objective
    assert loaded.penalties == {"r2": 0.5}


@pytest.mark.parametrize("objective", ["hinge", "relativistic"])
def test_a_model_of_before_penalties_had_names_is_compiled_as_it_was(objective):
    model = gan()
    model.compile(objective, penalties={})
    config = model.get_compile_config()
    del config["penalties"]
    own = OBJECTIVES[objective].penalties
    for r1, expected in ((0.0, own), (0.5, {**own, "r1": 0.5})):
        twin = gan()
        twin.compile_from_config({**config, "r1": r1})
        assert twin.penalties == expected


def test_an_objective_of_before_penalties_had_names_is_refused():
    model = gan()
    model.compile(Objective(real_loss, adversarial.hinge_discriminator))
    config = model.get_compile_config()
    config["objective"]["config"]["penalties"] = [["r2", 0.5]]
    with pytest.raises(kgan.InputError, match=r"by an earlier KGAN.*compile=False"):
        gan().compile_from_config(config)


def test_an_objective_that_keras_cannot_find_again_is_refused_before_a_file_is_written(tmp_path):
    def own(real_logits, fake_logits):
        return -fake_logits

    for function, named in ((own, "own"), (lambda real, fake: -fake, "<lambda>")):
        model = gan()
        model.compile(Objective(real_loss, function), run_eagerly=True)
        with pytest.raises(kgan.InputError, match=f"{named} cannot be saved.*save_weights"):
            model.save(tmp_path / "gan.keras")
        checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "gan.keras")
        with pytest.raises(kgan.InputError, match=f"{named} cannot be saved"):
            model.fit(IMAGES, callbacks=[checkpoint], verbose=0)
        assert int(model.step.value) == 0
        model.save_weights(tmp_path / "gan.weights.h5")
    assert not (tmp_path / "gan.keras").exists()


@pytest.mark.parametrize("name", MODELS)
def test_hdf5_is_refused(name, tmp_path):
    model = compiled(name)
    for path in (tmp_path / "model.h5", str(tmp_path / "model.hdf5")):
        with pytest.raises(kgan.InputError, match=r"Save the model as \.keras"):
            model.save(path)
        with pytest.raises(kgan.InputError, match=r"Save the model as \.keras"):
            model.load_weights(path)
    with pytest.raises(kgan.InputError, match=r"Save the model as \.keras"):
        model.fit(*data(name), callbacks=[keras.callbacks.ModelCheckpoint(str(path)[:-4] + "h5")])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", MODELS)
def test_keras_clones_and_sums_up(name, capsys):
    model = compiled(name)
    model.summary()
    printed = capsys.readouterr().out
    trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert re.search(rf"Trainable params: {trainable:,} ", printed)
    clone = keras.models.clone_model(model)
    assert [v.shape for v in clone.weights] == [v.shape for v in model.weights]
    assert clone.compiled
    assert not {id(v) for v in clone.weights} & {id(v) for v in model.weights}


def test_the_moving_average_is_no_parameter_to_train():
    model = gan()
    players = model.generator.count_params() + model.discriminator.count_params()
    untrained = sum(int(np.prod(v.shape)) for v in model.generator.non_trainable_weights)
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) == players - untrained


def test_a_generator_may_hold_functions_that_cannot_be_saved():
    scale = np.float32(0.5)
    inputs = keras.Input((3,))
    inner = keras.Sequential([keras.Input((16,)), keras.layers.Lambda(lambda x: scale * x)])
    x = keras.layers.Lambda(lambda x, by: by * x, arguments={"by": 2.0})(
        keras.layers.Dense(16)(inputs)
    )
    generator = keras.Model(inputs, keras.layers.Reshape((4, 4, 1))(inner(x)))
    discriminator = network((4, 4, 1), ())
    model = kgan.GAN(generator, discriminator)
    latents = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(model.ema_generator(latents), generator(latents))


def test_a_file_of_an_earlier_version_says_how_to_load_it():
    model = gan()
    config = {"optimizer": None, "weighted_metrics": None, "run_eagerly": False}
    with pytest.raises(kgan.InputError, match="compile=False"):
        model.compile_from_config(config)
