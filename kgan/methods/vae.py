"""A variational autoencoder (Kingma and Welling 2014)."""

import dataclasses

from kgan import models
from kgan.data.space import space_of
from kgan.methods.autoencoder import AutoencoderMethod, binarized
from kgan.methods.base import DataSpec
from kgan.networks import AUTOENCODERS, architecture
from kgan.runs.scores import scored

LIKELY = 1_000  # images whose likelihood convolutions estimate: each is decoded hundreds of times


class VAEMethod(AutoencoderMethod):
    """See `kgan.VAE`."""

    name = "vae"
    draws = True
    progress = "ELBO {elbo:.2f}", "reconstruction {reconstruction:.2f}", "KL {kl:.2f}"

    def check(self, config):
        super().check(config)
        options = config.network.options
        chosen = options.get("architecture", "auto")
        architecture.check(chosen)
        if chosen != "auto":
            architecture.check_options(chosen, options)

    def contradictions(self, config):
        what, plain = config.reconstruction, type(config.reconstruction)()
        return {
            "a VAE's likelihood is bernoulli or gaussian": what.likelihood == "squared_error",
            "binarization goes with the likelihood bernoulli": binarized(what)
            and what.likelihood not in ("auto", "bernoulli"),
            "the VAE takes no corruption: use denoising, conv_autoencoder or stacked": (
                what.corruption not in ("auto", "none")
            ),
            "an amount needs a corruption: add --corruption masking": what.amount != plain.amount,
        }

    def resolve(self, config, data):
        options = config.network.options
        found = architecture.architecture_of(
            data.train.image_shape, options.get("architecture", "auto")
        )
        network = dataclasses.replace(config.network, options={**options, "architecture": found})
        return super().resolve(dataclasses.replace(config, network=network), data)

    def decided(self, what, channels):
        if what.likelihood == "auto":
            likelihood = "bernoulli" if channels == 1 else "gaussian"
            what = dataclasses.replace(what, likelihood=likelihood)
        if what.binarization == "auto" and what.likelihood == "bernoulli":
            what = dataclasses.replace(what, binarization="dynamic")
        return super().decided(what, channels)

    def build(self, config, spec):
        coder, what = AUTOENCODERS[config.network.name], config.reconstruction
        options, size = config.network.options, config.network.code_size
        for_encoder, for_decoder, noise = _start(config, spec)
        model = models.VAE(
            coder.encoder(spec.shape, size, **options, **for_encoder),
            coder.decoder(spec.shape, size, **options, **for_decoder),
            beta=what.beta,
            dynamic_binarization=what.binarization == "dynamic",
            likelihood=what.likelihood,
            seed=config.seed,
            **noise,
        )
        return self.compiled(config, model)

    def pictured(self, model, images):
        """Returns images, their reconstructions and samples."""
        return [images, model.reconstruct(images), model.sample(range(len(images)))]

    def score(self, model, data, config):
        """Returns what an autoencoder's are, with the bound and the likelihood of test images."""
        import numpy as np

        found = super().score(model, data, config)
        about = {k: v for k, v in found["scores"][0].items() if k not in ("name", "value")}
        images = np.asarray(data.test.images[: about["n"]])
        if config.network.options["architecture"] == "conv":
            images = images[:LIKELY]
        samples = config.likelihood_samples
        likelihood = -float(np.mean(model.log_likelihood(images, samples=samples)))
        about["n"] = len(images)
        found["scores"] += [
            *scored({"elbo": float(np.mean(model.elbo(images)))}, **about),
            *scored({"negative_log_likelihood": likelihood}, importance_samples=samples, **about),
        ]
        return found


def _start(config, spec: DataSpec) -> tuple[dict, dict, dict]:
    """Returns what encoder, decoder and VAE start from; without images, as is."""
    import numpy as np

    from kgan.methods.start import LinearModel, mean_image

    if spec.values is None or not space_of(spec.shape).is_image:
        return {}, {}, {}
    mean, linear = mean_image(spec.values), None
    assert mean is not None  # they are images
    chosen = config.network.options.get("architecture", "auto")
    if architecture.architecture_of(spec.shape, chosen) == "conv":
        linear = LinearModel.of(spec.values, config.network.code_size)
    for_encoder = {"start": linear} if linear else {}
    if config.reconstruction.likelihood == "bernoulli":
        return for_encoder, {"mean_image": mean}, {}
    noise = {"log_std": linear.log_std} if linear else {}
    return for_encoder, {"start": linear or LinearModel(mean.astype(np.float32))}, noise
