import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.errors import InputError
from kgan.losses import OBJECTIVES, PENALTIES, Objective
from kgan.models import GAN
from kgan.models.seeds import seed_latents
from kgan.models.step import TEST_STEP, Noise
from kgan.networks import dcgan, mlp
from tests.models.small import POINTS, assert_same, sgd, state, weights


def test_a_step_is_algorithm_1(make_gan):
    """k ascents of D on fresh rows and noise, then one of G: recomputed with plain tapes."""
    gan, twin = make_gan(seed=1), make_gan(seed=1)
    gan.compile("non_saturating", sgd(), sgd(), discriminator_steps=3)
    logs = gan.train_step(tf.constant(POINTS))

    noise = Noise(0, tf.constant(0, tf.int64), tf.constant(8))
    losses, latents = [], []
    for j in range(3):
        latents.append(noise.normal(f"latents/{j}", 3).numpy())
        fake = twin.generator(latents[-1])
        variables = twin.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            real_logits, fake_logits = (
                twin.discriminator(POINTS[j::3]),
                twin.discriminator(fake),
            )
            loss = tf.reduce_mean(tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits))
        losses.append(float(loss))
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.1 * gradient)
    latents.append(noise.normal("latents", 3).numpy())
    variables = twin.generator.trainable_variables
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.softplus(-twin.discriminator(twin.generator(latents[-1]))))
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        variable.assign_sub(0.1 * gradient)

    for network in ("generator", "discriminator"):
        for a, b in zip(
            weights(getattr(gan, network)), weights(getattr(twin, network)), strict=True
        ):
            np.testing.assert_allclose(a, b, atol=1e-6)
    assert float(logs["discriminator_loss"]) == pytest.approx(np.mean(losses), abs=1e-6)
    assert float(logs["generator_loss"]) == pytest.approx(float(loss), abs=1e-6)
    assert len({row.tobytes() for row in latents}) == 4
    assert int(gan.step.value) == 1


def test_training_is_a_function_of_the_seed(make_gan):
    def trained(seed):
        gan = make_gan(seed=5)  # The weights.
        gan.seed = seed  # The noise.
        gan.compile(run_eagerly=True)
        gan.fit(POINTS, batch_size=8, epochs=1, shuffle=False, verbose=0)
        return weights(gan.generator)

    first, again, other = trained(0), trained(0), trained(1)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_moving_average_follows_its_formula(make_gan):
    gan = make_gan(ema_half_life=1.0)
    gan.compile(generator_optimizer=sgd(), discriminator_optimizer=sgd())
    mean = weights(gan.ema_generator)
    for step in range(8):
        gan.train_step(tf.constant(POINTS))
        decay = min(0.5, (1 + step) / (10 + step))
        mean = [
            decay * m + (1 - decay) * w for m, w in zip(mean, weights(gan.generator), strict=True)
        ]
    for a, b in zip(mean, weights(gan.ema_generator), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_samples_depend_on_their_seed_alone(make_gan):
    gan = make_gan()
    together = gan.sample(range(70))
    assert together.shape == (70, 2)
    np.testing.assert_array_equal(gan.sample([69, 3, 2**63 - 1])[:2], together[[69, 3]])
    assert len(np.unique(together, axis=0)) == 70
    np.testing.assert_array_equal(gan.sample(5), together[5:6])


def test_seed_latents_are_standard_normal_and_pinned():
    latents = seed_latents(np.arange(4000), 4).numpy()
    assert np.abs(latents.mean(0)).max() < 0.06
    np.testing.assert_allclose(np.cov(latents.T), np.eye(4), atol=0.08)
    # Equal to the bit everywhere: these are what seed 0 has always meant.
    np.testing.assert_array_equal(
        seed_latents(np.array([0]), 4).numpy(), seed_latents(np.array([7, 0]), 4).numpy()[1:]
    )


@pytest.mark.parametrize("seeds", [[], [-1], [2**63], [1, -5], [0.5], [1.0], [True], ["1"], None])
def test_seeds_out_of_range_are_refused(seeds, make_gan):
    with pytest.raises(InputError, match="expected one or more integers from 0"):
        make_gan().sample(seeds)


def test_pixels_go_to_the_models_range_and_back():
    every_grey = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    for network, value_range in ((dcgan, (-1.0, 1.0)), (mlp, (0.0, 1.0))):
        gan = GAN(
            network.generator((16, 16, 1), 2, width=4),
            network.discriminator((16, 16, 1), width=2),
            value_range=value_range,
        )
        inside = keras.ops.convert_to_numpy(gan.to_range(tf.constant(every_grey)))
        assert (inside.min(), inside.max()) == value_range
        np.testing.assert_array_equal(gan.to_images(inside), every_grey)
        np.testing.assert_allclose(gan.to_range(every_grey / 255), inside, atol=1e-6)
        far = gan.to_images(tf.constant([[[[-9.0]]], [[[9.0]]]]))
        np.testing.assert_array_equal(np.ravel(far), [0, 255])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_reduced_precision_keeps_weights_logits_and_samples_in_float32(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        keras.utils.set_random_seed(0)
        gan = GAN(dcgan.generator((8, 8, 1), 4, width=4), dcgan.discriminator((8, 8, 1), width=4))
    finally:
        keras.config.set_dtype_policy(before)
    gan.compile(run_eagerly=True)
    images = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 1), dtype=np.uint8)
    start = weights(gan.generator)
    gan.fit(images, batch_size=16, verbose=0)
    assert all(variable.dtype == "float32" for variable in gan.generator.trainable_variables)
    assert gan.discriminator(images[:2]).dtype == tf.float32
    assert gan.ema_generator.layers[1].compute_dtype == "float32"
    assert gan.generator.layers[1].compute_dtype == policy.removeprefix("mixed_")
    assert any((a != b).any() for a, b in zip(start, weights(gan.generator), strict=True))
    assert gan.sample(range(3)).dtype == np.uint8
    scales = isinstance(gan.generator_optimizer, keras.optimizers.LossScaleOptimizer)
    assert scales == (policy == "mixed_float16")


def test_wrong_calls_say_what_was_expected(make_gan):
    gan = make_gan()
    with pytest.raises(InputError, match="Did you mean 'hinge'"):
        gan.compile("hinge_")
    for count in (0, 1.5, True, "2"):
        for name in ("discriminator_steps", "accumulate"):
            with pytest.raises(InputError, match=f"{name} is {count!r}: expected 1 or more"):
                gan.compile(**{name: count})
    for weight in (-1, float("nan"), float("inf"), True, None):
        with pytest.raises(InputError, match=f"penalties.r1 is {weight}: expected a finite"):
            gan.compile(penalties={"r1": weight})
        with pytest.raises(InputError, match=f"penalties.r1 is {weight}: expected a finite"):
            Objective(tf.subtract, tf.subtract, penalties={"r1": weight})
    with pytest.raises(InputError, match=r"r1 is 1.0: .*pass penalties={\"r1\": 1.0}"):
        gan.compile(r1=1.0)
    with pytest.raises(InputError, match=r"penalties is 1.0: expected weights by name"):
        gan.compile("hinge", None, None, 1, 1.0)
    with pytest.raises(InputError, match=r"Unknown penalty 'gradient_penalti'.*Did you mean"):
        gan.compile(penalties={"gradient_penalti": 1.0})
    with pytest.raises(InputError, match=r"paired is .*: expected True or False"):
        Objective(tf.subtract, tf.subtract, (("r1", 1.0),))
    with pytest.raises(InputError, match="Latents are"):
        gan.generate(np.zeros((2, 4)))
    with pytest.raises(InputError, match="build both for one image_shape"):
        GAN(mlp.generator((3,), 2, width=2), gan.discriminator)


def test_keras_saves_and_loads_it_whole(make_gan, tmp_path):
    gan = make_gan(dropout=0.3, ema_half_life=6.6)
    gan.seed = 4
    gan.compile(run_eagerly=True)
    gan.fit(POINTS, batch_size=8, verbose=0)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras", compile=False)
    np.testing.assert_array_equal(loaded.sample(range(5)), gan.sample(range(5)))
    assert (loaded.ema_half_life, loaded.seed, int(loaded.step.value)) == (6.6, 4, 3)


def test_ordinary_callbacks_see_every_metric(make_gan):
    gan = make_gan()
    gan.compile(run_eagerly=True)
    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs))
    gan.fit(POINTS, batch_size=8, epochs=2, verbose=0, callbacks=[callback])
    names = {"generator_loss", "discriminator_loss", "real_score", "fake_score", "loss"}
    assert [set(logs) for logs in seen] == [names, names]
    for logs in seen:
        total = logs["generator_loss"] + logs["discriminator_loss"]
        assert logs["loss"] == pytest.approx(total, rel=1e-6)
    assert all(0 < logs["real_score"] < 1 for logs in seen)


@pytest.mark.parametrize("name", ["non_saturating", "relativistic"])
def test_evaluate_is_of_the_moving_average_and_updates_nothing(name, make_gan):
    gan = make_gan(dropout=0.5, batch_norm=True)
    gan.seed = 3
    gan.compile(name, run_eagerly=True)
    gan.fit(POINTS, batch_size=8, verbose=0)
    before = state(gan)
    held_out = POINTS[:10] + 1
    scores = gan.evaluate(held_out, batch_size=4, verbose=0, return_dict=True)
    rows = {key: [] for key in scores}
    for first in (0, 4, 8):
        real = tf.constant(held_out[first : first + 4])
        noise = Noise(3, tf.constant(TEST_STEP, tf.int64), len(real))
        fake = gan.ema_generator(noise.normal("latents", 3))
        logits = gan.discriminator(real), gan.discriminator(fake)
        objective = OBJECTIVES[name]
        penalty = sum(
            weight / 2 * PENALTIES[key].function(gan.discriminator, real, fake, None)
            for key, weight in objective.penalties.items()
        )
        rows["discriminator_loss"].append(objective.discriminator_loss(*logits) + penalty)
        rows["generator_loss"].append(objective.generator_loss(*logits))
        rows["real_score"].append(tf.sigmoid(logits[0]))
        rows["fake_score"].append(tf.sigmoid(logits[1]))
    for key, values in rows.items():
        assert scores[key] == pytest.approx(np.mean(np.concatenate(values)), rel=1e-5), key
    assert gan.evaluate(held_out, batch_size=4, verbose=0, return_dict=True) == scores
    assert_same(state(gan), before)


def test_a_step_of_dcgan_is_algorithm_1_with_the_statistics_of_its_batches():
    """Fakes are made in training mode, so every pass moves the statistics: recomputed by hand."""
    gan, twin = (
        GAN(dcgan.generator((8, 8, 1), 3, width=2), dcgan.discriminator((8, 8, 1), width=2))
        for _ in range(2)
    )
    twin.set_weights(gan.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)
    gan.compile("non_saturating", sgd(), sgd(), discriminator_steps=2)
    start = weights(gan.generator)
    gan.train_step(tf.constant(images))

    x, g, d = images / np.float32(127.5) - 1, twin.generator, twin.discriminator
    noise = Noise(0, tf.constant(0, tf.int64), tf.constant(12))
    latents = [noise.normal(name, 3) for name in ("latents/0", "latents/1", "latents")]

    def descend(loss_of, network):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(loss_of())
        variables = network.trainable_variables
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.1 * gradient)

    for j in range(2):
        fake = g(latents[j], training=True)
        descend(
            lambda real=x[j::2], fake=fake: (
                tf.nn.softplus(-d(real, training=True)) + tf.nn.softplus(d(fake, training=True))
            ),
            d,
        )
    descend(lambda: tf.nn.softplus(-d(g(latents[2], training=True), training=True)), g)
    for network in ("generator", "discriminator"):
        pairs = zip(getattr(gan, network).weights, getattr(twin, network).weights, strict=True)
        for a, b in pairs:
            np.testing.assert_allclose(a, b, atol=1e-5, err_msg=a.path)
    # The first statistics, without Keras: three batches of the first layer, momentum 0.9.
    mean, variance = 0, 1
    for z in latents:
        flat = (z.numpy() @ start[0]).reshape(-1, len(start[1]))
        mean, variance = 0.9 * mean + 0.1 * flat.mean(0), 0.9 * variance + 0.1 * flat.var(0)
    normalization = next(v for v in gan.generator.layers if hasattr(v, "moving_mean"))
    np.testing.assert_allclose(normalization.moving_mean, mean, atol=1e-6)
    np.testing.assert_allclose(normalization.moving_variance, variance, atol=1e-6)
    # The moving average takes the statistics too: at the first step with the weight 9/10.
    for before, now, average in zip(
        start, weights(gan.generator), weights(gan.ema_generator), strict=True
    ):
        np.testing.assert_allclose(average, before + 0.9 * (now - before), atol=1e-6)


def test_a_float16_step_of_sgd_is_that_of_float32():
    """The scale of the losses leaves the update: without it the rates were 32,768 times smaller."""
    updates = []
    for policy in ("float32", "mixed_float16"):
        keras.config.set_dtype_policy(policy)
        try:
            keras.utils.set_random_seed(0)
            gan = GAN(
                dcgan.generator((8, 8, 1), 3, width=4),
                dcgan.discriminator((8, 8, 1), width=4, normalization="layer"),
            )
        finally:
            keras.config.set_dtype_policy("float32")
        gan.compile("non_saturating", sgd(), sgd())
        variables = gan.generator.trainable_variables + gan.discriminator.trainable_variables
        before = [np.array(v) for v in variables]
        gan.train_step(tf.constant(np.arange(16 * 64, dtype=np.uint8).reshape(16, 8, 8, 1)))
        moved = [np.array(v) - old for v, old in zip(variables, before, strict=True)]
        updates.append(moved)
    for wide, narrow in zip(*updates, strict=True):
        np.testing.assert_allclose(narrow, wide, atol=0.03 * np.abs(wide).max() + 1e-5)


def test_what_keras_compiles_and_means_nothing_here_is_refused_and_the_rest_works(make_gan):
    gan = make_gan()
    for name in ("loss", "metrics", "loss_weights", "weighted_metrics", "auto_scale_loss", "lr"):
        with pytest.raises(InputError, match=rf"GAN.compile received {name}='mse'.*run_eagerly"):
            gan.compile(**{name: "mse"})
    gan.compile(run_eagerly=True, loss=None)
    assert gan.run_eagerly
    gan.compile(steps_per_execution=3)
    gan.fit(POINTS, batch_size=8, verbose=0)
    assert int(gan.step.value) == 3
