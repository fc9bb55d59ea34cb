"""What the README prints works."""

import re
import shlex
from pathlib import Path

import click
import pytest

from kgan.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text()


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


# What asks a server is tried in tests/serving/test_show.py.
EXAMPLES = [code for code in blocks("python") if "tensorflow_serving" not in code]


def shortened(code):
    """Returns the same calls for one epoch and few samples."""
    code, count = re.subn(r"epochs=\d+", "epochs=1", code)
    assert count
    return re.sub(r"samples=\d+", "samples=5", code)


@pytest.mark.parametrize("code", EXAMPLES, ids=["gan", "autoencoders"])
def test_the_python_examples_run(code, workdir):
    names, code = {}, shortened(code)
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
        assert (Path(__file__).parents[1] / path).exists(), path
