"""How a name finds its data set, and what is said where there is none."""

import subprocess
import sys

import numpy as np
import pytest

from kgan import data
from kgan.errors import InputError


def test_digits():
    digits = data.load("digits")
    assert digits.images.shape == (1797, 8, 8, 1)
    assert digits.images.max() == 255
    assert data.load("digits", image_size=32).images.shape == (1797, 32, 32, 1)
    assert np.array_equal(data.load("digits", image_size=8).images, digits.images)


@pytest.mark.parametrize("name", ["ring", "grid"])
def test_points_have_no_size(name):
    assert data.load(name).images.shape == (100_000, 2)
    with pytest.raises(InputError, match="points, not images"):
        data.load(name, image_size=32)


def test_unknown_name_suggests_and_does_not_list_hundreds():
    with pytest.raises(InputError, match=r"digits, grid, ring.*Did you mean 'mnist'\?") as raised:
        data.load("mnits")
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "expected a word"), ("\0", "no control character"),
     *((name, "Unknown data set") for name in ("a:b", "huggingface:mnist", "mnist:x", "no set"))],
)  # fmt: skip
def test_odd_names(name, message):
    with pytest.raises(InputError, match=message):
        data.load(name)


@pytest.mark.parametrize("options", [{"split": "test"}, {"data_dir": "somewhere"}])
def test_no_option_is_dropped(options, save, noise):
    for name in ("digits", save("1.png", noise(2, 2))):
        with pytest.raises(InputError, match="Leave out"):
            data.load(name, **options)


def test_a_folder_of_that_name_comes_first(save, noise, monkeypatch):
    folder = save("mnist/1.png", noise(2, 2))
    monkeypatch.chdir(folder)
    assert data.load("mnist").images.shape == (1, 2, 2, 1)


def test_a_folder_that_is_called_as_a_set_on_disk_is_told_apart(save, noise, monkeypatch):
    folder = save("mnist/1.png", noise(2, 2))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))
    with pytest.raises(InputError, match=r"'mnist' is a folder here and .*: expected \./mnist for"):
        data.load("mnist")
    with pytest.raises(InputError, match="'mnist' is a folder here and"):
        data.resolved("mnist")
    assert data.load("./mnist").images.shape == (1, 2, 2, 1)
    assert data.find("mnist", folder) == "tfds"


def test_importing_it_loads_no_tensorflow():
    code = "import sys, kgan.data; print({'tensorflow', 'tensorflow_datasets'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
