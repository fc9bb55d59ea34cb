"""A variational autoencoder, its bound and its importance-sampled likelihood."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import ArrayLike

from kgan.data.space import IMAGES
from kgan.errors import InputError
from kgan.losses import likelihood as losses
from kgan.models.autoencoder import Autoencoder
from kgan.models.counted import check_number
from kgan.models.players import check_functional
from kgan.models.precision import in_float32
from kgan.models.seeds import check_seeds, in_batches, seed_latents
from kgan.models.step import TEST_STEP, Noise, RowNoise, minimize

MAX_LOG_VARIANCE = 20.0  # Standard deviations from 5e-5 to 2e4.
SAMPLE_CHUNK = 50  # Importance samples of a batch that are in memory together.


@keras.saving.register_keras_serializable("kgan")
class VAE(Autoencoder):
    """An encoder and a decoder trained together to maximise the variational lower bound.

    log p(x) >= ELBO = E_q[log p(x|z)] - KL(q(z|x) || p(z)) with p(z) = N(0, I) (Kingma and Welling
    2014, equation 3), one reparameterised sample an image (equation 10), the divergence in closed
    form (appendix B) and weighted by beta (Higgins et al. 2017, equation 4). All values are in
    nats, sums over the pixels. Whatever does not train is computed in float32, under any policy.

    The Bernoulli likelihood is of binary images; grey levels, uint8 or in [0, 1], are taken for
    probabilities. With `dynamic_binarization` every training step draws its images from them anew
    (Burda et al. 2016, section 5), and `evaluate`, `elbo` and `log_likelihood` one fixed draw,
    which leaves images that are binary already as they are. Without it grey levels are used as
    they are, and a bound or a likelihood of them is no log-probability: binarise the data before.

    Codes are latents: `encode` gives the mean of q(z|x), of grey levels as they are, and `decode`
    the pixels' means, not draws. Examples may be points in the plane too, under a Gaussian
    likelihood: finite floats, which stay as they are.

    Args:
        encoder: From `(batch, *image_shape)` in [0, 1] to a mean and a log-variance, each
            `(batch, latent_dim)`; the log-variance is clipped to [-20, 20].
        decoder: From `(batch, latent_dim)` to `(batch, *image_shape)`: logits for a Bernoulli
            likelihood, means for a Gaussian one.
        likelihood: "bernoulli", or "gaussian" with one learned standard deviation for all pixels
            (Rybkin et al. 2021, section 4.1), of images in [0, 1].
        beta: Weight of the divergence, 0 or more; 1 is the bound.
        dynamic_binarization: Whether training draws binary images from grey levels.
        log_std: Where the log of the Gaussian likelihood's standard deviation starts. Unused for a
            Bernoulli one.
        seed: Seeds the training noise, which is a function of it and the step alone.
        **kwargs: Passed to `keras.Model`.

    Raises:
        InputError: An unknown likelihood, a negative beta, dynamic binarisation under a Gaussian
            likelihood, or networks that do not fit each other.
    """

    _likelihoods = ("bernoulli", "gaussian")
    _logged = ("loss", "elbo", "reconstruction", "kl")
    _codes = "Latents"

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        likelihood: str = "bernoulli",
        beta: float = 1.0,
        dynamic_binarization: bool = False,
        log_std: float = -1.0,
        seed: int = 0,
        **kwargs,
    ):
        _check_heads(encoder, decoder)
        super().__init__(encoder, decoder, likelihood, seed=seed, **kwargs)
        check_number("beta", beta)
        if dynamic_binarization and likelihood != "bernoulli":
            raise InputError(
                "dynamic_binarization is on and the likelihood is 'gaussian': binary images need "
                "the likelihood 'bernoulli'."
            )
        self.beta, self.dynamic_binarization = float(beta), bool(dynamic_binarization)
        self.latent_dim = self.code_size
        self._first_log_std, self.log_std = float(log_std), None
        if likelihood == "gaussian":
            self.log_std = self.add_weight(
                shape=(),
                dtype="float32",
                initializer=keras.initializers.Constant(log_std),
                name="log_std",
            )

    @property
    def extra_variables(self) -> list[keras.Variable]:
        """Trained variables outside the networks: the Gaussian likelihood's `log_std`, if any."""
        return [] if self.log_std is None else [self.log_std]

    @property
    def _points(self):
        return self.likelihood == "gaussian" and not IMAGES.holds(self.image_shape)

    def _update(self, x, labels):
        noise = Noise(self.seed, self.step.value, tf.shape(x)[0])
        x = self._examples(x, noise)

        def step_losses(x, normal):
            posterior = self._clipped(*self.encoder(x, training=True))
            z = _reparameterized(posterior, normal)
            terms = self._terms(x, posterior, self.decoder(z, training=True))
            return terms["loss"], terms

        inputs = [x, noise.normal("latents", self.latent_dim)]
        _, terms = minimize(
            step_losses, self.optimizer, self.trainable_variables, inputs, self.accumulate
        )
        self.step.assign_add(1)
        return self._seen(terms)

    def _measure(self, x, labels):
        # The same noise in every batch, so that two evaluations are equal.
        step = tf.constant(TEST_STEP, tf.int64)
        noise = Noise(self.seed, step, tf.shape(x)[0], ragged=True)
        x = self._examples(x, noise)
        posterior = self._posterior(x)
        z = _reparameterized(posterior, noise.normal("latents", self.latent_dim))
        return self._seen(self._terms(x, posterior, self.outputs(z)))

    def _examples(self, x, noise):
        if not self.dynamic_binarization:
            return x
        return ops.cast(noise.uniform("binarization", self.image_shape) < x, "float32")

    def _terms(self, x, posterior, outputs):
        reconstruction = self._negative_log_likelihood(outputs, x)
        kl = losses.kl_standard_normal(*posterior)
        return {
            "loss": reconstruction + self.beta * kl,
            "elbo": -reconstruction - kl,
            "reconstruction": reconstruction,
            "kl": kl,
        }

    def _negative_log_likelihood(self, outputs, x):
        if self.likelihood == "bernoulli":
            return losses.bernoulli(outputs, x)
        return losses.gaussian(outputs, x, self.log_std)

    def _clipped(self, mean, log_variance):
        return mean, ops.clip(log_variance, -MAX_LOG_VARIANCE, MAX_LOG_VARIANCE)

    def posterior(self, images: tf.Tensor | np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the mean and the log-variance of q(z|x), in a graph or not.

        Args:
            images: uint8 `(batch, *image_shape)`, or floats in [0, 1]; grey levels stay as they
                are.

        Returns:
            Two float32 `(batch, latent_dim)`.
        """
        return self._posterior(self.to_range(images))

    def _posterior(self, x):
        return self._clipped(*in_float32(self.encoder, x))

    def code(self, images: tf.Tensor | np.ndarray) -> tf.Tensor:
        """Returns the mean of `posterior`."""
        return self.posterior(images)[0]

    def to_images(self, outputs: tf.Tensor) -> tf.Tensor:
        """Returns the pixels' means as uint8 images; points in the plane stay float32."""
        if not IMAGES.holds(self.image_shape):
            return self._reconstruction(outputs)
        return super().to_images(outputs)

    def _reconstruction(self, outputs):
        return ops.sigmoid(outputs) if self.likelihood == "bernoulli" else outputs

    def generate(self, latents: ArrayLike) -> np.ndarray:
        """Returns what `decode` does, under the name that every generator has."""
        return self.decode(latents)

    def sample(self, seeds: ArrayLike) -> np.ndarray:
        """Returns one image a seed, as `decode` does: image i depends on `seeds[i]` alone.

        The latent to the bit, the image up to rounding, which may move a pixel by one level.

        Args:
            seeds: Integers `(n,)` from 0 to 2^63 - 1.

        Raises:
            InputError: A seed out of range, or none.
        """
        return self.decode(seed_latents(check_seeds(seeds), self.latent_dim))

    def elbo(self, images: ArrayLike, seed: int = 0) -> np.ndarray:
        """Returns the bound, beta being 1, from one sample and the divergence in closed form.

        Args:
            images: `(n, *image_shape)`, uint8 or floats in [0, 1].
            seed: From 0 to 2^63 - 1; the noise is a function of it and an image's row.

        Returns:
            float32 `(n,)`, nats.

        Raises:
            InputError: Images of another shape or type, none, or a seed out of range.
        """
        return self._by_rows(self._elbo, images, seed)

    def log_likelihood(self, images: ArrayLike, samples: int = 200, seed: int = 0) -> np.ndarray:
        """Returns log p(x) as importance sampling estimates it (Burda et al. 2016, equation 8).

        log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x), z_k from q(z|x): a lower bound on average, which
        rises to log p(x) with K. A fixed number of images and samples is in memory at a time.

        Args:
            images: `(n, *image_shape)`, uint8 or floats in [0, 1].
            samples: K, 1 or more.
            seed: From 0 to 2^63 - 1; the noise is a function of it, an image's row and the
                sample's number.

        Returns:
            float32 `(n,)`, nats.

        Raises:
            InputError: No sample, images of another shape or type, none, or a seed out of range.
        """
        if samples < 1:
            raise InputError(f"samples is {samples}: expected 1 or more.")
        samples = tf.constant(samples, tf.int64)
        return self._by_rows(self._log_likelihood, images, seed, samples)

    def _by_rows(self, estimate, images, seed, *args):
        images, seed = self._checked(images), tf.constant(check_seeds(seed)[0])

        def of_rows(rows):
            return estimate(images[rows], rows, seed, *args)

        return in_batches(of_rows, np.arange(len(images)))

    @tf.function(autograph=False, reduce_retracing=True)
    def _elbo(self, images, rows, seed):
        x = self._examples(self.to_range(images), RowNoise(rows, seed))
        posterior = self._posterior(x)
        z = _reparameterized(posterior, RowNoise(rows, seed).normal("latents", (self.latent_dim,)))
        return self._terms(x, posterior, self.outputs(z))["elbo"]

    @tf.function(reduce_retracing=True)
    def _log_likelihood(self, images, rows, seed, samples):
        noise = RowNoise(rows, seed)
        x = self._examples(self.to_range(images), noise)
        mean, log_variance = (value[:, None] for value in self._posterior(x))
        total = tf.fill([tf.shape(x)[0]], -np.inf)
        for first in tf.range(0, samples, SAMPLE_CHUNK):
            size = tf.minimum(samples - first, SAMPLE_CHUNK)
            shape = (SAMPLE_CHUNK, self.latent_dim)
            epsilon = noise.normal("importance", shape, first // SAMPLE_CHUNK)[:, :size]
            z = _reparameterized((mean, log_variance), epsilon)
            outputs = self.outputs(tf.reshape(z, (-1, self.latent_dim)))
            log_x = -self._negative_log_likelihood(outputs, tf.repeat(x, size, axis=0))
            # log q(z|x) from epsilon: z - mean would lose the digits of a small variance.
            log_q = losses.log_normal(epsilon, 0.0, 0.0) - 0.5 * tf.reduce_sum(log_variance, -1)
            weights = tf.reshape(log_x, tf.shape(log_q)) + losses.log_normal(z, 0.0, 0.0) - log_q
            total = ops.logaddexp(total, tf.reduce_logsumexp(weights, axis=1))
        return total - tf.math.log(tf.cast(samples, tf.float32))

    def get_config(self):
        config = super().get_config()
        del config["corruption"]
        return {
            **config,
            "beta": self.beta,
            "dynamic_binarization": self.dynamic_binarization,
            "log_std": self._first_log_std,
        }


def _check_heads(encoder, decoder):
    check_functional(encoder=encoder, decoder=decoder)
    heads = [tuple(output.shape[1:]) for output in encoder.outputs]
    latents = tuple(decoder.input_shape[1:])
    if heads != [latents, latents] or len(latents) != 1:
        raise InputError(
            f"The encoder's outputs are {heads} and the decoder takes {latents}: expected two, a "
            "mean and a log-variance, each of the decoder's latent_dim."
        )


def _reparameterized(posterior, epsilon):
    """Returns z = mean + std * epsilon (Kingma and Welling 2014, section 2.4)."""
    mean, log_variance = posterior
    return mean + ops.exp(0.5 * log_variance) * epsilon
