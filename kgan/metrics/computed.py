"""What each metric computes: see `Metric.compute`."""

import numpy as np

from kgan.metrics import SUBSET_SEED
from kgan.metrics.checks import checked
from kgan.metrics.frechet import frechet_distance
from kgan.metrics.inception_score import inception_score
from kgan.metrics.kernel import kernel_distance
from kgan.metrics.neighbours import manifold_scores
from kgan.metrics.parzen import parzen_log_likelihood


def fid(real, fake):
    return {"fid": {"value": frechet_distance(real, fake)}}


def kid(real, fake):
    found = kernel_distance(real, fake)
    size = min(1000, len(real), len(fake))
    how = {"standard_error": found["standard_error"], "blocks": 100, "block_size": size}
    return {"kid": {"value": found["mean"], **how}}


def manifold(real, fake):
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


def classifier_score(real, fake):
    found = inception_score(fake)
    how = {"standard_deviation": found["standard_deviation"], "splits": 10, "n_reference": None}
    return {"classifier_score": {"value": found["mean"], **how}}


def parzen(real, fake):
    found = parzen_log_likelihood(fake, real["validation"], real["test"])
    how = {
        "standard_error": found["standard_error"],
        "sigma": found["sigma"],
        "n_validation": len(real["validation"]),
        "n_reference": len(real["test"]),
    }
    return {"parzen": {"value": found["mean"], **how}}
