"""Scores of nearest neighbours against brute force and bounds on memory."""

import tracemalloc

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from kgan.errors import InputError
from kgan.metrics import distances
from kgan.metrics.neighbours import manifold_scores, nearest

RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(200, 6)).astype(np.float32)
FAKE = RNG.normal(0.4, 0.8, size=(150, 6)).astype(np.float32)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(distances, "ELEMENTS", 7 * 200)


def brute_force(real, fake, k):
    """The equations, in float64, without a product in place of a difference."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)

    def between(x, y):
        return np.linalg.norm(x[:, None] - y[None], axis=-1)

    def radii(x):
        return np.array([np.sort(np.delete(row, i))[k - 1] for i, row in enumerate(between(x, x))])

    pairs = between(real, fake)
    in_real, in_fake = pairs <= radii(real)[:, None], pairs <= radii(fake)
    return {
        "precision": in_real.any(axis=0).mean(),
        "recall": in_fake.any(axis=1).mean(),
        "density": in_real.sum() / (k * len(fake)),
        "coverage": in_real.any(axis=1).mean(),
    }


def test_squared_distances_of_copies_do_not_fall_below_0(small_blocks):
    points = RNG.normal(size=(200, 64)).astype(np.float32)
    expected = np.square(points[:, None] - points).sum(axis=-1)
    for block, found in distances.squared_distances(points, points, np.zeros(64)):
        assert found.min() >= 0
        np.testing.assert_allclose(found, expected[block], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("k", [1, 3, 5, 149])
def test_scores_equal_brute_force_in_blocks_of_any_size(k, monkeypatch):
    expected = brute_force(REAL, FAKE, k)
    for elements in (1, 7 * 200, 2**24):
        monkeypatch.setattr(distances, "ELEMENTS", elements)
        assert manifold_scores(REAL, FAKE, k) == pytest.approx(expected, abs=1e-12)
        swapped = manifold_scores(FAKE, REAL, k)
        assert swapped["precision"] == pytest.approx(expected["recall"])
        assert swapped["recall"] == pytest.approx(expected["precision"])


@pytest.mark.parametrize("offset", [0, 300])
@pytest.mark.parametrize("dim", [3, 700])
def test_copies_are_inside_whatever_the_rounding(offset, dim, monkeypatch):
    real = (RNG.normal(size=(200, dim)) + offset).astype(np.float32)
    for elements in (1, 7 * dim, 2**24):
        monkeypatch.setattr(distances, "ELEMENTS", elements)
        scores = manifold_scores(real, real[::-1], k=4)
        assert scores == {"precision": 1, "recall": 1, "density": 5 / 4, "coverage": 1}


def test_edges_count_among_quantised_points_where_copies_are_few():
    real, fake = RNG.integers(0, 4, (2, 150, 5)).astype(np.float32)
    scores, expected = manifold_scores(real, fake, 3), brute_force(real, fake, 3)
    assert scores == pytest.approx(expected, abs=1e-12)
    # Without the edges, as the `prdc` package counts.
    between = ((real[:, None] - fake) ** 2).sum(-1)
    own = ((real[:, None] - real) ** 2).sum(-1)
    radii = np.sort(own + np.diag(np.full(150, np.inf)), axis=1)[:, 2]
    strictly = between < radii[:, None]
    assert scores["density"] > 1.5 * strictly.sum() / (3 * 150)
    assert scores["coverage"] > 1.2 * strictly.any(1).mean()
    on_edges = between == radii[:, None]
    assert np.count_nonzero(on_edges) > 3 * np.count_nonzero(between == 0)


def test_sets_far_from_the_origin_keep_their_neighbours():
    # Of squares of 1e8, float32 would keep no digit of these distances.
    real, fake = REAL + np.float32(1e4), FAKE + np.float32(1e4)
    assert manifold_scores(real, fake) == pytest.approx(brute_force(real, fake, 5), abs=1e-12)


def test_an_own_copy_is_a_neighbour_and_the_point_itself_is_not():
    twice = np.repeat(np.arange(10, dtype=np.float32), 2)[:, None] * [[1.0, 2.0]]
    # A copy is the nearest: every radius is 0, and only copies are inside.
    assert manifold_scores(twice, twice[::2] + 0.25, k=1)["precision"] == 0
    scores = manifold_scores(twice, twice, k=1)
    assert scores == {"precision": 1, "recall": 1, "density": 2, "coverage": 1}
    apart = np.arange(10.0)[:, None]
    # Radii of 1, or every point would be outside.
    assert manifold_scores(apart, apart + 0.5, k=1)["precision"] == 1


def test_sets_apart_share_nothing_and_a_collapse_recalls_nothing():
    assert set(manifold_scores(REAL, FAKE + 50).values()) == {0.0}
    collapsed = manifold_scores(REAL, np.tile(REAL[:1], (50, 1)))
    assert collapsed["precision"] == 1
    assert collapsed["recall"] == 1 / 200
    assert collapsed["coverage"] < 0.1


def test_one_distribution_has_density_1_and_its_known_coverage():
    real, fake = RNG.normal(size=(2, 2_000, 3))
    scores = manifold_scores(real, fake, k=5)
    # Naeem et al. 2020, lemma 2, at n = m.
    i = np.arange(5)
    expected = 1 - np.prod((1999 - i) / (3999 - i))
    np.testing.assert_allclose(scores["density"], 1, atol=0.05)
    np.testing.assert_allclose(scores["coverage"], expected, atol=0.02)


def test_more_noise_scores_lower():
    images = load_digits().data / 16
    noise = RNG.normal(size=images[900:].shape)
    series = [manifold_scores(images[:900], images[900:] + s * noise) for s in (0, 0.1, 0.2, 0.3)]
    for name in ("precision", "density", "coverage"):
        assert (np.diff([scores[name] for scores in series]) < 0).all(), name


@pytest.mark.parametrize("k", [1, 4, 200])
def test_nearest_equals_scikit_learn(k, small_blocks):
    found = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(REAL.astype(np.float64))
    expected, order = found.kneighbors(FAKE.astype(np.float64))
    indices, lengths = nearest(REAL, FAKE, k)
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(lengths, expected, rtol=1e-6)
    assert (indices.dtype, lengths.dtype) == (np.int64, np.float64)


def test_the_nearest_of_a_copy_is_itself_0_away(small_blocks):
    for train in (REAL, REAL + np.float32(1e4)):
        indices, lengths = nearest(train, train[20:40])
        np.testing.assert_array_equal(indices[:, 0], np.arange(20, 40))
        assert (lengths == 0).all()


def test_memory_is_that_of_a_block(monkeypatch):
    monkeypatch.setattr(distances, "ELEMENTS", 2**19)
    real, fake = RNG.normal(size=(2, 6_000, 8)).astype(np.float32)
    unblocked = 6_000 * 6_000 * 4
    for score in (manifold_scores, nearest):
        tracemalloc.start()
        score(real, fake)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < unblocked / 8, score


@pytest.mark.parametrize("score", [manifold_scores, nearest])
def test_refused_inputs(score):
    names = {manifold_scores: ("real", "fake"), nearest: ("train", "queries")}[score]
    broken = FAKE.copy()
    broken[:3] = np.inf
    with pytest.raises(InputError, match=f"{names[1]} .* NaN or infinity in 3 rows"):
        score(REAL, broken)
    with pytest.raises(InputError, match=rf"{names[1]} of shape \(150, 5\) and {names[0]} "):
        score(REAL, FAKE[:, :5])
    with pytest.raises(InputError, match=rf"{names[1]} of shape \(0, 6\).*rows or more. Draw more"):
        score(REAL, FAKE[:0])
    with pytest.raises(InputError, match="k is 0: expected 1"):
        score(REAL, FAKE, 0)


def test_refused_counts_of_neighbours():
    with pytest.raises(InputError, match=r"fake .* the 5 nearest neighbours expects 6 rows"):
        manifold_scores(REAL, FAKE[:5])
    with pytest.raises(InputError, match="k is 201: expected 1 to 200"):
        nearest(REAL, FAKE, 201)
