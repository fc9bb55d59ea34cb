import numpy as np
import pytest
import tensorflow as tf

from kgan.models.step import Noise, RowNoise


def noise(step, batch=6, seed=0):
    return Noise(seed, tf.constant(step, tf.int64), tf.constant(batch), streams=3)


def test_noise_never_repeats_over_steps_streams_and_rows():
    rows = [
        row.tobytes() for s in range(5) for j in range(3) for row in noise(s).normal(j, 2).numpy()
    ]
    assert len(set(rows)) == 5 * 3 * 6


def test_noise_is_the_same_eager_and_in_a_graph():
    graph = tf.function(lambda step: Noise(0, step, tf.constant(6), 3).normal(1, 4))
    np.testing.assert_array_equal(graph(tf.constant(9, tf.int64)), noise(9).normal(1, 4))


def test_noise_has_its_distribution():
    normal = noise(0, 20_000).normal(0, 2).numpy()
    uniform = noise(0, 20_000).uniform(2).numpy()
    assert np.abs(normal.mean(0)).max() < 0.03
    np.testing.assert_allclose(normal.std(0), 1, atol=0.03)
    assert 0 <= uniform.min() < 0.001
    assert 0.999 < uniform.max() < 1


@pytest.mark.parametrize("shape", [(), 2, (3,), (2, 3, 1)], ids=str)
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_replicas_take_their_rows_of_the_global_batch(kind, shape, monkeypatch):
    def drawn(step=4, batch=6, stream=1, seed=0):
        return getattr(noise(step, batch, seed), kind)(stream, shape).numpy()

    whole = drawn()
    assert whole.dtype == np.float32
    assert whole.shape == (6, *np.ravel(shape).astype(int))
    for other in (drawn(step=5), drawn(stream=2), drawn(seed=1)):
        assert (other != whole).all()
    np.testing.assert_array_equal(drawn(batch=4), whole[:4])
    parts = []
    for number in range(3):
        monkeypatch.setattr("kgan.models.step.replica", lambda number=number: (number, 3))
        parts.append(drawn(batch=2))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_the_noise_of_estimates_is_of_a_row_whatever_is_drawn_beside_it(kind):
    def drawn(rows, seed=0, stream=1):
        numbers = RowNoise(tf.constant(rows, tf.int64), tf.constant(seed, tf.int64))
        return getattr(numbers, kind)(stream, (2, 3)).numpy()

    together = drawn([0, 5, 2**40])
    np.testing.assert_array_equal(drawn([5])[0], together[1])
    assert (drawn([0, 5, 2**40], seed=1) != together).all()
    assert (drawn([0, 5, 2**40], stream=2) != together).all()
    assert len(np.unique(together)) == together.size
