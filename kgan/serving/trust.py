"""Which SavedModels this user's installation wrote: a SavedModel is a program, not data."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

CHUNK = 1 << 20
VERSIONS = 1, 2  # versions of the digits generator: without classes, and of a class


def data_dir() -> Path:
    """Returns the folder of what is remembered: `$KGAN_DATA_DIR`, or the user's data folder."""
    folder = os.environ.get("KGAN_DATA_DIR") or platformdirs.user_data_dir("kgan")
    return Path(os.path.expanduser(folder))


def remember(version: Path) -> None:
    """Notes that this installation wrote a SavedModel, wherever it goes from here.

    A full or read-only disk is no error: such a model is loaded when it is named.

    Args:
        version: Its folder.
    """
    with contextlib.suppress(OSError):
        data_dir().mkdir(parents=True, exist_ok=True)
        with _record().open("a", encoding="ascii") as file:
            file.write(f"{_size(version)} {_digest(version)}\n")


def is_own(version: Path) -> bool:
    """Returns whether this installation wrote a SavedModel, and no file of it has changed since."""
    try:
        known = _record().read_text(encoding="ascii").splitlines()
        # Before the hash: another's files may be of any size.
        size = _size(version)
        alike = [line for line in known if line.startswith(f"{size} ")]
        return bool(alike) and f"{size} {_digest(version)}" in alike
    except (OSError, UnicodeDecodeError):
        return False


def is_safe(version: Path) -> bool:
    """Returns whether a SavedModel may be loaded though nobody named it: own, or shipped."""
    came_along = [shipped(number).resolve() for number in VERSIONS]
    return version.resolve() in came_along or is_own(version)


def shipped(number: int = VERSIONS[-1]) -> Path:
    """Returns a version of the digits generator, in the package or beside it in a checkout.

    Args:
        number: Of `VERSIONS`.
    """
    package = Path(__file__).parents[1]
    root = next(path for path in (package, package.parent) if (path / "saved_models").is_dir())
    return root / "saved_models" / "digits-dcgan" / str(number)


def _record() -> Path:
    return data_dir() / "exported.txt"


def _entries(version: Path) -> Iterator[tuple[Path, bool]]:
    """Yields all in a folder but folders, in one order, and whether it is a file."""
    for path in sorted(version.rglob("*"), key=lambda path: path.relative_to(version).as_posix()):
        if path.is_symlink() or not path.is_dir():
            yield path, path.is_file()


def _size(version: Path) -> int:
    return sum(path.stat().st_size for path, is_file in _entries(version) if is_file)


def _digest(version: Path) -> str:
    """Returns a hash of the names and contents of all files: a loader prefers some to others."""
    found = hashlib.sha256()
    for path, is_file in _entries(version):
        name, size = os.fsencode(path.relative_to(version)), path.stat().st_size if is_file else -1
        found.update(b"%d %d %s" % (size, len(name), name))
        if is_file:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    found.update(chunk)
    return found.hexdigest()
