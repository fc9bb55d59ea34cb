"""The variational autoencoder against models whose likelihood has a closed form."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from kgan.data import load
from kgan.losses import likelihood
from kgan.models.step import Noise
from kgan.models.vae import VAE
from kgan.networks import variational

SHAPE = (2, 3, 1)
PIXELS, LATENT = 6, 2
STD = 0.5
DIGITS = load("digits").images


@pytest.fixture(autouse=True)
def policy():
    yield
    keras.config.set_dtype_policy("float32")


def make(shape=SHAPE, latent_dim=LATENT, width=16, depth=0, mean_image=None, **options):
    keras.utils.set_random_seed(0)
    return VAE(
        variational.encoder(shape, latent_dim, width, depth),
        variational.decoder(shape, latent_dim, width, depth, mean_image=mean_image),
        **options,
    )


def linear_model():
    """Returns W `(pixels, latents)` with orthogonal columns, so a diagonal posterior, and b."""
    rng = np.random.default_rng(0)
    columns, _ = np.linalg.qr(rng.normal(size=(PIXELS, LATENT)))
    return columns * [1.5, 0.8], rng.normal(size=PIXELS)


def linear_examples(n):
    w, b = linear_model()
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, LATENT)) @ w.T + b + STD * rng.normal(size=(n, PIXELS))
    return x.astype(np.float32)


def log_marginal(x):
    """log N(x; b, WW' + s^2 I) (Tipping and Bishop 1999, equation 3)."""
    w, b = linear_model()
    covariance = w @ w.T + STD**2 * np.eye(PIXELS)
    return stats.multivariate_normal(b, covariance).logpdf(x)


def linear_vae(shift=0.0, widen=1.0):
    """Returns a VAE that is the linear model, and its posterior save for the error asked for."""
    w, b = linear_model()
    vae = make((PIXELS,), likelihood="gaussian", log_std=np.log(STD))
    vae.decoder.layers[1].set_weights([w.T, b])
    inverse = np.linalg.inv(w.T @ w + STD**2 * np.eye(LATENT))  # Tipping and Bishop, equation 9.
    to_mean = inverse @ w.T
    vae.encoder.get_layer("mean").set_weights([to_mean.T, shift - to_mean @ b])
    log_variance = np.log(STD**2 * np.diag(inverse)) + 2 * np.log(widen)
    vae.encoder.get_layer("log_variance").set_weights([np.zeros((PIXELS, LATENT)), log_variance])
    return vae, np.sqrt(STD**2 * np.diag(inverse))


def test_with_the_exact_posterior_any_number_of_samples_gives_the_exact_likelihood():
    vae, _ = linear_vae()
    x = linear_examples(64)
    for samples in (1, 7, 120):
        estimate = vae.log_likelihood(x, samples, seed=samples)
        assert estimate.dtype == np.float32
        np.testing.assert_allclose(estimate, log_marginal(x), atol=1e-4)
    bounds = np.mean([vae.elbo(x, seed) for seed in range(40)], axis=0)
    assert np.mean(bounds) == pytest.approx(np.mean(log_marginal(x)), abs=0.08)


def test_with_a_wrong_posterior_the_bound_misses_its_divergence_and_samples_close_the_gap():
    shift, widen = 0.3, 1.7
    vae, std = linear_vae(shift, widen)
    x = linear_examples(128)
    truth = np.mean(log_marginal(x))
    # KL between two Gaussians: the bound's gap (Kingma and Welling 2014, equation 1).
    gap = np.sum(-np.log(widen) + (widen**2 + (shift / std) ** 2 - 1) / 2)
    bound = np.mean([vae.elbo(x, seed) for seed in range(40)])
    assert bound == pytest.approx(truth - gap, abs=0.1)
    single, few, some, many = (
        np.mean(vae.log_likelihood(x, samples)) for samples in (1, 5, 50, 2000)
    )
    assert single == pytest.approx(bound, abs=0.4)
    assert bound < few < some < many
    assert many == pytest.approx(truth, abs=0.01)


def test_training_a_linear_vae_reaches_the_likelihood_of_probabilistic_pca():
    """Its optimum is that of probabilistic PCA (Tipping and Bishop 1999, equations 7 and 8)."""
    x = linear_examples(512)
    covariance = np.cov(x.T, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    noise = values[:-LATENT].mean()
    w = vectors[:, -LATENT:] * np.sqrt(values[-LATENT:] - noise)
    best = stats.multivariate_normal(x.mean(0), w @ w.T + noise * np.eye(PIXELS)).logpdf(x)

    vae = make((PIXELS,), likelihood="gaussian", log_std=0.0)
    rate = keras.optimizers.schedules.CosineDecay(0.05, 600)
    vae.compile(keras.optimizers.Adam(rate))
    vae.fit(np.tile(x, (60, 1)), batch_size=256, epochs=5, verbose=0)
    trained = np.mean(vae.log_likelihood(x, 500))
    assert trained <= np.mean(best) + 0.01
    assert trained == pytest.approx(np.mean(best), abs=0.05)
    assert np.exp(float(vae.log_std.value)) == pytest.approx(np.sqrt(noise), rel=0.05)
    assert np.mean(vae.elbo(x)) == pytest.approx(trained, abs=0.15)


def test_the_likelihood_of_a_bernoulli_model_is_its_integral():
    vae = make(latent_dim=1, width=8, depth=1)
    for layer in vae.decoder.layers[1:3]:
        layer.set_weights([3 * w for w in layer.get_weights()])
    for name in ("mean", "log_variance"):
        head = vae.encoder.get_layer(name)
        head.set_weights([0.2 * w for w in head.get_weights()])
    x = np.random.default_rng(0).integers(0, 2, (10, *SHAPE)).astype(np.float32)
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(80)
    logits = vae.outputs(tf.constant(nodes[:, None], tf.float32))
    log_x = np.stack([-likelihood.bernoulli(logits, np.repeat(r[None], 80, axis=0)) for r in x])
    expected = special.logsumexp(log_x + np.log(node_weights / np.sqrt(2 * np.pi)), axis=1)
    np.testing.assert_allclose(vae.log_likelihood(x, 20_000), expected, atol=0.03)
    assert np.mean(vae.elbo(x)) < np.mean(expected)


def test_rows_are_estimated_alone_and_repeatably():
    vae = make(depth=1)
    x = np.random.default_rng(0).uniform(size=(130, *SHAPE)).astype(np.float32)
    for estimate in (vae.elbo, lambda x, seed=0: vae.log_likelihood(x, 60, seed)):
        together = estimate(x)
        assert together.shape == (130,)
        np.testing.assert_array_equal(estimate(x), together)
        np.testing.assert_array_equal(estimate(x[:70]), together[:70])
        assert (estimate(x, seed=1) != together).all()
    same = vae.log_likelihood(np.repeat(x[:1], 100, axis=0), 1)
    assert len(set(same.tolist())) == 100, "rows share no noise"


def test_later_samples_join_the_earlier_ones():
    """The running mean of the weights, whatever the chunks that they are computed in."""
    vae = make(depth=1)
    x = np.random.default_rng(0).integers(0, 2, (4, *SHAPE)).astype(np.float32)
    w = {k: np.exp(vae.log_likelihood(x, k).astype(float)) for k in (49, 50, 51, 120, 121)}
    for k in (49, 50, 120):
        last = (k + 1) * w[k + 1] - k * w[k]
        assert (last > 0).all()
        assert (last < 50 * w[k]).all()


def test_a_step_is_a_step_down_the_negative_bound():
    """Recomputed with a plain tape from the same noise; beta weighs the divergence."""
    options = {"shape": (PIXELS,), "likelihood": "gaussian", "beta": 3.0, "seed": 5}
    vae, twin = make(depth=1, **options), make(depth=1, **options)
    x = linear_examples(16)
    vae.compile(keras.optimizers.SGD(0.01))
    logs = vae.train_step(tf.constant(x))

    epsilon = Noise(5, tf.constant(0), tf.constant(16)).normal("latents", LATENT)
    variables = twin.trainable_variables
    with tf.GradientTape() as tape:
        mean, log_variance = twin.encoder(x)
        out = twin.decoder(mean + tf.exp(log_variance / 2) * epsilon)
        s = twin.log_std.value
        errors = tf.reduce_sum((x - out) ** 2, axis=1)
        rec = errors * tf.exp(-2 * s) / 2 + PIXELS * (s + 0.5 * np.log(2 * np.pi))
        kl = tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance, axis=1) / 2
        loss = tf.reduce_mean(rec + 3 * kl)
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        variable.assign_sub(0.01 * gradient)
    for a, b in zip(vae.trainable_variables, variables, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-5)
    assert float(vae.log_std.value) != -1
    expected = {"loss": loss, "reconstruction": tf.reduce_mean(rec), "kl": tf.reduce_mean(kl)}
    expected["elbo"] = -expected["reconstruction"] - expected["kl"]
    assert {k: float(v) for k, v in logs.items()} == pytest.approx(
        {k: float(v) for k, v in expected.items()}, rel=1e-5
    )
    assert int(vae.step.value) == 1


def blind(**options):
    """Returns a VAE whose decoder ignores the latent, its logits, and a posterior at the prior."""
    vae = make(**options)
    for layer in (*vae.encoder.layers[-2:], vae.decoder.layers[1]):
        layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    logits = np.linspace(-3, 2, PIXELS).astype(np.float32)
    vae.decoder.layers[1].bias.assign(logits)
    return vae, logits.reshape(SHAPE)


def test_dynamic_binarization_draws_grey_images_and_keeps_binary_ones():
    vae, logits = blind(dynamic_binarization=True)
    grey = np.random.default_rng(0).integers(0, 256, (192, *SHAPE), dtype=np.uint8)
    repeated = np.broadcast_to(logits, grey.shape)
    expected = -likelihood.bernoulli(repeated, grey / 255).numpy()
    draws = np.array([vae.log_likelihood(grey, 1, seed) for seed in range(20)])
    assert (draws[0] != draws[1]).mean() > 0.8
    assert draws.mean() == pytest.approx(expected.mean(), abs=0.06)
    np.testing.assert_allclose(vae.elbo(grey, 3), draws[3], rtol=1e-5)

    static, _ = blind()
    np.testing.assert_allclose(static.elbo(grey), expected, rtol=1e-5)
    binary = (grey > 128).astype(np.uint8) * 255
    np.testing.assert_allclose(vae.log_likelihood(binary, 5), static.log_likelihood(binary, 5))

    vae.compile(keras.optimizers.SGD(0.0))
    losses = [float(vae.train_step(tf.constant(grey))["loss"])]
    losses.append(float(vae.train_step(tf.constant(grey))["loss"]))
    assert losses[0] != losses[1], "each step draws anew"
    assert losses[1] == pytest.approx(-expected.mean(), abs=0.4)


def test_it_learns_digits_and_makes_images():
    vae = make((8, 8, 1), 6, 64, 1, mean_image=DIGITS.mean(0) / 255, dynamic_binarization=True)
    vae.compile()
    history = vae.fit(DIGITS, batch_size=100, epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] - 1
    result = vae.evaluate(DIGITS, batch_size=100, verbose=0, return_dict=True)
    assert result == vae.evaluate(DIGITS, batch_size=100, verbose=0, return_dict=True)
    assert result["elbo"] == pytest.approx(-result["reconstruction"] - result["kl"], rel=1e-5)
    assert result["elbo"] == pytest.approx(np.mean(vae.elbo(DIGITS)), abs=0.3)
    assert result["elbo"] < np.mean(vae.log_likelihood(DIGITS, 50))

    images = vae.sample([3, 4, 3])
    assert images.shape == (3, 8, 8, 1)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images[0], images[2])
    assert (images[0] != images[1]).any()
    codes = vae.encode(DIGITS[:70])
    assert codes.shape == (70, 6)
    assert codes.dtype == np.float32
    reconstructions = vae.reconstruct(DIGITS[:70])
    np.testing.assert_array_equal(vae.decode(codes), reconstructions)
    np.testing.assert_array_equal(vae.generate(codes), reconstructions)
    predicted = vae.predict(DIGITS[:70], verbose=0)
    assert predicted.dtype == np.float32
    assert np.abs(predicted * 255 - reconstructions).max() < 0.51
    floats = (DIGITS[:70] / 255).astype(np.float32)
    np.testing.assert_allclose(vae.encode(floats), codes, atol=1e-5)


@pytest.mark.parametrize("kind", ["bernoulli", "gaussian"])
def test_saves_and_loads_whole(kind, tmp_path):
    vae = make(depth=1, likelihood=kind, beta=2.0, seed=3)
    vae.compile(run_eagerly=True)
    x = np.random.default_rng(0).uniform(size=(32, *SHAPE)).astype(np.float32)
    vae.fit(x, verbose=0)
    vae.save(tmp_path / "vae.keras")
    again = keras.models.load_model(tmp_path / "vae.keras")
    np.testing.assert_array_equal(again.log_likelihood(x, 3), vae.log_likelihood(x, 3))
    for name in ("likelihood", "beta", "seed", "image_shape", "code_size"):
        assert getattr(again, name) == getattr(vae, name)
    assert int(again.step.value) == 1
    for model in (vae, again):  # The optimizer's state is in the file too.
        model.fit(x, verbose=0)
    np.testing.assert_array_equal(again.encode(x), vae.encode(x))
    saved = [v for network in vae.networks for v in network.weights] + vae.extra_variables
    assert {id(v) for v in vae.trainable_variables} == {id(v) for v in saved}
    assert len(vae.extra_variables) == (kind == "gaussian")


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_it_trains_in_16_bits_and_is_evaluated_in_float32(precision):
    options = {"shape": (PIXELS,), "depth": 1, "likelihood": "gaussian"}
    x = linear_examples(64)
    plain = make(**options)
    keras.config.set_dtype_policy(precision)
    vae = make(**options)
    vae.compile(keras.optimizers.Adam(0.02), run_eagerly=True)
    vae.elbo(x)  # What is traced here must follow the weights.
    history = vae.fit(x, epochs=10, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert history["loss"][-1] < history["loss"][0]
    assert {w.dtype for w in vae.trainable_variables} == {"float32"}
    assert vae.optimizers[0].__class__.__name__ == (
        "LossScaleOptimizer" if precision == "mixed_float16" else "Adam"
    )
    for mine, theirs in zip(plain.trainable_variables, vae.trainable_variables, strict=True):
        mine.assign(theirs)
    plain.compile(run_eagerly=True)
    np.testing.assert_array_equal(vae.elbo(x), plain.elbo(x))
    np.testing.assert_array_equal(vae.log_likelihood(x, 60), plain.log_likelihood(x, 60))
    np.testing.assert_array_equal(vae.encode(x), plain.encode(x))
    np.testing.assert_array_equal(vae(x), plain(x))
    assert vae.evaluate(x, verbose=0) == plain.evaluate(x, verbose=0)


def test_a_log_variance_out_of_range_is_clipped():
    vae, _ = blind()
    for value, clipped in ((500.0, 20), (-500.0, -20)):
        vae.encoder.get_layer("log_variance").bias.assign([value] * LATENT)
        np.testing.assert_array_equal(vae.posterior(tf.zeros((1, *SHAPE)))[1], [[clipped] * LATENT])
        assert np.isfinite(vae.log_likelihood(np.zeros((1, *SHAPE), np.uint8), 3)).all()


def test_points_in_the_plane_stay_points():
    vae = make((2,), 2, likelihood="gaussian")
    assert vae.sample([1, 2]).shape == (2, 2)
    assert vae.sample([1, 2]).dtype == np.float32
    np.testing.assert_allclose(vae.sample([1]), vae.outputs(vae_latents([1])), atol=1e-6)


def vae_latents(seeds):
    return tf.stack([tf.random.stateless_normal([2], [s, -1], alg="philox") for s in seeds])


def test_the_decoder_starts_at_the_mean_image():
    mean_image = np.random.default_rng(0).uniform(0.1, 0.9, SHAPE)
    vae = make(depth=1, mean_image=mean_image)
    np.testing.assert_allclose(vae.decode([[0.0, 0.0]])[0], mean_image * 255, atol=0.51)
