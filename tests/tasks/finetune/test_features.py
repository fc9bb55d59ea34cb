import keras
import numpy as np
import pytest

from kgan.models import GAN, VAE, Autoencoder
from kgan.networks import AUTOENCODERS, NETWORKS
from kgan.tasks.finetune.features import EncoderFeatures, encoder, pooled

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 16, 16, 1), dtype=np.uint8)
ROWS = np.array([3, 0, 7])


@pytest.mark.parametrize(
    "shape", [(8, 8), (14, 14), (7, 7), (4, 4), (3, 2), (16, 4), (5, 9)], ids=str
)
def test_pooling_takes_the_maximum_of_every_cell(shape):
    maps = np.random.default_rng(0).normal(size=(2, *shape, 3)).astype(np.float32)
    cells = [min(side, 4) for side in shape]
    expected = np.empty((2, *cells, 3), np.float32)
    for i in range(cells[0]):
        for j in range(cells[1]):
            (top, bottom), (left, right) = (
                (np.floor(k * side / n).astype(int), np.ceil((k + 1) * side / n).astype(int))
                for k, side, n in zip((i, j), shape, cells, strict=True)
            )
            expected[:, i, j] = maps[:, top:bottom, left:right].max(axis=(1, 2))
    np.testing.assert_array_equal(pooled(keras.ops.convert_to_tensor(maps)), expected)


def gan(name, policy="float32", **options):
    keras.config.set_dtype_policy(policy)
    try:
        network = NETWORKS[name]
        return GAN(
            network.generator((16, 16, 1), 4, width=4),
            network.discriminator((16, 16, 1), width=4, **options),
            value_range=network.value_range,
        )
    finally:
        keras.config.set_dtype_policy("float32")


def features(model, rows=ROWS):
    source = encoder(model)
    return EncoderFeatures(source)(source.network.get_weights(), IMAGES, rows)


@pytest.mark.parametrize("name", ["dcgan", "mlp"])
def test_a_conditional_discriminator_s_features_are_of_the_images_alone(name):
    network, shape = NETWORKS[name], (16, 16, 1)
    generator, own = ({"num_classes": 3, **small} for small in network.smallest)
    model = GAN(
        network.generator(shape, 4, **generator),
        network.discriminator(shape, **own),
        value_range=network.value_range,
        num_classes=3,
    )
    source = encoder(model)
    phi = source.network(model.to_range(IMAGES))
    last = [x for x in model.discriminator.layers if isinstance(x, keras.layers.Dense)][-1]
    assert phi.shape == (len(IMAGES), last.kernel.shape[0])
    assert features(model).shape[0] == len(ROWS)


def test_a_discriminator_gives_every_activation_pooled():
    model = gan("dcgan")
    x = model.to_range(IMAGES[ROWS])
    expected = []
    for layer in model.discriminator.layers[1:]:
        x = layer(x, training=False)
        if isinstance(layer, keras.layers.LeakyReLU):
            expected.append(np.reshape(pooled(x), (3, -1)))
    found = features(model)
    assert found.shape == (3, 4 * 4 * (4 + 8))
    np.testing.assert_allclose(found, np.concatenate(expected, 1), atol=1e-5)


def test_a_discriminator_without_maps_gives_its_hidden_activations():
    model = gan("mlp", pieces=2)
    x = model.to_range(IMAGES[ROWS])
    expected = []
    for layer in model.discriminator.layers[1:]:
        x = layer(x, training=False)
        if type(layer).__name__ == "Maxout":
            expected.append(x)
    np.testing.assert_allclose(features(model), np.concatenate(expected, 1), atol=1e-5)


def test_codes_are_the_encoders_outputs():
    coder = AUTOENCODERS["conv_autoencoder"]
    parts = coder.encoder((16, 16, 1), 5, width=4), coder.decoder((16, 16, 1), 5, width=4)
    model = Autoencoder(*parts)
    np.testing.assert_allclose(features(model), model.encode(IMAGES)[ROWS], atol=1e-5)


def test_of_a_variational_autoencoder_it_is_the_mean():
    coder = AUTOENCODERS["vae"]
    model = VAE(coder.encoder((16, 16, 1), 3, width=8), coder.decoder((16, 16, 1), 3, width=8))
    np.testing.assert_allclose(features(model), model.encode(IMAGES)[ROWS], atol=1e-5)


def test_features_are_in_float32_and_of_each_image_alone():
    model = gan("dcgan", "mixed_bfloat16")
    assert model.discriminator.layers[1].compute_dtype == "bfloat16"
    twin = gan("dcgan")
    twin.discriminator.set_weights(model.discriminator.get_weights())
    found = features(model)
    np.testing.assert_array_equal(found, features(twin))
    np.testing.assert_array_equal(found[1:2], features(model, ROWS[1:2]))
