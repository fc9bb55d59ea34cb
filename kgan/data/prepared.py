"""A set of images, decoded once into an array on disk and read from there as a memory map.

A prepared set is a folder `NAME-KEY` in `cache.cache_dir()` with `images.npy`, `columns.npy` if it
has columns, and `info.json`. It is written aside and appears whole, by a rename.
"""

import hashlib
import io
import itertools
import json
import os
import re
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from kgan import memory
from kgan.data import cache
from kgan.data.examples import Column, Examples, check_names
from kgan.data.space import IMAGES
from kgan.errors import DataWarning, InputError

FORMAT = 3  # raise it when the same source would now give other bytes
REPORT_EVERY = 256
NAMED = 3  # how many of the unreadable files a message names
FEW = 64  # different numbers from 0, up to which they are classes

# An image, and its number in every column.
Example = tuple[np.ndarray, Sequence[int]]

Report = Callable[[int, int, str], None]


def fingerprint(root: Path, names: Iterable[str]) -> str:
    """Returns a hash of the names, sizes and modification times of the files `names` of `root`."""
    digest = hashlib.sha256(os.fsencode(root.resolve()))
    for name in names:
        try:
            stat = os.stat(root / name)
            state = f"{stat.st_size} {stat.st_mtime_ns}"
        except OSError:
            state = "unreadable"
        digest.update(os.fsencode(name) + f"\0{state}\0".encode())
    return digest.hexdigest()


def store(
    name: str,
    source: dict,
    identity: dict,
    examples: Iterator[Example],
    *,
    total: int,
    columns: dict[str, tuple[str, ...]] | None = None,
    skipped: Sequence[str] = (),
    report: Report | None = None,
) -> Examples:
    """Returns the set as a read-only memory map, decoding it only if it is not there yet.

    Args:
        name: Short name of the set.
        source: What the images were made from, and how (JSON). Where it was edited since, this set
            takes the place of the older one.
        identity: What decides the images (JSON): the same identity gives the same prepared set.
        examples: Yields `(image, numbers)`: uint8 `(height, width, 1 or 3)` of one size, and a
            whole number for every column. It is consumed only if the set is not prepared. One image
            of three channels makes all of them three.
        total: Number of images that `examples` is expected to give.
        columns: By name, the names of the classes; none where the numbers from 0 are to name
            themselves, up to 64 of them. A column with a number that has no name is left out.
        skipped: Filled by `examples` with what it could not read, in words; warned about.
        report: Called as `report(done, total, message)`.

    Raises:
        InputError: Images of several sizes, no image at all, names that cannot tell classes apart,
            or a cache that cannot be written.
    """
    from filelock import FileLock

    for names in (columns or {}).values():
        check_names(names)  # told before hours of preparing
    text = json.dumps([FORMAT, identity], sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    folder = cache.cache_dir() / f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name)[:64]}-{key}"
    found = _open(folder, name)
    if found is None:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{folder}.lock"):  # a second process waits rather than decode it too
                found = _open(folder, name)
                if found is None:
                    report = report or (lambda done, total, message: None)
                    about = {"name": name, "source": source}
                    _build(folder, about, examples, total, columns or {}, skipped, report)
                    cache.remove_older(folder, json.loads(json.dumps(source)))
                    found = _open(folder, name)
        except OSError as error:
            raise InputError(
                f"Could not write the prepared set {str(folder)!r} ({error.strerror or error}). "
                "Set KGAN_CACHE_DIR to a folder that can be written and has room."
            ) from error
    if found is None:
        raise InputError(
            f"The prepared set {str(folder)!r} changed while it was written. "
            "Set KGAN_CACHE_DIR to a folder that nothing else writes to."
        )
    return found


def _open(folder: Path, name: str) -> Examples | None:
    """Returns the prepared set, or None where it is missing, cut short or changed."""
    try:
        info = json.loads((folder / "info.json").read_text())
        if info["files"] != _states(folder):
            return None
        images = np.load(folder / "images.npy", mmap_mode="r")
        columns = {}
        if info["columns"]:
            table = np.load(folder / "columns.npy", mmap_mode="r")
            columns = {
                key: Column(table[:, number], tuple(names))
                for key, (number, names) in info["columns"].items()
            }
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if info["skipped"]:
        warnings.warn(
            f"Skipped {info['skipped']} of {info['skipped'] + len(images)} files of {name!r} that "
            f"could not be read as images, such as {info['skipped_names']}.",
            DataWarning,
            stacklevel=5,
        )
    return Examples(images, columns, IMAGES, name)


def _states(folder: Path) -> dict[str, list[int]]:
    """Returns size and modification time of the arrays: reading them whole would take too long."""
    stats = {path.name: path.stat() for path in folder.glob("*.npy")}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}


def _build(
    folder: Path,
    about: dict,
    examples: Iterator[Example],
    total: int,
    columns: dict[str, tuple[str, ...]],
    skipped: Sequence[str],
    report: Report,
) -> None:
    for left_by_a_killed_process in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left_by_a_killed_process, ignore_errors=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    name = about["name"]
    try:
        table = _Table(aside / "columns.npy", columns)

        def images() -> Iterator[np.ndarray]:
            for done, (image, numbers) in enumerate(examples):
                if done % REPORT_EVERY == 0:
                    report(done, total, f"Preparing {name}")
                table.write(numbers)
                yield image

        with table:
            count = _write_images(aside / "images.npy", images(), name, total)
        report(total, total, f"Prepared {name} in {folder}")
        info = {
            **about,
            "images": count,
            "columns": table.kept(),
            "skipped": len(skipped),
            "skipped_names": ", ".join(skipped[:NAMED]),
            "files": _states(aside),
        }
        (aside / "info.json").write_text(json.dumps(info))
        shutil.rmtree(folder, ignore_errors=True)  # there only if it could not be trusted
        os.rename(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


class _Table:
    """The file of the columns, written row by row beside the images.

    Args:
        path: Of the file.
        columns: See `store`.
    """

    def __init__(self, path: Path, columns: dict[str, tuple[str, ...]]):
        self._path, self._columns = path, columns
        self._low, self._high = np.zeros((2, len(columns)), np.int64)
        self._count = 0

    def __enter__(self) -> None:
        self._file = open(self._path, "w+b") if self._columns else io.BytesIO()
        self._file.write(_header((0, len(self._columns)), "<i4"))

    def __exit__(self, *_) -> None:
        self._file.seek(0)
        self._file.write(_header((self._count, len(self._columns)), "<i4"))
        self._file.close()

    def write(self, numbers: Sequence[int]) -> None:
        row = np.asarray(numbers, np.int64)
        np.minimum(self._low, row, out=self._low)
        np.maximum(self._high, row, out=self._high)
        self._file.write(row.astype("<i4").tobytes())
        self._count += 1

    def kept(self) -> dict[str, tuple[int, tuple[str, ...]]]:
        """Returns by name the number of each column whose numbers all have names, and these."""
        found = {}
        for number, (name, names) in enumerate(self._columns.items()):
            low, high = self._low[number], self._high[number]
            if low >= 0 and high < (len(names) or FEW):
                found[name] = number, names or tuple(map(str, range(high + 1)))
        return found


def _write_images(path: Path, images: Iterator[np.ndarray], name: str, total: int) -> int:
    """Writes a `.npy` image by image and returns how many.

    Plain writes, since the pages of a writable memory map would count as this process's memory; and
    since a `.npy` header has room to let the first axis grow, the number is filled in at the end.
    """
    first = next(images, None)
    if first is None:
        raise InputError(f"{name!r} holds no images. Choose another split or data set.")
    shape = first.shape
    size, free = total * first.size, shutil.disk_usage(path.parent).free
    if size > free:
        raise InputError(
            f"{name!r} of {shape[0]}x{shape[1]} takes {memory.format_bytes(size)} in "
            f"{path.parents[1]}, where {memory.format_bytes(free)} are free: choose a smaller "
            "--image-size, or set KGAN_CACHE_DIR to a folder with more room."
        )
    with open(path, "w+b") as file:
        file.write(_header((0, *shape), "|u1"))
        count = 0
        for image in itertools.chain([first], images):
            if image.shape[:2] != shape[:2]:
                raise _mixed_sizes(name, {shape: count}, itertools.chain([image], images))
            if image.shape[2] > shape[2]:
                shape = image.shape
                _repeat_bytes(file, len(_header((0, *shape), "|u1")), shape[2])
            elif image.shape[2] < shape[2]:
                image = np.repeat(image, shape[2], axis=2)
            file.write(image.tobytes())
            count += 1
        file.seek(0)
        file.write(_header((count, *shape), "|u1"))
    return count


def _header(shape: tuple[int, ...], dtype: str) -> bytes:
    buffer = io.BytesIO()
    description = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, description)
    return buffer.getvalue()


def _repeat_bytes(file: io.BufferedRandom, start: int, times: int, chunk: int = 1 << 20) -> None:
    """Turns the grey images written so far into RGB in place, from the last byte to the first."""
    end = file.tell()
    for begin in reversed(range(start, end, chunk)):
        file.seek(begin)
        grey = np.frombuffer(file.read(min(chunk, end - begin)), np.uint8)
        file.seek(start + (begin - start) * times)
        file.write(np.repeat(grey, times).tobytes())
    file.seek(0, os.SEEK_END)


def _mixed_sizes(name: str, seen: dict, more: Iterator[np.ndarray]) -> InputError:
    sizes = Counter({shape[:2]: count for shape, count in seen.items()})
    sizes.update(image.shape[:2] for image in itertools.islice(more, 1000))
    listed = ", ".join(f"{h}x{w} ({n})" for (h, w), n in sizes.most_common(6))
    others = ", ..." if len(sizes) > 6 else ""
    side = min(min(size) for size in sizes)
    return InputError(
        f"{name!r} holds images of several sizes (height x width): {listed}{others}; expected one. "
        f"Give one to scale and cut them to: --image-size {1 << (side.bit_length() - 1)}."
    )
