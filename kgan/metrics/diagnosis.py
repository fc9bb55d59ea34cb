"""What a discriminator's logits and a generator's samples tell of a training."""

import numpy as np


def overfitting(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> float:
    """Returns how much of its verdict a discriminator has learnt by heart.

    (E[D(train)] - E[D(held out)]) / (E[D(train)] - E[D(fake)]) of logits (Karras et al. 2020,
    equation 1): 0 where images that it has not trained on are as real to it as those that it has, 1
    where they are no more real than generated ones. 0 where it tells nothing apart.

    Args:
        train: Logits `(n,)` of training images.
        held_out: The same of others.
        fake: The same of generated images.
    """
    real = train.mean()
    told_apart = real - fake.mean()
    return float((real - held_out.mean()) / told_apart) if told_apart > 0 else 0.0


def accuracy(real: np.ndarray, fake: np.ndarray) -> float:
    """Returns how often a real image has a larger logit than a generated one, ties half.

    The area under the ROC curve: it needs no threshold, which a relativistic discriminator has not.

    Args:
        real: Logits `(n,)`.
        fake: The same `(m,)`.
    """
    order = np.sort(fake)
    below = np.searchsorted(order, real, "left") + np.searchsorted(order, real, "right")
    return float(below.mean() / (2 * len(fake)))


def diversity(samples: np.ndarray, real: np.ndarray) -> float:
    """Returns the variance among samples by that among real examples: near 0 of a collapse.

    1 where the real examples are all alike.

    Args:
        samples: `(n, ...)`.
        real: The same of real ones.
    """

    def variance(values):
        return np.var(values.reshape(len(values), -1).astype(np.float64), axis=0).sum()

    among_real = variance(real)
    return float(variance(samples) / among_real) if among_real else 1.0
