"""Every option and argument of every command with what none of them takes."""

import click
import pytest

from kgan.cli import main
from kgan.cli.grouped import PATH
from tests.wrong_calls.calls import held

NEEDED = {"finetune": ["run"], "evaluate": ["run"], "export": ["run"], "sample": ["run"]}

UNSHOWABLE = {
    "empty": "",
    "blank": " ",
    "line break": "\n",
    "NUL": "a\x00b",
    "escape": "\x1b[31mred",
}
NO_INTEGER = {
    "below all": "-1",
    "a word": "many",
    "a fraction": "1.5",
    "no number": "nan",
    "infinite": "inf",
    "an exponent": "1e400",
    "an expression": "10**30",
    "beyond 64 bits": str(10**30),
    "thousands of digits": "9" * 5000,
    "a superscript": "²",
}
NO_FLOAT = {
    "below all": "-1",
    "a word": "much",
    "no number": "nan",
    "infinite": "inf",
    "beyond double precision": "1e400",
    "a superscript": "²",
}
NO_PATH = {
    "a long name": "x" * 5000,
    "a long path": "xy/" * 2000,
}
# What takes paths, or text that need not be known, is in the tables of its command.
FREE = ("server", "name", "version", "base_path", "cache", "clear")


def cases():
    for command in main.commands.values():
        for parameter in command.params:
            if getattr(parameter, "is_flag", False):
                continue
            kinds = dict(UNSHOWABLE)
            if parameter.type is click.INT:
                kinds |= NO_INTEGER
            elif parameter.type is click.FLOAT:
                kinds |= NO_FLOAT
            elif parameter.type is PATH:
                kinds |= NO_PATH
            elif parameter.name not in FREE:
                kinds |= {"a long word": "x" * 5000}
            for kind, value in kinds.items():
                yield pytest.param(
                    command.name, parameter, value, id=f"{command.name}-{parameter.name}-{kind}"
                )


@pytest.mark.parametrize(("command", "parameter", "value"), list(cases()))
def test_a_value_that_it_cannot_have(command, parameter, value, inside):
    if isinstance(parameter, click.Argument):
        arguments = [value]
    else:
        # Joined, so that a number below 0 is no option.
        arguments = [*NEEDED.get(command, []), f"{max(parameter.opts, key=len)}={value}"]
    held([command, *arguments], "", inside)


def once():
    for command in main.commands.values():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.multiple:
                yield pytest.param(command.name, parameter, id=f"{command.name}-{parameter.name}")


@pytest.mark.parametrize(("command", "parameter"), list(once()))
def test_an_option_that_is_there_twice(command, parameter, inside):
    name = max(parameter.opts, key=len)
    word = [name] if parameter.is_flag else [f"{name}={_valid(parameter)}"]
    held([command, *NEEDED.get(command, []), *word, *word], f"{name} is there twice", inside)


def _valid(parameter):
    if isinstance(parameter.type, click.Choice):
        return parameter.type.choices[0]
    return "1" if parameter.type in (click.INT, click.FLOAT) else "word"


@pytest.mark.parametrize("command", main.commands)
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nonsense"], "No such option"),
        (["a", "b"], "unexpected extra argument"),
        (["-x"], "No such option"),
    ],
)
def test_what_no_command_has(command, words, message, inside):
    if command == "evaluate" and words == ["a", "b"]:
        message = "a is neither a run, a SavedModel"
    held([command, *words], message, inside)


@pytest.mark.parametrize("word", ["trian", "", "\x00", "-1", "--steps", "x" * 5000])
def test_what_is_no_command(word, inside):
    held([word], "", inside)
