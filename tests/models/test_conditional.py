"""GANs of classes: whose labels go where, which are drawn, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.errors import InputError
from kgan.losses import PENALTIES, Penalty
from kgan.models import GAN
from kgan.models.labels import labels_at
from kgan.models.seeds import seed_labels, seed_latents
from kgan.models.step import TEST_STEP, Noise
from kgan.networks import mlp
from tests.models.small import IMAGES, LABELS, assert_same, compiled, state

RNG = np.random.default_rng(0)
POINTS, CLASSES = RNG.normal(size=(24, 2)).astype(np.float32), np.arange(24) % 3
FREQUENCIES = (5.0, 0.0, 3.0)


def make(seed=0, num_classes=3, frequencies=FREQUENCIES, **options):
    keras.utils.set_random_seed(seed)
    generator = mlp.generator((2,), 3, num_classes, width=8, init_range=0.5)
    plain = {"input_dropout": 0.0, "dropout": 0.0, "init_range": 0.5}
    discriminator = mlp.discriminator((2,), num_classes, 8, 2, **plain)
    if num_classes is not None:
        options |= {"num_classes": num_classes, "class_frequencies": frequencies}
    return GAN(generator, discriminator, **options)


def pair(x, labels):
    return [tf.convert_to_tensor(x), tf.convert_to_tensor(labels, tf.int32)]


def sgd():
    return keras.optimizers.SGD(0.1)


@pytest.mark.parametrize("objective", ["non_saturating", "relativistic"])
def test_a_step_is_recomputed_by_hand(objective):
    """Labels of fakes are drawn by frequency, or those of the reals where these are compared."""
    gan, twin = make(1), make(1)
    gan.compile(objective, sgd(), sgd(), 2, {"r1": 0.6, "r2": 0.2})
    gan.train_step((tf.constant(POINTS), tf.constant(CLASSES)))
    noise = Noise(0, tf.constant(0, tf.int64), tf.constant(12))
    g, d = twin.generator, twin.discriminator
    soft, pairs = tf.nn.softplus, objective == "relativistic"

    def fakes(name, real_labels):
        if pairs:
            return real_labels
        return np.where(noise.uniform(name).numpy() < 5 / 8, 0, 2)

    def descend(loss_of, network):
        variables = network.trainable_variables
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(loss_of())
        for variable, slope in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.1 * slope)

    def squared_slope(x, labels):
        x = tf.convert_to_tensor(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = d(pair(x, labels))
        return tf.reduce_sum(tape.gradient(logits, x) ** 2, axis=1)

    for j in range(2):
        real, real_labels = POINTS[j::2], CLASSES[j::2]
        labels = fakes(f"labels/{j}", real_labels)
        fake = g(pair(noise.normal(f"latents/{j}", 3), labels))

        def loss(real=real, real_labels=real_labels, fake=fake, labels=labels):
            real_logits, fake_logits = d(pair(real, real_labels)), d(pair(fake, labels))
            plain = soft(fake_logits - real_logits)
            if not pairs:
                plain = soft(-real_logits) + soft(fake_logits)
            return (
                plain + 0.3 * squared_slope(real, real_labels) + 0.1 * squared_slope(fake, labels)
            )

        descend(loss, d)
    labels = fakes("labels", real_labels)
    latents = noise.normal("latents", 3)

    def loss():
        fake_logits = d(pair(g(pair(latents, labels)), labels))
        return soft(d(pair(real, real_labels)) - fake_logits) if pairs else soft(-fake_logits)

    descend(loss, g)
    for network in ("generator", "discriminator"):
        ours, theirs = (getattr(model, network).get_weights() for model in (gan, twin))
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=2e-6)


def test_a_gradient_penalty_mixes_real_and_fake_of_the_same_label():
    seen = []

    def penalty(discriminator, real, fake, mix):
        seen.append((fake, discriminator(real)))
        return tf.zeros(tf.shape(mix))

    for labels in ("both", "real", "fake"):
        PENALTIES["seen"] = Penalty(penalty, labels=labels)
        try:
            gan = make()
            gan.compile("hinge", sgd(), sgd(), penalties={"seen": 1.0})
            noise = Noise(0, tf.constant(0, tf.int64), tf.constant(24))
            drawn = labels_at(noise.uniform("labels/0"), FREQUENCIES).numpy()
            assert (drawn != CLASSES).any()
            of_fakes = CLASSES if labels == "both" else drawn
            fake = gan.generator(pair(noise.normal("latents/0", 3), of_fakes))
            judged_at = of_fakes if labels == "fake" else CLASSES
            judged = gan.discriminator(pair(POINTS, judged_at))
            gan.train_step((tf.constant(POINTS), tf.constant(CLASSES)))
            np.testing.assert_allclose(seen[-1][0], fake, atol=1e-6)
            np.testing.assert_allclose(seen[-1][1], judged, atol=1e-6)
        finally:
            del PENALTIES["seen"]


def test_evaluate_is_recomputed_and_updates_nothing():
    gan = make(seed=2)
    gan.seed = 3
    gan.compile("hinge", run_eagerly=True)
    gan.fit(POINTS, CLASSES, batch_size=8, verbose=0)
    before = state(gan)
    scores = gan.evaluate(POINTS, CLASSES, batch_size=24, verbose=0, return_dict=True)
    noise = Noise(3, tf.constant(TEST_STEP, tf.int64), tf.constant(24))
    labels = labels_at(noise.uniform("labels"), FREQUENCIES)
    fake = gan.ema_generator(pair(noise.normal("latents", 3), labels))
    real_logits = gan.discriminator(pair(POINTS, CLASSES))
    fake_logits = gan.discriminator(pair(fake, labels))
    hinge = np.maximum(1 - real_logits, 0) + np.maximum(1 + fake_logits, 0)
    assert scores["discriminator_loss"] == pytest.approx(hinge.mean(), rel=1e-5)
    assert scores["generator_loss"] == pytest.approx(-np.mean(fake_logits), rel=1e-4, abs=1e-6)
    assert_same(state(gan), before)


def test_each_class_is_learned_by_its_label():
    """Two far classes: whoever ignored labels would put half of each on the other's side."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 512)
    points = (rng.normal(size=(512, 2)) * 0.3 + np.where(labels, 2, -2)[:, None]).astype("f4")
    gan = make(num_classes=2, frequencies=None, ema_half_life=6.6)
    rates = (keras.optimizers.Adam(5e-3, beta_1=0.5) for _ in range(2))
    gan.compile("non_saturating", *rates, penalties={"r1": 0.1})
    gan.fit(points, labels, batch_size=64, epochs=30, verbose=0)
    for label, sign in ((0, -1), (1, 1)):
        assert (sign * gan.sample(range(64), label)[:, 0] > 0.5).mean() > 0.9


def test_labels_of_seeds_come_by_frequency_and_are_their_seeds_own():
    seeds = np.arange(20_000)
    labels = seed_labels(seeds, FREQUENCIES).numpy()
    assert labels.dtype == np.int32
    counts = np.bincount(labels, minlength=3)
    assert counts[1] == 0
    assert abs(counts[0] / 20_000 - 5 / 8) < 5 * np.sqrt(15 / 64 / 20_000)
    np.testing.assert_array_equal(seed_labels(seeds[::-7], FREQUENCIES), labels[::-7])
    in_graph = tf.function(lambda rows: seed_labels(rows, FREQUENCIES))
    np.testing.assert_array_equal(in_graph(tf.constant(seeds[:99])), labels[:99])
    # No function of the latents: they are drawn apart.
    latents = seed_latents(seeds, 4).numpy()
    assert np.abs(np.corrcoef(latents.T, labels)[-1, :-1]).max() < 0.03
    assert set(seed_labels(seeds[:50], (0, 0, 7)).numpy()) == {2}


def test_shares_of_the_unit_interval_are_the_frequencies():
    uniform = tf.constant([0.0, 0.249, 0.25, 0.2501, 0.999, np.nextafter(np.float32(1), 0)])
    np.testing.assert_array_equal(labels_at(uniform, (1, 3)), [0, 0, 1, 1, 1, 1])
    np.testing.assert_array_equal(labels_at(uniform, (0, 1, 0, 3, 0)), [1, 1, 3, 3, 3, 3])
    np.testing.assert_array_equal(labels_at(uniform, (9,)), [0] * 6)


def test_samples_are_of_the_class_that_is_asked_for_or_drawn():
    gan = make()
    seeds = np.arange(70)
    drawn = gan.sample(seeds)
    labels = seed_labels(seeds, FREQUENCIES).numpy()
    np.testing.assert_array_equal(gan.sample(seeds, labels), drawn)
    np.testing.assert_array_equal(gan.sample(seeds, -1), drawn)
    np.testing.assert_array_equal(gan.sample(seeds, np.where(seeds % 2, labels, -1)), drawn)
    ones = gan.sample(seeds, 1)
    assert (ones != drawn).all()
    np.testing.assert_array_equal(gan.sample([69, 3], [1, 1]), ones[[69, 3]])
    np.testing.assert_array_equal(gan.generate(seed_latents(seeds, 3), 1), ones)
    latents = seed_latents(seeds, 3).numpy()
    np.testing.assert_allclose(gan.predict([latents, labels], verbose=0), drawn, atol=1e-6)


WRONG = {
    "A label is 3: expected an integer from 0 to 2": 3,
    "A label is -2": [0, -2],
    "Labels are 1.0: expected an integer": 1.0,
    r"Labels are \[True, False\]": [True, False],
    r"Labels are \(3,\) for 2 rows": [0, 1, 2],
    r"Labels are \(2, 1\) for 2 rows": [[0], [1]],
    r"Labels are \[\[0\], \[0, 1\]\]: expected": [[0], [0, 1]],
    "Labels are 'one': expected": "one",
}


@pytest.mark.parametrize("told", WRONG)
def test_wrong_labels_are_refused(told):
    gan = make()
    for call in (lambda labels: gan.sample([0, 1], labels),
                 lambda labels: gan.generate(np.zeros((2, 3)), labels)):  # fmt: skip
        with pytest.raises(InputError, match=told) as caught:
            call(WRONG[told])
        assert "\n" not in str(caught.value)


def test_latents_need_labels_and_none_is_drawn_for_them():
    gan = make()
    with pytest.raises(InputError, match="Labels are missing: expected an integer from 0 to 2"):
        gan.generate(np.zeros((2, 3)))
    with pytest.raises(InputError, match="A label is -1: expected an integer from 0 to 2, or one"):
        gan.generate(np.zeros((2, 3)), -1)


def test_models_without_classes_have_no_use_for_labels():
    gan = make(num_classes=None)
    assert (gan.num_classes, gan.class_frequencies) == (None, None)
    for call in (lambda: gan.sample([0], 1), lambda: gan.generate(np.zeros((1, 3)), [0])):
        with pytest.raises(InputError, match="the model was trained without classes: leave them"):
            call()
    twins = [compiled("GAN", run_eagerly=True) for _ in range(2)]
    twins[0].fit(IMAGES, LABELS, verbose=0)
    twins[1].fit(IMAGES, verbose=0)
    assert_same(state(twins[0]), state(twins[1]))


def test_networks_and_classes_must_fit():
    conditional, plain = make(), make(num_classes=None)
    g, d = conditional.generator, conditional.discriminator
    with pytest.raises(InputError, match="generator takes 2 inputs and num_classes is None: pass"):
        GAN(g, d)
    with pytest.raises(InputError, match="discriminator takes 2 inputs and num_classes is None"):
        GAN(plain.generator, d)
    with pytest.raises(InputError, match="num_classes is 3 and the generator takes nothing beside"):
        GAN(plain.generator, d, num_classes=3)
    with pytest.raises(InputError, match="num_classes is 3 and the discriminator takes nothing"):
        GAN(g, plain.discriminator, num_classes=3)
    with pytest.raises(InputError, match="num_classes is 4, but the generator was built for 3"):
        GAN(g, d, num_classes=4)
    with pytest.raises(InputError, match="num_classes is 3, but the discriminator was built for 2"):
        GAN(g, make(num_classes=2, frequencies=None).discriminator, num_classes=3)
    with pytest.raises(InputError, match="class_frequencies are given without num_classes"):
        GAN(plain.generator, plain.discriminator, class_frequencies=[1, 2])
    for count in (0, 2.0, True, "3"):
        with pytest.raises(InputError, match=f"num_classes is {count!r}: expected 1 or more"):
            GAN(g, d, num_classes=count)
    latents = keras.Input((3,))
    embedding = keras.layers.Embedding(5, 2)
    for shape, dtype, told in (((), "float32", "float32"), ((1,), "int32", "None, 1")):
        labels = keras.Input(shape, dtype=dtype)
        x = keras.layers.Flatten()(embedding(labels)) if shape else embedding(labels)
        outputs = keras.layers.Dense(2)(keras.layers.Concatenate()([latents, x]))
        with pytest.raises(InputError, match=rf"{told}.*expected labels, integers \(batch,\)"):
            GAN(keras.Model([latents, labels], outputs), d, num_classes=3)
    labels = keras.Input((), dtype="int64")
    outputs = keras.layers.Dense(2)(keras.layers.Concatenate()([latents, embedding(labels)]))
    with pytest.raises(InputError, match="num_classes is 3, but the generator was built for 5"):
        GAN(keras.Model([latents, labels], outputs), d, num_classes=3)


@pytest.mark.parametrize(
    "frequencies", [[1, 2], [1, -1, 1], [0, 0, 0], [1, np.nan, 1], [1, np.inf, 1], "abc", 3, [[1]]],
    ids=str,
)  # fmt: skip
def test_frequencies_are_one_number_a_class(frequencies):
    with pytest.raises(InputError, match=r"class_frequencies are .*: expected 3 finite numbers"):
        make(frequencies=frequencies)
