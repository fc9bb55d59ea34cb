import numpy as np
import pytest
import tensorflow as tf

import kgan
from kgan.errors import InputError
from kgan.models import AUGMENTATIONS
from kgan.models.augment import Augmentation
from kgan.networks import dcgan

RNG = np.random.default_rng(0)
SHAPE = (12, 16, 3)


def images(count=6, shape=SHAPE):
    return RNG.uniform(-1, 1, (count, *shape)).astype(np.float32)


def draws(augmentation, count=6):
    found = RNG.uniform(size=(count, augmentation.draws)).astype(np.float32)
    found[0], found[1] = 0.0, np.nextafter(np.float32(1), 0)  # the ends of what is drawn
    return found


def flipped(x, u):
    return x[:, ::-1] if u[0] < 0.5 else x


def colored(x, u):
    x = x + (u[0] - 0.5)
    x = (x - x.mean(2, keepdims=True)) * 2 * u[1] + x.mean(2, keepdims=True)
    return (x - x.mean()) * (u[2] + 0.5) + x.mean()


def translated(x, u):
    height, width = x.shape[:2]
    moves = [int(np.floor(u[i] * (2 * (n // 8) + 1))) - n // 8 for i, n in enumerate(x.shape[:2])]
    assert all(abs(move) <= n // 8 for move, n in zip(moves, x.shape, strict=False))
    found = np.zeros_like(x)
    for i in range(height):
        for j in range(width):
            from_i, from_j = i - moves[0], j - moves[1]
            if 0 <= from_i < height and 0 <= from_j < width:
                found[i, j] = x[from_i, from_j]
    return found


def cut(x, u):
    found = x.copy()
    firsts = [int(np.floor(u[i] * (n + 1))) - n // 4 for i, n in enumerate(x.shape[:2])]
    rows, columns = (
        slice(max(0, first), max(0, first + n // 2))
        for first, n in zip(firsts, x.shape[:2], strict=True)
    )
    found[rows, columns] = 0
    return found


EXPECTED = {"flip": flipped, "color": colored, "translation": translated, "cutout": cut}


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_does_what_numpy_does(name):
    augmentation, x = Augmentation([name]), images()
    u = draws(augmentation)
    found = augmentation(tf.constant(x), u).numpy()
    expected = [EXPECTED[name](image, draw[1:]) for image, draw in zip(x, u, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not np.allclose(found, x)


def test_several_come_one_after_another_with_draws_of_their_own():
    names = list(AUGMENTATIONS)
    augmentation, x = Augmentation(names), images()
    u = draws(augmentation)
    expected, first = x, 0
    for name in names:
        single = Augmentation([name])
        own = u[:, first : first + single.draws]
        expected = single(tf.constant(expected), own).numpy()
        first += single.draws
    np.testing.assert_allclose(augmentation(x, u), expected, atol=1e-5)


def test_strength_is_the_share_of_images_that_are_changed():
    augmentation, x = Augmentation(["color", "cutout"]), images(400)
    u = draws(augmentation, 400)
    np.testing.assert_array_equal(augmentation(x, u, 0.0), x)
    changed = (augmentation(x, u, 0.3).numpy() != x).any((1, 2, 3))
    assert changed.mean() == pytest.approx(1 - 0.7**2, abs=0.05)
    np.testing.assert_allclose(augmentation(x, u, 1.0), augmentation(x, u), atol=0)


def test_other_ranges_see_the_same_augmentations():
    names, x = list(AUGMENTATIONS), images()
    wide, unit = Augmentation(names), Augmentation(names, (0.0, 1.0))
    u = draws(wide)
    np.testing.assert_allclose(unit((x + 1) / 2, u), (wide(x, u).numpy() + 1) / 2, atol=1e-5)


def test_gradients_pass_and_have_gradients_again():
    """Of the sum of squares: what the adjoint of a linear map makes of its outputs, twice."""
    augmentation = Augmentation(list(AUGMENTATIONS))
    x, u = tf.constant(images(3)), draws(augmentation, 3)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(tf.square(augmentation(x, u)))
        (gradient,) = tape.gradient(value, [x])
        norm = tf.reduce_sum(tf.square(gradient))
    second = outer.gradient(norm, x)
    step = np.float32(1e-2)
    direction = RNG.normal(size=x.shape).astype(np.float32)

    def at(shift):
        return tf.reduce_sum(tf.square(augmentation(x + shift * direction, u)))

    slope = (at(step) - at(-step)) / (2 * step)
    assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(float(slope), rel=1e-3)
    assert float(tf.reduce_sum(tf.abs(second))) > 0


def compiled(augment, **options):
    gan = kgan.GAN(
        dcgan.generator((8, 8, 1), 3, width=2),
        dcgan.discriminator((8, 8, 1), width=2, normalization="none"),
        seed=3,
    )
    gan.compile(augment=augment, run_eagerly=True, **options)
    return gan


@pytest.mark.parametrize(("objective", "count"), [("non_saturating", 3), ("relativistic", 4)])
def test_the_discriminator_sees_augmented_images_and_samples_never_are(
    monkeypatch, objective, count
):
    gan = compiled(["cutout", "translation"], objective=objective, penalties={})
    calls = []

    def noted(self, x, u, strength=1.0):
        calls.append((x.shape[0], u.shape[1]))
        return tf.zeros_like(x) + 0 * tf.reduce_sum(x)

    seeds = range(4)
    monkeypatch.setattr(Augmentation, "__call__", noted)
    kernel = gan.discriminator.layers[1].kernel.numpy()
    x = RNG.integers(0, 256, (8, 8, 8, 1), dtype=np.uint8)
    samples = gan.sample(seeds)
    gan.evaluate(x, batch_size=8, verbose=0)
    assert not calls
    np.testing.assert_array_equal(gan.sample(seeds), samples)
    gan.fit(x, batch_size=8, verbose=0)
    assert calls == [(8, 6)] * count  # of both players' updates, real ones where they are compared
    # Of images that are all 0, the first kernel has no gradient.
    np.testing.assert_array_equal(gan.discriminator.layers[1].kernel.numpy(), kernel)


def test_what_is_no_augmentation_is_refused(make_gan):
    with pytest.raises(
        InputError, match=r"Unknown augmentation 'blur'\. Known: color, cutout, flip"
    ):
        compiled(["blur"])
    with pytest.raises(InputError, match="flip, flip: expected each once"):
        compiled(["flip", "flip"])
    with pytest.raises(InputError, match="examples are points: leave them out"):
        make_gan().compile(augment=["flip"])
