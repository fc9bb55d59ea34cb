"""A sheet shows every image, in the order of reading."""

import numpy as np
import pytest

from kgan.runs.pictures import grid


@pytest.mark.parametrize(
    ("columns", "expected"), [(None, "012 345 6.."), (2, "01 23 45 6."), (9, "0123456..")]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_images_stand_row_by_row(columns, expected, channels):
    levels = 20 * np.arange(7, dtype=np.uint8)[:, None, None, None]
    sheet = np.asarray(grid(np.broadcast_to(levels, (7, 64, 32, channels)), columns))
    rows = expected.split()
    assert sheet.shape[:2] == (len(rows) * 66 + 2, len(rows[0]) * 34 + 2)
    for top, row in enumerate(rows):
        for left, name in enumerate(row):
            cell = sheet[top * 66 + 2 :, left * 34 + 2 :][:64, :32]
            assert (cell == (255 if name == "." else 20 * int(name))).all()


def test_small_images_are_enlarged_by_a_whole_factor():
    sheet = np.asarray(grid(np.full((1, 8, 20, 1), 7, np.uint8)))
    assert sheet.shape == (8 * 4 + 4, 20 * 4 + 4)
    assert (sheet[2:-2, 2:-2] == 7).all()
