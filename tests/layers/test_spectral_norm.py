import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kgan.errors import InputError
from kgan.layers import Conv2D, LabelEmbedding, Maxout, SpectralNormalization
from kgan.models import GAN
from kgan.models.precision import as_served
from kgan.networks import dcgan, mlp

RNG = np.random.default_rng(0)
LAYERS = {
    "dense": (lambda: layers.Dense(3), (5,)),
    "conv": (lambda: Conv2D(4, 3, 2, padding="same"), (6, 6, 2)),
    "maxout": (lambda: Maxout(3, 2), (5,)),
    "embedding": (lambda: LabelEmbedding(4, 3), ()),
}


def built(name):
    keras.utils.set_random_seed(0)
    make, shape = LAYERS[name]
    layer, plain = SpectralNormalization(make()), make()
    given = RNG.normal(size=(7, *shape)).astype(np.float32) if shape else np.arange(7) % 4
    layer(given)
    plain(given)
    return layer, plain, given


def norm_of(kernel):
    return np.linalg.svd(np.reshape(kernel, (-1, kernel.shape[-1])), compute_uv=False)[0]


@pytest.mark.parametrize("name", LAYERS)
def test_the_kernel_is_divided_by_its_largest_singular_value(name):
    layer, plain, given = built(name)
    for _ in range(200):
        layer.iterate()
    kernel, *others = layer.layer.get_weights()
    plain.set_weights([kernel / norm_of(kernel), *others])
    np.testing.assert_allclose(layer(given), plain(given), atol=1e-5)
    assert norm_of(np.asarray(layer.normalized_kernel())) == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)  # what trains stays as it was


def test_an_iteration_is_one_step_of_the_power_method():
    layer, _, _ = built("conv")
    matrix = layer.kernel.numpy().reshape(-1, 4)
    u = RNG.normal(size=4).astype(np.float32)
    layer.u.assign(u)
    layer.iterate()
    v = matrix @ u / np.linalg.norm(matrix @ u)
    u = v @ matrix / np.linalg.norm(v @ matrix)
    np.testing.assert_allclose(layer.v.numpy(), v, atol=1e-6)
    np.testing.assert_allclose(layer.u.numpy(), u, atol=1e-6)
    sigma = v @ matrix @ u
    np.testing.assert_allclose(layer.normalized_kernel(), layer.kernel.numpy() / sigma, rtol=1e-5)


def test_calls_move_nothing():
    layer, _, given = built("conv")
    before = layer.get_weights()
    for training in (False, True):
        layer(given, training=training)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_goes_through_the_norm(name):
    """Against central differences of the whole function, u and v held."""
    layer, _, given = built(name)
    weights = RNG.normal(size=layer(given).shape).astype(np.float32)

    def value():
        return tf.reduce_sum(weights * layer(given))

    with tf.GradientTape() as tape:
        tape.watch(layer.kernel.value)
        found = value()
    gradient = tape.gradient(found, layer.kernel.value).numpy()
    kernel = layer.kernel.numpy()
    direction = kernel.std() * RNG.normal(size=kernel.shape).astype(np.float32)
    ends = []
    for sign in (1, -1):
        layer.kernel.assign(kernel + sign * 1e-2 * direction)
        ends.append(float(value()))
    slope = (ends[0] - ends[1]) / 2e-2
    assert np.sum(gradient * direction) == pytest.approx(slope, rel=2e-2, abs=1e-3)
    # Scaling the kernel changes nothing, so that the gradient has no part along it.
    assert np.sum(gradient * kernel) == pytest.approx(0, abs=1e-4)


def test_a_kernel_of_zeros_stays_so():
    layer = SpectralNormalization(layers.Dense(3, kernel_initializer="zeros"))
    np.testing.assert_array_equal(layer(np.ones((2, 4), np.float32)), np.zeros((2, 3)))
    layer.iterate()
    assert np.isfinite(layer.normalized_kernel()).all()


def test_what_has_no_kernel_is_refused():
    with pytest.raises(ValueError, match="received ReLU: expected a layer with a kernel"):
        SpectralNormalization(layers.ReLU())(np.ones((2, 3), np.float32))


def discriminator(**options):
    return dcgan.discriminator((8, 8, 1), width=2, normalization="none", **options)


def normalizations(network):
    return [x for x in network._flatten_layers() if isinstance(x, SpectralNormalization)]


@pytest.mark.parametrize("steps", [1, 2])
def test_norms_move_once_before_each_update_of_the_discriminator(steps):
    keras.utils.set_random_seed(0)
    gan = GAN(dcgan.generator((8, 8, 1), 3, width=2), discriminator(spectral_normalization=True))
    never = {"class_name": "SGD", "config": {"learning_rate": 0.0}}
    gan.compile(
        generator_optimizer=never,
        discriminator_optimizer=never,
        discriminator_steps=steps,
        accumulate=2,
        run_eagerly=True,
    )
    for layer in normalizations(gan.discriminator):
        layer.u.assign(RNG.normal(size=layer.u.shape))
    before = [layer.get_weights() for layer in normalizations(gan.discriminator)]
    images = RNG.integers(0, 256, (4 * steps, 8, 8, 1), dtype=np.uint8)
    gan.fit(images, batch_size=4 * steps, verbose=0)
    gan.evaluate(images, verbose=0)
    gan.sample(range(2))
    after = [layer.get_weights() for layer in normalizations(gan.discriminator)]
    assert len(after) == 3
    for layer, weights, now in zip(normalizations(gan.discriminator), before, after, strict=True):
        layer.set_weights(weights)
        for _ in range(steps):
            layer.iterate()
        for a, b in zip(layer.get_weights(), now, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_16_bits_normalise_what_is_stored_in_32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = discriminator(spectral_normalization=True, num_classes=3)
    finally:
        keras.config.set_dtype_policy("float32")
    found = normalizations(network)
    assert [layer.layer.compute_dtype for layer in found] == ["bfloat16"] * 2 + ["float32"] * 2
    for layer in found:
        assert layer.normalized_kernel().dtype == tf.float32
        assert norm_of(np.asarray(layer.normalized_kernel())) == pytest.approx(1, abs=1e-2)


def test_what_is_served_holds_the_divided_kernel():
    network = discriminator(spectral_normalization=True, num_classes=3)
    images, labels = RNG.uniform(-1, 1, (4, 8, 8, 1)).astype(np.float32), np.arange(4) % 3
    served = as_served(network)
    np.testing.assert_allclose(served([images, labels]), network([images, labels]), atol=1e-6)
    for layer, own in zip(normalizations(served), normalizations(network), strict=True):
        np.testing.assert_allclose(layer.kernel.numpy(), own.normalized_kernel(), atol=1e-6)


def test_a_generator_with_it_is_refused():
    inputs = keras.Input((3,))
    generator = keras.Model(inputs, SpectralNormalization(layers.Dense(2))(inputs))
    with pytest.raises(InputError, match="expected it in the discriminator alone"):
        GAN(generator, mlp.discriminator((2,), width=2, pieces=2))
