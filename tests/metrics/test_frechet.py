"""The Frechet distance against closed forms and itself under invariances."""

import mpmath
import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.datasets import load_digits

from kgan.errors import InputError
from kgan.metrics import frechet
from kgan.metrics.frechet import Moments, frechet_distance, frechet_distance_of, moments

RNG = np.random.default_rng(0)


def gaussian(count, dim, seed, rank=None):
    """Correlated samples with a mean of their own; of lower rank on request."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(rank or dim, dim)) / np.sqrt(dim)
    return rng.normal(size=dim) + rng.normal(size=(count, rank or dim)) @ mixing


def rotation(dim, seed=5):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))[0]


def spread(*sets):
    return sum(np.var(x, axis=0, ddof=1).sum() for x in sets)


def of_root(real, fake):
    """Equation 6 as it stands."""
    (m1, s1), (m2, s2) = ((x.mean(0), np.cov(x, rowvar=False)) for x in (real, fake))
    return np.square(m1 - m2).sum() + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2)).real


def test_moments_of_commuting_gaussians_give_the_closed_form():
    a, b = RNG.uniform(0, 4, 30), RNG.uniform(0, 4, 30)
    m1, m2 = RNG.normal(size=(2, 30))
    axes = rotation(30)
    one = Moments(m1, (axes * a) @ axes.T, 1_000)
    other = Moments(m2, (axes * b) @ axes.T, 1_000)
    expected = np.square(m1 - m2).sum() + np.square(np.sqrt(a) - np.sqrt(b)).sum()
    np.testing.assert_allclose(frechet_distance_of(one, other), expected, atol=1e-9)
    assert frechet_distance_of(one, one) < 1e-9


def test_samples_approach_the_closed_form():
    mixing, other_mixing = RNG.normal(size=(2, 5, 5)) + np.eye(5)
    mean, other_mean = RNG.normal(size=(2, 5))
    s1, s2 = mixing.T @ mixing, other_mixing.T @ other_mixing
    expected = np.square(mean - other_mean).sum() + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2)).real
    errors = []
    for count in (300, 30_000):
        real = mean + RNG.normal(size=(count, 5)) @ mixing
        fake = other_mean + RNG.normal(size=(count, 5)) @ other_mixing
        errors.append(abs(frechet_distance(real, fake) / expected - 1))
    assert errors[1] < 0.02
    assert errors[0] < 0.3


def test_well_conditioned_samples_equal_the_root_of_the_matrix():
    real, fake = gaussian(400, 12, 1), gaussian(300, 12, 2)
    np.testing.assert_allclose(frechet_distance(real, fake), of_root(real, fake), rtol=1e-9)


@pytest.mark.parametrize(("rows", "others"), [(6, 5), (6, 40), (40, 5), (2, 2)])
def test_fewer_rows_than_columns_equal_eigenvalues_of_high_precision(rows, others):
    real, fake = gaussian(rows, 9, 3), gaussian(others, 9, 4)
    product = []
    with mpmath.workdps(60):
        for features in (real, fake):
            matrix = mpmath.matrix(features.tolist())
            means = mpmath.ones(1, len(features)) * matrix / len(features)
            centred = matrix - mpmath.ones(len(features), 1) * means
            product.append(centred.T * centred / (len(features) - 1))
        values = mpmath.eig(product[0] * product[1], right=False)
        root = sum(float(mpmath.sqrt(abs(mpmath.re(value)))) for value in values)
    expected = np.square(real.mean(0) - fake.mean(0)).sum() + spread(real, fake) - 2 * root
    np.testing.assert_allclose(frechet_distance(real, fake), expected, rtol=1e-9)


def test_columns_of_zeros_change_nothing_though_they_change_the_route():
    real, fake = gaussian(30, 6, 1), gaussian(25, 6, 2)
    axes = rotation(50)
    wide = (np.pad(x, ((0, 0), (0, 44))) @ axes for x in (real, fake))
    np.testing.assert_allclose(
        frechet_distance(*wide), frechet_distance(real, fake), rtol=1e-9, atol=0
    )


def test_singular_covariances_have_a_closed_form():
    line = np.array([-1.0, 1.0, -1.0, 1.0])[:, None] * np.sqrt(3 / 4)  # of variance 1
    east, north = np.array([[2.0, 0, 0]]), np.array([[0, 3.0, 0]])
    np.testing.assert_allclose(frechet_distance(line * east, line * north), 4 + 9)
    np.testing.assert_allclose(frechet_distance(line * east, line * east * 2.5), (5 - 2) ** 2)
    constant = np.ones((4, 3))
    np.testing.assert_allclose(frechet_distance(line * east, constant), 4 + 3)
    assert frechet_distance(constant, constant) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "features",
    [
        gaussian(300, 20, 1),
        gaussian(300, 60, 1, rank=3),
        gaussian(15, 80, 1),
        1000 + gaussian(300, 20, 1),
        np.repeat(gaussian(7, 20, 1), 30, axis=0),
        gaussian(300, 20, 1) * np.logspace(-9, 3, 20),
    ],
    ids=["full", "low rank", "few rows", "offset", "copies", "nearly singular"],
)
def test_identical_sets_are_0_apart(features, dtype):
    features = features.astype(dtype)
    same = frechet_distance(features, features.copy())
    assert 0 <= same <= 1e-6 * spread(features)
    shuffled = np.random.default_rng(0).permutation(features)
    assert 0 <= frechet_distance(features, shuffled) <= 1e-6 * spread(features)


def test_symmetric_and_invariant_under_common_rotation_and_translation():
    for count in (10, 200):
        real, fake = gaussian(count, 16, 1), gaussian(count + 5, 16, 2)
        value = frechet_distance(real, fake)
        axes, shift = rotation(16), RNG.normal(size=16)
        np.testing.assert_allclose(frechet_distance(fake, real), value, rtol=1e-9)
        moved = frechet_distance(real @ axes + shift, fake @ axes + shift)
        np.testing.assert_allclose(moved, value, rtol=1e-9)
        np.testing.assert_allclose(frechet_distance(3 * real, 3 * fake), 9 * value, rtol=1e-9)


@pytest.mark.parametrize("counts", [(200, 150), (9, 150), (9, 7)])
def test_moments_hold_all_that_the_distance_needs(counts, monkeypatch):
    monkeypatch.setattr(frechet, "CHUNK", 7)
    real, fake = (gaussian(n, 20, n).astype(np.float32) for n in counts)
    fitted = moments(real)
    np.testing.assert_allclose(fitted.mean, real.mean(0, dtype=float), rtol=1e-12)
    np.testing.assert_allclose(fitted.covariance, np.cov(real.astype(float).T), atol=1e-12)
    assert fitted.rows == counts[0]
    np.testing.assert_allclose(
        frechet_distance_of(fitted, moments(fake)), frechet_distance(real, fake), rtol=1e-7
    )


def test_more_noise_is_farther():
    images = load_digits().data / 16
    noise = RNG.normal(size=images[900:].shape)
    scores = [frechet_distance(images[:900], images[900:] + s * noise) for s in (0, 0.1, 0.2, 0.4)]
    assert (np.diff(scores) > 0).all()


def test_an_overflow_is_not_taken_for_a_perfect_score():
    huge = np.array([[1e200], [-1e200], [3e200]])
    with np.errstate(over="ignore", invalid="ignore"):
        assert np.isnan(frechet_distance(huge, huge))


def test_refused_inputs():
    good = gaussian(10, 4, 1)
    for bad in (np.nan, np.inf):
        broken = good.copy()
        broken[3, 1] = bad
        with pytest.raises(InputError, match=r"fake of shape \(10, 4\) with NaN or infinity in 1 "):
            frechet_distance(good, broken)
    with pytest.raises(InputError, match=r"fake of shape \(10, 3\) and real of shape \(10, 4\)"):
        frechet_distance(good, good[:, :3])
    with pytest.raises(InputError, match=r"fake .*\(1, 4\).* 2 rows or more. .*--samples 10000"):
        frechet_distance(good, good[:1])
    with pytest.raises(InputError, match=r"real of shape \(1, 4\).*2 rows or more. Take more"):
        frechet_distance(good[:1], good)
    with pytest.raises(InputError, match=r"features of shape \(1, 4\)"):
        moments(good[:1])
    with pytest.raises(InputError, match=r"\(2, 2, 4\), float64: .* expects floats \(n, d\)"):
        frechet_distance(good, good[:4].reshape(2, 2, 4))
    with pytest.raises(InputError, match=r"uint8: .*Convert and flatten"):
        frechet_distance(np.zeros((4, 3), np.uint8), np.zeros((4, 3), np.uint8))
    with pytest.raises(InputError, match=r"\(4, 4\) and \(3, 3\): .* one shape"):
        frechet_distance_of(moments(good), moments(good[:, :3]))
