"""The help of every command: headings, true defaults, names, examples; 80 columns."""

import os
import re
import shlex

import click
import pytest
from click.testing import CliRunner

from kgan.cli import main
from kgan.cli.grouped import PATH
from kgan.data import DATASETS
from kgan.data.kinds import KINDS
from kgan.losses import OBJECTIVES
from kgan.methods import autoencoder, config, presets
from kgan.methods.settings import override, settings
from kgan.metrics import METRICS
from kgan.networks import AUTOENCODERS, NETWORKS
from kgan.training.cluster import STRATEGIES

GROUPED = ["train", "pretrain", "finetune", "sample", "evaluate", "export", "datasets"]
DEVICES = [*STRATEGIES, *config.PRECISIONS]
NAMES = {
    "train": [*NETWORKS, *OBJECTIVES, *DATASETS, *DEVICES],
    "pretrain": [
        *AUTOENCODERS,
        *KINDS,
        *autoencoder.LIKELIHOODS,
        *autoencoder.BINARIZATIONS,
        *DEVICES,
    ],
    "evaluate": METRICS,
    "finetune": STRATEGIES,
}


def shown(command):
    result = CliRunner().invoke(main, [command, "--help"], terminal_width=80)
    assert result.exit_code == 0
    return result.output


def options(command):
    return [p for p in main.commands[command].params if isinstance(p, click.Option)]


@pytest.mark.parametrize("command", GROUPED)
def test_every_option_stands_once_under_a_heading_and_fits_80_columns(command):
    text = shown(command)
    assert max(map(len, text.splitlines())) <= 80
    headings = re.findall(r"^(\w[\w ]*):$", text, re.MULTILINE)
    assert len(headings) == len(set(headings)) >= 2
    assert "Options" not in headings
    for option in options(command):
        assert len(re.findall(rf"^  {option.opts[0]}[ ,\n]", text, re.MULTILINE)) == 1, option.name


def test_the_options_of_a_training_are_grouped():
    text = shown("train")
    positions = [text.index(f"\n{name}:\n") for name in
                 ("Data", "Game", "Optimisation", "Run", "Devices", "Help")]  # fmt: skip
    assert positions == sorted(positions)
    assert text.index("\nGame:") < text.index("--objective") < text.index("\nOptimisation:")


@pytest.mark.parametrize("command", NAMES)
def test_names_come_from_the_tables(command):
    words = set(re.findall(r"\w+(?:-\w+)*", re.sub(r"-\n *", "-", shown(command))))
    assert set(NAMES[command]) <= words


@pytest.mark.parametrize("command", ["train", "pretrain"])
def test_defaults_are_those_of_the_call_without_options(command):
    told = {}
    for part in re.split(r"\n  (?=--)", shown(command)):
        text = " ".join(part.split())
        if found := re.search(r"\[default: ([^]]*)\]", text):
            told[text.split()[0]] = found[1]
    bare = settings(override(presets.find(command), {}))
    of_command = [settings(c) for c in presets.PRESETS.values() if c.method.command == command]
    keys = {p.name: p.keys for p in main.commands[command].params if getattr(p, "keys", ())}
    assert len(keys) >= 14
    for option, (key, *_) in keys.items():
        if bare[key] is not None:
            value, _, depends = told[f"--{option.replace('_', '-')}"].partition("; ")
            assert value == str(bare[key]), option
            differs = any(other.get(key, bare[key]) != bare[key] for other in of_command)
            assert depends == ("depends on the preset" if differs else ""), option


@pytest.mark.parametrize("command", ["evaluate", "finetune"])
def test_the_data_of_what_takes_runs_are_the_run_s_own(command):
    text = " ".join(shown(command).split())
    for option in ("dataset", "data-dir", "image-size"):
        assert re.search(rf"--{option} [^\]]*\[default: the run's\]", text), option


@pytest.mark.parametrize("command", GROUPED)
def test_examples_have_options_that_there_are(command):
    lines = re.findall(rf"^ +(kgan {command} .*)$", main.commands[command].epilog, re.MULTILINE)
    assert len(lines) == 2 or command in ("export", "datasets")
    for line in lines:
        main.commands[command].make_context(command, shlex.split(line)[2:])


@pytest.mark.parametrize("command", GROUPED)
def test_the_home_folder_is_meant_by_a_tilde_in_every_path(command):
    wanted = {"DIR", "FILE", "FOLDER", "MODEL", "RUN", "SOURCES"}
    found = 0
    for parameter in main.commands[command].params:
        metavar = parameter.metavar or parameter.name.upper()
        if parameter.opts[0] == "--out" or wanted & set(re.split(r"[|,.]", metavar)):
            assert parameter.type is PATH, parameter.name
            found += 1
    assert found
    assert PATH.convert("~/x", None, None) == os.path.join(os.path.expanduser("~"), "x")
    assert PATH.convert("a~b", None, None) == "a~b"
