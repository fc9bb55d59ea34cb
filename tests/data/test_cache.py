"""The cache tells what it holds, gives it up when asked, and forgets what was edited."""

import json
import os
import re

import filelock
import numpy as np
import pytest
from PIL import Image

from kgan import data
from kgan.data import cache as cached
from kgan.errors import InputError


@pytest.fixture
def folder(save, noise):
    for i in range(4):
        path = save(f"{i}.png", noise(8, 8, 3))
    return path


def edit(folder, noise):
    Image.fromarray(noise(8, 8, 3)).save(folder / "new.png")


def sets():
    return [entry.path.name for entry in cached.entries()]


def test_entries_are_listed_with_size_age_and_source(folder, cache, small_tfds):
    data.load(folder, image_size=(4, 6))
    data.load("kgan_small", data_dir=small_tfds)
    os.utime(cache / sets()[0], (0, 0))
    first, *rows = cached.describe()
    assert re.fullmatch(rf"{re.escape(str(cache))}: [1-9][0-9]* kB in 2 entries", first)
    assert rows[0].startswith("images-")
    assert rows[0].endswith(f" days  {folder}, 4x6")
    assert int(rows[0].split()[-4]) > 10_000
    assert "kgan_small" in rows[1]
    assert rows[1].split(" 0 days  ")[1].endswith("kgan_small/1.0.0, train")


def test_an_empty_or_missing_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KGAN_CACHE_DIR", str(tmp_path / "none"))
    assert cached.describe() == [f"{tmp_path / 'none'}: 0 kB in 0 entries"]
    assert cached.clear() == [f"Nothing to remove in {tmp_path / 'none'}"]
    with pytest.raises(InputError, match="is empty"):
        cached.clear("x")


def test_clear_removes_all_that_is_ours_and_nothing_else(folder, cache):
    data.load(folder)
    (cache / "features").mkdir()
    (cache / "features" / "a.npz").write_bytes(b"x")
    (cache / ("gone-" + "0" * 16 + ".lock")).touch()
    (cache / (".killed-" + "1" * 16 + ".abc")).mkdir()
    (cache / "mine").mkdir()
    (cache / "mine.txt").touch()
    (cache / ("mine-" + "2" * 16)).mkdir()  # no set: it has no info.json
    removed = cached.clear()
    assert [line.split()[0] for line in removed] == ["Removed", "Removed"]
    assert {path.name for path in cache.iterdir()} == {"mine", "mine.txt", "mine-" + "2" * 16}


def test_clear_takes_names_of_sets_and_of_entries(folder, cache):
    data.load(folder)
    data.load(folder, image_size=4)
    one, other = sets()
    with pytest.raises(InputError, match=r"Unknown cache entry 'image'\. .*Did you mean 'images'"):
        cached.clear("image")
    assert cached.clear(one)[0].startswith(f"Removed {one} (")
    assert sets() == [other]
    cached.clear("images")
    assert sets() == []


def test_what_is_removed_stays_readable_to_who_has_it_open(folder, cache):
    examples = data.load(folder)
    expected = np.array(examples.images)
    cached.clear()
    assert np.array_equal(examples.images, expected)
    assert np.array_equal(data.load(folder).images, expected)


def test_what_another_process_prepares_is_left_alone(folder, cache):
    data.load(folder)
    (name,) = sets()
    with filelock.FileLock(f"{cache / name}.lock"):
        assert cached.clear()[0].startswith(f"In use, left: {name}")
    assert sets() == [name]


def test_older_entries_of_an_edited_folder_go_with_their_locks(folder, cache, noise, save):
    before = data.load(folder)
    expected = np.array(before.images)
    data.load(folder, image_size=4)
    twin = save("../other/images/1.png", noise(8, 8, 3)).parent / "other" / "images"
    data.load(twin)
    edit(folder, noise)
    after = data.load(folder)
    assert len(after) == 5
    assert np.array_equal(before.images, expected)
    sources = sorted(json.dumps(entry.source, sort_keys=True) for entry in cached.entries())
    assert len(set(sources)) == len(sources) == 3
    assert len(list(cache.glob("*.lock"))) == 3
    data.load(folder, image_size=4)
    assert len(sets()) == 3
