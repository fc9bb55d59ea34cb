import fcntl
import os

import pytest

from tests.serving.loader import build, unavailable


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """The C++ program that loads SavedModels, compiled once for all processes of the tests."""
    if reason := unavailable():
        pytest.skip(reason)
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / "loader.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build(folder)
