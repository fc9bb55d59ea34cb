import keras
import numpy as np
import pytest
from keras import layers

from kgan.layers import Basis
from kgan.networks import r3gan

RNG = np.random.default_rng(0)


def test_blocks_start_as_the_identity():
    inputs = keras.Input((8, 8, 16))
    network = keras.Model(inputs, r3gan._blocks(inputs, 2, 4, lambda layer: layer))
    x = RNG.normal(size=(2, 8, 8, 16)).astype(np.float32)
    np.testing.assert_array_equal(network(x), x)
    kernels = [w.numpy() for w in network.weights if w.path.endswith("kernel")]
    assert [k.shape for k in kernels] == [(1, 1, 16, 32), (3, 3, 16, 32), (1, 1, 32, 16)] * 2
    scale = np.sqrt(2 / 1.04) * 4**-0.25
    assert kernels[0].std() == pytest.approx(scale / 4, rel=0.1)
    assert kernels[1].std() == pytest.approx(scale / 12, rel=0.1)


def test_the_first_samples_and_logits_are_neither_dull_nor_wild():
    keras.utils.set_random_seed(0)
    for shape in ((32, 32, 3), (28, 28, 1)):
        latents = RNG.normal(size=(64, 32)).astype(np.float32)
        images = r3gan.generator(shape, 32, width=64)(latents)
        assert 0.3 < np.std(images) < 3
        logits = r3gan.discriminator(shape, width=64)(images)
        assert 0.1 < np.std(logits) < 5


def test_channels_double_towards_the_smallest_maps_and_stop_at_a_quarter():
    network = r3gan.generator((64, 64, 3), 4, width=64)
    counts = {x.output.shape[1]: x.output.shape[3] for x in network.layers if type(x) is layers.Add}
    assert counts == {4: 64, 8: 64, 16: 32, 32: 16, 64: 16}


def test_a_basis_is_scaled_by_channel():
    layer = Basis(2, 3)
    x = RNG.normal(size=(4, 5)).astype(np.float32)
    np.testing.assert_allclose(layer(x), x[:, None, None] * layer.basis.numpy(), rtol=1e-6)


def test_the_logit_of_a_class_is_the_product_with_its_vector():
    keras.utils.set_random_seed(0)
    network = r3gan.discriminator((8, 8, 1), 3, width=16)
    x = RNG.normal(size=(3, 8, 8, 1)).astype(np.float32)
    features = keras.Model(network.inputs[0], network.get_layer("features").output)(x)
    (vectors,) = (w.numpy() for w in network.weights if w.path.endswith("embeddings"))
    expected = np.sum(np.asarray(features) * vectors, 1) / 4
    np.testing.assert_allclose(network([x, np.arange(3)]), expected, rtol=1e-5)
