import itertools

import numpy as np
import pytest
import tensorflow as tf

from kgan.methods.config import MOST_STEPS
from kgan.models.step import TEST_STEP, Noise, RowNoise, _first

# Those that KGAN draws under: a player's own of the first updates of a step too.
NAMES = ["latents", "mix", "labels", "corruption", "binarization", "importance"]
NAMES += [f"{name}/{j}" for name in ("latents", "mix", "labels") for j in range(20)]


def noise(step, batch=6, seed=0):
    return Noise(seed, tf.constant(step, tf.int64), tf.constant(batch))


def test_noise_never_repeats_over_steps_names_and_rows():
    rows = [
        row.tobytes()
        for step in (*range(5), TEST_STEP, -1)
        for name in NAMES[:6]
        for row in noise(step).normal(name, 2).numpy()
    ]
    assert len(set(rows)) == 7 * 6 * 6


def test_names_are_further_apart_than_any_run_has_steps_and_no_counter_is_another_ones():
    assert len({_first(name) for name in NAMES}) == len(NAMES)
    for one, other in itertools.combinations(map(_first, NAMES), 2):
        assert min(abs(one - other), abs(abs(one - other) - TEST_STEP)) > 2 * MOST_STEPS
        # Of estimates: 2^17 rows, 2^20 draws of each.
        assert abs(one - other) > 2**37
    assert all(2**61 <= _first(name) < 2**62 for name in NAMES)
    # Positive as far as steps go; `seed_latents` has -1, RowNoise what is below -2^61.
    assert min(map(_first, NAMES)) - MOST_STEPS > 0
    assert max(map(_first, NAMES)) + TEST_STEP + MOST_STEPS < 2**63


def test_a_name_means_the_same_in_every_process():
    """A hash of Python's own would be another wherever it is computed."""
    assert _first("latents") == 3473799070731527495


def test_noise_is_the_same_eager_and_in_a_graph():
    graph = tf.function(lambda step: Noise(0, step, tf.constant(6)).normal("a", 4), autograph=False)
    np.testing.assert_array_equal(graph(tf.constant(9, tf.int64)), noise(9).normal("a", 4))


def test_noise_has_its_distribution():
    normal = noise(0, 20_000).normal("a", 2).numpy()
    uniform = noise(0, 20_000).uniform("b").numpy()
    assert np.abs(normal.mean(0)).max() < 0.03
    np.testing.assert_allclose(normal.std(0), 1, atol=0.03)
    assert abs(np.corrcoef(normal[:, 0], noise(1, 20_000).normal("a", 2)[:, 0])[0, 1]) < 0.03
    assert 0 <= uniform.min() < 0.001
    assert 0.999 < uniform.max() < 1


DRAWS = {
    "normal": lambda noise, name, shape: noise.normal(name, shape),
    "uniform": lambda noise, name, shape: noise.uniform(name, shape),
}


@pytest.mark.parametrize("shape", [(), 2, (3,), (2, 3, 1)], ids=str)
@pytest.mark.parametrize("kind", DRAWS)
def test_replicas_take_their_rows_of_the_global_batch(kind, shape, monkeypatch):
    def drawn(step=4, batch=6, name="a", seed=0):
        return DRAWS[kind](noise(step, batch, seed), name, shape).numpy()

    whole = drawn()
    assert whole.dtype == np.float32
    assert whole.shape == (6, *np.ravel(shape).astype(int))
    for other in (drawn(step=5), drawn(name="b"), drawn(seed=1)):
        assert (other != whole).all()
    np.testing.assert_array_equal(drawn(batch=4), whole[:4])
    parts = []
    for number in range(3):
        monkeypatch.setattr("kgan.models.step.replica", lambda number=number: (number, 3))
        parts.append(drawn(batch=2))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_the_noise_of_estimates_is_of_a_row_whatever_is_drawn_beside_it(kind):
    def drawn(rows, seed=0, name="a", number=0):
        numbers = RowNoise(tf.constant(rows, tf.int64), tf.constant(seed, tf.int64))
        return getattr(numbers, kind)(name, (2, 3), number).numpy()

    together = drawn([0, 5, 2**39])
    np.testing.assert_array_equal(drawn([5])[0], together[1])
    assert (drawn([0, 5, 2**39], seed=1) != together).all()
    assert (drawn([0, 5, 2**39], name="b") != together).all()
    assert (drawn([0, 5, 2**39], number=1) != together).all()
    assert len(np.unique(together)) == together.size
