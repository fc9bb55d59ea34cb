"""Every kind of image becomes the grey or RGB levels that a viewer on white paper would show."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from kgan import data
from kgan.data import image
from kgan.errors import InputError

LEVELS = np.arange(256, dtype=np.uint8).reshape(16, 16)
ALPHA = LEVELS.T.copy()


def on_white(levels, alpha):
    levels, alpha = levels.astype(int), alpha.astype(int)
    return np.round((levels * alpha + 255 * (255 - alpha)) / 255).astype(np.uint8)


def only(folder, **options):
    images = data.load(folder, **options).images
    assert images.dtype == np.uint8
    assert len(images) == 1
    return images[0]


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "A.PNG", "a.Bmp"])
def test_grey_is_kept(save, name):
    assert np.array_equal(only(save(name, LEVELS)), LEVELS[..., None])


@pytest.mark.parametrize(
    ("name", "options"), [("a.png", {}), ("a.bmp", {}), ("a.webp", {"lossless": True})]
)
def test_rgb_is_kept(save, noise, name, options):
    pixels = noise(5, 7, 3)
    assert np.array_equal(only(save(name, pixels, **options)), pixels)


def test_jpeg_equals_its_decoder(save, noise):
    folder = save("a.jpeg", noise(8, 8, 3), quality=95)
    assert np.array_equal(only(folder), np.asarray(Image.open(folder / "a.jpeg")))


def test_one_bit_is_black_and_white(save):
    bits = LEVELS % 3 == 0
    assert np.array_equal(only(save("a.png", Image.fromarray(bits)))[..., 0], bits * np.uint8(255))


def test_rgba_is_on_white_for_every_level_and_alpha(save):
    level, alpha = np.meshgrid(np.arange(256), np.arange(256))
    pixels = np.stack([level, 255 - level, level, alpha], -1).astype(np.uint8)
    expected = on_white(pixels[..., :3], pixels[..., 3:])
    assert np.array_equal(only(save("a.png", pixels)), expected)


def test_grey_with_alpha_stays_grey(save):
    pixels = Image.merge("LA", [Image.fromarray(LEVELS), Image.fromarray(ALPHA)])
    assert np.array_equal(only(save("a.png", pixels))[..., 0], on_white(LEVELS, ALPHA))


@pytest.mark.parametrize("alpha", [None, 7, bytes([0, 128, 255] * 5)])
def test_palette(save, noise, alpha):
    colours, index = noise(15, 3), noise(4, 5) % 15
    picture = Image.fromarray(index, "L").convert("P")
    picture.putdata(index.ravel())
    picture.putpalette(colours.tobytes())
    options = {} if alpha is None else {"transparency": alpha}
    opacity = np.full(15, 255)
    if isinstance(alpha, int):
        opacity[alpha] = 0
    elif alpha:
        opacity[:] = list(alpha)
    expected = on_white(colours[index], opacity[index][..., None])
    assert np.array_equal(only(save("a.png", picture, **options)), expected)


def test_transparent_colour_without_an_alpha_channel(save):
    grey = only(save("a.png", LEVELS, transparency=9))[..., 0]
    assert np.array_equal(grey, np.where(LEVELS == 9, 255, LEVELS))


def test_sixteen_bits_are_scaled_not_cut(save):
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    expected = np.round(deep / 257).astype(np.uint8)
    assert np.array_equal(only(save("a.png", deep))[..., 0], expected)


def test_cmyk(save):
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[..., 1:3] = 255  # magenta and yellow make red
    folder = save("a.jpg", Image.fromarray(ink, "CMYK"), quality=100)
    assert np.abs(only(folder).astype(int) - [255, 0, 0]).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_exif_orientation(save, noise, name, orientation):
    upright = noise(4, 6, 3)
    stored = {  # how to store what is to be shown as `upright`: EXIF 2.3, tag 274
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.swapaxes(0, 1),
        6: lambda x: np.rot90(x, 1),
        7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
        8: lambda x: np.rot90(x, -1),
    }[orientation](upright)
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if name == "a.webp" else {}
    folder = save(name, np.ascontiguousarray(stored), exif=exif, **options)
    assert np.array_equal(only(folder), upright)


def test_size_of_a_scale_of_one_is_a_plain_cut(save, noise):
    wide = noise(4, 9, 3)
    assert np.array_equal(only(save("a.png", wide), image_size=4), wide[:, 2:6])


def test_size_covers_and_cuts_the_centre(save):
    tall = np.repeat(np.array([0, 50, 200, 255], np.uint8), 8)[:, None].repeat(16, 1)  # 32 x 16
    cut = only(save("a.png", tall), image_size=(8, 8))[..., 0]
    # Scaled by a half to 16 x 8, of which the middle eight rows are four of 50 and four of 200;
    # Lanczos' filter rings by 3 of the 150 levels between them.
    assert np.abs(cut.astype(int) - np.repeat([50, 200], 4)[:, None])[[0, 1, 2, 5, 6, 7]].max() <= 3
    assert (cut == cut[:, :1]).all()


def test_size_keeps_a_constant_image_constant(save):
    flat = np.full((7, 31, 3), 93, np.uint8)
    assert (only(save("a.png", flat), image_size=(12, 5)) == 93).all()


def test_size_of_a_long_thin_image_needs_no_long_image_between(save):
    assert only(save("a.png", np.zeros((1, 60000), np.uint8)), image_size=64).shape == (64, 64, 1)


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "32", (1, 2, 3), (0, 4), 10**9])
def test_size_that_is_none(size):
    with pytest.raises(InputError, match="image_size"):
        image.parse_size(size)


def smooth(height, width):
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    return np.stack([np.tile(ramp, (height, 1))] * 3, -1)


def test_a_large_jpeg_is_decoded_smaller_to_the_same_picture(save, monkeypatch):
    folder = save("a.jpg", smooth(400, 800), quality=95)
    whole = only(folder, image_size=16).astype(int)
    drafts = []
    draft = JpegImageFile.draft

    def noted(self, mode, size):
        found = draft(self, mode, size)
        drafts.append(self.size)
        return found

    monkeypatch.setattr(JpegImageFile, "draft", noted)
    monkeypatch.setattr(image, "LARGE", 100_000)
    reduced = image.read(folder / "a.jpg", (16, 16)).astype(int)
    assert drafts == [(200, 100)]  # a quarter: four times 16 is covered, by an eighth it is not
    assert np.abs(reduced - whole).max() <= 3
    assert image.read(folder / "a.jpg", None).shape == (400, 800, 3)


def test_a_photo_above_pillows_warning_is_read_and_one_above_its_limit_is_told(save, monkeypatch):
    folder = save("a.png", np.zeros((100, 150), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    assert image.read(folder / "a.png", None).shape == (100, 150, 1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5_000)
    with pytest.raises(image.TooLargeError, match="0 million pixels, at most 0 are read"):
        image.read(folder / "a.png", None)


def test_content_counts_not_the_extension(tmp_path, noise):
    pixels, buffer = noise(3, 3, 3), io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    assert np.array_equal(only(tmp_path), pixels)


CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by PNG's colour type: grey, RGB, palette, LA, RGBA
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
STORED = [
    (colour, depth, transparent)
    for colour, depths in DEPTHS.items()
    for depth in depths
    for transparent in ((False, True) if colour < 4 else (False,))
]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples, colour, depth, palette, transparent):
    """Returns a file as the PNG specification (ISO/IEC 15948) has it."""
    height, width, channels = samples.shape
    rows = samples.reshape(height, width * channels)
    bits = (rows[..., None] >> np.arange(depth)[::-1]) & 1
    rows = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)
    rows = np.pad(rows, ((0, 0), (1, 0)))  # filter type 0
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0),
        b"PLTE": palette.tobytes() if colour == 3 else None,
        b"tRNS": transparent,
        b"IDAT": zlib.compress(rows.tobytes()),
        b"IEND": b"",
    }
    body = b"".join(chunk(kind, data) for kind, data in chunks.items() if data is not None)
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(("colour", "depth", "transparent"), STORED)
@pytest.mark.parametrize("turned", [False, True])
def test_every_kind_of_png_is_its_colours_on_white(tmp_path, colour, depth, transparent, turned):
    rng = np.random.default_rng(depth)
    top = 2**depth - 1
    samples = rng.integers(0, top + 1, (16, 11, CHANNELS[colour]))
    samples[5, 6] = top // 2 | 1
    samples[8:] = samples[:8]  # The transparent colour is met twice,
    samples[3, 4] = np.minimum(samples[5, 6] ^ 1, top)  # and in 16 bits one next to it.
    palette, opacity = rng.integers(0, 256, (2**depth, 3), np.uint8), np.ones((16, 11, 1))
    colours, trns = samples / top, None
    if colour == 3:
        colours = palette[samples[..., 0]] / 255
        alphas = rng.integers(0, 256, 2**depth, np.uint8)
        if transparent:
            opacity, trns = alphas[samples] / 255, alphas.tobytes()
    elif colour > 3:
        colours, opacity = colours[..., :-1], colours[..., -1:]
    elif transparent:
        opacity = (samples != samples[5, 6]).any(-1, keepdims=True)
        trns = samples[5, 6].astype(">u2").tobytes()
    exact = 255 * (colours * opacity + 1 - opacity)
    data = png(samples, colour, depth, palette, trns)
    if turned:  # EXIF orientation 3: by half a turn.
        exif = Image.Exif()
        exif[274] = 3
        header = len(b"\x89PNG\r\n\x1a\n") + 25
        data = data[:header] + chunk(b"eXIf", exif.tobytes()[6:]) + data[header:]
        exact = exact[::-1, ::-1]
    (tmp_path / "a.png").write_bytes(data)
    found = only(tmp_path)
    assert found.shape == exact.shape  # One channel is grey.
    error = np.abs(found - exact)
    if depth < 16 or colour == 0:
        assert error.max() <= 0.5 + 1e-9
    else:  # Pillow keeps the high bytes of a colour, and of its alpha.
        near = (samples >> 8 == samples[5, 6] >> 8).all(-1)
        near[5, 6] = near[13, 6] = False
        if turned:
            near = near[::-1, ::-1]
        beside = error[~near] if transparent else error
        assert beside.max() < (1 if colour == 2 else 2)
        assert not transparent or (found[near] == 255).all()
