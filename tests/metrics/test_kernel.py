"""The kernel distance against loops and its expectation."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from kgan.errors import InputError
from kgan.metrics.kernel import kernel_distance

RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(11, 4))
FAKE = RNG.normal(0.3, 1.2, size=(9, 4))


def by_loops(real, fake):
    def kernel(x, y):
        return (float(x @ y) / len(x) + 1) ** 3

    def within(points):
        pairs = [(i, j) for i in range(len(points)) for j in range(len(points)) if i != j]
        return sum(kernel(points[i], points[j]) for i, j in pairs) / len(pairs)

    across = np.mean([kernel(x, y) for x in real for y in fake])
    return within(real) + within(fake) - 2 * across


def test_equals_loops_over_the_drawn_subsets():
    rng = np.random.default_rng(7)
    values = []
    for _ in range(3):
        real = REAL[rng.choice(11, 5, replace=False)]
        values.append(by_loops(real, FAKE[rng.choice(9, 5, replace=False)]))
    scores = kernel_distance(REAL, FAKE, blocks=3, block_size=5, seed=7)
    np.testing.assert_allclose(scores["mean"], np.mean(values))
    np.testing.assert_allclose(scores["standard_error"], np.std(values, ddof=1) / np.sqrt(3))


def test_one_distribution_gives_0_on_average_and_values_below():
    values = np.array(
        [
            kernel_distance(*RNG.normal(size=(2, 10, 3)), blocks=2, block_size=10)["mean"]
            for _ in range(500)
        ]
    )
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(500)
    assert (values < 0).mean() > 0.3


def test_approaches_its_expectation():
    # In one dimension (xy + 1)^3 compares the first three moments, weighted by 3, 3 and 1.
    real, fake = RNG.normal(size=(20_000, 1)), RNG.normal(1, 1, size=(20_000, 1))
    scores = kernel_distance(real, fake, blocks=20, block_size=500)
    np.testing.assert_allclose(scores["mean"], 3 * 1 + 3 * 1 + 16, rtol=0.1)


def test_subsets_have_no_row_twice_and_at_most_every_row():
    whole = by_loops(REAL[:9], FAKE)
    for size in (9, 1000):
        scores = kernel_distance(REAL[:9], FAKE, blocks=4, block_size=size)
        np.testing.assert_allclose(scores["mean"], whole)
        assert scores["standard_error"] < 1e-12
    for sets in ((REAL, FAKE), (FAKE, REAL)):
        most = kernel_distance(*sets, blocks=4, block_size=9)
        assert kernel_distance(*sets, blocks=4, block_size=10) == most


def test_repeats_by_seed_and_counts_in_float64():
    def scores(real, fake, seed):
        return kernel_distance(real, fake, blocks=5, block_size=4, seed=seed)

    assert scores(REAL, FAKE, 1) == scores(REAL, FAKE, 1)
    assert scores(REAL, FAKE, 1) != scores(REAL, FAKE, 2)
    single = REAL.astype(np.float32), FAKE.astype(np.float32)
    assert scores(*single, 1) == scores(*(x.astype(np.float64) for x in single), 1)
    assert all(type(value) is float for value in scores(REAL, FAKE, 1).values())


def test_more_noise_is_farther():
    images = load_digits().data / 16
    noise = RNG.normal(size=images[900:].shape)
    scores = [
        kernel_distance(images[:900], images[900:] + s * noise, blocks=5, block_size=400)["mean"]
        for s in (0, 0.4, 0.6, 0.8)
    ]
    assert (np.diff(scores) > 0).all()


def test_refused_inputs():
    broken = FAKE.copy()
    broken[2, 2] = np.nan
    with pytest.raises(InputError, match=r"fake .* NaN or infinity in 1 rows"):
        kernel_distance(REAL, broken)
    with pytest.raises(InputError, match=r"fake of shape \(9, 2\) and real of shape \(11, 4\)"):
        kernel_distance(REAL, FAKE[:, :2])
    with pytest.raises(InputError, match=r"kernel distance expects 2 rows or more. Draw more"):
        kernel_distance(REAL, FAKE[:1])
    with pytest.raises(InputError, match=r"blocks is 1: .* expects 2 or more"):
        kernel_distance(REAL, FAKE, blocks=1)
    with pytest.raises(InputError, match=r"block_size is 1: .* expects 2 or more"):
        kernel_distance(REAL, FAKE, block_size=1)
