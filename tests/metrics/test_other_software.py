"""Scores against the packages `prdc` (its authors' own) and `torch-fidelity`."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from kgan.metrics.frechet import frechet_distance
from kgan.metrics.inception_score import inception_score
from kgan.metrics.kernel import kernel_distance
from kgan.metrics.neighbours import manifold_scores

RNG = np.random.default_rng(0)
MIXING = RNG.normal(size=(24, 24)) / 5
REAL = RNG.normal(size=(180, 24)) @ MIXING
FAKE = RNG.normal(0.2, 0.9, size=(200, 24)) @ MIXING
LOGITS = RNG.normal(size=(203, 7)) * 3


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    path = tmp_path_factory.mktemp("arrays") / "arrays.npz"
    np.savez(path, real=REAL, fake=FAKE, logits=LOGITS)
    program = Path(__file__).with_name("other_software.py")
    done = subprocess.run([sys.executable, program, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("RESULT")[2])


def test_fid_equals_torch_fidelity(theirs):
    expected = theirs["fid"]["frechet_inception_distance"]
    np.testing.assert_allclose(frechet_distance(REAL, FAKE), expected, rtol=1e-8)


def test_kid_equals_torch_fidelity(theirs):
    found = kernel_distance(REAL, FAKE[:180], blocks=2, block_size=180)["mean"]
    np.testing.assert_allclose(found, theirs["kid"]["kernel_inception_distance_mean"], rtol=1e-9)


def test_classifier_score_equals_torch_fidelity(theirs):
    found = inception_score(softmax(LOGITS, axis=1))
    expected = theirs["isc"]
    np.testing.assert_allclose(found["mean"], expected["inception_score_mean"], rtol=1e-9)
    np.testing.assert_allclose(
        found["standard_deviation"], expected["inception_score_std"], rtol=1e-7
    )


@pytest.mark.parametrize("k", [3, 5])
def test_precision_recall_density_and_coverage_equal_prdc(k, theirs):
    assert manifold_scores(REAL, FAKE, k) == pytest.approx(theirs["prdc"][str(k)], abs=1e-12)


@pytest.mark.parametrize("k", [3, 5])
def test_precision_and_recall_equal_torch_fidelity(k, theirs):
    found = manifold_scores(REAL, FAKE, k)
    assert found["precision"] == pytest.approx(theirs["prc"][str(k)]["precision"])
    assert found["recall"] == pytest.approx(theirs["prc"][str(k)]["recall"])
    assert 0.05 < found["precision"] < 1
    assert 0.05 < found["recall"] < 1
