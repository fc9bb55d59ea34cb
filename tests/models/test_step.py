import numpy as np
import tensorflow as tf

from kgan.models.step import Noise


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


def test_replicas_take_their_rows_of_the_global_batch(monkeypatch):
    whole = noise(4, 6).normal(1, 2).numpy()
    parts = []
    for number in range(3):
        monkeypatch.setattr("kgan.models.step.replica", lambda number=number: (number, 3))
        parts.append(noise(4, 2).normal(1, 2).numpy())
    np.testing.assert_array_equal(np.concatenate(parts), whole)
