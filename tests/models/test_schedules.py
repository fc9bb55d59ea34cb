import keras
import numpy as np
import pytest
import tensorflow as tf

import kgan
from kgan.errors import InputError
from kgan.models import Adam, Schedule
from kgan.models.schedules import SCHEDULES


@pytest.mark.parametrize("kind", SCHEDULES)
def test_it_goes_from_the_start_to_the_end_and_stays(kind):
    value = Schedule(kind, 3.0, -1.0, first=100, last=300)
    ends = [float(value(step)) for step in (0, 100, 300, 10**9)]
    assert ends == [3.0, 3.0, -1.0, -1.0]
    assert float(value(200)) == pytest.approx(1.0)
    steps = np.arange(100, 301)
    share = (steps - 100) / 200
    expected = {"linear": 3 - 4 * share, "cosine": -1 + 2 * (1 + np.cos(np.pi * share))}[kind]
    found = [float(value(tf.constant(step, tf.int64))) for step in steps]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_steps_past_what_float32_counts_are_told_apart():
    value = Schedule("linear", 0.0, 1.0, first=2**30, last=2**30 + 4)
    assert [float(value(2**30 + step)) for step in range(5)] == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("step", 1, 0, 10), "Unknown schedule 'step'. Known: cosine, linear"),
        (("linear", 1, float("nan"), 10), "from 1 to nan: expected finite numbers"),
        (("linear", 1, 0, 10, 10), "from step 10 to step 10: expected it to end after it starts"),
        (("linear", 1, 0, 0), "from step 0 to step 0: expected it to end after it starts"),
        (("linear", 1, 0, 10, -1), "from step -1 to step 10: expected"),
    ],
)
def test_what_is_no_schedule_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Schedule(*arguments)


def test_adam_takes_the_rate_and_beta_2_at_hand():
    """Against the update spelt out in NumPy, with the current beta_2 in all its places."""
    rate, beta_2 = Schedule("cosine", 0.1, 0.02, 6), Schedule("linear", 0.9, 0.99, 6)
    optimizer, variable = Adam(rate, beta_1=0.0, beta_2=beta_2), keras.Variable([1.0, -2.0])
    optimizer.build([variable])
    x, v = np.array([1.0, -2.0]), np.zeros(2)
    for step in range(9):
        share = min(step / 6, 1)
        b, lr = 0.9 + 0.09 * share, 0.02 + 0.04 * (1 + np.cos(np.pi * share))
        gradient = np.array([0.3, 1.0]) * (step + 1)
        v = v + (1 - b) * (gradient**2 - v)
        x = x - lr * np.sqrt(1 - b ** (step + 1)) * gradient / (np.sqrt(v) + 1e-7)
        optimizer.apply([tf.constant(gradient, tf.float32)], [variable])
        np.testing.assert_allclose(variable.numpy(), x, rtol=1e-5)


def test_adam_with_schedules_is_saved_and_refuses_amsgrad():
    beta_2 = Schedule("linear", 0.9, 0.99, 6, 2)
    config = keras.optimizers.serialize(Adam(Schedule("cosine", 0.1, 0, 6), beta_2=beta_2))
    found = keras.optimizers.deserialize(config)
    assert found.beta_2.get_config() == beta_2.get_config()
    assert found.get_config()["learning_rate"]["config"]["kind"] == "cosine"
    with pytest.raises(InputError, match="beta_2 is a schedule and amsgrad is on"):
        Adam(beta_2=beta_2, amsgrad=True).build([keras.Variable([1.0])])


def scheduled(make_gan):
    gan = make_gan(ema_half_life=Schedule("linear", 0.0, 8.0, 4))
    gan.compile(
        generator_optimizer=Adam(Schedule("linear", 1e-2, 0, 4)),
        discriminator_optimizer=Adam(1e-2, beta_2=Schedule("linear", 0.9, 0.99, 8)),
        discriminator_steps=2,
        penalties={"r1": Schedule("linear", 2.0, 0.0, 4), "r2": 0.5},
        run_eagerly=True,
    )
    return gan


def test_a_gan_tells_what_its_schedules_have_come_to(make_gan):
    gan = scheduled(make_gan)
    points = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    gan.fit(points, batch_size=32, epochs=1, verbose=0)
    assert gan.scheduled() == {
        "generator_learning_rate": pytest.approx(5e-3),
        "discriminator_beta_2": pytest.approx(0.945),  # four updates in two steps
        "ema_half_life": 4.0,
        "r1": 1.0,
    }
    before = [gan.generator.get_weights(), gan.ema_generator.get_weights()]
    gan.fit(points, batch_size=32, epochs=1, verbose=0)
    assert gan.scheduled()["generator_learning_rate"] == 0
    gan.fit(points, batch_size=32, epochs=1, verbose=0)
    ended = gan.generator.get_weights()
    gan.fit(points, batch_size=32, epochs=1, verbose=0)
    for weight, later, first in zip(ended, gan.generator.get_weights(), before[0], strict=True):
        np.testing.assert_array_equal(weight, later)
        assert not np.array_equal(first, later)


def test_the_penalty_is_weighed_by_the_step(make_gan):
    """The loss with R1's weight at a step less the loss without is that weight's share of R1."""
    points = np.random.default_rng(0).normal(size=(32, 2)).astype(np.float32)

    def loss(weight, step):
        gan = make_gan()
        gan.compile(penalties={"r1": weight}, run_eagerly=True)
        gan.step.assign(step)
        return gan.evaluate(points, verbose=0, return_dict=True)["discriminator_loss"]

    schedule = Schedule("linear", 4.0, 0.0, 8)
    bare, whole = loss(0.0, 0), loss(4.0, 0)
    assert whole - bare > 1e-3
    for step, share in ((0, 1.0), (2, 0.75), (8, 0.0)):
        assert loss(schedule, step) - bare == pytest.approx(share * (whole - bare), abs=1e-6)


def test_half_of_the_past_is_left_after_a_half_life(make_gan):
    gan = make_gan(ema_half_life=Schedule("linear", 0.0, 10.0, 10))
    gan.step.assign(10_000)  # past the schedule, and where early steps end
    past = [np.asarray(weight) for weight in gan.ema_generator.get_weights()]
    for weight in gan.generator.weights:
        weight.assign(weight + 1.0)
    for _ in range(10):
        gan._average()
    now = gan.ema_generator.get_weights()
    for before, half, goal in zip(past, now, gan.generator.get_weights(), strict=True):
        np.testing.assert_allclose(half, (before + goal) / 2, atol=1e-5)
    gan.step.assign(0)
    gan._average()
    for mean, goal in zip(gan.ema_generator.weights, gan.generator.weights, strict=True):
        np.testing.assert_array_equal(mean, goal)  # a half-life of 0 keeps nothing


def test_a_gan_with_schedules_is_saved_whole(make_gan, tmp_path):
    gan = scheduled(make_gan)
    points = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    gan.fit(points, batch_size=32, epochs=1, verbose=0)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert loaded.scheduled() == gan.scheduled()
    with pytest.raises(InputError, match=r"penalties\.r1 is -1\.0: expected a finite number"):
        gan.compile(penalties={"r1": Schedule("linear", 1.0, -1.0, 4)})
    with pytest.raises(InputError, match=r"ema_half_life is -1\.0: expected a number, 0 or more"):
        kgan.GAN(*gan.networks[:2], ema_half_life=Schedule("linear", 1.0, -1.0, 4))


@pytest.mark.parametrize(("decay", "half_life"), [(0.5, 1.0), (0.25, 0.5), (0, 0.0)])
def test_a_decay_of_before_is_a_half_life(make_gan, decay, half_life):
    config = make_gan().get_config()
    del config["ema_half_life"]
    assert kgan.GAN.from_config({**config, "ema_decay": decay}).ema_half_life == half_life
