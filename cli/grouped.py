"""Options under headings, and what they are where they are not given."""

import importlib
import os
from collections.abc import Callable
from typing import Any

import click


class _Path(click.ParamType):
    name = "path"

    def convert(self, value, param, ctx):
        return os.path.expanduser(value)


# The type of everything that names a file or a folder, or may: `~` is the user's own.
PATH = _Path()


class Option(click.Option):
    """An option under a heading; its help ends in its default, also where that is in a table.

    Args:
        heading: Where it stands.
        keys: The settings, by dotted keys, that it stands for.
        shown: The default in words; otherwise Click's own, or what the command starts from.
    """

    def __init__(
        self, *args, heading: str, keys: tuple[str, ...] = (), shown: str | None = None, **kwargs
    ):
        super().__init__(*args, **kwargs)
        self.heading, self.keys, self.shown = heading, keys, shown

    def get_help_extra(self, ctx):
        from kgan.console.options import default_of

        extra = super().get_help_extra(ctx)
        text = self.shown
        if self.keys and not text:
            text = default_of(ctx.command.name, self.keys[0])
        if text:
            extra["default"] = text
        return extra


class Command(click.Command):
    """A command whose help lists its options by heading, and that takes each of them once."""

    def parse_args(self, ctx, args):
        from kgan.names import check_text

        *_, given = self.make_parser(ctx).parse_args(args=list(args))
        rest = super().parse_args(ctx, args)
        for parameter in given:
            if given.count(parameter) > 1 and not parameter.multiple:
                raise click.UsageError(f"{_called(parameter)} is there twice: give it once.", ctx)
            value = ctx.params.get(parameter.name)
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str):
                    check_text(_called(parameter), text)
        return rest

    def format_options(self, ctx, formatter):
        headings: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record and isinstance(parameter, click.Option):
                heading = getattr(parameter, "heading", "Help")
                headings.setdefault(heading, []).append(record)
        for heading, records in headings.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def _called(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return parameter.human_readable_name


def option(
    *args: str, key: str | tuple[str, ...] = (), **kwargs: Any
) -> Callable[[Callable], Callable]:
    """Returns a decorator, as `click.option` does, of an `Option` for the settings of a key."""
    keys = (key,) if isinstance(key, str) else key
    return click.option(*args, cls=Option, keys=keys, **kwargs)


def settings_by_option() -> dict[str, tuple[str, ...]]:
    """Returns what the options of the command at hand stand for, those that do."""
    parameters = click.get_current_context().command.params
    return {one.name: one.keys for one in parameters if isinstance(one, Option) and one.keys}


def names(table: str) -> tuple[str, ...]:
    """Returns the names in "module:attribute", a table or what returns one, nothing heavy."""
    module, _, attribute = table.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    return tuple(found() if callable(found) else found)


def listed(table: str) -> str:
    """Returns the names in a table, one after the other."""
    return ", ".join(names(table))


def examples(*lines: str) -> str:
    """Returns the end of a command's help, its lines as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
