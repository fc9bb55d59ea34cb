"""Workers on this machine, runs that end without a SavedModel, and steps without a graph."""

import json
import os
import socket
from pathlib import Path

import pytest

from tests.training.runs import eagerly


@pytest.fixture(scope="session")
def cluster():
    """Returns a function from a number of workers to the environment of each."""

    def cluster(count):
        sockets = [socket.socket() for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        workers = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
        for one in sockets:
            one.close()
        tasks = ({"type": "worker", "index": index} for index in range(count))
        configs = ({"cluster": {"worker": workers}, "task": task} for task in tasks)
        return [{**os.environ, "TF_CONFIG": json.dumps(config)} for config in configs]

    return cluster


@pytest.fixture(scope="module")
def unexported():
    """For tests of what comes before: a SavedModel costs as much as training such small runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kgan.training.run.export", lambda model, place, *_: Path(place))
        yield


@pytest.fixture(scope="module")
def eager():
    """For tests of what is around the steps: to trace one costs as much as to take a dozen.

    Returns what trains with a graph.
    """
    with eagerly() as fit:
        yield fit
