"""One image of any kind -> uint8 `(height, width, channels)`, grey or RGB, of the size asked."""

import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from kgan.errors import InputError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
MAX_SIDE = 8192
LARGE = 2**25  # pixels, above which a JPEG is decoded smaller where the size asked for is far less
SPARE = 4  # times the size asked for, that are decoded at least


class TooLargeError(ValueError):
    """An image has more pixels than are decoded: the message says how many, and the limit."""


def parse_size(image_size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """Returns `image_size` as `(height, width)`, or None for "as they are".

    Args:
        image_size: One side for a square, or `(height, width)`, each from 1 to `MAX_SIDE`.

    Raises:
        InputError: It is neither.
    """
    if image_size is None:
        return None
    sides = image_size if isinstance(image_size, tuple | list) else (image_size, image_size)
    whole = all(isinstance(s, int | np.integer) and not isinstance(s, bool) for s in sides)
    if len(sides) != 2 or not whole or not all(1 <= s <= MAX_SIDE for s in sides):
        raise InputError(
            f"Received image_size {image_size!r}; expected one whole number or (height, width), "
            f"each from 1 to {MAX_SIDE}. Give for example 32."
        )
    return int(sides[0]), int(sides[1])


def read(path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """Returns the image in `path`, turned upright, as uint8 `(height, width, 1 or 3)`.

    Args:
        path: A PNG, JPEG, WebP or BMP file, whatever its extension; the first frame is taken.
        size: `(height, width)` to fit, or None.

    Raises:
        TooLargeError: It has more than 179 million pixels (twice `PIL.Image.MAX_IMAGE_PIXELS`).
        Exception: Of any class, where the bytes are no whole image (Pillow's decoders do that).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that of Pillow about half of the limit, too
        with _opened(path) as image:
            if size and image.width * image.height > LARGE:
                image.draft(None, (SPARE * max(size), SPARE * max(size)))
            # The last of a tile's four is told before the file is decoded only.
            stored = image.tile[0][3] if image.format == "PNG" else None
            return convert(_as_stored(ImageOps.exif_transpose(image), stored), size)


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as error:
        # "Image size (N pixels) exceeds limit of M pixels, could be ..."
        pixels, limit = (int(number) for number in re.findall(r"\d+", str(error))[:2])
        raise TooLargeError(
            f"{pixels / 1e6:,.0f} million pixels, at most {limit / 1e6:,.0f} are read"
        ) from error


def convert(image: Image.Image, size: tuple[int, int] | None) -> np.ndarray:
    """Returns a Pillow image as uint8 `(height, width, 1 or 3)`, composited on white.

    What is stored as grey (1 to 16 bits, with or without alpha) has one channel, all else three.

    Args:
        image: Any mode.
        size: `(height, width)`: the image is scaled until it covers this, then cut at the centre.
    """
    if 0 in image.size:
        raise ValueError("no pixels")
    array = np.asarray(_fit(_flatten(image), size))
    return array[..., None] if array.ndim == 2 else array


def _as_stored(image: Image.Image, stored: str | None) -> Image.Image:
    """Returns what Pillow makes of a PNG, mended where that is not what is stored.

    Pillow opens 16-bit grey with alpha as RGBA, and gives the transparent colour as it is in the
    file while it brings the pixels to 8 bits. Of 16-bit colours, and of grey with alpha, it keeps
    the high bytes: they may lie one level beside the nearest, and a colour that shares its high
    bytes with the transparent one is transparent too.

    Args:
        image: Decoded.
        stored: How it is stored: Pillow's raw mode of the file.
    """
    if stored == "LA;16B":
        return image.convert("LA")
    colour = image.info.get("transparency")
    if colour is not None and stored in ("L;2", "L;4"):
        image.info["transparency"] = colour * (85 if stored == "L;2" else 17)
    elif colour is not None and stored == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in colour)
    return image


def from_array(array: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """Returns `convert` of the pixels `array`.

    Args:
        array: uint8 or uint16 `(height, width, channels)`: grey, RGB or RGBA.
        size: As for `convert`.
    """
    if array.dtype == np.uint16:
        array = _to_eight_bits(array)
    return convert(Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array), size)


def _to_eight_bits(array: np.ndarray) -> np.ndarray:
    """Returns the nearest of 256 levels: 0 stays 0 and 65535 becomes 255."""
    return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _flatten(image: Image.Image) -> Image.Image:
    """Returns `image` in mode L or RGB."""
    if image.mode.startswith("I"):  # 16-bit grey; older Pillows open it as 32-bit "I"
        levels = np.clip(np.asarray(image), 0, 65535)
        white = levels == image.info.get("transparency", -1)
        return Image.fromarray(np.where(white, np.uint8(255), _to_eight_bits(levels)))
    mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    if not image.has_transparency_data:
        return image.convert(mode)
    image = image.convert("LA" if mode == "L" else "RGBA")
    opaque = Image.new(mode, image.size, "white")
    opaque.paste(image.convert(mode), mask=image.getchannel("A"))
    return opaque


def _fit(image: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    """Scales until `size` is covered and cuts the centre, without the large image in between."""
    if size is None or size == (image.height, image.width):
        return image
    height, width = size
    scale = max(height / image.height, width / image.width)
    left, top = (image.width - width / scale) / 2, (image.height - height / scale) / 2
    if scale == 1:  # a plain cut keeps the grey levels exactly
        return image.crop((int(left), int(top), int(left) + width, int(top) + height))
    box = (left, top, left + width / scale, top + height / scale)
    box = tuple(np.clip(box, 0, [image.width, image.height] * 2))
    return image.resize((width, height), Image.Resampling.LANCZOS, box=box)
