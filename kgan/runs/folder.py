"""Run folders: numbered, never overwritten, used by one process at a time."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import filelock

from kgan import names
from kgan.errors import InputError, WriteError


def create(run_dir: str | Path | None, name: str) -> Path:
    """Makes a run's folder.

    Args:
        run_dir: The folder itself; None for the next number under `runs/`.
        name: What follows the number, such as "mnist-dcgan".

    Raises:
        InputError: It holds a run already, is no folder, or cannot be written.
    """
    try:
        if run_dir is None:
            return _next(Path("runs"), name)
        folder = Path(names.check("--run-dir", run_dir))
        folder.mkdir(parents=True, exist_ok=True)
        require_new(folder)
        (folder / ".lock").touch()
        return folder
    except OSError as error:
        raise InputError(
            f"Cannot write {error.filename}: {error.strerror}. Choose another folder with "
            "--run-dir."
        ) from error


def require_new(folder: Path) -> None:
    """Checks that a folder holds no run yet, where there is one.

    Raises:
        InputError: It holds one, or anything else.
    """
    # A run killed before its config.json is no run yet: its folder is as good as new.
    try:
        inside = list(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise InputError(f"Cannot read {folder}: {error.strerror}. Choose another.") from error
    if any(path.name not in (".lock", "config.json.new") for path in inside):
        raise InputError(
            f"Run folder {folder} is not empty: choose another --run-dir, or go on with "
            f"--resume {folder}."
        )


def require_writable(path: Path) -> None:
    """Checks that a folder can be made or written, without making it.

    Raises:
        InputError: It cannot.
    """
    names.check("Folder", path)
    # A link to nothing is there: nothing can be made in its place.
    there = next(p for p in (path.absolute(), *path.absolute().parents) if os.path.lexists(p))
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise InputError(f"Cannot write {path}: {there} is no writable folder. Choose another.")


def _next(root: Path, name: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    while True:
        numbers = [names.number(p.name.partition("-")[0]) for p in root.iterdir()]
        after = max((number for number in numbers if number is not None), default=-1) + 1
        folder = root / f"{after:05d}-{name}"
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue


def refuse_links(folder: Path) -> None:
    """Checks that what is written to a folder stays in it: it may have come from anybody.

    Raises:
        InputError: Something in it is a symbolic link.
    """
    link = next((path for path in sorted(folder.rglob("*")) if path.is_symlink()), None)
    if link is not None:
        raise InputError(
            f"{link} is a symbolic link, which would be written through: put what it leads to in "
            "its place, or remove it."
        )


def lock(folder: Path) -> filelock.BaseFileLock:
    """Returns the folder's lock, taken; it goes with the process, however that ends.

    Raises:
        InputError: Another process holds it, or something in it is a symbolic link.
    """
    refuse_links(folder)
    held = filelock.FileLock(folder / ".lock")
    try:
        held.acquire(timeout=0)
    except filelock.Timeout:
        raise InputError(
            f"Run folder {folder} is in use by another process: wait for it, or stop it first."
        ) from None
    except OSError as error:
        raise InputError(f"Cannot write {folder}: {error.strerror}.") from error
    return held


def write_json(path: Path, values: dict) -> None:
    """Writes a file as `write_text` does."""
    write_text(path, json.dumps(values, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a file that is either the old one or the new one, whole.

    Raises:
        WriteError: It cannot be written.
    """
    aside = path.with_name(path.name + ".new")
    with writing(path):
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns whatever Python or TensorFlow raise when a disk is full or read-only into one error.

    Raises:
        WriteError: The block did not write what it was to write.
    """
    import tensorflow as tf  # here: what only reads a run's folder goes without

    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        # TensorFlow's errors have no number: the system's words stand at the end of a line.
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0].rpartition("; ")[2]
        raise WriteError(f"Cannot write {path}: {reason.partition(' [Op:')[0]}") from error


def in_use(folder: Path) -> bool:
    """Returns whether another process holds the folder's lock, or nobody can."""
    try:
        with filelock.FileLock(folder / ".lock", timeout=0):
            return False
    except (filelock.Timeout, OSError):
        return True
