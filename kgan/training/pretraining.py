"""What a run of `kgan pretrain` does its own way."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from kgan.data import no_images
from kgan.data.corrupt import Corruption
from kgan.data.space import space_of
from kgan.data.split import Splits, split
from kgan.errors import InputError
from kgan.metrics.reconstruction import mean_image_reconstruction, pca_reconstruction, quality
from kgan.models import OPTIMIZERS, VAE, Autoencoder, StackedAutoencoder
from kgan.names import command
from kgan.networks import AUTOENCODERS
from kgan.networks.architecture import architecture_of
from kgan.runs import pictures
from kgan.training.config import PretrainConfig, ReconstructionConfig
from kgan.training.settings import construct, settings
from kgan.training.start import LinearModel, mean_image

PICTURED = 16
SCORED = 10_000  # test images at most, so that their reconstructions fit into memory
LIKELY = 1_000  # of them whose likelihood convolutions estimate: each is decoded hundreds of times

load = split


def progress(model: keras.Model) -> tuple[str, ...]:
    """Returns the formats of the metrics in the progress bar, the most important first."""
    if isinstance(model, VAE):
        return "ELBO {elbo:.2f}", "reconstruction {reconstruction:.2f}", "KL {kl:.2f}"
    return "loss {loss:.3f}", "squared error {mse:.5f}"


def advice(config: PretrainConfig, data: Splits, run_dir: str | Path) -> str:
    """Returns what to do with a finished run: a classifier is for data with labels."""
    labelled = data.train.labels is not None and data.test.labels is not None
    if labelled and len(data.train.class_names) > 1:
        return f"Classify with it: {command('finetune', run_dir)}"
    if config.network.name == "vae":
        return f"Draw from it with: {command('sample', run_dir)}"
    labelled = command("finetune", run_dir, "--dataset FOLDER")
    return f"Classify images that have labels with it: {labelled}"


def images_per_step(config: PretrainConfig) -> int:
    """Returns the examples of an update."""
    return config.batch_size


def resolve(config: PretrainConfig, data: Splits) -> tuple[PretrainConfig, Splits]:
    """Returns the configuration with every "auto" decided, and the data, binarised if asked.

    Raises:
        InputError: Settings that contradict each other, or data without held-out parts.
    """
    if not isinstance(data, Splits):
        raise InputError("Pretraining holds data out: pass kgan.split(...), not kgan.load(...).")
    if not data.train.space.is_image:
        raise no_images(data.train.name)
    what = _decided(config, data.train.image_shape[-1])
    config = dataclasses.replace(config, reconstruction=what)
    if config.network.name == "vae":
        options = config.network.options
        found = architecture_of(data.train.image_shape, options.get("architecture", "auto"))
        options = {**options, "architecture": found}
        config = dataclasses.replace(
            config, network=dataclasses.replace(config.network, options=options)
        )
    config.check()
    if what.binarization == "static":
        parts = ("train", "validation", "test")
        drawn = {part: _binarised(getattr(data, part), number) for number, part in enumerate(parts)}
        data = dataclasses.replace(data, **drawn)
    return config, data


def _decided(config: PretrainConfig, channels: int) -> ReconstructionConfig:
    what, variational = config.reconstruction, config.network.name == "vae"
    likelihood = what.likelihood
    if likelihood == "auto":
        real_valued = "gaussian" if variational else "squared_error"
        likelihood = "bernoulli" if channels == 1 else real_valued
    binarization = what.binarization
    if binarization == "auto":
        binarization = "dynamic" if variational and likelihood == "bernoulli" else "none"
    corruption = what.corruption
    if corruption == "auto":
        corruption = "masking" if config.network.name == "denoising" else "none"
    return dataclasses.replace(
        what, likelihood=likelihood, binarization=binarization, corruption=corruption
    )


def _binarised(examples, number: int):
    """Returns examples whose every element was drawn once, 255 with probability value / 255.

    The draw does not depend on the run's seed: all runs see the same binary data set.
    """
    uniform = np.random.default_rng([0, number])
    images = np.asarray(examples.images)
    chances = uniform.random(images.shape, np.float32)
    return dataclasses.replace(examples, values=((chances * 255 < images) * 255).astype(np.uint8))


def build(
    config: PretrainConfig, image_shape: tuple[int, ...], images=None
) -> Autoencoder | StackedAutoencoder | VAE:
    """Returns the compiled autoencoder: see `training.build.build`."""
    coder, what = AUTOENCODERS[config.network.name], config.reconstruction
    options, size = config.network.options, config.network.code_size
    for_encoder, for_decoder, noise = _start(config, image_shape, images)
    encoder = coder.encoder(image_shape, size, **options, **for_encoder)
    decoder = coder.decoder(image_shape, size, **options, **for_decoder)
    common = {"likelihood": what.likelihood, "seed": config.seed}
    if config.network.name == "vae":
        model = VAE(
            encoder,
            decoder,
            beta=what.beta,
            dynamic_binarization=what.binarization == "dynamic",
            **noise,
            **common,
        )
    else:
        corruption = Corruption(what.corruption, what.amount)
        if config.network.name == "stacked":
            sigmoid = options.get("activation", "sigmoid") == "sigmoid"
            model = StackedAutoencoder(
                encoder,
                decoder,
                corruption=corruption,
                code_likelihood="bernoulli" if sigmoid else "squared_error",
                **common,
            )
        else:
            model = Autoencoder(encoder, decoder, corruption=corruption, **common)
    optimizer = dict(config.optimizer)
    if config.schedule == "cosine":
        rate = settings(config)["optimizer.learning_rate"]
        optimizer["learning_rate"] = keras.optimizers.schedules.CosineDecay(rate, config.steps)
    model.compile(construct(OPTIMIZERS, optimizer), config.accumulate)
    return model


def _start(config: PretrainConfig, image_shape, images) -> tuple[dict, dict, dict]:
    """Returns what encoder, decoder and VAE start from, nothing but of a VAE of given images."""
    if config.network.name != "vae" or images is None or not space_of(image_shape).is_image:
        return {}, {}, {}
    mean, linear = mean_image(images), None
    if architecture_of(image_shape, config.network.options["architecture"]) == "conv":
        linear = LinearModel.of(images, config.network.code_size)
    for_encoder = {"start": linear} if linear else {}
    if config.reconstruction.likelihood == "bernoulli":
        return for_encoder, {"mean_image": mean}, {}
    noise = {"log_std": linear.log_std} if linear else {}
    return for_encoder, {"start": linear or LinearModel(mean.astype(np.float32))}, noise


def scorer(config: PretrainConfig, data: Splits) -> None:
    """Returns None: an autoencoder is scored once, when it is finished."""


def phases(model: keras.Model) -> list[Callable]:
    """Returns the calls of `fit` that a run consists of: one, or one a layer."""
    if not isinstance(model, StackedAutoencoder):
        return [model.fit]

    def layer(number):
        return lambda *args, **kwargs: model.fit_layer(number, *args, **kwargs)

    return [layer(number) for number in range(model.depth)]


def picture(model, data: Splits) -> Image.Image:
    """Returns rows of validation images, as corrupted if they are, and as reconstructed.

    Of a stack the layers up to the one that trains: those above it are as they were initialised.
    """
    if isinstance(model, StackedAutoencoder):
        model = model.truncated(model.layer + 1)
    images = np.asarray(data.validation.images[:PICTURED])
    rows = [images]
    if model.corruption and model.corruption.kind != "none":
        rows.append(model.corrupt(images))
    rows.append(model.reconstruct(rows[-1]))
    if isinstance(model, VAE):
        rows.append(model.sample(range(PICTURED)))
    return pictures.grid(np.concatenate(rows), columns=len(images))


def score(model, data: Splits, config: PretrainConfig) -> dict:
    """Returns the scores of a finished run on the test split, its baselines beside it."""
    images, size = np.asarray(data.test.images[:SCORED]), config.network.code_size
    table = {"reconstruction": quality(images, model.reconstruct(images))}
    if config.reconstruction.corruption != "none":
        corrupted = model.corrupt(images)
        table |= {
            "reconstruction of corrupted": quality(images, model.reconstruct(corrupted)),
            "corrupted": quality(images, corrupted),
        }
    projected, exact = pca_reconstruction(data.train.images, images, size)
    method, components = "exact" if exact else "randomized", min(size, images[0].size)
    table |= {
        f"PCA, {components} components ({method})": quality(images, np.clip(projected, 0, 1)),
        "mean image": quality(images, mean_image_reconstruction(data.train.images, images)),
    }
    scores = {
        "split": data.rule,
        "n": len(images),
        "range": "[0, 1]",
        "binarization": config.reconstruction.binarization,
        "quality": table,
    }
    if isinstance(model, VAE):
        samples, some = config.likelihood_samples, images
        if config.network.options["architecture"] == "conv":
            some = images[:LIKELY]
        scores["likelihood_n"] = len(some)
        scores["elbo"] = float(np.mean(model.elbo(some)))
        scores["negative_log_likelihood"] = {
            "nats": -float(np.mean(model.log_likelihood(some, samples=samples))),
            "importance_samples": samples,
        }
    return scores


def rows(scores: dict) -> list[tuple[str, ...]]:
    """Returns the scores as a table's rows, its header first."""
    table = [(f"test ({scores['n']:,} images)", "squared error", "PSNR, dB", "SSIM")]
    for name, values in scores["quality"].items():
        table.append(
            (name, f"{values['mse']:.5f}", f"{values['psnr']:.2f}", f"{values['ssim']:.3f}")
        )
    if "elbo" in scores:
        estimate = scores["negative_log_likelihood"]
        few = scores["likelihood_n"] < scores["n"]
        of = f", {scores['likelihood_n']:,} images" if few else ""
        table += [
            (f"ELBO, nats{of}", f"{scores['elbo']:.2f}", "", ""),
            (
                f"NLL, nats, {estimate['importance_samples']} importance samples{of}",
                f"{estimate['nats']:.2f}",
                "",
                "",
            ),
        ]
    return table
