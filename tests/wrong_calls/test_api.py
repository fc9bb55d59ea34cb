"""The Python API with what the commands refuse."""

from dataclasses import replace

import numpy as np
import pytest

import kgan
from kgan.errors import InputError
from kgan.methods.autoencoder import CoderConfig
from kgan.methods.base import DataSpec
from kgan.methods.config import DataConfig
from kgan.methods.gan import GameConfig, NetworkConfig
from kgan.methods.settings import override
from kgan.training.build import build
from tests.wrong_calls.calls import snapshot

PATHS = ["", " ", "a\nb", "a\x00b", "x" * 300, "xy/" * 2000, None, 3]

OF_PATHS = {
    "load": lambda path, run: kgan.load(path),
    "split": lambda path, run: kgan.split(path),
    "open_run": lambda path, run: kgan.open_run(path),
    "finetune": lambda path, run: kgan.finetune(path),
    "evaluate": lambda path, run: kgan.evaluate([path]),
    "train in": lambda path, run: kgan.train(run, path),
    "train and save to": lambda path, run: kgan.train(run, "x", path),
    "export to": lambda path, run: kgan.export(run.model, path, "x"),
    "export as": lambda path, run: kgan.export(run.model, "x", path),
}


@pytest.fixture(scope="module")
def prepared():
    network = NetworkConfig("mlp", 4, {"width": 4}, {"width": 4})
    config = kgan.GANConfig(network=network, batch_size=16, steps=1, precision="float32")
    return kgan.prepare(config, kgan.load("digits"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: repr(path)[:12])
@pytest.mark.parametrize("function", OF_PATHS)
def test_a_path_that_is_none(function, path, prepared, workdir):
    with pytest.raises(InputError):
        OF_PATHS[function](path, prepared)
    assert snapshot(workdir) == {}


SETTINGS = {
    "text for steps": {"steps": "12"},
    "a fraction for steps": {"steps": 1.5},
    "True for steps": {"steps": True},
    "None for steps": {"steps": None},
    "steps beyond counting": {"steps": 10**30},
    "a NumPy integer": {"steps": np.int64(3)},
    "a negative batch": {"batch_size": -1},
    "a list for a seed": {"seed": [1]},
    "no precision": {"precision": 16},
    "data by name": {"data": "digits"},
    "no data": {"data": DataConfig(name=None)},
    "a size by name": {"data": DataConfig(image_size="x")},
    "latents of text": {"network": NetworkConfig("mlp", "4")},
    "an unknown network": {"network": NetworkConfig("mlps")},
    "options in a list": {"network": NetworkConfig("mlp", 4, [])},
    "an unknown option": {"network": NetworkConfig("mlp", 4, {"wdth": 3})},
    "an option of another type": {"network": NetworkConfig("mlp", 4, {"width": "3"})},
    "an option that is no number": {"network": NetworkConfig("mlp", 4, {"init_range": np.nan})},
    "an option beyond memory": {"network": NetworkConfig("mlp", 4, {"width": 10**9})},
    "a penalty that is no number": {"game": GameConfig(penalties={"r1": float("nan")})},
    "a penalty by name": {"game": GameConfig(penalties={"r1": "much"})},
    "penalties without weights": {"game": GameConfig(penalties="r1")},
    "no optimizer": {"generator_optimizer": {}},
    "an optimizer by name": {"generator_optimizer": "adam"},
    "a rate by name": {"generator_optimizer": {"name": "adam", "learning_rate": "fast"}},
    "an unknown argument": {"generator_optimizer": {"name": "adam", "momentum": 1}},
}


@pytest.mark.parametrize("case", SETTINGS)
def test_a_configuration_that_is_none(case, prepared, workdir):
    config = replace(prepared.config, **SETTINGS[case])
    with pytest.raises(InputError) as error:
        kgan.prepare(config, prepared.data)
    assert str(error.value).isprintable()
    assert snapshot(workdir) == {}


def test_data_of_the_other_kind_of_run(prepared):
    everything = override(prepared.config, {"data.hold_out": "none"})
    with pytest.raises(InputError, match=r"hold_out is none.*come in parts: pass kgan\.load"):
        kgan.prepare(everything, kgan.split("digits"))
    tested = replace(kgan.load("digits"), test_size=100)  # elsewhere
    with pytest.raises(InputError, match=r"pass kgan\.split"):
        kgan.prepare(kgan.AutoencoderConfig(), tested)
    with pytest.raises(InputError, match="hold_out is none: expected split"):
        kgan.prepare(override(kgan.AutoencoderConfig(), {"data.hold_out": "none"}), tested)


@pytest.mark.parametrize("name", ["start", "mean_image", "code_size", "image_shape"])
def test_what_training_gives_to_a_network_is_no_setting(name):
    network = CoderConfig("vae", 8, {"architecture": "conv", name: 5})
    with pytest.raises(InputError, match=rf"Unknown setting 'network\.options\.{name}'"):
        build(kgan.AutoencoderConfig(network=network), DataSpec((32, 32, 3)))


OPTIONS = {
    "samples as text": lambda run: kgan.evaluate(run, samples="40"),
    "no samples": lambda run: kgan.evaluate(run, samples=0),
    "samples beyond counting": lambda run: kgan.evaluate(run, samples=10**30),
    "an unknown split": lambda run: kgan.evaluate(run, split=""),
    "a blank result folder": lambda run: kgan.evaluate(run, out=" "),
    "blank features": lambda run: kgan.evaluate(run, features=" "),
    "an unknown checkpoint": lambda run: kgan.open_run(run, ""),
    "labels as text": lambda run: kgan.finetune(run, ["12"]),
    "no labels": lambda run: kgan.finetune(run, []),
    "seeds as text": lambda run: kgan.finetune(run, seeds="5"),
    "seeds beyond counting": lambda run: kgan.finetune(run, seeds=10**30),
    "steps beyond counting": lambda run: kgan.finetune(run, steps=10**30),
    "a rate that is no number": lambda run: kgan.finetune(run, learning_rates=[float("nan")]),
    "a blank place for models": lambda run: kgan.finetune(run, saved_models=" "),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option_that_is_none(case, inside):
    before = snapshot(inside)
    with pytest.raises(InputError) as error:
        OPTIONS[case]("run")
    assert str(error.value).isprintable()
    assert snapshot(inside) == before
