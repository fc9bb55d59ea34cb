"""Whatever the bytes: examples or an InputError, never anything else."""

import io
import tempfile
import warnings
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kgan import data
from kgan.errors import InputError


def encoded():
    rng = np.random.default_rng(0)
    for mode in ("L", "RGB", "RGBA", "P"):
        pixels = Image.fromarray(rng.integers(0, 256, (12, 9, 4), np.uint8)).convert(mode)
        for kind in ("PNG", "JPEG", "WEBP", "BMP"):
            if kind != "JPEG" or mode in ("L", "RGB"):
                buffer = io.BytesIO()
                exif = Image.Exif()
                exif[274] = 6
                pixels.save(buffer, kind, **({} if kind == "BMP" else {"exif": exif}))
                yield buffer.getvalue()


@st.composite
def damaged(draw):
    content = bytearray(draw(st.sampled_from(list(encoded()))))
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(content[: draw(st.integers(0, len(content)))])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.one_of(st.binary(max_size=64), damaged()), min_size=1, max_size=4),
    st.sampled_from([None, 4, (3, 5)]),
)
def test_any_bytes(contents, image_size):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i, content in enumerate(contents):
            (Path(folder) / f"{i}.{('png', 'jpg', 'webp', 'bmp')[i]}").write_bytes(content)
        try:
            examples = data.load(folder, image_size=image_size)
        except InputError as error:
            if "\n" in str(error):
                raise AssertionError(f"several lines: {error}") from error
        else:
            assert examples.images.dtype == np.uint8
            assert examples.images.shape[-1] in (1, 3)
            assert len(examples) * 2 >= len(contents)
