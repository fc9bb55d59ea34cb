"""How near reconstructions are to their images, and what linear codes reach.

Every function takes images `(n, height, width, channels)`, uint8 or floats in [0, 1], as anything
that has a shape and is read by slices: an array, a memory map, a lazy view. They are read a chunk
at a time.
"""

from collections.abc import Iterator

import numpy as np

from kgan.errors import InputError

MAX_PSNR = 100.0  # dB
WINDOW = 7
MAX_TRAIN = 50_000
MAX_EXACT = 4_096
MAX_ELEMENTS = 2**28  # of the training matrix: 1 GiB of float32
CHUNK = 1_000


def mse(images, reconstructions) -> float:
    """Returns the mean squared error over all elements, in the units of a range [0, 1]."""
    return float(_errors(images, reconstructions).mean())


def psnr(images, reconstructions) -> float:
    """Returns the mean over the images of 10 log10(1 / mse of the image), in dB.

    An image counts at most 100 dB, which a mean squared error of 1e-10 gives: an identical image
    has no finite ratio.
    """
    return _mean_psnr(_errors(images, reconstructions))


def ssim(images, reconstructions) -> float:
    """Returns the mean structural similarity (Wang et al. 2004, equation 13), at most 1.

    scikit-image's: a uniform window of 7x7, on smaller images the largest odd one that fits, and
    the mean over the channels.

    Raises:
        InputError: Other shapes, or images smaller than 3x3.
    """
    from skimage.metrics import structural_similarity

    _check_same_shape(images, reconstructions)
    side = min(images.shape[1:3]) if len(images.shape) == 4 else 0
    if side < 3:
        raise InputError(
            f"Received images of {tuple(images.shape[1:])}: structural similarity expects "
            "(height, width, channels) of 3x3 or more. Leave it out."
        )
    window = min(WINDOW, side - 1 + side % 2)
    total = sum(
        structural_similarity(image, other, win_size=window, data_range=1, channel_axis=-1)
        for (_, chunk), (_, others) in zip(_chunks(images), _chunks(reconstructions), strict=True)
        # Variances as differences of squares need float64.
        for image, other in zip(chunk.astype(float), others.astype(float), strict=True)
    )
    return float(total / len(images))


def quality(images, reconstructions) -> dict[str, float]:
    """Returns `mse`, `psnr` and `ssim`, by name."""
    errors = _errors(images, reconstructions)
    return {
        "mse": float(errors.mean()),
        "psnr": _mean_psnr(errors),
        "ssim": ssim(images, reconstructions),
    }


def pca_reconstruction(train, test, code_size: int) -> tuple[np.ndarray, bool]:
    """Returns what the best linear code of `code_size` numbers keeps of the test images.

    Principal components (Pearson 1901) of the first 50,000 training images, by scikit-learn, from
    the eigenvectors of the covariance of the pixels. Above 4,096 elements an image the components
    are approximate (Halko et al. 2011), with a fixed seed, and the training images are further
    limited to 1 GiB of float32, but not to fewer than `code_size`.

    Args:
        train: Training images, 2 or more.
        test: Images of the same shape.
        code_size: Numbers a code, from 1. No more are used than there are images or elements.

    Returns:
        float32, the shape of `test`, not clipped to [0, 1]; and whether the components are exact.

    Raises:
        InputError: Too few images, images of two shapes, or a code without numbers.
    """
    _check_one_shape(train, test)
    dim = int(np.prod(train.shape[1:]))
    exact = dim <= MAX_EXACT
    rows = min(len(train), MAX_TRAIN)
    if not exact:
        rows = min(rows, max(MAX_ELEMENTS // dim, code_size, 2))
    pca, mean, _ = principal_components(train, code_size, rows, exact)
    result = np.empty(test.shape, np.float32)
    for start, chunk in _chunks(test):
        codes = pca.transform((chunk - mean).reshape(len(chunk), dim))
        decoded = pca.inverse_transform(codes).reshape(chunk.shape)
        result[start : start + len(chunk)] = decoded + mean
    return result, exact


def principal_components(train, count: int, rows: int, exact: bool):
    """Returns the principal components of the first training images less their mean.

    Args:
        train: Training images, 2 or more.
        count: How many, from 1. No more are found than there are images or elements.
        rows: Images to take, from 2.
        exact: From the eigenvectors of the covariance, or approximate, with a fixed seed.

    Returns:
        A fitted `sklearn.decomposition.PCA`; the mean image, float32; the elements' variances in
        all, divided by `rows`.

    Raises:
        InputError: Too few images, or a code without numbers.
    """
    from sklearn.decomposition import PCA

    if count < 1:
        raise InputError(f"code_size is {count}: expected 1 or more.")
    if len(train) < 2:
        raise InputError("Received 1 training image: principal components expect 2 or more.")
    dim = int(np.prod(train.shape[1:]))
    # scikit-learn subtracts the mean from the second moments: in float32 that needs a small mean.
    mean = _mean(train, rows)
    matrix, total = np.empty((rows, dim), np.float32), 0.0
    for start, chunk in _chunks(train, rows):
        part = matrix[start : start + len(chunk)]
        part[:] = (chunk - mean).reshape(len(chunk), dim)
        total += np.square(part).sum(dtype=np.float64) / rows
    solver = "covariance_eigh" if exact else "randomized"
    pca = PCA(min(count, rows, dim), svd_solver=solver, copy=False, random_state=0).fit(matrix)
    return pca, mean, total


def mean_image_reconstruction(train, test) -> np.ndarray:
    """Returns the mean training image for every test image: the code without numbers.

    Returns:
        float32, the shape of `test`; a view of one image, not to be written to.

    Raises:
        InputError: No images, or images of two shapes.
    """
    _check_one_shape(train, test)
    return np.broadcast_to(_mean(train, len(train)), test.shape)


def _mean(images, count: int) -> np.ndarray:
    """Returns the mean of the first `count` images, float32."""
    total = sum(chunk.sum(axis=0, dtype=np.float64) for _, chunk in _chunks(images, count))
    return (total / count).astype(np.float32)


def _errors(images, reconstructions) -> np.ndarray:
    """Returns each image's mean squared error, float64 `(n,)`."""
    _check_same_shape(images, reconstructions)
    pairs = zip(_chunks(images), _chunks(reconstructions), strict=True)
    return np.concatenate(
        [
            np.square(chunk - other).reshape(len(chunk), -1).mean(axis=1, dtype=np.float64)
            for (_, chunk), (_, other) in pairs
        ]
    )


def _mean_psnr(errors: np.ndarray) -> float:
    return float(-10 * np.log10(np.maximum(errors, 10 ** (-MAX_PSNR / 10))).mean())


def _chunks(images, stop: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
    """Yields where each chunk of the first `stop` images begins, and it as float32 in [0, 1]."""
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise InputError(
            f"Received images of {images.dtype}: expected uint8 or floats in [0, 1]. Convert them."
        )
    stop = len(images) if stop is None else stop
    for start in range(0, stop, CHUNK):
        chunk = np.asarray(images[start : min(start + CHUNK, stop)])
        scale = 255 if chunk.dtype == np.uint8 else 1
        yield start, chunk.astype(np.float32) / np.float32(scale)


def _check_same_shape(images, reconstructions) -> None:
    if images.shape != reconstructions.shape:
        raise InputError(
            f"Received images {tuple(images.shape)} and reconstructions "
            f"{tuple(reconstructions.shape)}: expected one reconstruction of each image."
        )
    _check_one_shape(images, reconstructions)


def _check_one_shape(train, test) -> None:
    if not len(train) or not len(test):
        raise InputError("Received no images: expected 1 or more.")
    if train.shape[1:] != test.shape[1:]:
        raise InputError(
            f"Received training images of {tuple(train.shape[1:])} and test images of "
            f"{tuple(test.shape[1:])}: expected one shape."
        )
