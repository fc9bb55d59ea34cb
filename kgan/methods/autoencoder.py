"""An encoder and a decoder that make their own input again: `kgan pretrain`."""

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from kgan import models
from kgan.data import kinds, no_images
from kgan.errors import InputError
from kgan.methods.base import DataSpec, Method
from kgan.methods.config import Config, adam, in_range, optimizer_class, require
from kgan.methods.settings import constructed
from kgan.networks import AUTOENCODERS
from kgan.runs.scores import corrupted, scored

if TYPE_CHECKING:
    import keras
    import numpy as np

    from kgan.data.split import Splits

LIKELIHOODS = ("bernoulli", "squared_error", "gaussian")
BINARIZATIONS = ("none", "static", "dynamic")
PICTURED = 16
SCORED = 10_000  # test images at most, so that their reconstructions fit into memory


@dataclass(frozen=True)
class CoderConfig:
    """Which autoencoder is built; `options` are those of its builders."""

    name: str = "conv_autoencoder"
    code_size: int = 64
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReconstructionConfig:
    """What an autoencoder is to reconstruct, from what; "auto" is resolved before training.

    Attributes:
        likelihood: "bernoulli" (cross-entropy), "squared_error", or for a VAE "gaussian".
        corruption: A kind in `data.kinds.KINDS`, put on the input alone.
        amount: Share of the elements, or the standard deviation: see `data.corrupt.Corruption`.
        binarization: "none", "static" (one draw an image) or, for a VAE, "dynamic" (every step).
        beta: Weight of a VAE's divergence.
    """

    likelihood: str = "auto"
    corruption: str = "auto"
    amount: float = 0.25
    binarization: str = "auto"
    beta: float = 1.0


@dataclass(frozen=True)
class AutoencoderConfig(Config):
    """A run of an autoencoder, plain, stacked or variational.

    Attributes:
        optimizer: "name" and that optimizer's arguments.
        likelihood_samples: Importance samples an image for a VAE's test likelihood.
    """

    network: CoderConfig = field(default_factory=CoderConfig)
    reconstruction: ReconstructionConfig = ReconstructionConfig()
    optimizer: dict[str, Any] = field(default_factory=adam("cosine:0.001:0"))
    likelihood_samples: int = 200

    named = ("network", "optimizer")
    renamed = {  # noqa: RUF012
        "schedule": "that of optimizer.learning_rate now, as in --set "
        "optimizer.learning_rate=cosine:0.001:0",
    }
    built = ("network.options", "optimizer")

    def headline(self):
        what = self.reconstruction
        parts = [
            f"code of {self.network.code_size}",
            what.likelihood,
            f"{what.binarization} binarization" if what.binarization != "none" else "",
            f"{what.corruption} {what.amount:g}" if what.corruption != "none" else "",
        ]
        return ", ".join(part for part in parts if part and not part.startswith("auto"))

    def builders(self):
        require("model", self.network.name, AUTOENCODERS)
        builders = AUTOENCODERS[self.network.name].encoder, optimizer_class(self.optimizer)
        return dict(zip(self.built, builders, strict=True))

    def check(self):
        super().check()
        in_range("network.code_size", self.network.code_size, 1)
        in_range("likelihood_samples", self.likelihood_samples, 1)
        what = self.reconstruction
        require("corruption", what.corruption, ("auto", *kinds.KINDS))
        kinds.check("masking" if what.corruption == "auto" else what.corruption, what.amount)
        require("likelihood", what.likelihood, ("auto", *LIKELIHOODS))
        require("binarization", what.binarization, ("auto", *BINARIZATIONS))
        if what.beta < 0:
            raise InputError(f"reconstruction.beta is {what.beta}: expected 0 or more.")
        if self.data.hold_out != "split":
            raise InputError(
                f"hold_out is {self.data.hold_out}: expected split, since {self.network.name} is "
                "scored on images that it was not trained on."
            )
        self.method.check(self)


class AutoencoderMethod(Method):
    """Reconstruction through a code: see `kgan.Autoencoder`.

    Attributes:
        default_corruption: What "auto" stands for; `resolve` decides likelihood and binarization.
    """

    name = "autoencoder"
    command = "pretrain"
    Config = AutoencoderConfig
    draws = False
    use = "finetune"
    progress: ClassVar[tuple[str, ...]] = "loss {loss:.3f}", "squared error {mse:.5f}"
    default_corruption: ClassVar[str] = "none"

    def check(self, config: AutoencoderConfig) -> None:
        """Checks what is decided against each other; an "auto" never contradicts.

        Raises:
            InputError: Some of it cannot be had at once.
        """
        for message, is_so in self.contradictions(config).items():
            if is_so:
                what = dataclasses.asdict(config.reconstruction)
                given = ", ".join(f"{key} {value}" for key, value in what.items())
                raise InputError(f"{config.network.name} with {given}: {message}.")

    def contradictions(self, config: AutoencoderConfig) -> dict[str, bool]:
        """Returns what cannot be asked for at once, each in words, and whether it is."""
        what, plain = config.reconstruction, ReconstructionConfig()
        corruption = self.default_corruption if what.corruption == "auto" else what.corruption
        return {
            "gaussian is for the VAE: take squared_error": what.likelihood == "gaussian",
            "binarization goes with the likelihood bernoulli": binarized(what)
            and what.likelihood not in ("auto", "bernoulli"),
            "dynamic binarization is for the VAE: take static": what.binarization == "dynamic",
            "beta is for the VAE: leave it out": what.beta != plain.beta,
            "an amount needs a corruption: add --corruption masking": corruption == "none"
            and what.amount != plain.amount,
            "likelihood_samples is for the VAE: leave it out": config.likelihood_samples
            != AutoencoderConfig.likelihood_samples,
        }

    def resolve(self, config, data):
        if not data.train.space.is_image:
            raise no_images(data.train.name)
        if not (len(data.validation) and len(data.test)):
            raise InputError(
                "Pretraining holds data out: pass kgan.split(...), not kgan.load(...), which has "
                "no test images of these."
            )
        what = self.decided(config.reconstruction, data.train.image_shape[-1])
        config = dataclasses.replace(config, reconstruction=what)
        config.check()
        return config, _static(data) if what.binarization == "static" else data

    def decided(self, what: ReconstructionConfig, channels: int) -> ReconstructionConfig:
        """Returns what is to be reconstructed, every "auto" decided."""
        likelihood, binarization, corruption = what.likelihood, what.binarization, what.corruption
        if likelihood == "auto":
            likelihood = "bernoulli" if channels == 1 else "squared_error"
        if binarization == "auto":
            binarization = "none"
        if corruption == "auto":
            corruption = self.default_corruption
        return dataclasses.replace(
            what, likelihood=likelihood, binarization=binarization, corruption=corruption
        )

    def build(self, config, spec):
        networks = self.networks(config, spec)
        return self.compiled(config, models.Autoencoder(*networks, **self.common(config)))

    def networks(self, config: AutoencoderConfig, spec: DataSpec) -> list:
        """Returns the encoder and the decoder, or what is built in their places."""
        coder, options = AUTOENCODERS[config.network.name], config.network.options
        return [
            builder(spec.shape, config.network.code_size, **options)
            for builder in (coder.encoder, coder.decoder)
        ]

    def common(self, config: AutoencoderConfig) -> dict[str, Any]:
        """Returns the arguments that plain and stacked autoencoders have in common."""
        from kgan.data.corrupt import Corruption

        what = config.reconstruction
        return {
            "corruption": Corruption(what.corruption, what.amount),
            "likelihood": what.likelihood,
            "seed": config.seed,
        }

    def compiled(self, config: AutoencoderConfig, model: "keras.Model") -> "keras.Model":
        """Returns the model with its optimizer."""
        model.compile(constructed(config, "optimizer"), config.accumulate)
        return model

    def picture(self, model, data):
        """Returns rows of validation images, as corrupted if they are, and as reconstructed."""
        import numpy as np

        from kgan.runs import pictures

        rows = self.pictured(model, np.asarray(data.validation.images[:PICTURED]))
        return pictures.grid(np.concatenate(rows), columns=len(rows[0]))

    def pictured(self, model: "keras.Model", images: "np.ndarray") -> list:
        """Returns the rows of `picture`, uint8 `(n, height, width, channels)` each."""
        rows = [images]
        if model.corruption.kind != "none":
            rows.append(model.corrupt(images))
        return [*rows, model.reconstruct(rows[-1])]

    def score(self, model, data, config):
        """Returns how near test images are reconstructed, beside what linear codes reach."""
        import numpy as np

        from kgan.metrics.reconstruction import (
            mean_image_reconstruction,
            pca_reconstruction,
            quality,
        )

        images, size = np.asarray(data.test.images[:SCORED]), config.network.code_size
        about = {
            "step": int(model.step.numpy()),
            "n": len(images),
            "dataset": data.test.name,
            "split": "test",
            "rule": data.rule,
            "binarization": config.reconstruction.binarization,
        }
        scores = scored(quality(images, model.reconstruct(images)), **about)
        projected, exact = pca_reconstruction(data.train.images, images, size)
        solver, components = "exact" if exact else "randomized", min(size, images[0].size)
        trivial = {
            f"PCA, {components} components ({solver})": quality(images, np.clip(projected, 0, 1)),
            "mean image": quality(images, mean_image_reconstruction(data.train.images, images)),
        }
        if config.reconstruction.corruption != "none":
            seen = model.corrupt(images)
            found = quality(images, model.reconstruct(seen))
            scores += scored(corrupted(found), **about)
            trivial["as corrupted"] = corrupted(quality(images, seen))
        baselines = {name: scored(values, **about) for name, values in trivial.items()}
        return {"scores": scores, "baselines": baselines}


def binarized(what: ReconstructionConfig) -> bool:
    """Returns whether binary images are asked for."""
    return what.binarization not in ("auto", "none")


def _static(data: "Splits") -> "Splits":
    parts = ("train", "validation", "test")
    drawn = {part: _drawn(getattr(data, part), number) for number, part in enumerate(parts)}
    return dataclasses.replace(data, **drawn)


def _drawn(examples, number: int):
    """Returns examples whose every element was drawn once, 255 with probability value / 255.

    The draw does not depend on the run's seed: all runs see the same binary data set.
    """
    import numpy as np

    uniform = np.random.default_rng([0, number])
    images = np.asarray(examples.images)
    chances = uniform.random(images.shape, np.float32)
    return dataclasses.replace(examples, values=((chances * 255 < images) * 255).astype(np.uint8))
