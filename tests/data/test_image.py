"""Every kind of image becomes the grey or RGB levels that a viewer on white paper would show."""

import io

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
