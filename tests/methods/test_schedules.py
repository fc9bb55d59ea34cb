import pytest

from kgan.errors import InputError
from kgan.methods.autoencoder import AutoencoderConfig
from kgan.methods.gan import GANConfig
from kgan.methods.recorded import config_of
from kgan.methods.schedules import KINDS, Start, made, parts_of
from kgan.methods.settings import constructed, override, settings
from kgan.models.schedules import SCHEDULES

RATE = "generator_optimizer.learning_rate"


def test_the_kinds_are_those_that_there_are():
    assert set(KINDS) == set(SCHEDULES)


def test_a_word_stands_for_a_schedule_of_the_run_or_of_some_of_its_steps():
    assert parts_of("k", "cosine:1e-3:0") == ("cosine", 1e-3, 0.0, 0, None)
    assert parts_of("k", "linear:1:0.5:10:20") == ("linear", 1.0, 0.5, 10, 20)
    assert made("k", 0.5, 100) == 0.5
    of_run, of_some = made("k", "cosine:1:0", 100), made("k", "linear:1:0.5:10:20", 100, updates=3)
    assert (of_run.kind, of_run.start, of_run.end, of_run.first, of_run.last) == (
        "cosine", 1.0, 0.0, 0, 100,
    )  # fmt: skip
    assert (of_some.first, of_some.last) == (30, 60)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (RATE, "fast", "is 'fast': expected a number, or a schedule such as cosine:0.001:0"),
        (RATE, "cosine:1", "expected a number, or a schedule"),
        (RATE, "cosine:1:0:5", "expected a number, or a schedule"),
        (RATE, "cosine:1:x", "expected a number, or a schedule"),
        (RATE, "cosine:1:inf", "expected a number, or a schedule"),
        (RATE, "cosine:1:0:1.5:9", "expected a number, or a schedule"),
        (RATE, "step:1:0", "expected a number, or a schedule"),
        (RATE, "cosine:1:0:9:9", "it goes from step 9 to step 9; expected it to end after"),
        (RATE, "cosine:1:0:0:20001", "it ends at step 20,001, after the run's last, 20,000"),
        (RATE, "linear:0:0", "expected a number above 0"),
        (RATE, "linear:1:-1", "expected a number above 0"),
        (RATE, True, "is True: expected a number"),
        ("generator_optimizer.beta_2", "linear:0.9:1", "expected a number below 1"),
        ("generator_optimizer.beta_2", 1.0, "expected a number below 1"),
        ("generator_optimizer.beta_1", "linear:0:0.5", "expected a number, such as"),
        ("game.ema_half_life", "linear:-1:0", "expected a number of 0 or more"),
        ("game.ema_half_life", [1], r"is \[1\]: expected a number"),
        ("game.penalties.r1", "linear:-1:0", "r1 is -1.0: expected a finite number, 0 or more"),
        ("game.penalties.r1", "linear:1:0:5", "game.penalties.r1 is 'linear:1:0:5': expected a nu"),
        ("batch_size", "linear:1:5", "expected an integer"),
    ],
)
def test_what_is_no_schedule_is_refused(key, value, message):
    with pytest.raises(InputError, match=message):
        override(GANConfig(), {key: value})


def test_settings_with_schedules_round_trip_and_are_built():
    changes = {
        RATE: "cosine:0.001:0",
        "discriminator_optimizer.learning_rate": "linear:0.002:0.001:5:10",
        "discriminator_optimizer.beta_2": "linear:0.9:0.99",
        "game.discriminator_steps": 3,
        "game.ema_half_life": "linear:0:1000",
        "game.penalties.r1": "cosine:0.5:0.05",
        "steps": 100,
    }
    config = override(GANConfig(), changes)
    assert GANConfig.from_dict(config.to_dict()) == config
    assert {key: settings(config)[key] for key in changes} == changes
    optimizer = constructed(config, "discriminator_optimizer", 3)
    assert float(optimizer.beta_2(300)) == pytest.approx(0.99)
    assert float(optimizer._learning_rate(15)) == pytest.approx(0.002)
    # A number takes the schedule's place, and the other way round.
    assert override(config, {RATE: 0.1}).generator_optimizer["learning_rate"] == 0.1


def test_another_start_keeps_the_form():
    config = override(GANConfig(), {RATE: "cosine:0.001:0.0001:10:90", "steps": 100})
    found = override(config, {RATE: Start(0.01)}).generator_optimizer["learning_rate"]
    assert found == "cosine:0.01:0.001:10:90"
    found = override(GANConfig(), {RATE: Start(0.01)}).generator_optimizer["learning_rate"]
    assert (found, type(found)) == (0.01, float)


def test_a_configuration_of_before_schedules_is_read():
    gan = GANConfig().to_dict()
    gan["game"] = {"objective": "hinge", "ema_decay": 0.5}
    found = config_of({"format": 2, "config": gan})
    assert found.game.ema_half_life == 1.0
    coder = AutoencoderConfig().to_dict()
    for schedule, rate in (("cosine", "cosine:0.003:0"), ("constant", 0.003)):
        coder["schedule"], coder["optimizer"] = schedule, {"name": "adam", "learning_rate": 0.003}
        found = config_of({"format": 2, "config": coder})
        assert found.optimizer == {"name": "adam", "learning_rate": rate}
    with pytest.raises(InputError, match=r"ema_decay is 1\.0: expected 0 or more and below 1"):
        config_of({"format": 2, "config": {**gan, "game": {"ema_decay": 1}}})
