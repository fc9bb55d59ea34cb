"""What every entry of every table promises: a new entry is covered when it is registered."""

import inspect
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.data import DATASETS
from kgan.errors import InputError
from kgan.losses import OBJECTIVES, PENALTIES
from kgan.methods.presets import PRESETS
from kgan.methods.settings import override, settings
from kgan.models import GAN, OPTIMIZERS
from kgan.models.players import SPANS, last_activation
from kgan.networks import AUTOENCODERS, NETWORKS, conv_autoencoder
from kgan.networks.architecture import architecture_of

EMBEDDED = [name for name, line in DATASETS.lines.items() if line.source is None]
SHAPES = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (16, 48, 3), (128, 128, 3), (64, 32, 1)]


def build(name, shape, num_classes=None, **options):
    network = NETWORKS[name]
    for_generator, for_discriminator = network.smallest
    return (
        network.generator(shape, 6, num_classes=num_classes, **for_generator),
        network.discriminator(shape, num_classes=num_classes, **for_discriminator, **options),
    )


def given(x, num_classes):
    """Returns what a network is called on."""
    return x if num_classes is None else [tf.constant(x), tf.range(len(x)) % num_classes]


@pytest.mark.parametrize("num_classes", [None, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_make_and_judge_every_shape(name, shape, num_classes):
    generator, discriminator = build(name, shape, num_classes)
    low, high = NETWORKS[name].value_range
    latents = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    images = generator(given(latents, num_classes))
    assert images.shape == (3, *shape)
    least, most = float(tf.reduce_min(images)), float(tf.reduce_max(images))
    assert least < most
    assert last_activation(generator) not in SPANS or low <= least < most <= high
    logits = discriminator(given(images, num_classes))
    assert logits.shape == (3,)
    assert logits.dtype == tf.float32
    names = [tensor.name for tensor in generator.inputs + discriminator.inputs]
    classes = [] if num_classes is None else ["labels"]
    assert names == ["latents", *classes, "images", *classes]


@pytest.mark.parametrize("num_classes", [None, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_hold_no_loss_and_round_trip_through_their_config(name, num_classes):
    for network in build(name, (8, 8, 1), num_classes):
        assert not network.losses
        assert not network.compiled
        twin = keras.Model.from_config(network.get_config())
        twin.set_weights(network.get_weights())
        x = np.random.default_rng(0).uniform(size=(2, *network.inputs[0].shape[1:]))
        x = given(x.astype(np.float32), num_classes)
        np.testing.assert_array_equal(twin(x), network(x))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_label_has_an_image_and_a_logit_of_its_own(name):
    for network in build(name, (8, 8, 1), 3):
        rng = np.random.default_rng(0)
        network.set_weights([rng.uniform(0, 0.1, w.shape) for w in network.get_weights()])
        x = np.repeat(rng.normal(size=(1, *network.inputs[0].shape[1:])), 3, 0).astype(np.float32)
        outputs = np.asarray(network([x, np.arange(3)])).reshape(3, -1)
        assert all(np.abs(a - b).max() > 1e-5 for a, b in itertools.combinations(outputs, 2))


@pytest.mark.parametrize("num_classes", [None, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_train_under_every_objective(name, num_classes):
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype=np.uint8)
    for objective in OBJECTIVES:
        generator, discriminator = build(name, (8, 8, 1), num_classes)
        if OBJECTIVES[objective].penalties and name == "dcgan":
            options = {"normalization": "layer"}
            discriminator = build(name, (8, 8, 1), num_classes, **options)[1]
        gan = GAN(generator, discriminator, NETWORKS[name].value_range, num_classes=num_classes)
        gan.compile(objective)
        before = [w.copy() for w in discriminator.get_weights()]
        batch = given(images, num_classes)
        for _ in range(2):  # what follows a kernel of zeros moves after it
            logs = gan.train_step(tuple(batch) if num_classes else batch)
        assert all(np.isfinite(float(value)) for value in logs.values()), objective
        changed = [(a != b).any() for a, b in zip(before, discriminator.get_weights(), strict=True)]
        assert np.mean(changed) > 0.7, objective


def test_dcgan_without_batch_statistics_judges_one_by_one():
    images = np.random.default_rng(0).uniform(-1, 1, (4, 16, 16, 3)).astype(np.float32)
    for normalization in ("layer", "none"):
        network = NETWORKS["dcgan"].discriminator((16, 16, 3), width=4, normalization=normalization)
        together = network(images, training=True)
        alone = [network(images[i : i + 1], training=True)[0] for i in range(4)]
        np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("shape", [(9, 9, 1), (4, 4, 1), (30, 32, 3), (100, 100, 3), (2,)], ids=str)
def test_dcgan_refuses_shapes_it_cannot_make(shape):
    for builder in (NETWORKS["dcgan"].generator, NETWORKS["dcgan"].discriminator):
        args = (shape, 6) if builder is NETWORKS["dcgan"].generator else (shape,)
        with pytest.raises(InputError, match=r"--image-size|use the model 'mlp'"):
            builder(*args)


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_are_per_example_and_not_negative(name):
    x = tf.constant(np.random.default_rng(0).normal(size=(5, 3)), tf.float32)

    def discriminator(inputs):
        return tf.reduce_sum(inputs**3, axis=1)

    penalty = PENALTIES[name].function
    assert PENALTIES[name].labels in ("real", "fake", "both")
    together = penalty(discriminator, x, -x, tf.fill([5], 0.3)).numpy()
    assert together.shape == (5,)
    assert (together >= 0).all()
    alone = penalty(discriminator, x[2:3], -x[2:3], tf.fill([1], 0.3)).numpy()
    np.testing.assert_allclose(together[2:3], alone, rtol=1e-5)


@pytest.mark.parametrize("table", [NETWORKS, AUTOENCODERS])
def test_lines_of_networks_say_what_they_are_for(table):
    for entry in table.values():
        assert entry.about.endswith(".")
        assert 20 < len(entry.about) < 100


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_go_downhill_and_round_trip(name):
    optimizer = OPTIMIZERS[name](learning_rate=0.1)
    variable = keras.Variable([3.0])
    optimizer.build([variable])
    for _ in range(50):
        optimizer.apply([2 * tf.convert_to_tensor(variable)], [variable])
    assert abs(float(variable[0])) < 1.0
    again = OPTIMIZERS[name].from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_complete_and_round_trip_through_json(name):
    config = PRESETS[name]
    assert type(config).from_dict(config.to_dict()) == config
    assert override(config, {}) == config
    known = settings(config)
    assert override(config, {"steps": 7}).steps == 7
    given = {key for key, value in settings(config).items() if value is not None}
    assert given <= known.keys()
    checks = config.checkpoint_every, config.sample_every
    assert all(every % config.log_every == 0 for every in checks)


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_data_sets_are_what_examples_say(name):
    examples = DATASETS[name].load()
    assert examples.name == name
    assert len(examples.labels) == len(examples)
    assert examples.labels.dtype == np.int32
    assert set(examples.labels) == set(range(len(examples.class_names)))
    if len(examples.image_shape) == 3:
        assert examples.images.dtype == np.uint8
        assert (examples.images.min(), examples.images.max()) == (0, 255)
    else:
        assert examples.images.dtype == np.float32


def build_coder(name, shape):
    """Returns encoders and decoders, the lowest first: one of each unless the model is stacked."""
    coder, options = AUTOENCODERS[name], AUTOENCODERS[name].smallest
    if name == "vae" and architecture_of(shape) == "conv":
        options = {"channels": 2}
    made = coder.encoder(shape, 6, **options), coder.decoder(shape, 6, **options)
    return tuple(part if isinstance(part, list) else [part] for part in made)


@pytest.mark.parametrize("shape", [*SHAPES, (9, 13, 1), (11, 8, 3), (33, 17, 1)], ids=str)
@pytest.mark.parametrize("name", AUTOENCODERS)
def test_coders_go_to_a_code_and_back_for_every_shape(name, shape):
    encoders, decoders = build_coder(name, shape)
    x = images = np.random.default_rng(0).uniform(size=(3, *shape)).astype(np.float32)
    for encoder in encoders:
        codes = encoder(x)
        for code in codes if isinstance(codes, list) else [codes]:
            assert code.dtype == tf.float32
            assert code.shape[0] == 3
        x = codes[0] if isinstance(codes, list) else codes
    assert x.shape == (3, 6)
    for decoder in reversed(decoders):
        x = decoder(x)
        assert x.dtype == tf.float32
    assert x.shape == images.shape
    assert np.isfinite(x).all()


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_coders_hold_no_loss_and_round_trip_through_their_config(name):
    for network in itertools.chain(*build_coder(name, (8, 8, 1))):
        assert not network.losses
        assert not network.compiled
        twin = keras.Model.from_config(network.get_config())
        twin.set_weights(network.get_weights())
        x = np.random.default_rng(0).uniform(size=(2, *network.input_shape[1:]))
        np.testing.assert_array_equal(twin(x), network(x))


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_coders_give_float32_under_a_mixed_policy(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        networks = list(itertools.chain(*build_coder(name, (9, 13, 1))))
    finally:
        keras.config.set_dtype_policy(before)
    for network in networks:
        assert all(output.dtype == "float32" for output in network.outputs)
        assert all(variable.dtype == "float32" for variable in network.trainable_variables)
        *_, last = (layer for layer in network.layers if layer.count_params())
        # The last weights of what has an output in logits or values are not rounded either.
        assert last.compute_dtype == "float32" or network.name.startswith("stacked_encoder")


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_builders_of_a_coder_take_the_same_plain_options(name):
    def plain(builder):
        return {
            key: parameter.default
            for key, parameter in inspect.signature(builder).parameters.items()
            if isinstance(parameter.default, (bool, int, float, str))
        }

    assert plain(AUTOENCODERS[name].encoder) == plain(AUTOENCODERS[name].decoder)


@pytest.mark.parametrize("shape", [(7, 9, 1), (4, 4, 3), (64, 7, 1), (2,)], ids=str)
def test_conv_autoencoder_refuses_shapes_it_cannot_make(shape):
    for builder in (conv_autoencoder.encoder, conv_autoencoder.decoder):
        with pytest.raises(InputError, match=r"--image-size, or use the model 'stacked'"):
            builder(shape, 6)
        with pytest.raises(InputError, match="Unknown normalization 'layer'"):
            builder((8, 8, 1), 6, normalization="layer")


def test_conv_autoencoder_without_normalization_starts_with_even_variances():
    keras.utils.set_random_seed(0)
    options = {"width": 16, "normalization": "none"}
    x = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    outputs = conv_autoencoder.decoder((32, 32, 1), 32, **options)(x)
    assert 0.5 < np.std(outputs) < 3


@pytest.mark.parametrize("name", [*NETWORKS, *AUTOENCODERS])
def test_layers_that_replicas_must_agree_in_are_of_this_package(name):
    shape = (8, 8, 1)
    networks = (
        [*build(name, shape), *build(name, shape, 3)]
        if name in NETWORKS
        else itertools.chain(*build_coder(name, shape))
    )
    for layer in itertools.chain(*(network.layers for network in networks)):
        assert type(layer) not in (keras.layers.Dropout, keras.layers.BatchNormalization)
        assert getattr(layer, "synchronized", True)
