"""What a model cannot be built, compiled or asked with: one line says so, and nothing changes."""

import keras
import numpy as np
import pytest
from keras import layers

from kgan.errors import InputError
from kgan.layers import Dropout
from kgan.models import GAN, VAE, Autoencoder, Classifier
from kgan.models.players import last_activation
from kgan.networks import variational
from tests.models.small import GANS, MODELS, compiled


@pytest.mark.parametrize("name", MODELS)
def test_a_refused_compile_leaves_the_model_as_it_was(name):
    averaging = keras.optimizers.SGD(0.1, use_ema=True)
    wrong = {
        "loss='mse'": {"loss": "mse"},
        "accumulate is 0": {} if name == "Classifier" else {"accumulate": 0},
        "use_ema=True: expected False": {
            **{key: {"generator_optimizer": averaging} for key in GANS},
            "StackedAutoencoder": {"optimizer": averaging},
        }.get(name),
    }
    fresh, model = MODELS[name](), compiled(name)
    before = model.get_compile_config()
    for told, options in wrong.items():
        for each in (fresh, model) if options else ():
            with pytest.raises(InputError, match=told):
                each.compile(**options)
    assert not fresh.compiled
    assert model.get_compile_config() == before


WRONG_ROWS = {
    "hold NaN or infinity": [[1.0, np.nan, 0.0]],
    "hold NaN": [[1e300, 0.0, 0.0]],
    "are no array of numbers": ["a"],
    r"are \(1, 2\)": [[1.0, 2.0]],
    r"are \(0, 3\)": np.zeros((0, 3)),
}


@pytest.mark.parametrize("told", WRONG_ROWS)
def test_latents_and_codes_are_rows_of_finite_floats(told):
    rest = ".*: expected one or more rows of 3 finite floats"
    with pytest.raises(InputError, match=f"Latents {told}{rest}"):
        MODELS["GAN"]().generate(WRONG_ROWS[told])
    with pytest.raises(InputError, match=f"Codes {told}{rest}"):
        MODELS["Autoencoder"]().decode(WRONG_ROWS[told])


def after(*tail, shape=(16,)):
    """Returns a network of a sigmoid and what comes after it."""
    outputs = inputs = keras.Input(shape)
    for layer in (layers.Activation("sigmoid"), *tail):
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


RESHAPE, SQUEEZE = layers.Reshape((4, 4, 1)), lambda x: keras.ops.squeeze(x, -1)
BOUNDED = [
    (RESHAPE, layers.Cropping2D(1)),
    (RESHAPE, layers.UpSampling2D(), layers.ZeroPadding2D(1)),
    (RESHAPE, layers.SpatialDropout2D(0.1), layers.MaxPooling2D()),
    (RESHAPE, SQUEEZE, layers.Flatten(), layers.Dropout(0.1)),
    (Dropout(0.1), keras.Sequential([layers.Input((16,)), RESHAPE]), layers.GlobalMaxPooling2D()),
]


@pytest.mark.parametrize("tail", BOUNDED, ids=range(len(BOUNDED)))
def test_what_leaves_values_bounded_hides_no_activation(tail):
    assert last_activation(after(*tail)) == "sigmoid"


def test_what_spans_something_else_is_no_activation():
    assert last_activation(after(layers.Rescaling(2.0, -1.0), RESHAPE)) == "rescaling"
    assert last_activation(keras.Sequential([layers.Input((16,)), RESHAPE])) == ""


def autoencoder(**options):
    return Autoencoder(after(layers.Dense(3)), after(layers.Dense(16), shape=(3,)), **options)


@pytest.mark.parametrize("seed", [1.7, 2**70, -(2**63) - 1, "1", None, True])
def test_a_seed_is_an_integer_of_64_bits(seed, make_gan):
    for make in (lambda: GAN(*make_gan().networks[:2], seed=seed), lambda: autoencoder(seed=seed)):
        with pytest.raises(InputError, match=r"seed is .*: expected an integer of 64 bits"):
            make()
    assert autoencoder(seed=np.int64(-5)).seed == -5


class Own(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize("network", [keras.Sequential([layers.Dense(3)]), Own(), len, None])
def test_networks_are_functional(network):
    judge, model = keras.Sequential([layers.Input((2,)), layers.Dense(1)]), MODELS["Autoencoder"]()
    told = " is .*: expected a functional Keras model, or a Sequential one that begins with"
    for name, make in (
        ("generator", lambda: GAN(network, judge)),
        ("discriminator", lambda: GAN(judge, network)),
        ("encoder", lambda: Autoencoder(network, model.decoder)),
        ("decoder", lambda: VAE(model.encoder, network)),
        ("encoder", lambda: Classifier(network, 2)),
    ):
        with pytest.raises(InputError, match=f"The {name}{told}"):
            make()


def test_numbers_are_numbers(make_gan):
    gan, model = make_gan(), MODELS["VAE"]()
    with pytest.raises(InputError, match="ema_half_life is 'a': expected a number, 0 or more"):
        GAN(*gan.networks[:2], ema_half_life="a")
    with pytest.raises(InputError, match="beta is '1': expected a number, 0 or more"):
        VAE(model.encoder, model.decoder, beta="1")
    for told, options in {
        "penalties.r1 is '1': expected a finite number, 0 or more": {"penalties": {"r1": "1"}},
        "penalties is 'r1': expected weights by name": {"penalties": "r1"},
        "objective is None: expected a kgan.Objective, or one of minimax, non_sat": {
            "objective": None
        },
    }.items():
        with pytest.raises(InputError, match=told):
            gan.compile(**options)


def test_wrong_calls_of_a_vae_say_what_was_expected():
    shape = (2, 3, 1)
    encoder, decoder = variational.encoder(shape, 2), variational.decoder(shape, 2)
    with pytest.raises(InputError, match=r"'gauss'.*Did you mean 'gaussian'"):
        VAE(encoder, decoder, likelihood="gauss")
    for beta in (-0.1, float("nan")):
        with pytest.raises(InputError, match="beta"):
            VAE(encoder, decoder, beta=beta)
    with pytest.raises(InputError, match="'bernoulli'"):
        VAE(encoder, decoder, likelihood="gaussian", dynamic_binarization=True)
    with pytest.raises(InputError, match="mean and a log-variance"):
        VAE(keras.Model(encoder.input, encoder.outputs[0]), decoder)
    with pytest.raises(InputError, match="latent_dim"):
        VAE(encoder, variational.decoder(shape, 3))
    with pytest.raises(InputError, match="one image_shape"):
        VAE(encoder, variational.decoder((3, 2, 1), 2))
    vae = VAE(encoder, decoder)
    images = np.zeros((3, *shape), np.uint8)
    with pytest.raises(InputError, match="samples is 0"):
        vae.log_likelihood(images, 0)
    for wrong in (images[0], images[:0]):
        for call in (vae.elbo, vae.log_likelihood, vae.encode, vae.reconstruct):
            with pytest.raises(InputError, match="Images are"):
                call(wrong)
    for call in (vae.elbo, vae.encode):
        with pytest.raises(InputError, match="int64: expected uint8"):
            call(images.astype(np.int64))
    with pytest.raises(InputError, match="Latents"):
        vae.decode(np.zeros((3, 5)))
    with pytest.raises(InputError, match="Seeds"):
        vae.elbo(images, seed=-1)
