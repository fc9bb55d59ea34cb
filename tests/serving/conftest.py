import pytest

from tests.serving.loader import build, unavailable


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """The C++ program that loads SavedModels, compiled once."""
    if reason := unavailable():
        pytest.skip(reason)
    return build(tmp_path_factory.mktemp("loader"))
