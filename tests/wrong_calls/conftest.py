"""A small run of `kgan train`, and a folder with all that can stand in the wrong place."""

import json
import shutil

import numpy as np
import pytest

from kgan import memory
from kgan.tasks.finetune.results import Results
from tests.wrong_calls.calls import kgan

SETTINGS = [
    "network.generator.width=4", "network.discriminator.width=4", "evaluation.samples=40",
    "evaluation.score=parzen", "log_every=2", "precision=float32",
]  # fmt: skip

ROW = {
    "arm": "pretrained", "labels": 20, "seed": 0, "learning_rate": 0.001, "start": "fresh",
    "steps": 5, "best_step": 5, "validation_accuracy": 0.5, "test_accuracy": 0.25, "seconds": 1.5,
}  # fmt: skip
PROBE = {**{key: ROW[key] for key in ROW if key not in ("learning_rate", "start")}, "C": 0.1}
CLASSIFIER = {
    key: ROW[key] for key in ("labels", "seed", "validation_accuracy", "test_accuracy")
} | {"saved_model": "saved_models/x/1"}


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder in which a small run was trained, scored and exported, in `run`."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = [word for setting in SETTINGS for word in ("--set", setting)]
        few = ["--model", "mlp", "--latent-dim", 4, "--steps", 4, "--batch-size", 16]
        result = kgan("train", *few, *settings, "--evaluate-every", 2, "--run-dir", "run")
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run, to be spoiled; the same as if it had been killed before it exported."""
    place = shutil.copytree(trained / "run", tmp_path / "run")
    (place / "summary.json").unlink()
    return place


@pytest.fixture(scope="session")
def places(trained):
    """The folder of the run, and beside it what is in the wrong place."""
    (trained / "empty").mkdir()
    (trained / "full").mkdir()
    (trained / "full/file").write_text("mine")
    (trained / "dangling").symlink_to("nowhere")
    (trained / "loop").symlink_to("loop")
    (trained / "folder.png").mkdir()
    (trained / "folder.npz").mkdir()
    return trained


@pytest.fixture
def inside(places, monkeypatch):
    monkeypatch.chdir(places)
    # On every machine the same, and little enough for a mistake here to do no harm.
    monkeypatch.setattr(memory, "available", lambda: 2**31)
    return places


@pytest.fixture(scope="session")
def whole(trained, tmp_path_factory):
    """A run with every file that one can have, as they are written."""
    run = shutil.copytree(trained / "run", tmp_path_factory.mktemp("whole") / "run")
    (run / "finetune").mkdir()
    results = Results(run / "finetune", {"dataset": "digits", "sizes": [1, 2, 3]})
    results.add(ROW)
    results.add({**PROBE, "arm": "probe"})
    results.keep_weights(20, 0, [np.zeros((3, 2), np.float32), np.ones(2, np.float32)])
    table = {"settings": results.key, "rows": [], "classifier": CLASSIFIER}
    (run / "finetune" / "table.json").write_text(json.dumps(table, indent=2))
    result = kgan("evaluate", run, "--metrics", "parzen", "--samples", 40)
    assert result.exit_code == 0, result.output
    return run


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    run = tmp_path_factory.mktemp("mutated")
    (run / "finetune").mkdir()
    return run
