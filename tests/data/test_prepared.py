"""A set is decoded once; what is cut short, changed or half written is never trusted."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kgan import data
from kgan.data import image, prepared
from kgan.errors import InputError

CHILD = "import sys; from kgan import data; print(int(data.load(sys.argv[1]).images.sum()))"


@pytest.fixture
def folder(save, noise):
    for i in range(20):
        path = save(f"{i % 2}/{i}.png", noise(8, 8, 3))
    return path


@pytest.fixture
def decoded(monkeypatch):
    """Counts the files decoded."""
    names, read = [], image.read
    monkeypatch.setattr(image, "read", lambda path, size: names.append(path) or read(path, size))
    return names


def kept(cache):
    return next(path for path in cache.iterdir() if path.is_dir())


def test_is_decoded_once_and_read_only(folder, decoded):
    first, second = data.load(folder), data.load(folder)
    assert len(decoded) == 20
    assert isinstance(second.images, np.memmap)
    assert not second.images.flags.writeable
    assert np.array_equal(first.images, second.images)
    assert np.array_equal(first.labels, second.labels)
    assert first.class_names == second.class_names == ("0", "1")


def test_size_and_changed_or_new_files_make_another(folder, decoded, save, noise):
    before = data.load(folder).images
    data.load(folder, image_size=4)
    assert len(decoded) == 40
    pixels = noise(8, 8, 3)
    save("0/0.png", pixels)
    os.utime(folder / "0/0.png", ns=(1, 1))
    after = data.load(folder).images
    assert np.array_equal(after[0], pixels)
    assert np.array_equal(after[1:], before[1:])
    save("0/new.png", pixels)
    assert len(data.load(folder)) == 21


@pytest.mark.parametrize("name", ["images.npy", "columns.npy", "info.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "remove", "empty"])
def test_damaged_is_redone(folder, cache, decoded, name, damage):
    expected = np.array(data.load(folder).images)
    path = kept(cache) / name
    content = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        half = len(content) // 2
        flipped = content[:half] + bytes([content[half] ^ 255]) + content[half + 1 :]
        path.write_bytes({"cut": content[:half], "flip": flipped, "empty": b""}[damage])
    examples = data.load(folder)
    assert len(decoded) == 40
    assert np.array_equal(examples.images, expected)
    assert examples.labels.tolist() == [0] * 10 + [1] * 10


def test_an_entry_of_an_older_version_is_not_read_and_goes(folder, cache, decoded, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(prepared, "FORMAT", prepared.FORMAT - 1)
        data.load(folder)
    before = kept(cache)
    assert data.load(folder).column("label").names == ("0", "1")
    assert len(decoded) == 40
    assert kept(cache) != before
    assert not before.exists()


def test_an_error_leaves_nothing(folder, cache, save, noise):
    save("1/odd.png", noise(4, 4, 3))
    with pytest.raises(InputError):
        data.load(folder)
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_killed_leaves_nothing_trusted(folder, cache, decoded):
    slow = "import time; from kgan.data import image; r = image.read; "
    slow += "image.read = lambda p, s: time.sleep(.05) or r(p, s); "
    with subprocess.Popen([sys.executable, "-c", slow + CHILD, folder]) as child:
        while not list(cache.glob(".*/images.npy")):
            time.sleep(0.01)
            assert child.poll() is None
        child.kill()
    assert list(cache.glob(".*"))
    assert len(data.load(folder)) == 20
    assert len(decoded) == 20
    assert not list(cache.glob(".*"))


def test_two_processes_at_once(folder, cache):
    command = [sys.executable, "-c", CHILD, folder]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    sums = {child.communicate()[0] for child in children}
    assert sums == {b"%d\n" % int(data.load(folder).images.sum())}
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 1


def test_threads_at_once_decode_once(folder, decoded):
    with ThreadPoolExecutor(4) as pool:
        sums = set(pool.map(lambda _: int(data.load(folder).images.sum()), range(4)))
    assert len(sums) == 1
    assert len(decoded) == 20


def test_unwritable_cache_says_what_to_do(folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KGAN_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(InputError, match="Set KGAN_CACHE_DIR"):
        data.load(folder)


def test_progress_ends_in_the_place(folder, cache):
    calls = []
    data.load(folder, report=lambda *call: calls.append(call))
    assert calls[0] == (0, 20, "Preparing images")
    assert calls[-1] == (20, 20, f"Prepared images in {kept(cache)}")


@pytest.mark.parametrize("chunk", [1, 5, 1 << 20])
def test_repeat_bytes(tmp_path, noise, chunk):
    pixels = noise(1000)
    with open(tmp_path / "file", "w+b") as file:
        file.write(b"head" + pixels.tobytes())
        prepared._repeat_bytes(file, 4, 3, chunk)
        assert file.tell() == 3004
    assert (tmp_path / "file").read_bytes() == b"head" + np.repeat(pixels, 3).tobytes()


def test_info_counts(folder, cache):
    data.load(folder)
    info = json.loads((kept(cache) / "info.json").read_text())
    assert (info["images"], info["columns"]) == (20, {"label": [0, ["0", "1"]]})
