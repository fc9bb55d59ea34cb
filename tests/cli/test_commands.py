"""The commands as a user types them, through Click's runner."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from kgan.cli import main
from kgan.methods.presets import PRESETS

SMALL = ["--set", "network.generator.width=8", "--set", "network.discriminator.width=8"]


def kgan(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def snapshot(folder):
    return {str(path.relative_to(folder)) for path in Path(folder).rglob("*")}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which `kgan train` was run on the digits."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = kgan("train", *SMALL, "--steps", 8, "--set", "log_every=2")
        assert result.exit_code == 0, result.output
    return folder, result


@pytest.fixture
def inside(trained, monkeypatch):
    monkeypatch.chdir(trained[0])
    return trained[0]


def test_the_first_run_leaves_what_the_readme_says(inside, trained):
    run = inside / "runs" / "00000-digits-dcgan"
    assert {path.name for path in run.iterdir()} >= {
        "config.json", "metrics.jsonl", "summary.json", "samples", "checkpoints", "tensorboard",
    }  # fmt: skip
    record = json.loads((run / "config.json").read_text())
    assert record["config"]["steps"] == 8
    assert record["config"]["precision"] in ("float32", "bfloat16")
    assert (record["examples"], record["trained_on"]) == (1198, ["train"])
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6, 8]
    assert [line["images_seen"] for line in lines] == [128, 256, 384, 512]
    with Image.open(run / "samples" / "step-00000008.png") as picture:
        assert picture.size[0] > 400
    assert (inside / "saved_models" / "digits-dcgan" / "1" / "saved_model.pb").exists()
    assert "Samples appear in" in trained[1].stderr
    assert "Draw from it with: kgan sample" in trained[1].stderr
    assert list((run / "tensorboard").glob("events*"))


@pytest.mark.parametrize(
    ("names", "begins"),
    [(("a.png", "A.PNG"), b"\x89P"), (("a.npz", "A.Npz"), b"PK"), (("a.gif", "A.GIF"), b"GI")],
    ids=["png", "npz", "gif"],
)
def test_same_seeds_same_bytes_and_the_ending_in_any_case_tells_the_form(
    names, begins, inside, tmp_path
):
    written = []
    for i, name in enumerate(names):
        out = tmp_path / str(i) / name
        result = kgan("sample", "--seeds", "0-9,77", "--out", out)
        assert result.exit_code == 0, result.output
        assert "Drawing from saved_models" in result.stderr
        assert [path.name for path in out.parent.iterdir()] == [name]
        written.append(out.read_bytes())
    assert written[0] == written[1]
    assert written[0].startswith(begins)


def test_a_seed_means_one_image_however_its_model_is_named(inside, tmp_path):
    for seeds, out, *model in (
        ("0-80", "all.npz"),
        ("80,3", "two.npz", "digits-dcgan"),
        ("80,3", "single", "saved_models/digits-dcgan"),
        ("80,3", "version.npz", "saved_models/digits-dcgan/1"),
        ("80,3", "run.npz", "runs/00000-digits-dcgan"),
    ):
        result = kgan("sample", *model, "--seeds", seeds, "--out", tmp_path / out)
        assert result.exit_code == 0, result.output
    everything, two = np.load(tmp_path / "all.npz"), np.load(tmp_path / "two.npz")
    np.testing.assert_array_equal(two["images"], everything["images"][[80, 3]])
    np.testing.assert_array_equal(two["seeds"], [80, 3])
    np.testing.assert_array_equal(np.load(tmp_path / "version.npz")["images"], two["images"])
    single = np.asarray(Image.open(tmp_path / "single" / "seed-000003.png"))
    np.testing.assert_array_equal(single, everything["images"][3, ..., 0])
    from_run = np.load(tmp_path / "run.npz")["images"].astype(int)
    assert np.abs(from_run - two["images"]).max() <= 1


def test_the_walk_returns_to_its_first_seed(inside, tmp_path):
    result = kgan("sample", "--seeds", "1,2,3", "--out", tmp_path / "walk.gif")
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "walk.gif") as picture:
        assert picture.n_frames > 30


def test_with_nothing_trained_it_draws_from_the_shipped_digits(workdir):
    result = kgan("sample", "--out", "grid.png")
    assert result.exit_code == 0, result.output
    assert "digits-dcgan" in result.stderr
    with Image.open("grid.png") as picture:
        assert picture.size[0] > 400


def test_export_writes_the_next_version_and_leaves_the_others(inside):
    before = (inside / "saved_models/digits-dcgan/1/saved_model.pb").read_bytes()
    result = kgan("export", "runs/00000-digits-dcgan")
    assert "Saved saved_models/digits-dcgan/2" in result.output
    assert (inside / "saved_models/digits-dcgan/1/saved_model.pb").read_bytes() == before
    assert not list(inside.glob("saved_models/*/.aside*"))


def test_export_tells_of_the_run_prunes_and_lists_the_models(inside, tmp_path):
    run, out = "runs/00000-digits-dcgan", ["--out", tmp_path / "models"]
    folder = tmp_path / "models" / "mine"
    shutil.copytree(inside / "saved_models/digits-dcgan/1", folder / "1")
    options = [*out, "--name", "mine", "--keep", 1, "--models-config", "--base-path", "/srv/x"]
    result = kgan("export", run, *options)
    assert result.exit_code == 0, result.output
    assert [path.name for path in folder.iterdir() if path.name.isdigit()] == ["2"]
    config = (tmp_path / "models" / "models.config").read_text()
    assert f"Wrote {tmp_path / 'models' / 'models.config'}" in result.output
    assert 'base_path: "/srv/x/mine"' in config
    assert 'version_labels { key: "latest" value: 2 }' in config
    known = json.loads((folder / "2" / "assets.extra" / "kgan.json").read_text())
    assert (known["run"], known["dataset"], known["step"]) == ("00000-digits-dcgan", "digits", 8)
    assert known["data_licence"].startswith("CC BY 4.0")
    assert kgan("export", "--models-config", *out).exit_code == 0
    assert 'base_path: "/models/mine"' in (folder.parent / "models.config").read_text()


def test_export_shows_a_request_to_each_endpoint(inside):
    found = [kgan("export", "--show", m) for m in ("digits-dcgan", "saved_models/digits-dcgan/1")]
    assert found[0].exit_code == found[1].exit_code == 0, found[0].output
    assert found[0].output == found[1].output
    for endpoint in ("sample", "sample_png", "generate", "discriminate"):
        assert f'predict("{endpoint}", ' in found[0].output
        assert f"# {endpoint}: " in found[0].output


def test_lists(workdir):
    result = kgan("presets")
    assert all(name in result.output for name in PRESETS)
    assert all(name in kgan("datasets").output for name in ("digits", "ring", "grid"))


def test_dry_run_prints_the_configuration_and_writes_nothing(workdir):
    result = kgan("train", "--dataset", "ring", "--dry-run", "--learning-rate", "0.002")
    assert result.exit_code == 0, result.output
    config = json.loads(result.stdout)
    assert config["generator_optimizer"]["learning_rate"] == 0.002
    assert config["discriminator_optimizer"]["learning_rate"] == 0.002
    assert snapshot(workdir) == set()


def test_epochs_are_steps_that_see_the_data_so_often(workdir):
    result = kgan("train", "--epochs", 2, "--batch-size", 100, "--dry-run")
    assert json.loads(result.stdout)["steps"] == 24


def test_points_give_scatter_plots_and_coverage(workdir):
    result = kgan("train", "--dataset", "ring", *SMALL, "--steps", 4)
    assert result.exit_code == 0, result.output
    assert "modes" in result.stderr
    summary = json.loads(Path("runs/00000-ring-mlp/summary.json").read_text())
    scores = {score["name"]: score["value"] for score in summary["scores"]}
    assert 0 <= scores["high_quality"] <= 1
    assert kgan("sample", "--out", "points.png").exit_code == 0
    assert kgan("sample", "--out", "points.npz").exit_code == 0
    assert np.load("points.npz")["images"].shape == (64, 2)
    result = kgan("sample", "--out", "singles")
    assert (result.exit_code, "no single PNGs" in result.stderr) == (2, True)
    assert not Path("singles").exists()
    for wrong in (["--out", "walk.gif"], ["--columns", 3]):
        result = kgan("sample", *wrong)
        assert (result.exit_code, "points in the plane, which are one" in result.stderr) == (
            2,
            True,
        )
    assert not Path("walk.gif").exists()


def test_a_run_killed_before_it_was_described_can_be_started_again(workdir):
    Path("run").mkdir()
    Path("run/.lock").touch()
    Path("run/config.json.new").write_text("{")
    result = kgan("train", "--dataset", "ring", *SMALL, "--steps", 2, "--run-dir", "run")
    assert result.exit_code == 0, result.output


def test_resume_refuses_finished_runs_contradictions_and_company(workdir):
    from kgan.runs import folder

    run = workdir / "run"
    kgan("train", "--model", "mlp", *SMALL, "--steps", 2, "--run-dir", run)
    result = kgan("train", "--resume", run)
    assert (result.exit_code, "is finished" in result.stderr) == (2, True)
    (run / "summary.json").unlink()
    result = kgan("train", "--resume", run, "--batch-size", 32)
    assert (result.exit_code, "batch_size is 32, but run" in result.stderr) == (2, True)
    held = folder.lock(run)
    result = kgan("train", "--resume", run, "--batch-size", 64)
    held.release()
    assert (result.exit_code, "in use by another process" in result.stderr) == (2, True)
    # Killed between the last step and the export: only the export is left to do.
    assert kgan("train", "--resume", run, "--batch-size", 64).exit_code == 0
    assert (run / "summary.json").exists()


def test_a_diverging_run_stops_and_names_the_last_good_checkpoint(workdir):
    settings = ["log_every=1", "checkpoint_every=1"]
    result = kgan(
        "train", "--dataset", "ring", "--objective", "least_squares", "--learning-rate", "1e18",
        *SMALL, *[word for setting in settings for word in ("--set", setting)], "--run-dir", "run",
    )  # fmt: skip
    assert result.exit_code == 1, result.output
    last = result.stderr.strip().splitlines()[-1]
    assert "not finite" in last
    assert not Path("saved_models").exists()
    newest = Path("run/checkpoints/checkpoint")
    if newest.exists():
        kept = newest.read_text().split('"')[1]
        assert f"checkpoints/{kept}." in last


def test_help_loads_neither_tensorflow_nor_numpy(workdir):  # not the checkout: it has no kgan.cli
    code = (
        "import sys; from click.testing import CliRunner; from kgan.cli import main\n"
        "for command in ([], *([name] for name in main.commands)):\n"
        "    result = CliRunner().invoke(main, [*command, '--help'])\n"
        "    assert result.exit_code == 0, command\n"
        "    assert not {'tensorflow', 'numpy'} & set(sys.modules), command\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
