"""What a VAE of colour images starts from: probabilistic PCA, its latents scaled for samples."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import kgan
from kgan.data import Examples, load
from kgan.data.space import IMAGES
from kgan.data.split import Splits, split, subset
from kgan.errors import InputError
from kgan.methods import vae
from kgan.methods.recorded import config_of, open_record
from kgan.methods.settings import override
from kgan.methods.start import LinearModel, _clipped_deviation
from kgan.metrics import reconstruction
from kgan.metrics.reconstruction import pca_reconstruction
from kgan.training.run import open_run, train

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
VAE = {"network.name": "vae", "precision": "float32"}


def gaussian_images(n=3000, shape=(20, 20, 3), latents=3):
    """Images of a linear model within (0, 1), all of whose pixels are above 0."""
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(latents, math.prod(shape))) * np.array([0.05, 0.03, 0.02])[:, None]
    values = 0.6 + rng.normal(size=(n, latents)) @ maps + 0.02 * rng.normal(size=(n, maps.shape[1]))
    return np.round(255 * np.clip(values, 0, 1)).astype(np.uint8).reshape(n, *shape)


def discs(n=600, side=24):
    """Coloured discs on white: bright, and nothing but their places and colours varies."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    images = np.full((n, side, side, 3), 255, np.uint8)
    for image in images:
        at, radius, colour = rng.uniform(8, side - 8, 2), rng.uniform(4, 8), rng.integers(0, 256, 3)
        image[(y - at[0]) ** 2 + (x - at[1]) ** 2 < radius**2] = colour
    return images


def splits_of(images):
    third = len(images) // 6
    parts = images[: 4 * third], images[4 * third : 5 * third], images[5 * third :]
    return Splits(*(Examples(part, {}, IMAGES, "mine") for part in parts), "in order")


def prepared(data, **changes):
    return kgan.prepare(override(kgan.AutoencoderConfig(), {**VAE, **changes}), data)


def test_the_bound_at_the_start_is_the_exact_likelihood_less_what_the_spread_costs():
    """Tipping and Bishop's model is the optimum of a linear VAE, where the bound is tight."""
    images = gaussian_images()
    data = splits_of(images)
    model = prepared(data, **{"network.code_size": 3}).model
    x = data.train.images.reshape(len(data.train), -1) / 255
    linear = LinearModel.of(data.train.images, 3)
    noise = math.exp(2 * linear.log_std)
    # In the subspace of the maps the covariance is full, outside it is the noise alone.
    maps = linear.to_images.astype(np.float64)
    basis, _ = np.linalg.qr(maps.T)
    variance = _largest_variance(x, basis)
    spread = math.sqrt((variance - noise) / np.sum(maps[0] ** 2))
    assert spread < 0.99
    assert math.exp(linear.log_variance[0]) == pytest.approx(spread**2 * noise / variance, rel=1e-3)
    inside = spread**2 * (basis.T @ maps.T) @ (maps @ basis) + noise * np.eye(3)
    centred = x - linear.mean.ravel()
    along = centred @ basis
    beyond = np.sum(centred**2, 1) - np.sum(along**2, 1)
    rest = x.shape[1] - 3
    likelihood = (
        multivariate_normal(np.zeros(3), inside).logpdf(along)
        - 0.5 * beyond / noise
        - 0.5 * rest * math.log(2 * math.pi * noise)
    )
    mean, log_variance = (np.array(v) for v in model.posterior(data.train.images))
    second = (mean**2 + np.exp(log_variance)) / spread**2
    cost = 0.5 * np.sum((spread**2 - 1) * second - 2 * math.log(spread), 1)
    assert np.mean(model.elbo(data.train.images)) == pytest.approx(
        np.mean(likelihood - cost), rel=2e-3
    )


def _largest_variance(x, basis):
    """Returns that of the data along their first principal component, which the basis spans."""
    return np.linalg.eigvalsh(np.cov(((x - x.mean(0)) @ basis).T, bias=True)).max()


def test_the_deviation_of_clipped_normal_pixels_is_that_of_draws():
    rng = np.random.default_rng(0)
    mean, stds = rng.uniform(0, 1, 50), rng.uniform(0.01, 0.8, 50)
    draws = np.clip(mean + stds * rng.normal(size=(200_000, 50)), 0, 1)
    assert _clipped_deviation(mean, stds) == pytest.approx(draws.std(), rel=2e-3)


def test_there_are_no_more_components_than_images():
    linear = LinearModel.of(gaussian_images(8), 20)
    assert linear.to_images.shape == (20, 1200)
    assert not linear.to_images[8:].any()
    assert np.isfinite(linear.to_latents).all()
    assert np.isfinite([linear.log_std, *linear.log_variance]).all()


def check(model, data, size, samples=200, of_pca=1.15):
    """Codes are used, samples look like the data by mean and deviation, reconstructions by PCA."""
    test = np.asarray(data.test.images[:200])
    mean, log_variance = (np.array(v) for v in model.posterior(test))
    kl = 0.5 * np.mean(mean**2 + np.exp(log_variance) - 1 - log_variance, 0)
    assert (kl > 0.1).all()
    assert (mean.std(0) > 0.1).all()
    drawn, real = model.sample(range(samples)), np.asarray(data.train.images[:5000])
    assert drawn.mean() == pytest.approx(real.mean(), rel=0.1)
    assert drawn.std(dtype=np.float64) == pytest.approx(real.std(dtype=np.float64), rel=0.1)
    projected, _ = pca_reconstruction(data.train.images, test, size)
    error = np.mean((model.reconstruct(test) / 255 - test / 255) ** 2)
    assert error < of_pca * np.mean((np.clip(projected, 0, 1) - test / 255) ** 2)


def test_a_vae_of_colour_images_uses_its_codes_and_soon_beats_pca(tmp_path, monkeypatch):
    monkeypatch.setattr(vae, "LIKELY", 10)
    monkeypatch.setattr("kgan.training.run.export", lambda model, place, *_: Path(place))
    data = splits_of(discs())
    changes = {
        "network.code_size": 8,
        "steps": 60,
        "likelihood_samples": 20,
        "batch_size": 32,
        "network.options.channels": 8,
    }
    run = prepared(data, **changes)
    assert run.config.network.options["architecture"] == "conv"
    summary = train(run, tmp_path / "run", tmp_path / "models")
    scores = {score["name"]: score for score in summary["scores"]}
    assert (scores["mse"]["n"], scores["elbo"]["n"]) == (100, 10)
    assert -scores["negative_log_likelihood"]["value"] > scores["elbo"]["value"]
    check(run.model, data, 8, of_pca=1.0)
    # The file alone rebuilds it: nothing of the data is asked again.
    assert open_record(tmp_path / "run").config.network.options["architecture"] == "conv"
    np.testing.assert_array_equal(
        open_run(tmp_path / "run")[0].reconstruct(data.test.images[:4]),
        run.model.reconstruct(data.test.images[:4]),
    )


def test_dense_layers_of_large_images_saturate_at_once():
    """Why they are not taken: after a few steps all images have the same code."""
    data = splits_of(discs())
    run = prepared(data, **{"network.options.architecture": "dense", "steps": 30})
    run.model.fit(np.asarray(data.train.images), batch_size=32, epochs=2, verbose=0)
    mean, _ = run.model.posterior(data.test.images)
    assert np.std(mean, 0).max() < 0.15


def test_a_dense_gaussian_decoder_starts_at_the_mean_image():
    data = split("digits")
    model = prepared(data, **{"reconstruction.likelihood": "gaussian"}).model
    mean = np.mean(data.train.images[:], 0) / 255
    np.testing.assert_allclose(model.outputs(np.zeros((1, 64), "f4"))[0], mean, atol=1e-6)


def test_options_of_the_other_architecture_are_refused():
    for options in (
        {"network.options.architecture": "conv", "network.options.width": 50},
        {"network.options.architecture": "dense", "network.options.channels": 8},
    ):
        with pytest.raises(InputError, match="that is an option of"):
            override(kgan.AutoencoderConfig(), {**VAE, **options})


@pytest.mark.parametrize("name", ["vae-digits", "vae-mnist"])
def test_every_preset_takes_either_architecture(name):
    for chosen in ("dense", "conv"):
        config = override(kgan.PRESETS[name], {"network.options.architecture": chosen})
        assert ("depth" in config.network.options) == (name == "vae-mnist" and chosen == "dense")


def test_an_old_run_keeps_its_dense_layers():
    record = {"family": "pretraining", "config": kgan.AutoencoderConfig().to_dict()}
    record["config"]["network"] = {"name": "vae", "code_size": 40, "options": {}}
    assert config_of(record).network.options["architecture"] == "dense"


@pytest.mark.parametrize("name", ["cifar10", "emoji"])
def test_the_issue_s_data_are_learnt_from(name, monkeypatch):
    """At the start already; training goes on from there."""
    place = SHARED / ("tfds/cifar10" if name == "cifar10" else "images/emoji")
    if not place.is_dir():
        pytest.skip(f"{name} is not there")
    if name == "cifar10":
        # The eigenvectors of all its pixels take 10 s; the approximate ones are as good.
        monkeypatch.setattr(reconstruction, "MAX_EXACT", 1000)
        data = splits_of(load(name, data_dir=place.parent, split="train[:3000]").images)
    else:
        data = split(place, image_size=64)
        data = dataclasses.replace(data, train=subset(data.train, slice(1500)))
    check(prepared(data, **{"network.code_size": 40}).model, data, 40)
