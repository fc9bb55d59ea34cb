"""A SavedModel is a program: which are loaded unasked, and what is only data."""

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kgan.data import load
from kgan.errors import InputError
from kgan.methods.gan import GANConfig
from kgan.metrics import store
from kgan.models import GAN
from kgan.networks import mlp
from kgan.runs import folder
from kgan.runs.checkpoint import Checkpoints
from kgan.serving import export, trust
from kgan.tasks.evaluate.sources import open_source
from kgan.tasks.finetune.results import opened
from kgan.training.build import prepare
from kgan.training.run import open_run
from kgan.training.strategy import Devices
from kgan.training.unfinished import reopen
from tests.serving.command import kgan

# Of a run's config.json, beside its configuration.
RECORD = {"format": 2, "name": "gift", "method": "gan", "examples": 1198, "image_shape": [8, 8, 1]}


class Writer(tf.saved_model.experimental.TrackableResource):
    """What writes a file when it is loaded."""

    def __init__(self, path):
        super().__init__()
        self._path = path

    def _create_resource(self):
        return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[])

    def _initialize(self):
        tf.io.write_file(self._path, "I was here")


@pytest.fixture
def foreign(workdir, monkeypatch):
    """A stranger's generator in saved_models/, and the file that it writes."""
    trace, module = workdir / "trace", tf.Module()
    module.writer = Writer(str(trace))
    generate = tf.function(
        lambda latents: {"images": tf.zeros([tf.shape(latents)[0], 8, 8, 1], tf.uint8)},
        input_signature=[tf.TensorSpec([None, 3], tf.float32, "latents")],
    )
    tf.saved_model.save(module, "saved_models/gift/1", {"generate": generate})
    trace.unlink(missing_ok=True)
    return trace


def small():
    generator = mlp.generator((8, 8, 1), 3, width=4)
    return GAN(generator, mlp.discriminator((8, 8, 1), width=4, pieces=2), value_range=(0, 1))


def test_a_strangers_model_is_loaded_only_by_its_name(foreign):
    result = kgan("sample", "--seeds", "1", "--out", "a.png")
    assert result.exit_code == 0, result.output
    said = result.stderr.splitlines()
    assert said[0].startswith("Warning: Left alone saved_models/gift/1: a SavedModel is a program")
    assert said[0].endswith("To load it, name it: kgan sample saved_models/gift/1")
    assert said[1] == f"Drawing from {trust.shipped()}"
    assert not foreign.exists()
    assert kgan("export", "--show", "gift").exit_code == 0
    assert not foreign.exists()
    assert kgan("sample", "gift", "--seeds", "1", "--out", "b.png").exit_code == 0
    assert foreign.exists()


def test_of_all_models_the_newest_own_one_is_taken(foreign):
    own = export(small(), "saved_models", "mine")
    os.utime("saved_models/gift/1/saved_model.pb", (2e9, 2e9))
    result = kgan("sample", "--seeds", "1", "--out", "a.png")
    assert f"Drawing from {own}" in result.stderr
    assert "Left alone saved_models/gift/1:" in result.stderr
    # Older than what is drawn from, nothing need be said of it.
    os.utime("saved_models/gift/1/saved_model.pb", (1, 1))
    assert "Left alone" not in kgan("sample", "--seeds", "1", "--out", "a.png").stderr
    shutil.move("saved_models/mine", "saved_models/moved")
    result = kgan("sample", "--seeds", "1", "--out", "a.png")
    assert "Drawing from saved_models/moved/1" in result.stderr
    assert not foreign.exists()


def test_a_model_is_own_while_no_file_is_changed_added_or_gone(tmp_path):
    own = export(small(), tmp_path, "mine")
    assert trust.is_own(own)
    variables = "variables/variables.data-00000-of-00001"
    changes = {
        "changed": lambda at: (at / variables).write_bytes((own / variables).read_bytes()[::-1]),
        # What the loader would take instead.
        "added": lambda at: (at / "saved_model.cpb").touch(),
        "gone": lambda at: (at / "fingerprint.pb").unlink(),
        "renamed": lambda at: (at / "fingerprint.pb").rename(at / "fingerprint"),
    }
    for name, change in changes.items():
        copy = shutil.copytree(own, tmp_path / name)
        assert trust.is_own(copy)
        change(copy)
        assert not trust.is_own(copy), name


def test_nothing_is_own_where_nothing_can_be_remembered(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KGAN_DATA_DIR", str(tmp_path / "file" / "data"))
    assert not trust.is_own(export(small(), tmp_path, "mine"))


def test_a_run_has_no_strangers_program_loaded(foreign):
    values = GANConfig().to_dict()
    values["evaluation"] |= {"features": "saved_models/gift/1:encode", "every": 10}
    Path("run").mkdir()
    folder.write_json(Path("run/config.json"), {**RECORD, "config": values})
    with pytest.raises(InputError, match=r"--set evaluation.features=saved_models/gift/1:encode"):
        reopen("run", "train", {})
    assert not foreign.exists()
    # What came with KGAN is loaded, and where nothing is scored nothing would be.
    for features, every in ((f"{trust.shipped(1)}:discriminate", 10), ("saved_models/gift/1", 0)):
        values["evaluation"] |= {"features": features, "every": every}
        folder.write_json(Path("run/config.json"), {**RECORD, "config": values})
        assert reopen("run", "train", {}).config.evaluation.features == features
    assert not foreign.exists()


def test_a_run_has_a_name_for_servers_whatever_its_data_are_called(tmp_path):
    data = dataclasses.replace(load("digits"), name="My $(touch x) photos")
    run = prepare(GANConfig(), data)
    assert run.name == "My-touch-x-photos-dcgan"
    Checkpoints(run.model, tmp_path / "checkpoints").save(1)
    record = {**RECORD, "name": "a; touch x", "config": run.config.to_dict()}
    folder.write_json(tmp_path / "config.json", record)
    assert open_run(tmp_path)[1] == "a-touch-x"


class Pickled:
    """What writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_pickle_in_an_npz_is_not_opened(tmp_path):
    array = np.array([Pickled(tmp_path / "trace")], object)
    np.savez(tmp_path / "a.npz", images=array, checksum=array)
    with pytest.raises(InputError, match="holds no array 'images'"):
        open_source(tmp_path / "a.npz")
    assert store.read(tmp_path / "a.npz") is None
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("link", ["finetune", "samples", "checkpoints/ckpt-1.index", ".lock"])
def test_a_run_with_a_link_is_not_written_to(link, tmp_path):
    run, other = tmp_path / "run", tmp_path / "other"
    (run / "checkpoints").mkdir(parents=True)
    other.mkdir()
    (run / link).symlink_to(other)
    with pytest.raises(InputError, match=rf"run/{link} is a symbolic link"):
        folder.lock(run)
    with (
        pytest.raises(InputError, match=rf"run/{link} is a symbolic link"),
        opened(run / "finetune", Devices()),
    ):
        pass
    assert not [*other.iterdir()]
