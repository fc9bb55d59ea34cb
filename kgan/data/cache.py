"""What lies in the cache: listed, and removed when it is asked for or its source was edited."""

import contextlib
import json
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from kgan.errors import InputError, unknown
from kgan.memory import format_bytes

KEPT = {
    "features": "features of real images, of kgan evaluate",
    "inception": "the Inception graph of 2015",
}
_SET = re.compile(r"(.+)-[0-9a-f]{16}")


@dataclass(frozen=True)
class Entry:
    """Something in the cache.

    Attributes:
        path: Its folder.
        source: What it was made from: see `prepared.store`; None where it does not tell.
    """

    path: Path
    source: dict | None = None

    @property
    def bytes(self) -> int:
        """What its files take."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    @property
    def days(self) -> float:
        """Since it was last written to."""
        return max(0, time.time() - self.path.stat().st_mtime) / 86_400

    @property
    def name(self) -> str:
        """The set's name, without the key."""
        found = _SET.fullmatch(self.path.name)
        return found[1] if found else self.path.name

    def told(self) -> str:
        """Returns its source in words."""
        if self.path.name in KEPT:
            return KEPT[self.path.name]
        if not self.source:
            return "of an older version"
        sides = self.source.get("image_size")
        parts = [
            str(self.source.get("folder") or self.source.get("tfds")),
            self.source.get("split"),
            "x".join(map(str, sides)) if sides else None,
        ]
        return ", ".join(part for part in parts if part)


def cache_dir() -> Path:
    """Returns the folder of prepared sets: `$KGAN_CACHE_DIR`, or the user's cache folder."""
    import platformdirs

    folder = os.environ.get("KGAN_CACHE_DIR") or platformdirs.user_cache_dir("kgan")
    return Path(os.path.expanduser(folder))


def entries() -> list[Entry]:
    """Returns what is in the cache, by name; nothing that KGAN did not put there."""
    root = cache_dir()
    paths = sorted(root.iterdir()) if root.is_dir() else []
    folders = [path for path in paths if path.is_dir() and not path.is_symlink()]
    return [
        Entry(path, _source(path))
        for path in folders
        if path.name in KEPT or (_SET.fullmatch(path.name) and (path / "info.json").is_file())
    ]


def _source(path: Path) -> dict | None:
    try:
        source = json.loads((path / "info.json").read_text(encoding="utf-8"))["source"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return source if isinstance(source, dict) else None


def describe() -> list[str]:
    """Returns the cache as lines: its place, then size, age and source of each entry."""
    found = entries()
    total = sum(entry.bytes for entry in found)
    count = "1 entry" if len(found) == 1 else f"{len(found)} entries"
    lines = [f"{cache_dir()}: {format_bytes(total)} in {count}"]
    for entry in found:
        age = f"{entry.days:.0f} days"
        lines.append(
            f"{entry.path.name:32} {format_bytes(entry.bytes):>9} {age:>9}  {entry.told()}"
        )
    return lines


def clear(names: str = "all") -> list[str]:
    """Removes entries, and returns what was done in lines.

    What another process reads stays readable to it (on Windows: stays); what one is preparing is
    left alone.

    Args:
        names: "all", or names of sets or of entries, with commas between.

    Raises:
        InputError: A name that no entry has.
    """
    found = entries()
    if names != "all":
        asked = [name.strip() for name in names.split(",")]
        known = {name for entry in found for name in (entry.name, entry.path.name)}
        for name in asked:
            if name not in known:
                raise (
                    unknown("cache entry", name, known)
                    if known
                    else InputError(f"Unknown cache entry {name!r}: {cache_dir()} is empty.")
                )
        found = [entry for entry in found if {entry.name, entry.path.name} & set(asked)]
    lines = []
    for entry in found:
        size = format_bytes(entry.bytes)
        gone = remove(entry.path)
        lines.append(f"{'Removed' if gone else 'In use, left:'} {entry.path.name} ({size})")
    if names == "all":
        for name in _left_over():
            remove(cache_dir() / name)
    return lines or [f"Nothing to remove in {cache_dir()}"]


def _left_over() -> set[str]:
    """Returns the names of sets of which there are only locks, and parts of killed processes."""
    root = cache_dir()
    paths = root.iterdir() if root.is_dir() else ()
    found = (re.fullmatch(rf"\.?({_SET.pattern})\..+", path.name) for path in paths)
    return {match[1] for match in found if match}


def remove(path: Path) -> bool:
    """Removes an entry unless another process prepares it; returns whether it is gone."""
    import filelock

    lock = Path(f"{path}.lock")
    try:
        with filelock.FileLock(lock, timeout=0):
            aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
            try:
                if path.exists():  # Renamed first: it is there whole, or not at all.
                    os.rename(path, aside / path.name)
            finally:
                for left in path.parent.glob(f".{path.name}.*"):
                    shutil.rmtree(left, ignore_errors=True)
            with contextlib.suppress(OSError):  # Windows removes no file that is open
                lock.unlink()
    except (OSError, filelock.Timeout):
        return False
    return True


def remove_older(path: Path, source: dict) -> None:
    """Removes the other entries of a source, which was edited since they were made.

    Args:
        path: The new entry.
        source: What it was made from.
    """
    for entry in entries():
        if entry.path != path and entry.source == source:
            remove(entry.path)
