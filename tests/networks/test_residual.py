import keras
import numpy as np
import pytest
from keras import layers

from kgan.layers import Gate, SpectralNormalization
from kgan.networks import residual

RNG = np.random.default_rng(0)


def test_a_1x1_convolution_changes_places_with_pooling_and_enlarging():
    x = RNG.normal(size=(2, 8, 8, 3)).astype(np.float32)
    convolution = layers.Conv2D(5, 1, bias_initializer="random_normal")
    pool, enlarge = layers.AveragePooling2D(2), layers.UpSampling2D()
    np.testing.assert_allclose(convolution(pool(x)), pool(convolution(x)), atol=1e-5)
    np.testing.assert_allclose(convolution(enlarge(x)), enlarge(convolution(x)), atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "generated", "judged"),
    [
        ((32, 32, 3), [4, 8, 16, 32], [32, 16, 8]),
        ((28, 28, 1), [7, 14, 28], [28, 14, 7]),
        ((8, 8, 1), [2, 4, 8], [8, 4]),
        ((128, 64, 3), [4, 8, 16, 32, 64], [64, 32, 16, 8]),
    ],
)
def test_maps_are_halved_as_in_the_paper(shape, generated, judged):
    def sides(network):
        found = [x.output.shape for x in network.layers if len(x.output.shape) == 4]
        return list(dict.fromkeys(min(s[1:3]) for s in found))

    assert sides(residual.generator(shape, 4, width=4)) == generated
    assert sides(residual.discriminator(shape, width=4)) == judged


def test_large_maps_have_fewer_channels():
    network = residual.generator((128, 128, 3), 4, width=16)
    counts = {x.output.shape[1]: x.output.shape[3] for x in network.layers if type(x) is layers.Add}
    assert counts == {8: 16, 16: 16, 32: 16, 64: 8, 128: 4}


def test_the_discriminator_has_nothing_that_is_not_normalised():
    network = residual.discriminator((16, 16, 1), 3, width=4, attention=True)
    inside = [layer.layer for layer in network.layers if isinstance(layer, SpectralNormalization)]
    weighted = [layer for layer in network.layers if layer.trainable_weights]
    assert len(inside) == len([x for x in weighted if not isinstance(x, Gate)])
    plain = residual.discriminator((16, 16, 1), 3, width=4, spectral_normalization=False)
    assert not any(isinstance(layer, SpectralNormalization) for layer in plain.layers)


def test_attention_is_that_of_the_paper():
    """Against softmax(f(x)^T g(x)) h(x), a convolution and a gate, in NumPy."""
    keras.utils.set_random_seed(0)
    inputs, made = keras.Input((3, 4, 8)), []

    def convolution(count):
        made.append(layers.Conv2D(count, 1))
        return made[-1]

    network = keras.Model(inputs, residual._attended(inputs, convolution))
    x = RNG.normal(size=(2, 3, 4, 8)).astype(np.float32)
    np.testing.assert_array_equal(network(x), x)  # the gate starts at 0
    (gate,) = (layer for layer in network.layers if isinstance(layer, Gate))
    gate.gamma.assign(0.7)
    query, key, value, out = (layer.get_weights() for layer in made)
    flat = x.reshape(2, 12, 8)

    def convolved(values, weights):
        return values @ weights[0][0, 0] + weights[1]

    scores = np.einsum("nqc,nkc->nqk", convolved(flat, query), convolved(flat, key))
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    attended = convolved(weights @ convolved(flat, value), out).reshape(x.shape)
    np.testing.assert_allclose(network(x), x + 0.7 * attended, atol=1e-5)
    assert [w[0].shape[-1] for w in (query, key, value, out)] == [1, 1, 4, 8]


def test_attention_is_in_the_maps_of_half_the_size():
    for network in (
        residual.generator((32, 32, 3), 4, width=4, attention=True),
        residual.discriminator((32, 32, 3), width=4, attention=True),
    ):
        (gate,) = (layer for layer in network.layers if isinstance(layer, Gate))
        assert gate.output.shape[1:3] == (16, 16)
