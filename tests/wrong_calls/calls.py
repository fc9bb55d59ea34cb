"""A wrong call, and that it is held: one line, exit status 2, and nothing written."""

import os
from pathlib import Path

from click.testing import CliRunner
from hypothesis import HealthCheck, settings

from kgan.cli import main
from kgan.errors import InputError


def kgan(*args):
    """Returns how a command ended; what is no exit of it is raised here."""
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def snapshot(folder):
    """Returns what a folder holds: names, sizes, and when they were written."""
    return {
        path: (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in Path(folder).rglob("*")
        if path.is_symlink() or path.is_file() or not any(path.iterdir())
    }


def held(arguments, message, place):
    """Asserts that a call ends in one line with a message, status 2, and changes nothing."""
    before = snapshot(place)
    result = kgan(*arguments)
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip("\n").split("\n")
    assert [line.startswith("Error: ") for line in lines].count(True) == 1, result.stderr
    assert lines[-1].startswith("Error: ")
    assert message in lines[-1], lines[-1]
    assert lines[-1].isprintable()
    assert len(lines[-1]) < 2000
    assert "Traceback" not in result.output
    assert snapshot(place) == before
    return lines[-1]


def refused(read, *args):
    """Returns what an InputError tells, None if there is none."""
    try:
        read(*args)
    except InputError as error:
        return str(error)
    return None


def spoil(path, content):
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)


def folder(path):
    path.unlink(missing_ok=True)
    path.mkdir()


def loop(path):
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)


def pipe(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def large(path):
    with path.open("wb") as file:
        file.truncate(2**34)


QUICK = settings(
    max_examples=60, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
