"""Scores against the digits: what they are computed from, and the conditions they carry."""

import dataclasses

import numpy as np
import pytest

import kgan
from kgan.errors import InputError
from kgan.metrics import METRICS, SUBSET_SEED, features, metric_of
from kgan.metrics.frechet import frechet_distance
from kgan.metrics.inception_score import inception_score
from kgan.metrics.kernel import kernel_distance
from kgan.metrics.neighbours import manifold_scores
from kgan.metrics.parzen import parzen_log_likelihood
from kgan.metrics.reference import Data, Labels
from kgan.metrics.scores import Scorer, applicable, pixels

PLAIN = [name for name, metric in METRICS.items() if not metric.labels]
OF_CLASSES = [name for name, metric in METRICS.items() if metric.labels]
SPREADS = (0, 40, 80, 160)


@pytest.fixture(scope="module")
def data():
    parts = kgan.split("digits")
    images = (part.images for part in (parts.train, parts.validation, parts.test))
    labels = (part.labels for part in (parts.train, parts.validation, parts.test))
    return Data("digits", *images, Labels(parts.train.class_names, *labels))


@pytest.fixture(scope="module")
def network():
    return features.find("digits-cnn")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="module")
def scorer(data, network, cache):
    return Scorer(data, network, PLAIN, cache=cache)


@pytest.fixture(scope="module")
def test_scorer(data, network, cache):
    return Scorer(data, network, PLAIN, split="test", cache=cache)


@pytest.fixture(scope="module")
def drawn(data):
    """200 images: digits with noise."""
    return noisy(np.asarray(data.test[:200]), 60)


@pytest.fixture(scope="module")
def scored(scorer, drawn):
    return by_name(scorer.score(scorer.see(drawn), "0-199", "float32", source="run"))


def noisy(images, spread):
    noise = np.random.default_rng(1).normal(scale=spread, size=images.shape)
    return np.clip(np.round(images + noise), 0, 255).astype(np.uint8)


def by_name(found):
    names = [score["name"].partition("[")[0] for score in found]
    assert len(set(names)) == len(names)
    return dict(zip(names, found, strict=True))


def subset(rows, count):
    chosen = np.random.default_rng(SUBSET_SEED).choice(len(rows), count, replace=False)
    return rows[np.sort(chosen)]


@pytest.fixture(scope="module")
def known(data, network):
    """Features of the reference of each split."""
    train = np.concatenate([data.train[:], data.validation[:]])
    return {"train": network(train).features, "test": network(data.test).features}


def test_scores_are_the_bare_functions_of_the_networks_features(scored, known, network, drawn):
    real, seen = known["train"], network(drawn)
    distance, score = (
        kernel_distance(real, seen.features),
        inception_score(seen.probabilities),
    )
    expected = {
        "fid": {"value": frechet_distance(real, seen.features)},
        "kid": {"value": distance["mean"], "standard_error": distance["standard_error"]},
        "classifier_score": {
            "value": score["mean"],
            "standard_deviation": score["standard_deviation"],
        },
    }
    # As many real images as generated ones: else the balls would be smaller.
    balls = manifold_scores(subset(real, 200), seen.features, k=5)
    expected |= {name: {"value": value} for name, value in balls.items()}
    # Features of other batches are rounded otherwise.
    for name, values in expected.items():
        for key, value in values.items():
            assert scored[name][key] == pytest.approx(value, rel=1e-6), (name, key)


def test_the_parzen_estimate_is_of_the_test_images_and_chooses_by_the_validation(
    scored, data, drawn
):
    estimate = parzen_log_likelihood(pixels(drawn), pixels(data.validation), pixels(data.test))
    assert scored["parzen"]["value"] == estimate["mean"]
    assert scored["parzen"]["standard_error"] == estimate["standard_error"]
    assert scored["parzen"]["sigma"] == estimate["sigma"]
    assert pixels(data.test).shape == (299, 64)
    np.testing.assert_array_equal(pixels(data.test) * 255, np.reshape(data.test, (299, -1)))


def test_every_score_carries_its_conditions(scored, network):
    assert set(scored) == {name for plain in PLAIN for name in METRICS[plain].scores}
    for name, score in scored.items():
        expected = {
            "n": 200, "dataset": "digits", "split": "train", "kgan": kgan.__version__,
            "seeds": "0-199", "precision": "float32", "source": "run",
        }  # fmt: skip
        if name == "parzen":
            assert score["name"] == "parzen"
            assert "features" not in score
            expected |= {"split": "test", "n_reference": 299, "n_validation": 300}
        else:
            assert score["name"] == f"{name}[digits-cnn]"
            assert score["features"] == {
                "name": "digits-cnn", "sha256": network.digest, "resizer": network.resizer,
            }  # fmt: skip
            balls = name in METRICS["manifold"].scores
            reference = None if name == "classifier_score" else 200 if balls else 1498
            expected["n_reference"] = reference
        assert {key: score[key] for key in expected} == expected, name
        assert isinstance(score["value"], float)
        assert np.isfinite(score["value"])
    assert (scored["kid"]["blocks"], scored["kid"]["block_size"]) == (100, 200)
    assert scored["coverage"]["k"] == 5
    assert scored["classifier_score"]["splits"] == 10


def test_against_the_test_images_only(test_scorer, known, network, drawn):
    found = by_name(test_scorer.score(test_scorer.see(drawn)))
    assert all(score["seeds"] is score["precision"] is None for score in found.values())
    assert found["fid"]["value"] == frechet_distance(known["test"], network(drawn).features)
    assert {score["split"] for score in found.values()} == {"test"}
    assert found["fid"]["n_reference"] == 299


def test_the_worse_the_images_the_worse_every_score(scorer, data):
    real = np.asarray(data.test)
    rows = [by_name(scorer.score(scorer.see(noisy(real, spread)))) for spread in SPREADS]
    for metric in PLAIN:
        for name, more_is_better in METRICS[metric].scores.items():
            values = [row[name]["value"] for row in rows]
            if name != "recall":  # noise spreads its own balls over the digits
                assert sorted(values, reverse=more_is_better) == values, name
                assert len(set(values)) == len(values), name


def test_metrics_come_in_one_order_and_only_those_asked_for(data, network, drawn, cache):
    some = Scorer(data, network, ["kid", "fid"], cache=cache)
    found = some.score(some.see(drawn))
    assert [score["name"] for score in found] == ["fid[digits-cnn]", "kid[digits-cnn]"]


def test_the_parzen_estimate_that_chooses_sees_no_test_image(data, drawn):
    blind = Data("digits", data.train, data.validation, np.zeros((0, 8, 8, 1), np.uint8))
    (score,) = Scorer(blind, None, ["parzen"], held_out="validation").score(
        {"pixels": pixels(drawn)}
    )
    half = len(data.validation) // 2
    parts = pixels(data.validation[:half]), pixels(data.validation[half:])
    assert score["value"] == parzen_log_likelihood(pixels(drawn), *parts)["mean"]
    assert (score["split"], score["n_validation"]) == ("validation", half)
    assert score["n_reference"] == len(data.validation) - half


def test_the_parzen_estimate_alone_needs_no_network(data, drawn, scored):
    alone = Scorer(data, None, ["parzen"])
    (score,) = alone.score(alone.see(drawn))
    assert score["value"] == scored["parzen"]["value"]
    assert list(alone.baselines(30)) == ["train images", "k-means centroids"]


def test_baselines_are_a_floor_a_ceiling_and_what_the_parzen_estimate_is_read_beside(scorer, data):
    rows = {name: by_name(found) for name, found in scorer.baselines(250).items()}
    assert list(rows) == ["test images", "noise", "train images", "k-means centroids"]
    floor, ceiling = rows["test images"], rows["noise"]
    of_features = [METRICS[name] for name in PLAIN if METRICS[name].needs != "pixels"]
    names = {name for metric in of_features for name in metric.scores}
    assert set(floor) == set(ceiling) == names
    for name, score in floor.items():
        better = METRICS[metric_of(name)].scores[name]
        assert (score["value"] > ceiling[name]["value"]) == better, name
        assert score["n"] == ceiling[name]["n"] == 250
    assert set(rows["train images"]) == set(rows["k-means centroids"]) == {"parzen"}
    assert rows["train images"]["parzen"]["n"] == 250
    # Five images a centroid or more.
    assert rows["k-means centroids"]["parzen"]["n"] == 1198 // 5
    real = np.asarray(data.test[:250])
    again = by_name(scorer.score(scorer.see(real)))
    assert all(again[name]["value"] == score["value"] for name, score in floor.items())


def test_baselines_against_the_test_images_are_images_that_these_do_not_hold(test_scorer, data):
    rows = {name: by_name(found) for name, found in test_scorer.baselines(250).items()}
    assert list(rows) == ["train images", "noise", "k-means centroids"]
    assert set(rows["train images"]) == {name for m in PLAIN for name in METRICS[m].scores}
    found = by_name(test_scorer.score(test_scorer.see(data.train[:250])))
    assert found["fid"]["value"] == rows["train images"]["fid"]["value"]
    assert found["fid"]["value"] < rows["noise"]["fid"]["value"]


def test_baselines_are_the_same_from_the_cache(data, network, cache):
    some = [Scorer(data, network, ["fid", "parzen"], cache=place) for place in (None, cache, cache)]
    first, *others = [scorer.baselines(40) for scorer in some]
    assert others == [first, first]
    assert list(cache.glob("k-means-*-40.npz"))


def test_the_nearest_training_image_of_a_training_image_is_itself(scorer, network, data):
    chosen = [5, 700, 1197]
    found = scorer.nearest(network(data.train[chosen]).features, 3)
    assert found.shape == (3, 3, 8, 8, 1)
    np.testing.assert_array_equal(found[:, 0], data.train[chosen])
    real, query = network(data.train).features, network(data.train[chosen]).features
    distances = np.linalg.norm(real[None] - query[:, None], axis=2)
    np.testing.assert_array_equal(found[1], data.train[np.argsort(distances[1])[:3]])


def test_no_more_neighbours_than_training_images(data, network):
    few = dataclasses.replace(data, train=data.train[:4])
    assert Scorer(few, network, ["fid"]).nearest(np.zeros((2, 64), np.float32), 7).shape[1] == 4


def test_what_images_can_have(network, data):
    small, large = (applicable(shaped(data, (side, side, 1)), network) for side in (28, 64))
    assert small == large == PLAIN
    tall = applicable(shaped(data, (65, 64, 1)), network)
    assert tall == [name for name in PLAIN if name != "parzen"]
    assert "parzen" not in applicable(shaped(data, (32, 32, 3)), network)
    without = dataclasses.replace(network, classes=False)
    assert "classifier_score" not in applicable(data, without)


def shaped(data, shape):
    images = np.zeros((20, *shape), np.uint8)
    return Data("others", images, images, images)


@pytest.mark.parametrize("shape", [(8, 8, 3), (65, 64, 1)])
def test_the_parzen_estimate_is_of_small_grey_images(shape, data):
    with pytest.raises(InputError, match=r"parzen takes grey images.*leave it out of --metrics"):
        Scorer(shaped(data, shape), None, ["parzen"])


def test_validation_images_are_a_reference_of_their_own(data, network, drawn):
    scorer = Scorer(data, network, ["fid"], split="validation")
    scorer.prepare()
    (score,) = scorer.score(scorer.see(drawn))
    reference = network(np.asarray(data.validation[:])).features
    assert score["value"] == pytest.approx(frechet_distance(reference, network(drawn).features))
    assert (score["split"], score["n_reference"]) == ("validation", len(data.validation))
    assert list(scorer.baselines(50)) == ["train images", "noise"]


def test_colour_data_and_a_grey_network(data, network):
    with pytest.raises(InputError, match="1 channel, received 8x8x3"):
        Scorer(shaped(data, (8, 8, 3)), network, ["fid"])


def test_unknown_names_are_told_with_the_known_ones(data, network):
    with pytest.raises(InputError, match=r"Unknown metric 'fids'.*Did you mean 'fid'"):
        Scorer(data, network, ["fids"])
    with pytest.raises(InputError, match=r"Unknown split 'held'. Known: test, train, validation"):
        Scorer(data, network, ["fid"], split="held")
    with pytest.raises(InputError, match=r"Unknown score 'fud'.*coverage.*Did you mean 'fid'"):
        metric_of("fud")
    assert metric_of("recall") == "manifold"


def test_images_of_another_shape(scorer):
    for shape in ((5, 9, 8, 1), (5, 8, 8, 3), (5, 64)):
        sides = "x".join(map(str, shape[1:]))
        with pytest.raises(InputError, match=f"images are {sides}, those of 'digits' are 8x8x1"):
            scorer.see(np.zeros(shape, np.uint8))


def test_features_without_classes_have_no_classifier_score(data, network, drawn):
    blind = dataclasses.replace(network, call=lambda images: (network.call(images)[0], None))
    scorer = Scorer(data, blind, ["fid", "classifier_score"])
    with pytest.raises(InputError, match="classifier_score takes features with classes"):
        scorer.see(drawn)
    without = Scorer(data, blind, ["fid"])
    assert without.see(drawn)["probabilities"] is None


@pytest.mark.parametrize("metric", [name for name in PLAIN if name != "parzen"])
def test_of_one_image_there_is_no_score(metric, data, network, cache, drawn):
    scorer = Scorer(data, network, [metric], cache=cache)
    with pytest.raises(InputError, match=r"rows or more. Draw more: --samples 10000"):
        scorer.score(scorer.see(drawn[:1]))


def test_features_that_are_not_finite_are_told(data, network, cache, drawn):
    scorer = Scorer(data, network, ["fid"], cache=cache)
    seen = scorer.see(drawn)
    seen["features"] = np.where(np.arange(64) == 3, np.nan, seen["features"])
    with pytest.raises(InputError, match="NaN or infinity in 200 rows"):
        scorer.score(seen)
