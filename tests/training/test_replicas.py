"""Replicas, on one machine or in several processes, equal one device."""

from pathlib import Path

import numpy as np
import pytest

from tests.forks import Fork

SCRIPT = Path(__file__).with_name("replicas.py")


def start(mode, replicas, out, *cases, env=None):
    return Fork(SCRIPT.read_text(), mode, replicas, out, *cases, env=env)


def load(process, out):
    assert process.wait(600) == 0, process.printed()[-3000:]
    with np.load(out) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, cluster):
    """What the script wrote: of one device, of 2 and 4 replicas, of each of two workers."""
    place = tmp_path_factory.mktemp("replicas")

    def ended(mode, replicas, *cases):
        out = place / f"{mode}{replicas}.npz"
        return load(start(mode, replicas, out, *cases), out)

    outs = [place / f"worker{index}.npz" for index in range(2)]
    workers = [
        start("multiworker", 2, out, "vae", "classifier", "conditional", env=env)
        for out, env in zip(outs, cluster(2), strict=True)
    ]
    return {
        "workers": [load(*pair) for pair in zip(workers, outs, strict=True)],
        "one": ended("single", 1),
        "two": ended("mirrored", 2),
        "four": ended("mirrored", 4, "vae"),
    }


def check_equal(expected, found):
    trained = [name for name in found if ": " in name]
    assert len(trained) > 10
    for name in trained:
        scale = max(1, np.abs(expected[name]).max())
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5 * scale, err_msg=name)


@pytest.mark.parametrize("replicas", ["two", "four"])
def test_replicas_of_a_machine_train_what_one_device_trains(outcomes, replicas):
    check_equal(outcomes["one"], outcomes[replicas])


def test_workers_train_what_one_device_trains(outcomes):
    first, second = outcomes["workers"]
    assert first.keys() < outcomes["one"].keys()
    check_equal(outcomes["one"], first)
    for name in first:
        if ": " in name:
            np.testing.assert_array_equal(second[name], first[name], err_msg=name)


@pytest.mark.parametrize("what", ["noise", "dropout"])
def test_each_replica_draws_its_rows_of_the_batch(outcomes, what):
    whole = outcomes["one"][what]
    assert len(np.unique(whole, axis=0)) == len(whole)
    for replicas in ("two", "four"):
        np.testing.assert_array_equal(outcomes[replicas][what], whole)
    parts = [worker[what] for worker in outcomes["workers"]]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_every_example_is_seen_once_an_epoch(outcomes):
    steps = outcomes["one"]["seen"]
    for epoch in np.split(steps, 2):
        assert sorted(epoch.ravel()) == list(range(steps[:2].size))
    for replicas in ("two", "four"):
        np.testing.assert_array_equal(outcomes[replicas]["seen"], steps)
    parts = [worker["seen"] for worker in outcomes["workers"]]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), steps)


def test_the_rest_of_a_batch_is_shared_out_alike_however_it_is_fed(outcomes):
    """5 rows came as 5 and 0, or 3 and 2: now as 2 and 2, one left out."""
    one, two = outcomes["one"]["ragged"], outcomes["two"]["ragged"]
    assert np.isfinite(one).all()
    np.testing.assert_allclose(two, one, atol=1e-5)


def test_statistics_of_channels_far_from_zero_are_not_lost_in_rounding(outcomes):
    one = outcomes["one"]
    assert np.isfinite(one["normalized"]).all()
    for replicas in ("two", "four"):
        np.testing.assert_allclose(outcomes[replicas]["normalized"], one["normalized"], atol=5e-3)
    parts = [worker["normalized"] for worker in outcomes["workers"]]
    np.testing.assert_allclose(np.concatenate(parts), one["normalized"], atol=5e-3)
    for other in (outcomes["two"], outcomes["four"], *outcomes["workers"]):
        np.testing.assert_allclose(other["moved"], one["moved"], rtol=1e-5)
