"""What is in a folder, what its classes are, and what is said about files that are no images."""

import json
import os
import warnings

import numpy as np
import pytest
from PIL import Image

from kgan import data
from kgan.errors import InputError

GREY, RED = np.full((2, 3), 7, np.uint8), np.full((2, 3, 3), (9, 0, 0), np.uint8)


def test_order_channels_and_no_labels(save):
    for i in (2, 0, 1):
        folder = save(f"{i}.png", GREY + np.uint8(i))
    examples = data.load(str(folder))
    assert examples.images[:, 0, 0, 0].tolist() == [7, 8, 9]
    assert examples.image_shape == (2, 3, 1)
    assert (examples.labels, examples.class_names, examples.name) == (None, (), "images")


def test_one_colour_image_makes_all_rgb(save):
    for i in range(5):
        folder = save(f"{i}.png", RED if i == 3 else GREY + np.uint8(i))
    images = data.load(folder).images
    assert images.shape == (5, 2, 3, 3)
    assert images[:, 1, 2].tolist() == [[7] * 3, [8] * 3, [9] * 3, [9, 0, 0], [11] * 3]


def test_sub_folders_are_classes(save):
    for name in ("b/1.png", "a/deep/er/1.png", "b/2.png", "c/1.png"):
        folder = save(name, GREY)
    (folder / "empty").mkdir()
    examples = data.load(folder)
    assert examples.class_names == ("a", "b", "c")
    assert examples.labels.tolist() == [0, 1, 1, 2]
    assert examples.labels.dtype == np.int32
    assert data.load(folder, label="label").labels.tolist() == [0, 1, 1, 2]
    with pytest.raises(InputError, match=r"column of 'images': 'kind'\. Known: label\."):
        data.load(folder, label="kind")


def test_images_on_top_and_below_have_no_labels(save):
    save("a/1.png", GREY)
    examples = data.load(save("1.png", GREY))
    assert len(examples) == 2
    assert examples.labels is None


def test_hidden_and_other_files_are_not_images(save):
    save(".hidden.png", GREY)
    save(".hidden/1.png", GREY)
    folder = save("1.png", GREY)
    (folder / "notes.txt").write_text("no image")
    assert len(data.load(folder)) == 1


def test_links_that_lead_back_up_end(save):
    folder = save("a/1.png", GREY)
    (folder / "a" / "back").symlink_to(folder, target_is_directory=True)
    assert len(data.load(folder)) == 1


def test_several_sizes(save):
    save("1.png", np.zeros((40, 50), np.uint8))
    folder = save("2.png", np.zeros((60, 70), np.uint8))
    with pytest.raises(InputError, match=r"40x50 \(1\), 60x70 \(1\).*--image-size 32") as raised:
        data.load(folder)
    assert "\n" not in str(raised.value)
    assert data.load(folder, image_size=(4, 5)).images.shape == (2, 4, 5, 1)


def test_no_images_lists_the_extensions(tmp_path):
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match=r"\.png, \.jpg, \.jpeg, \.webp, \.bmp"):
        data.load(tmp_path)


@pytest.mark.parametrize("path", ["./nowhere", "~/no/where", "no/where", "/no/where"])
def test_no_folder(path):
    with pytest.raises(InputError, match="does not exist"):
        data.load(path)


def test_file_is_no_folder(save):
    with pytest.raises(InputError, match="is a file"):
        data.load(save("1.png", GREY) / "1.png")


def test_unreadable_files_are_named_counted_and_left_out(save, noise, monkeypatch):
    for i in range(10):
        folder = save(f"{i}.png", noise(8, 8, 3))
    whole = (folder / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").touch()
    (folder / "gone.png").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe.png")
    save("zbomb.png", Image.new("1", (1000, 1000)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400_000)  # the file is above twice that
    for _ in range(2):  # told again when it comes from the cache
        with pytest.warns(UserWarning, match="Skipped 5 of 15") as told:
            examples = data.load(folder)
        assert len(told) == 1
        large = "'zbomb.png' (1 million pixels, at most 1 are read)"
        assert f"such as {large}, 'cut.png', 'empty.jpg'." in str(told[0].message)
        assert examples.images.shape == (10, 8, 8, 3)


def test_mostly_unreadable_is_refused(save):
    folder = save("1.png", GREY)
    save("2.png", GREY)
    for name in "abc":
        (folder / f"{name}.png").write_bytes(b"not an image")
    with pytest.raises(InputError, match="More than half of the 5 files"):
        data.load(folder)


def test_half_unreadable_is_not(save):
    folder = save("1.png", GREY)
    (folder / "2.png").touch()
    with pytest.warns(UserWarning, match="Skipped 1 of 2"):
        assert len(data.load(folder)) == 1


def test_odd_names(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "ok.png")
    Image.fromarray(GREY).save(tmp_path / "line\nbreak é.png")
    with open(os.fsencode(tmp_path) + b"/\xff.png", "wb") as file:
        file.write(b"?")
    with pytest.warns(UserWarning, match="Skipped 1 of 3") as told:
        data.load(tmp_path)
    assert str(told[0].message).encode().isascii()
    assert "\n" not in str(told[0].message)


def test_control_characters_in_the_names_of_classes_are_escaped(save, cache):
    for name in ("a\tb/1.png", "c\nd/1.png", "\x1b[2J/1.png", "\udcff/1.png", "é \u3000/1.png"):
        folder = save(name, GREY)
    expected = ("\\x1b[2J", "a\\tb", "c\\nd", "é \u3000", "\\udcff")
    assert data.load(folder).class_names == expected
    # One that an older version prepared, with names that cannot be written, is prepared anew.
    (info,) = cache.glob("*/info.json")
    info.write_text(info.read_text().replace("a\\\\tb", "a\\tb"))
    assert "a\tb" in json.loads(info.read_text())["columns"]["label"][1]
    assert data.load(folder).class_names == expected


def test_two_classes_of_one_name_are_refused_before_an_image_is_read(save, monkeypatch):
    save("a\tb/1.png", GREY)
    folder = save("a\\tb/1.png", GREY)
    monkeypatch.setattr("kgan.data.image.read", None)
    with pytest.raises(InputError, match=r"Two classes are called 'a\\\\tb'"):
        data.load(folder)


def test_nothing_is_warned_about_good_files(save):
    folder = save("1.png", GREY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data.load(folder)
