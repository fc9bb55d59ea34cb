"""Scores: NumPy arrays in, numbers out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kgan.errors import unknown
from kgan.metrics.checks import checked
from kgan.metrics.frechet import frechet_distance
from kgan.metrics.inception_score import inception_score
from kgan.metrics.kernel import kernel_distance
from kgan.metrics.neighbours import manifold_scores
from kgan.metrics.parzen import parzen_log_likelihood

SUBSET_SEED = 0


@dataclass(frozen=True)
class Metric:
    """One computation, and the scores that come of it.

    Attributes:
        scores: Their names, and whether more is better.
        needs: "features", "probabilities" or "pixels".
        compute: From what is needed of real and of generated images to a dictionary for each
            score: "value", "standard_error" where there is one, and what else decides it.
    """

    scores: dict[str, bool]
    needs: str
    compute: Callable


def _fid(real, fake):
    return {"fid": {"value": frechet_distance(real, fake)}}


def _kid(real, fake):
    found = kernel_distance(real, fake)
    size = min(1000, len(real), len(fake))
    how = {"standard_error": found["standard_error"], "blocks": 100, "block_size": size}
    return {"kid": {"value": found["mean"], **how}}


def _manifold(real, fake):
    # As many of each: more real images would make their balls smaller, and coverage with them.
    checked("the 5 nearest neighbours", 6, fake=fake)  # before the real ones are as few
    count = min(len(real), len(fake))
    rng = np.random.default_rng(SUBSET_SEED)
    real, fake = (
        x if len(x) == count else x[np.sort(rng.choice(len(x), count, replace=False))]
        for x in (real, fake)
    )
    found = manifold_scores(real, fake, k=5)
    how = {"k": 5, "n": count, "n_reference": count}
    return {name: {"value": value, **how} for name, value in found.items()}


def _classifier_score(real, fake):
    found = inception_score(fake)
    how = {"standard_deviation": found["standard_deviation"], "splits": 10, "n_reference": None}
    return {"classifier_score": {"value": found["mean"], **how}}


def _parzen(real, fake):
    found = parzen_log_likelihood(fake, real["validation"], real["test"])
    how = {
        "standard_error": found["standard_error"],
        "sigma": found["sigma"],
        "n_validation": len(real["validation"]),
        "n_reference": len(real["test"]),
    }
    return {"parzen": {"value": found["mean"], **how}}


METRICS = {
    "fid": Metric({"fid": False}, "features", _fid),
    "kid": Metric({"kid": False}, "features", _kid),
    "manifold": Metric(
        {"precision": True, "recall": True, "density": True, "coverage": True},
        "features",
        _manifold,
    ),
    "classifier_score": Metric({"classifier_score": True}, "probabilities", _classifier_score),
    "parzen": Metric({"parzen": True}, "pixels", _parzen),
}


def metric_of(score: str) -> str:
    """Returns the metric that a score, such as "precision", comes of.

    Raises:
        InputError: There is no such score.
    """
    for name, metric in METRICS.items():
        if score in metric.scores:
            return name
    raise unknown("score", score, [score for metric in METRICS.values() for score in metric.scores])
