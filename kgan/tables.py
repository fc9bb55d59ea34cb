"""Tables of names, which import what a name stands for when it is looked up and not before."""

import dataclasses
import importlib
import re
from collections.abc import Iterator, MutableMapping
from typing import Any, TypeAlias

# What an entry holds once it is looked up; as it is written, a string "module:attribute".
Named: TypeAlias = Any
_ATTRIBUTE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")  # and no sentence with a colon


class Table(MutableMapping[str, Any]):
    """Entries by name; their "module:attribute" strings are imported when an entry is looked up.

    So the names can be listed and checked before TensorFlow is loaded.

    Args:
        package: That the modules are in.
        lines: By name, an entry: such a string, or a dataclass with some in its fields.

    Attributes:
        lines: The entries as they were written, to read where nothing may be imported.
    """

    def __init__(self, package: str, lines: dict[str, Any]):
        self._package, self.lines = package, dict(lines)
        self._found: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._found:
            self._found[name] = self._imported(self.lines[name])
        return self._found[name]

    def __setitem__(self, name: str, entry: Any) -> None:
        self.lines[name] = entry
        self._found.pop(name, None)

    def __delitem__(self, name: str) -> None:
        del self.lines[name]
        self._found.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self.lines

    def __iter__(self) -> Iterator[str]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def _imported(self, part: Any) -> Any:
        if isinstance(part, tuple):
            return tuple(self._imported(item) for item in part)
        if isinstance(part, str) and _ATTRIBUTE.fullmatch(part):
            module, _, attribute = part.partition(":")
            return getattr(importlib.import_module(f"{self._package}.{module}"), attribute)
        if dataclasses.is_dataclass(part) and not isinstance(part, type):
            fields = {name: self._imported(value) for name, value in vars(part).items()}
            return dataclasses.replace(part, **fields)
        return part
