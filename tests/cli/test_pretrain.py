"""`kgan pretrain` as a user types it."""

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

from kgan.cli import main

SMALL = ["--set", "network.options.width=4", "--steps", 4, "--set", "log_every=2"]
MODELS = ("conv_autoencoder", "denoising", "stacked", "vae")


def kgan(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which every model was pretrained on the digits."""
    folder = tmp_path_factory.mktemp("pretrained")
    results = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for model in MODELS:
            few = ["--set", "likelihood_samples=2"] if model == "vae" else []
            results[model] = kgan("pretrain", "--model", model, "--run-dir", model, *SMALL, *few)
            assert results[model].exit_code == 0, results[model].output
    return folder, results


@pytest.fixture
def inside(trained, monkeypatch):
    monkeypatch.chdir(trained[0])
    return trained[0]


@pytest.mark.parametrize("model", MODELS)
def test_a_run_leaves_pictures_scores_and_a_saved_model(model, inside, trained):
    steps = 12 if model == "stacked" else 4
    rows = {"conv_autoencoder": 2, "denoising": 3, "stacked": 2, "vae": 3}[model]
    with Image.open(inside / model / "samples" / f"step-{steps:08d}.png") as picture:
        assert picture.height == rows * 66 + 2
    lines = [*map(json.loads, (inside / model / "metrics.jsonl").read_text().splitlines())]
    assert lines[-1]["step"] == steps
    found = json.loads((inside / model / "evaluation.json").read_text())
    scores, baselines = {score["name"]: score for score in found["scores"]}, found["baselines"]
    assert {score["n"] for score in found["scores"]} == {299}
    assert {score["step"] for score in found["scores"]} == {steps}
    assert baselines["mean image"][0]["name"] == "mse"
    assert baselines["mean image"][0]["value"] == pytest.approx(0.0733, abs=1e-4)
    assert any(name.startswith("PCA") for name in baselines)
    assert ("negative_log_likelihood" in scores) == (model == "vae")
    assert ("mse[corrupted]" in scores) == ("as corrupted" in baselines) == (model == "denoising")
    shown = trained[1][model].stderr
    assert shown.count("Trained: scoring and saving.") == 1
    assert "mean image" in shown
    assert f"kgan finetune {model}" in shown
    assert (f"kgan sample {model}" in shown) == (model == "vae")
    assert f"Newest picture: {model}/samples/step-{steps:08d}.png" in shown
    signatures = tf.saved_model.load(f"saved_models/digits-{model}/1").signatures
    assert {"encode", "decode", "reconstruct", "serving_default"} <= set(signatures)
    assert ("sample" in signatures) == (model == "vae")


def test_sample_draws_from_the_vae_and_from_no_other(inside):
    result = kgan("sample", "--out", "newest.png")
    assert result.exit_code == 0, result.output
    assert "digits-vae" in result.stderr
    assert kgan("sample", "vae", "--out", "vae.npz", "--seeds", "0-3").exit_code == 0
    assert np.load("vae.npz")["images"].shape == (4, 8, 8, 1)
    result = kgan("sample", "stacked")
    assert result.exit_code == 2
    assert "which draws no images: kgan sample takes runs of kgan train" in result.stderr


def test_the_wrong_command_for_a_run_names_the_right_one(inside):
    result = kgan("train", "--resume", "vae")
    assert result.exit_code == 2
    assert "go on with kgan pretrain --resume vae" in result.stderr
    result = kgan("pretrain", "--resume", "vae")
    assert result.exit_code == 2
    assert "vae is finished" in result.stderr


def test_export_writes_an_encoder_again(inside):
    assert kgan("export", "denoising", "--name", "again").exit_code == 0
    signatures = tf.saved_model.load("saved_models/again/1").signatures
    assert "encode" in signatures


def test_dry_run_shows_what_auto_became(workdir):
    def dry(*args):
        result = kgan("pretrain", *args, "--dry-run")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    assert dry()["reconstruction"]["likelihood"] == "bernoulli"
    assert dry("--model", "denoising")["reconstruction"]["corruption"] == "masking"
    vae = dry("--model", "vae", "--likelihood", "gaussian")
    assert vae["reconstruction"]["binarization"] == "none"
    assert dry("--model", "vae")["reconstruction"]["binarization"] == "dynamic"
    stacked = dry("--model", "stacked", "--corruption", "salt_and_pepper", "--amount", 0.1)
    assert stacked["reconstruction"]["amount"] == 0.1
    assert dry("--epochs", 2, "--batch-size", 100)["steps"] == 24
    assert not list(Path().iterdir())


def test_grey_levels_are_binarised_once_whatever_the_seed(workdir):
    from kgan.data.split import split
    from kgan.methods.autoencoder import AutoencoderConfig
    from kgan.methods.settings import override

    def resolved(config, data):
        return config.method.resolve(config, data)[1]

    digits = split("digits")
    static = {"network.name": "vae", "reconstruction.binarization": "static"}
    drawn = [
        resolved(override(AutoencoderConfig(), {**static, "seed": seed}), digits) for seed in (0, 1)
    ]
    images = [splits.train.images for splits in drawn]
    np.testing.assert_array_equal(*images)
    assert set(np.unique(images[0])) == {0, 255}
    grey = np.asarray(digits.train.images, float)
    assert (images[0][grey == 0] == 0).all()
    assert (images[0][grey == 255] == 255).all()
    middle = (grey > 100) & (grey < 150)
    assert images[0][middle].mean() == pytest.approx(grey[middle].mean(), rel=0.05)
    # Each part by draws of its own, though they held the same images.
    same = replace(digits, validation=digits.train, test=digits.train)
    parts = resolved(override(AutoencoderConfig(), static), same)
    for one, other in combinations((parts.train, parts.validation, parts.test), 2):
        # Independent tosses of chance 1/2 agree in half of the cases.
        assert (one.images == other.images)[middle].mean() == pytest.approx(0.5, abs=0.05)
