"""Scores of reconstructions, recomputed, and linear codes against the singular values."""

import numpy as np
import pytest

from kgan.errors import InputError
from kgan.metrics import reconstruction
from kgan.metrics.reconstruction import (
    mean_image_reconstruction,
    mse,
    pca_reconstruction,
    psnr,
    quality,
    ssim,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (20, 9, 8, 3), np.uint8)
OTHERS = RNG.integers(0, 256, (20, 9, 8, 3), np.uint8)


class Lazy:
    """Has a shape and is read by slices, and only by slices."""

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self):
        return len(self._array)

    def __getitem__(self, index):
        assert isinstance(index, slice)
        return self._array[index]


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(reconstruction, "CHUNK", 7)


def low_rank(count, shape=(6, 5, 2), seed=0):
    """Images in [0, 1] with a decaying spectrum."""
    rng = np.random.default_rng(seed)
    dim = int(np.prod(shape))
    basis = np.random.default_rng(9).normal(size=(dim, dim)) * 0.8 ** np.arange(dim)
    values = 0.5 + 0.03 * rng.normal(size=(count, dim)) @ basis.T
    return np.clip(values, 0, 1).astype(np.float32).reshape(count, *shape)


def test_mse_and_psnr_of_bytes(small_chunks):
    errors = ((IMAGES / 255 - OTHERS / 255) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(mse(IMAGES, OTHERS), errors.mean(), rtol=1e-6)
    np.testing.assert_allclose(psnr(IMAGES, OTHERS), (-10 * np.log10(errors)).mean(), rtol=1e-6)


def test_psnr_of_known_noise():
    images = np.full((3, 40, 50, 1), 0.5)
    for std in (0.1, 0.01):
        noisy = images + std * RNG.normal(size=images.shape)
        np.testing.assert_allclose(psnr(images, noisy), -20 * np.log10(std), atol=0.3)
        np.testing.assert_allclose(psnr(images, images + std), -20 * np.log10(std), rtol=1e-5)


def test_identical_images():
    assert quality(IMAGES, IMAGES) == {"mse": 0.0, "psnr": 100.0, "ssim": pytest.approx(1.0)}


def test_one_identical_image_counts_a_hundred_decibels():
    half = IMAGES.copy()
    half[1:] = OTHERS[1:]
    np.testing.assert_allclose(psnr(IMAGES, half) * 20, psnr(IMAGES[1:], OTHERS[1:]) * 19 + 100)


def test_ssim_of_constant_images_is_its_luminance_term():
    light, dark = np.full((2, 9, 9, 1), 0.8), np.full((2, 9, 9, 1), 0.2)
    c1 = 0.01**2
    expected = (2 * 0.8 * 0.2 + c1) / (0.8**2 + 0.2**2 + c1)
    np.testing.assert_allclose(ssim(light, dark), expected, rtol=1e-5)


def test_ssim_is_the_mean_of_scikit_image(small_chunks):
    from skimage.metrics import structural_similarity

    for size, window in ((8, 7), (7, 7), (6, 5), (4, 3), (3, 3)):
        one, other = IMAGES[:, :size, :size], OTHERS[:, :size, :size]
        expected = [
            structural_similarity(a, b, win_size=window, data_range=255, channel_axis=-1)
            for a, b in zip(one, other, strict=True)
        ]
        np.testing.assert_allclose(ssim(one, other), np.mean(expected), atol=1e-6)


def test_ssim_of_too_small_images_and_of_points():
    for images in (IMAGES[:, :2], IMAGES[:, 0, 0]):
        with pytest.raises(InputError, match="3x3 or more"):
            ssim(images, images)


def test_quality_holds_all_three_as_floats():
    scores = quality(IMAGES, OTHERS)
    expected = {"mse": mse, "psnr": psnr, "ssim": ssim}
    assert scores == {name: score(IMAGES, OTHERS) for name, score in expected.items()}
    assert all(type(score) is float for score in scores.values())


def test_bytes_equal_floats_and_arrays_equal_what_is_read_by_slices(small_chunks, tmp_path):
    scores = quality(IMAGES, OTHERS)
    floats = (IMAGES / 255).astype(np.float32)
    assert quality(floats, OTHERS) == pytest.approx(scores)
    np.save(tmp_path / "images.npy", IMAGES)
    assert quality(np.load(tmp_path / "images.npy", mmap_mode="r"), Lazy(OTHERS)) == scores
    for function in (mean_image_reconstruction, lambda *x: pca_reconstruction(*x, 3)[0]):
        np.testing.assert_array_equal(
            function(Lazy(IMAGES), Lazy(OTHERS)), function(IMAGES, OTHERS)
        )


@pytest.mark.parametrize("score", [mse, psnr, ssim, quality])
def test_refused_inputs(score):
    with pytest.raises(InputError, match=r"\(20, 9, 8, 3\).*\(19, 9, 8, 3\).*one reconstruction"):
        score(IMAGES, OTHERS[:19])
    with pytest.raises(InputError, match="one reconstruction"):
        score(IMAGES, OTHERS[..., :1])
    with pytest.raises(InputError, match="no images"):
        score(IMAGES[:0], OTHERS[:0])
    with pytest.raises(InputError, match="int64: expected uint8 or floats"):
        score(IMAGES.astype(np.int64), OTHERS.astype(np.int64))


@pytest.mark.parametrize("brightness", [0.0, 20.0])
def test_pca_is_the_truncated_singular_value_decomposition(small_chunks, brightness):
    # Bright images of little contrast lose their components where the mean is not removed first.
    train, test = low_rank(200) + brightness, low_rank(30, seed=1) + brightness
    flat = train.reshape(200, -1).astype(np.float64)
    mean = flat.mean(axis=0)
    components = np.linalg.svd(flat - mean, full_matrices=False)[2]
    for code_size in (1, 5, 20):
        kept = components[:code_size]
        expected = (test.reshape(30, -1) - mean) @ kept.T @ kept + mean
        actual, exact = pca_reconstruction(train, test, code_size)
        assert exact
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected.reshape(test.shape), atol=1e-5)


def test_pca_loses_the_discarded_eigenvalues():
    train = low_rank(300)
    eigenvalues = np.linalg.eigvalsh(np.cov(train.reshape(300, -1).T, bias=True))[::-1]
    for code_size in (1, 4, 16):
        lost = mse(train, pca_reconstruction(train, train, code_size)[0])
        np.testing.assert_allclose(lost, eigenvalues[code_size:].sum() / 60, rtol=1e-4)


def test_pca_is_no_worse_than_other_projections_and_better_with_every_number():
    train = low_rank(300)
    flat = train.reshape(300, -1)
    mean = flat.mean(axis=0)
    errors = [mse(train, pca_reconstruction(train, train, size)[0]) for size in range(1, 60)]
    assert (np.diff(errors) < 0).all()
    assert mse(train, mean_image_reconstruction(train, train)) > errors[0]
    for size in (1, 10, 40):
        basis = np.linalg.qr(RNG.normal(size=(60, size)))[0]
        projected = ((flat - mean) @ basis @ basis.T + mean).reshape(train.shape)
        assert mse(train, projected) > errors[size - 1]


def test_codes_as_large_as_the_rank_are_exact():
    train, test = low_rank(100), low_rank(10, seed=1)
    for code_size in (60, 1000):
        np.testing.assert_allclose(pca_reconstruction(train, test, code_size)[0], test, atol=1e-5)
    few = train[:8]
    for code_size in (7, 8, 9):
        np.testing.assert_allclose(pca_reconstruction(few, few, code_size)[0], few, atol=1e-5)


def test_pca_of_large_images_is_approximate_repeatable_and_near(monkeypatch):
    train, test = low_rank(200), low_rank(30, seed=1)
    best, _ = pca_reconstruction(train, test, 10)
    monkeypatch.setattr(reconstruction, "MAX_EXACT", 59)
    near, exact = pca_reconstruction(train, test, 10)
    assert not exact
    np.testing.assert_allclose(near, best, atol=0.02)
    np.testing.assert_array_equal(near, pca_reconstruction(train, test, 10)[0])


def test_pca_learns_from_the_first_rows_only(monkeypatch):
    train, test = low_rank(200), low_rank(30, seed=1)
    monkeypatch.setattr(reconstruction, "MAX_TRAIN", 90)
    np.testing.assert_array_equal(
        pca_reconstruction(train, test, 5)[0], pca_reconstruction(train[:90], test, 5)[0]
    )
    monkeypatch.setattr(reconstruction, "MAX_EXACT", 59)
    monkeypatch.setattr(reconstruction, "MAX_ELEMENTS", 60 * 40)
    np.testing.assert_array_equal(
        pca_reconstruction(train, test, 5)[0], pca_reconstruction(train[:40], test, 5)[0]
    )


def test_the_mean_image():
    mean = mean_image_reconstruction(IMAGES, OTHERS[:4])
    assert (mean.shape, mean.dtype) == ((4, 9, 8, 3), np.float32)
    np.testing.assert_allclose(mean, np.tile(IMAGES.mean(0) / 255, (4, 1, 1, 1)), rtol=1e-6)


def test_refused_training_sets():
    for function in (mean_image_reconstruction, lambda *x: pca_reconstruction(*x, 3)):
        with pytest.raises(InputError, match=r"\(9, 8, 3\) and test images of \(9, 8, 1\)"):
            function(IMAGES, OTHERS[..., :1])
        with pytest.raises(InputError, match="no images"):
            function(IMAGES[:0], OTHERS)
    with pytest.raises(InputError, match="2 or more"):
        pca_reconstruction(IMAGES[:1], OTHERS, 3)
    with pytest.raises(InputError, match="code_size is 0"):
        pca_reconstruction(IMAGES, OTHERS, 0)
