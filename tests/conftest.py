"""Fixtures for every test: a cache, a working folder and determinism of their own."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory):
    os.environ["KGAN_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["KGAN_DATA_DIR"] = str(tmp_path_factory.mktemp("data"))


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path
