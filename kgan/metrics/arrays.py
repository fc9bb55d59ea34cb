"""Arrays of an .npz file, checked against the file before one is made: it may be anybody's."""

import math
import os
import stat
import zipfile
from pathlib import Path

import numpy as np

from kgan import memory
from kgan.errors import InputError

DEFLATED_AT_MOST = 1032  # bytes of a byte: the format's limit


class ArraysError(InputError):
    """A file holds no arrays that can be read: the message says why."""


def read(
    path: str | os.PathLike, *names: str, optional: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """Returns arrays by their names; nothing in the file is run, and objects are refused.

    Args:
        path: The .npz file.
        names: Which arrays; none for all that there are.
        optional: Which others, where they are there.

    Raises:
        ArraysError: It is no .npz, lacks one of them, is damaged, or claims more than it holds.
        InputError: The arrays are larger than the memory that is free.
    """
    try:
        return _read(Path(path), names, optional)
    except InputError:
        raise
    except OSError as error:
        raise ArraysError(error.strerror or str(error)) from error
    except Exception as error:  # zipfile's and NumPy's parsers raise anything on damaged bytes
        reason = next(iter(str(error).splitlines()), "")
        raise ArraysError(f"damaged: {reason or type(error).__name__}") from error


def _read(path: Path, names: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, np.ndarray]:
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise ArraysError("a folder or a device, no file")
    with zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        missing = [name for name in names if name not in members]
        if missing:
            there = ", ".join(sorted(members)[:10]) or "nothing"
            raise ArraysError(f"no array {missing[0]!r} in it, but {there}")
        there_too = [name for name in optional if name in members]
        wanted = {name: members[name] for name in (*names, *there_too) or members}
        memory.require(
            sum(_checked_size(archive, info) for info in wanted.values()),
            str(path),
            "make a smaller file",
        )
        found = {}
        for name, info in wanted.items():
            with archive.open(info) as member:
                found[name] = np.lib.format.read_array(member, allow_pickle=False)
        return found


def _checked_size(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Returns an array's bytes, if the file holds so many."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArraysError("compressed in another way than NumPy does")
    if info.file_size > (info.compress_size + 1) * DEFLATED_AT_MOST:
        raise ArraysError(f"it claims {memory.format_bytes(info.file_size)} and holds fewer bytes")
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        if version not in ((1, 0), (2, 0)):
            raise ArraysError(f"an array of the unknown format {version}")
        header = np.lib.format.read_array_header_1_0
        if version == (2, 0):
            header = np.lib.format.read_array_header_2_0
        shape, _, dtype = header(member)
        if dtype.hasobject:
            raise ArraysError("an array of Python's objects, which could run anything")
        size = math.prod(shape) * dtype.itemsize
        rest = info.file_size - member.tell()
    if min(shape, default=0) < 0 or size != rest:
        raise ArraysError(
            f"an array claims {memory.format_bytes(size)}, of which {rest:,} bytes are there"
        )
    return size
