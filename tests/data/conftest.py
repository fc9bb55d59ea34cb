"""Folders of images, a cache of its own for each test, and a small tensorflow-datasets set."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PREPARED = Path(__file__).parents[2].parent / "shared" / "data" / "tfds"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("prepared")
    monkeypatch.setenv("KGAN_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def save(tmp_path):
    """Saves pixels, or a Pillow image, as `images/NAME` and returns that folder."""

    def save_one(name, pixels, **options):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(pixels, Image.Image):
            pixels = Image.fromarray(pixels)
        pixels.save(path, **options)
        return tmp_path / "images"

    return save_one


@pytest.fixture
def noise():
    """Returns `noise(shape)`: random uint8 pixels, the same in every run."""
    rng = np.random.default_rng(0)
    return lambda *shape: rng.integers(0, 256, shape, np.uint8)


@pytest.fixture(scope="session")
def real_tfds():
    """The folder of real prepared sets, where there is one."""
    folder = Path(os.environ.get("TFDS_DATA_DIR") or PREPARED)
    if not (folder / "mnist").is_dir() or not (folder / "cifar10").is_dir():
        pytest.skip("no prepared mnist and cifar10 in TFDS_DATA_DIR or ../shared/data/tfds")
    return folder


@pytest.fixture(scope="session")
def small_tfds(tmp_path_factory):
    """A data_dir with `kgan_small` (RGBA, two labels) and `kgan_deep` (16-bit grey, two sizes).

    And `kgan_faces`: many columns, as celeb_a has them, and none that is a class label.
    """
    import tensorflow_datasets as tfds

    class KganSmall(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        NUM = 100

        def _info(self):
            features = {
                "annotation": tfds.features.Image(shape=(4, 6, 1)),
                "coarse_label": tfds.features.ClassLabel(names=["any"]),
                "image": tfds.features.Image(shape=(4, 6, 4)),
                "label": tfds.features.ClassLabel(names=["even", "odd"]),
            }
            return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples(), "unknown": self._generate_examples(-1)}

        def _generate_examples(self, label=None):
            for i in range(self.NUM):
                pixels = np.full((4, 6, 4), i, np.uint8)
                pixels[..., 3] = 255 if i % 2 == 0 else 0
                yield (
                    i,
                    {
                        "annotation": np.zeros((4, 6, 1), np.uint8),
                        "coarse_label": 0,
                        "image": pixels,
                        "label": i % 2 if label is None else label,
                    },
                )

    class KganDeep(KganSmall):
        def _info(self):
            features = {"picture": tfds.features.Image(shape=(None, None, 1), dtype=np.uint16)}
            return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

        def _generate_examples(self, label=None):
            for i in range(8):
                yield i, {"picture": np.full((4 + i % 2, 4, 1), 257 * i, np.uint16)}

    class KganFaces(KganSmall):
        def _info(self):
            features = {
                "attributes": {"Smiling": np.bool_, "Young": np.bool_},
                "face/pose": np.uint8,
                "faces": tfds.features.Sequence({"pose": np.int64}),
                "identity": {"name": tfds.features.Text(), "number": np.int64},
                "image": tfds.features.Image(shape=(2, 2, 1)),
                "left": {"x": np.int64},
                "right": {"x": np.int64},
            }
            return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

        def _generate_examples(self, label=None):
            for i in range(100):
                yield (
                    i,
                    {
                        "attributes": {"Smiling": i % 3 == 0, "Young": i % 2 == 0},
                        "face/pose": i % 7,
                        "faces": {"pose": [1] * (i % 4)},
                        "identity": {"name": str(i), "number": 2**40 + i},
                        "image": np.full((2, 2, 1), i, np.uint8),
                        "left": {"x": i % 64},
                        "right": {"x": i % 65 if label is None else label + i % 5},
                    },
                )

    folder = tmp_path_factory.mktemp("tfds")
    for builder in (KganSmall, KganDeep, KganFaces):
        builder(data_dir=folder).download_and_prepare()
    return folder
