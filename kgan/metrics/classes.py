"""What became of the classes that were asked for: whether each is recognised, and how varied."""

from collections.abc import Sequence

import numpy as np

from kgan.errors import InputError
from kgan.metrics import SUBSET_SEED
from kgan.metrics.checks import checked
from kgan.metrics.neighbours import manifold_scores

NEIGHBOURS = 5


class TooFewError(InputError):
    """No class has enough images for its neighbours."""


def class_accuracy(probabilities: np.ndarray, labels: np.ndarray) -> dict:
    """Returns how many images a classifier recognises as the class that was asked for.

    As in the supplement of Odena et al. 2017, Conditional image synthesis with auxiliary
    classifier GANs, whose classifier was Inception.

    Args:
        probabilities: `(n, classes)` floats, of generated images.
        labels: Integers `(n,)` in [0, classes), which were asked for.

    Returns:
        "value", the share of the images; "by_class", those of each class's own, and "n_by_class",
        how many it has: both by class, the classes without any left out.

    Raises:
        InputError: No rows, NaN, infinity, or labels of another number or range.
    """
    (probabilities,) = checked("the accuracy of classes", 1, probabilities=probabilities)
    labels = _checked_labels(labels, len(probabilities), probabilities.shape[1])
    right = probabilities.argmax(axis=1) == labels
    present = [int(label) for label in np.unique(labels)]
    return {
        "value": float(right.mean()),
        "by_class": {label: float(right[labels == label].mean()) for label in present},
        "n_by_class": {label: int((labels == label).sum()) for label in present},
    }


def class_recall(
    real: np.ndarray,
    real_labels: np.ndarray,
    fake: np.ndarray,
    fake_labels: np.ndarray,
    k: int = NEIGHBOURS,
) -> dict:
    """Returns how much of each class's real images its generated images reach.

    The recall of Kynkaanniemi et al. 2019, equation 2, within each class: see `manifold_scores`.
    Real and generated images are as many as each other, a subset where there are more.

    Args:
        real: `(n, d)` floats.
        real_labels: Integers `(n,)` from 0.
        fake: `(m, d)` floats.
        fake_labels: Integers `(m,)` from 0, which were asked for.
        k: Which neighbour, from 1.

    Returns:
        "value", the mean over the classes; "by_class", the recall of each; "n_by_class", of how
        many images of either kind; "left_out", the classes with k images or fewer of one kind.

    Raises:
        TooFewError: No class has enough images.
        InputError: As of `manifold_scores`, or labels of another number or range.
    """
    real_labels = _checked_labels(real_labels, len(real))
    fake_labels = _checked_labels(fake_labels, len(fake))
    enough = of_enough(real_labels, fake_labels, k)
    values, counts = {}, {}
    for label in enough:
        some, others = as_many(real[real_labels == label], fake[fake_labels == label])
        values[label] = manifold_scores(some, others, k)["recall"]
        counts[label] = len(some)
    left_out = np.setdiff1d(np.union1d(real_labels, fake_labels), enough).tolist()
    if not values:
        raise TooFewError(
            f"No class has {k + 1} or more generated images, and as many real ones: class_recall "
            f"expects that of the {k} nearest neighbours. Draw more: --samples 10000."
        )
    mean = float(np.mean(list(values.values())))
    return {"value": mean, "by_class": values, "n_by_class": counts, "left_out": left_out}


def of_enough(real_labels: np.ndarray, fake_labels: np.ndarray, k: int = NEIGHBOURS) -> list[int]:
    """Returns the classes with more than k images of either kind, as `class_recall` takes them.

    Args:
        real_labels: Integers `(n,)` from 0.
        fake_labels: Integers `(m,)` from 0.
        k: Which neighbour, from 1.
    """
    present = np.intersect1d(real_labels, fake_labels).tolist()
    parts = (real_labels, fake_labels)
    return [n for n in present if min((labels == n).sum() for labels in parts) > k]


def by_name(value: dict, names: Sequence[str]) -> dict:
    """Returns what `class_accuracy` or `class_recall` does, with "worst" and classes by name.

    Args:
        value: Of one of them.
        names: One a class.
    """
    found = {**value, "worst": names[min(value["by_class"], key=value["by_class"].get)]}
    for key in ("by_class", "n_by_class"):
        found[key] = {names[label]: number for label, number in value[key].items()}
    if "left_out" in value:
        found["left_out"] = [names[label] for label in value["left_out"]]
    return found


def as_many(real: np.ndarray, fake: np.ndarray) -> list[np.ndarray]:
    """Returns as many rows of each, always the same: more would make a set's balls smaller."""
    count = min(len(real), len(fake))
    rng = np.random.default_rng(SUBSET_SEED)
    return [
        x if len(x) == count else x[np.sort(rng.choice(len(x), count, replace=False))]
        for x in (real, fake)
    ]


def _checked_labels(labels: np.ndarray, count: int, classes: int | None = None) -> np.ndarray:
    labels = np.asarray(labels)
    expected = f"integers ({count},) {'from 0' if classes is None else f'in [0, {classes})'}"
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise InputError(
            f"Received labels {labels.dtype} {labels.shape}: expected {expected}, one an image."
        )
    if count and (labels.min() < 0 or (classes is not None and labels.max() >= classes)):
        raise InputError(
            f"Received labels from {labels.min()} to {labels.max()}: expected {expected}."
        )
    return labels
