"""Of data whose modes are known: how many of them a generator reaches."""

from typing import Any

import numpy as np

from kgan.data import DATASETS, stacked_digits
from kgan.data.examples import Examples
from kgan.metrics.features import find
from kgan.metrics.mixture import mixture_coverage
from kgan.metrics.modes import mode_coverage
from kgan.runs.scores import scored

POINT_SAMPLES = 2500
STACKED_SAMPLES = 26_000
CLASSIFIER = "mnist-cnn"


def modes_reached(model: Any, data: Examples, step: int) -> list[dict]:
    """Returns the scores of a GAN of KGAN's mixtures or stacked digits, of other data none.

    Args:
        model: As of `kgan.GAN`.
        data: What it was trained on.
        step: Of it.
    """
    from kgan.data.toy import MIXTURES

    # The components of the whole set, which are known.
    about = {"dataset": data.name, "step": step, "split": "all"}
    if data.name == stacked_digits.NAME and data.image_shape == (28, 28, 3):
        found = mode_coverage(digits_read(model.sample(range(STACKED_SAMPLES))), 1000)
        return scored(found, n=STACKED_SAMPLES, classifier=CLASSIFIER, **about)
    for name, mixture in MIXTURES.items() if not data.space.is_image else ():
        known = set(map(bytes, DATASETS[name].load().images))
        if known.issuperset(map(bytes, data.images[:])):
            found = mixture_coverage(model.sample(range(POINT_SAMPLES)), *mixture)
            return scored(found, mixture=name, n=POINT_SAMPLES, **about)
    return []


def digits_read(images: np.ndarray) -> np.ndarray:
    """Returns the numbers that stacked digits spell, as the classifier reads their channels.

    Args:
        images: uint8 `(n, 28, 28, 3)`.

    Returns:
        int64 `(n,)`, from 0 to 999.
    """
    classifier, numbers = find(CLASSIFIER), np.zeros(len(images), np.int64)
    for channel in range(stacked_digits.DIGITS):
        probabilities = classifier(images[..., channel : channel + 1]).probabilities
        assert probabilities is not None, "it tells classes"
        numbers = 10 * numbers + probabilities.argmax(1)
    return numbers
