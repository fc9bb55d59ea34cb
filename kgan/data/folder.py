"""Any folder of images, optionally one sub-folder a class."""

import os
from collections.abc import Iterator
from pathlib import Path

from kgan.data import image, prepared
from kgan.data.examples import Examples, is_line
from kgan.errors import InputError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


def load(
    path: str | os.PathLike,
    *,
    image_size: int | tuple[int, int] | None = None,
    report: prepared.Report | None = None,
) -> Examples:
    """Returns the images under `path` in the order of their relative paths.

    If every image lies in a sub-folder, the sub-folders of `path` that hold images are the classes,
    in alphabetical order. If some lie in `path` itself, they are all used and there are no labels.
    Hidden files and folders are skipped. Files that cannot be read are warned about and left out.

    Args:
        path: The folder; looked through recursively, links followed.
        image_size: One side or `(height, width)` to which to scale and cut; None keeps the size.
        report: Called as `report(done, total, message)` while the set is prepared.

    Raises:
        InputError: No such folder, no images, images of several sizes without `image_size`, or more
            than half of the files unreadable.
    """
    size = image.parse_size(image_size)
    root = check(path)
    names = sorted(_walk(root))
    classes = _classes(names)
    source = {"folder": str(root.resolve()), "image_size": size}
    identity = {"folder": prepared.fingerprint(root, names), "image_size": size}
    skipped: list[str] = []
    return prepared.store(
        root.resolve().name or "folder",
        source,
        identity,
        _read(root, names, classes, size, skipped),
        total=len(names),
        columns={"label": tuple(map(_shown, classes))} if classes else {},
        skipped=skipped,
        report=report,
    )


def check(path: str | os.PathLike) -> Path:
    """Returns a folder in which there is an image.

    Raises:
        InputError: No such folder, or no images.
    """
    root = Path(os.path.expanduser(path))
    if not os.path.isdir(root):
        kind = "is a file" if os.path.exists(root) else "does not exist"
        raise InputError(f"{str(root)!r} {kind}; expected a folder of images. Check the path.")
    if next(_walk(root), None) is None:
        raise InputError(
            f"Found no images in {str(root)!r}; looked, in sub-folders too, for files that end in "
            f"{', '.join(EXTENSIONS)}. Check the path."
        )
    return root


def _walk(root: Path) -> Iterator[str]:
    """Yields the relative paths of the images, each folder once however many links lead there."""
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if name.lower().endswith(EXTENSIONS) and not name.startswith("."):
                yield os.path.relpath(os.path.join(folder, name), root)


def _classes(names: list[str]) -> dict[str, int]:
    """Returns class name -> class, empty if an image lies on top."""
    if not all(os.sep in name for name in names):
        return {}
    tops = sorted({name.split(os.sep, 1)[0] for name in names})
    return {name: index for index, name in enumerate(tops)}


def _shown(name: str) -> str:
    return "".join(sign if is_line(sign) else ascii(sign)[1:-1] for sign in name)


def _read(
    root: Path,
    names: list[str],
    classes: dict[str, int],
    size: tuple[int, int] | None,
    skipped: list[str],
) -> Iterator[prepared.Example]:
    """Yields images and classes of the readable files and tells the others to `skipped`."""
    for name in names:
        try:
            if not os.path.isfile(root / name):  # opening a named pipe would wait for ever
                raise OSError("not a file")
            pixels = image.read(root / name, size)
        except image.TooLargeError as error:  # first, so that its limit is told
            skipped.insert(0, f"{name!r} ({error})")
        except Exception:  # Pillow's decoders raise anything on damaged bytes
            skipped.append(repr(name))
        else:
            yield pixels, (classes[name.split(os.sep, 1)[0]],) if classes else ()
            continue
        if len(skipped) * 2 > len(names):
            raise _mostly_unreadable(root, len(names), skipped)


def _mostly_unreadable(root: Path, total: int, skipped: list[str]) -> InputError:
    return InputError(
        f"More than half of the {total} files in {str(root)!r} could not be read as images, such "
        f"as {', '.join(skipped[: prepared.NAMED])}; expected whole PNG, JPEG, WebP or "
        "BMP files. Replace or remove them."
    )
