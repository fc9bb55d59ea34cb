"""The decoder of served graphs against the one that reads files for training: the same pixels."""

import functools
import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kgan.data import image as training
from kgan.serving.decoding import decoded

HEIGHT, WIDTH = 13, 17
RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
SMOOTH = Image.fromarray(NOISE[:3, :3]).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


@functools.cache
def decoder(channels):
    return tf.function(
        lambda file: decoded(file, (HEIGHT, WIDTH, channels)),
        input_signature=[tf.TensorSpec([], tf.string)],
    )


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(depth, kind, *chunks):
    """Returns a PNG of random bits, of any depth and kind."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    size = (WIDTH * samples * depth + 7) // 8
    lines = b"".join(b"\0" + RNG.bytes(size) for _ in range(HEIGHT))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, 0)),
            *(chunk(*one) for one in chunks),
            chunk(b"IDAT", zlib.compress(lines)),
            chunk(b"IEND", b""),
        ]
    )


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


def files():
    """Yields kinds of files by what they are."""
    for depth in (1, 2, 4, 8):
        palette = (b"PLTE", RNG.bytes(3 * 2**depth))
        yield f"grey of {depth} bits", png(depth, 0)
        yield f"palette of {depth} bits", png(depth, 3, palette)
        transparent = (b"tRNS", RNG.bytes(2**depth // 2 + 1))
        yield f"palette of {depth} bits, a text", png(depth, 3, palette, (b"tEXt", b"Of\0tRNS"))
        yield f"palette of {depth} bits with alpha", png(depth, 3, palette, transparent)
    yield "grey of 16 bits", png(16, 0)
    for depth in (1, 2, 4, 8, 16):
        text = (b"iTXt", b"Of\0\0\0\0\0tRNS")
        yield f"grey of {depth} bits, a text", png(depth, 0, text)
    yield "one grey transparent", png(8, 0, (b"tRNS", struct.pack(">H", 9)))
    for depth in (8, 16):
        yield f"colour of {depth} bits", png(depth, 2)
        yield f"colour and alpha of {depth} bits", png(depth, 6)
    yield "grey and alpha", png(8, 4)
    for quality, subsampling in ((30, 2), (75, 1), (95, 0)):
        options = {"quality": quality, "subsampling": subsampling}
        yield f"JPEG, noise, {quality}", encoded(Image.fromarray(NOISE), "JPEG", **options)
        yield f"JPEG, smooth, {quality}", encoded(SMOOTH, "JPEG", **options)
    yield "progressive", encoded(SMOOTH, "JPEG", progressive=True)
    yield "grey JPEG", encoded(SMOOTH.convert("L"), "JPEG")
    yield "CMYK", encoded(SMOOTH.convert("CMYK"), "JPEG")
    yield "JPEG with EXIF, upright", encoded(SMOOTH, "JPEG", **turned(1))
    yield "PNG with EXIF, upright", encoded(SMOOTH, "PNG", **turned(1))


FILES = dict(files())


@pytest.mark.parametrize("kind", FILES)
def test_a_graph_sees_what_training_saw(kind, tmp_path):
    (tmp_path / "file").write_bytes(FILES[kind])
    expected = training.read(tmp_path / "file", None)
    found = decoder(expected.shape[-1])(tf.constant(FILES[kind]))
    np.testing.assert_array_equal(found, expected)


def test_colour_becomes_grey_as_in_pillow_and_grey_becomes_colour():
    colour = encoded(Image.fromarray(NOISE), "PNG")
    grey = np.asarray(Image.fromarray(NOISE).convert("L"))
    np.testing.assert_array_equal(decoder(1)(tf.constant(colour))[..., 0], grey)
    file = encoded(Image.fromarray(grey), "PNG")
    np.testing.assert_array_equal(decoder(3)(tf.constant(file)), np.stack([grey] * 3, axis=-1))


BIG_ENDIAN = b"Exif\0\0" + bytes.fromhex(
    "4d4d002a 00000008 0001 0112 0003 00000001 00060000 00000000"
)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
REFUSED = {
    **{f"JPEG, {n}": encoded(SMOOTH, "JPEG", **turned(n)) for n in range(2, 9)},
    "PNG": encoded(SMOOTH, "PNG", **turned(6)),
    "big-endian": encoded(SMOOTH, "JPEG", exif=BIG_ENDIAN),
    "XMP": encoded(SMOOTH, "JPEG", xmp=XMP),
    "packed XMP": png(8, 2, (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP))),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_turned_file_is_refused(kind):
    with Image.open(io.BytesIO(REFUSED[kind])) as image:
        assert image.getexif()[0x0112] == (int(kind[-1]) if kind[-1].isdigit() else 6)
    with pytest.raises(tf.errors.InvalidArgumentError, match="turn it upright"):
        decoder(3)(tf.constant(REFUSED[kind]))


@pytest.mark.parametrize("kind", ["BMP", "GIF"])
def test_other_kinds_are_refused(kind):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decoder(3)(tf.constant(encoded(SMOOTH, kind)))
