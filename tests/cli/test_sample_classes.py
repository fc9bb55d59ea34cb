"""`kgan sample --classes` of a run that `kgan train --conditional` made, and of its SavedModel."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from kgan.cli import main
from kgan.training.run import open_run

NAMES = ("cat", "dog", "big eel")
SAVED = "saved_models/animals"


def kgan(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def drawn(*args):
    result = kgan("sample", *args)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with pictures of three kinds, and in `run` a run of them."""
    folder = tmp_path_factory.mktemp("animals")
    rng = np.random.default_rng(0)
    for name in NAMES:
        (folder / "animals" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 256, (8, 8), np.uint8)
            Image.fromarray(pixels).save(folder / "animals" / name / f"{number}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = kgan(
            "train", "--dataset", "./animals", "--image-size", 8,
            "--conditional", "--model", "mlp", "--latent-dim", 4, "--steps", 4, "--batch-size", 8,
            "--set", "network.generator.width=8", "--set", "network.generator.init_range=1.0",
            "--set", "network.discriminator.width=4",
            "--run-dir", "run",
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        (version,) = (folder / "saved_models").glob("*/1")
        version.parent.rename(folder / SAVED)
    return folder


@pytest.fixture
def inside(trained, monkeypatch):
    monkeypatch.chdir(trained)
    return trained


@pytest.mark.parametrize("source", ["run", SAVED])
def test_a_run_and_its_saved_model_know_their_classes_by_name(source, inside, tmp_path):
    known = json.loads((inside / SAVED / "1/assets.extra/kgan.json").read_text())
    names = known["class_names"]
    assert sorted(names) == sorted(NAMES)
    gan, _ = open_run("run")
    wanted = [names.index("dog"), names.index("big eel")]
    out = tmp_path / "x.npz"
    drawn(source, "--classes", "dog, big eel", "--seeds", "7,2", "--out", out)
    found = np.load(out)
    np.testing.assert_array_equal(found["labels"], np.repeat(wanted, 2))
    expected = gan.sample([7, 2, 7, 2], np.repeat(wanted, 2)).astype(int)
    assert np.abs(found["images"] - expected).max() <= 1
    assert np.abs(expected[:2] - expected[2:]).max() > 9
    drawn(source, "--classes", "all", "--seeds", "7", "--out", tmp_path / "single")
    assert {path.name for path in (tmp_path / "single").iterdir()} == {
        f"seed-000007-class-{name}.png" for name in ("cat", "dog", "big-eel")
    }
    drawn(source, "--classes", "all", "--out", tmp_path / "x.png")
    assert Image.open(tmp_path / "x.png").size == (8 * 66 + 2, 3 * 66 + 2)


@pytest.mark.parametrize("source", ["run", SAVED])
def test_without_classes_labels_come_with_their_seeds(source, inside, tmp_path):
    gan, _ = open_run("run")
    drawn(source, "--seeds", "0-29", "--out", tmp_path / "x.npz")
    found = np.load(tmp_path / "x.npz")
    assert set(found["labels"]) == {0, 1, 2}
    assert np.abs(found["images"] - gan.sample(range(30)).astype(int)).max() <= 1
    drawn(source, "--seeds", "1,2", "--out", tmp_path / "x.gif")
    assert Image.open(tmp_path / "x.gif").n_frames > 1


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("bird", "no class 'bird', expected names ("),
        ("3", "no class '3', expected names ("),
        ("cat,cat", "class 'cat' is there twice"),
    ],
)
@pytest.mark.parametrize("source", ["run", SAVED])
def test_what_is_no_class_leaves_nothing(source, classes, message, inside, tmp_path):
    result = kgan("sample", source, "--classes", classes, "--out", tmp_path / "new" / "x.png")
    assert result.exit_code == 2
    assert message in result.stderr.splitlines()[-1]
    assert not any(tmp_path.iterdir())


def test_the_help_explains_classes_under_the_images_heading():
    text = kgan("sample", "--help").output
    assert text.index("\nImages:") < text.index("--classes") < text.index("\nModel:")
    assert text.index("\nImages:") < text.index("--truncation") < text.index("\nModel:")
