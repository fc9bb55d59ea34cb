"""What each metric computes: see `Metric.compute`."""

from kgan.metrics.checks import checked
from kgan.metrics.classes import as_many, class_accuracy, class_recall
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
    checked("the 5 nearest neighbours", 6, fake=fake)  # before the real ones are as few
    real, fake = as_many(real, fake)
    found = manifold_scores(real, fake, k=5)
    how = {"k": 5, "n": len(fake), "n_reference": len(real)}
    return {name: {"value": value, **how} for name, value in found.items()}


def classifier_score(real, fake):
    found = inception_score(fake)
    how = {"standard_deviation": found["standard_deviation"], "splits": 10, "n_reference": None}
    return {"classifier_score": {"value": found["mean"], **how}}


def accuracy(real, fake):
    return {"class_accuracy": {**class_accuracy(*fake), "n_reference": None}}


def recall(real, fake):
    found = class_recall(*real, *fake, k=5)
    count = sum(found["n_by_class"].values())
    return {"class_recall": {**found, "k": 5, "n": count, "n_reference": count}}


def parzen(real, fake):
    found = parzen_log_likelihood(fake, real["validation"], real["test"])
    how = {
        "standard_error": found["standard_error"],
        "sigma": found["sigma"],
        "n_validation": len(real["validation"]),
        "n_reference": len(real["test"]),
    }
    return {"parzen": {"value": found["mean"], **how}}
