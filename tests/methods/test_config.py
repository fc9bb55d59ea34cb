import json
from types import SimpleNamespace

import numpy as np
import pytest

from kgan.console.train import advice
from kgan.data import Column, Examples
from kgan.data.space import IMAGES
from kgan.data.split import Splits
from kgan.errors import InputError
from kgan.methods import method_of
from kgan.methods.autoencoder import AutoencoderConfig
from kgan.methods.gan import GANConfig
from kgan.methods.presets import PRESETS, find
from kgan.methods.settings import override, parse_setting, settings


def test_json_round_trip_keeps_everything():
    config = override(
        GANConfig(),
        {
            "data.image_size": [48, 64],
            "network.generator.width": 32,
            "generator_optimizer.beta_1": 0,
            "game.r1": 2,
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
        ({"game.r1": "much"}, "expected a number"),
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
