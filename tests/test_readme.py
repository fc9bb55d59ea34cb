"""What the README prints works."""

import re
import shlex
from pathlib import Path

import click
import pytest

from kgan.cli import main
from kgan.serving import show

ROOT = Path(__file__).parents[1]
# What needs a server is tried in tests/serving/test_show.py.
SHOWN = show(ROOT / "saved_models" / "digits-dcgan" / "1")
README = (ROOT / "README.md").read_text(encoding="utf-8").replace(SHOWN, "")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = sorted(
    {
        line.split("#")[0].strip()
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("kgan ")
    }
)


@pytest.mark.parametrize("code", blocks("python"), ids=["gan", "autoencoders"])
def test_the_python_examples_run(code, workdir):
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    if "gan" in names:
        assert (workdir / "saved_models" / "my-digits" / "1" / "saved_model.pb").exists()
    else:
        assert names["log_likelihoods"].shape == (299,)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_the_options_it_is_shown_with(command):
    name, *arguments = shlex.split(command)[1:]
    context = click.Context(main)
    main.commands[name].make_context(name, arguments, parent=context)


def test_pictures_are_there():
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).exists(), path
