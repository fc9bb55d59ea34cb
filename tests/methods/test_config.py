import json
from types import SimpleNamespace

import numpy as np
import pytest

import kgan
from kgan.console.train import advice
from kgan.data import Column, Examples
from kgan.data.space import IMAGES
from kgan.data.split import Splits, parts_of
from kgan.errors import InputError
from kgan.methods import METHODS, method_of
from kgan.methods.autoencoder import AutoencoderConfig
from kgan.methods.gan import GANConfig
from kgan.methods.presets import PRESETS, find
from kgan.methods.recorded import config_of
from kgan.methods.settings import override, parse_setting, settings


def test_json_round_trip_keeps_everything():
    config = override(
        GANConfig(),
        {
            "data.image_size": [48, 64],
            "network.generator.width": 32,
            "generator_optimizer.beta_1": 0,
            "game.penalties": {"r1": 2},
        },
    )
    again = GANConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert again.data.image_size == (48, 64)
    assert again.generator_optimizer["beta_1"] == 0.0
    assert again.network.generator == {"width": 32}


def test_settings_list_builder_and_optimizer_options():
    known = settings(GANConfig())
    assert known["network.discriminator.normalization"] == "batch"
    assert known["generator_optimizer.beta_1"] == 0.5
    assert known["discriminator_optimizer.epsilon"] == 1e-7
    assert known["game.discriminator_steps"] == 1


def test_another_network_drops_the_old_ones_options():
    config = override(GANConfig(), {"network.generator.width": 32})
    config = override(config, {"network.name": "mlp"})
    assert config.network.generator == {}
    assert settings(config)["network.generator.width"] == 1200


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_sise": 3}, "Did you mean 'batch_size'"),
        ({"network.name": "dcgam"}, "Did you mean 'dcgan'"),
        ({"game.objective": "hinge_loss"}, "Did you mean 'hinge'"),
        ({"generator_optimizer.name": "adams"}, "Did you mean 'adam'"),
        ({"generator_optimizer.momentum": 0.9}, "Unknown setting"),
        ({"network.generator.depth": 3}, "Unknown setting"),
        ({"steps": 0}, "steps is 0: expected 1 or more"),
        ({"steps": -5}, "steps is -5"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 2.5}, "expected an integer"),
        ({"batch_size": True}, "expected an integer"),
        ({"game.penalties.r1": "much"}, "game.penalties.r1 is 'much': expected a number, or a "),
        ({"game.penalties": {"r1": -1}}, "game.penalties.r1 is -1: expected a finite number"),
        ({"game.penalties": {"r3": 1}}, "Unknown penalty 'r3'. Known: .*r1"),
        ({"game.penalties": [1]}, "game.penalties is .1.: expected settings by name"),
        ({"game.r1": 1}, "Unknown setting 'game.r1': it is .*--set game.penalties.r1=1"),
        ({"generator_optimizer.learning_rate": 0.0}, "above 0"),
        ({"generator_optimizer.learning_rate": float("nan")}, "above 0"),
        ({"seed": -1}, "seed is -1"),
        ({"precision": "float8"}, "Unknown precision"),
        ({"network.latent_dim": 0}, "latent_dim is 0"),
    ],
)
def test_wrong_settings_say_what_was_expected(changes, message):
    with pytest.raises(InputError, match=message):
        override(GANConfig(), changes)


def test_penalties_are_replaced_whole_or_one_at_a_time():
    def penalties(*changes, objective="relativistic"):
        config = override(GANConfig(), {"game.objective": objective})
        for change in changes:
            config = override(config, change)
        known = {k: v for k, v in settings(config).items() if k.startswith("game.penalties.")}
        assert known == {f"game.penalties.{k}": v for k, v in (config.game.penalties or {}).items()}
        return config.game.penalties

    assert penalties() is None
    assert penalties({"game.penalties": {}}) == {}
    assert penalties({"game.penalties": {"r1": 1}}) == {"r1": 1}
    assert penalties({"game.penalties.r1": 0.1}) == {"r1": 0.1, "r2": 1.0}
    assert penalties({"game.penalties": {}}, {"game.penalties.r2": 2}) == {"r2": 2}
    assert penalties({"game.penalties.r2": 2, "game.penalties": {}}) == {"r2": 2}
    assert penalties({"game.penalties": {"r1": 1}}, {"game.penalties": None}) is None
    assert penalties({"game.penalties.r1": 1}, objective="hinge") == {"r1": 1}
    both = {"game.penalties.r1": 1, "game.objective": "wasserstein"}
    assert penalties(both) == {"gradient_penalty": 10.0, "r1": 1}


def test_a_run_of_before_penalties_had_names_opens():
    values = GANConfig().to_dict()
    del values["game"]["penalties"]

    def opened(objective, r1):
        game = {**values["game"], "objective": objective, "r1": r1}
        return config_of({"config": {**values, "game": game}}).game.penalties

    assert opened("hinge", 0.0) is None
    assert opened("relativistic", 0) is None
    assert opened("hinge", 0.5) == {"r1": 0.5}
    assert opened("wasserstein", 2) == {"gradient_penalty": 10.0, "r1": 2.0}


def test_set_values_are_json_or_words():
    assert parse_setting("a.b=3") == ("a.b", 3)
    assert parse_setting("a=0.5") == ("a", 0.5)
    assert parse_setting("a=true") == ("a", True)
    assert parse_setting("a=word") == ("a", "word")
    assert parse_setting("a=b=c") == ("a", "b=c")
    for text in ("a", "=3", ""):
        with pytest.raises(InputError, match="expected KEY=VALUE"):
            parse_setting(text)


def test_the_preset_follows_the_data_set():
    assert find("train") is PRESETS["digits"]
    assert find("train", dataset="cifar10") is PRESETS["cifar10"]
    assert find("train", dataset="svhn_cropped") == GANConfig()
    assert find("train", "ring", "grid") is PRESETS["ring"]
    assert find("pretrain") is PRESETS["conv_autoencoder-digits"]
    assert find("pretrain", None, "mnist", "vae") is PRESETS["vae-mnist"]
    assert find("pretrain", None, "svhn_cropped", "stacked").network.name == "stacked"
    with pytest.raises(InputError, match="Did you mean 'cifar10'"):
        find("train", "cifar")
    with pytest.raises(InputError, match="'vae-mnist' is for kgan pretrain, not for kgan train"):
        find("train", "vae-mnist")
    with pytest.raises(InputError, match="Did you mean 'stacked'"):
        find("pretrain", model="staked")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reconstruction.amount": 0.0}, "above 0 and at most 1"),
        ({"reconstruction.amount": 1.5}, "above 0 and at most 1"),
        ({"reconstruction.corruption": "mask"}, "Did you mean 'masking'"),
        ({"reconstruction.likelihood": "bernouli"}, "Did you mean 'bernoulli'"),
        ({"reconstruction.binarization": "often"}, "Known: auto, dynamic, none, static"),
        ({"reconstruction.beta": -1.0}, "beta is -1.0"),
        ({"network.code_size": 0}, "code_size is 0"),
        ({"likelihood_samples": 0}, "likelihood_samples is 0"),
        ({"network.options.wdth": 3}, "Did you mean 'network.options.width'"),
        ({"optimizer.learning_rate": 0}, "above 0"),
    ],
)
def test_wrong_settings_of_pretraining_say_what_was_expected(changes, message):
    with pytest.raises(InputError, match=message):
        override(AutoencoderConfig(), changes)


@pytest.mark.parametrize(
    ("model", "classes", "expected"),
    [
        ("stacked", ("a", "b"), "Classify with it: kgan finetune RUN"),
        ("vae", ("a", "b"), "Classify with it: kgan finetune RUN"),
        ("vae", (), "Draw from it with: kgan sample RUN"),
        ("stacked", (), "have labels with it: kgan finetune RUN --dataset FOLDER"),
        ("stacked", ("a",), "have labels with it: kgan finetune RUN --dataset FOLDER"),
    ],
)
def test_a_classifier_is_advised_for_data_with_classes(model, classes, expected):
    columns = {"label": Column(np.zeros(9, np.int32), classes)} if classes else {}
    examples = Examples(np.zeros((9, 8, 8, 1), np.uint8), columns, IMAGES, "x")
    data = Splits(examples, examples, examples, "")
    run = SimpleNamespace(method=method_of(model), data=data)
    told = advice(run, "RUN")
    assert told.endswith(expected)


def test_penalties_of_a_preset_go_with_its_objective():
    start = PRESETS["goodfellow-mnist"]
    assert start.entries()["game.penalties"] == {"r1": 0.01}
    changed = override(start, {"game.objective": "wasserstein"})
    assert changed.entries()["game.penalties"] == {"gradient_penalty": 10.0}
    both = override(start, {"game.objective": "relativistic", "game.penalties": {"r2": 0.5}})
    assert both.entries()["game.penalties"] == {"r2": 0.5}
    assert override(start, {"game.objective": start.game.objective}) == start


@pytest.mark.parametrize(
    ("changes", "penalties", "normalization"),
    [
        ({"game.objective": "wasserstein"}, {"gradient_penalty": 10.0}, "layer"),
        ({"game.objective": "relativistic"}, {"r1": 1.0, "r2": 1.0}, "layer"),
        ({"game.objective": "relativistic", "game.penalties": {}}, {}, None),
        ({}, {}, None),
    ],
)
def test_penalties_in_effect_are_written_down_and_forbid_batch_statistics(
    changes, penalties, normalization
):
    data = parts_of(kgan.load("digits"))
    config, _ = METHODS["gan"]().resolve(override(GANConfig(), changes), data)
    assert config.game.penalties == penalties
    assert config.network.discriminator.get("normalization") == normalization
