"""Tables tell their names without importing what the names stand for."""

import subprocess
import sys
from dataclasses import dataclass

import pytest

from kgan.tables import Table


@dataclass(frozen=True)
class Pair:
    first: object
    others: tuple = ()
    word: str = "plain"


@pytest.fixture
def table():
    pair = Pair("path:split", (("path:isdir", 2.0),), "a sentence: no place")
    lines = {"join": "path:join", "pair": pair, "bad": "no:x"}
    return Table("os", lines)


def test_an_entry_is_imported_when_it_is_looked_up(table):
    import os

    assert table["join"] is os.path.join
    assert table["pair"] == Pair(os.path.split, ((os.path.isdir, 2.0),), "a sentence: no place")
    assert table["pair"] is table["pair"]
    assert table.lines["pair"].first == "path:split"


def test_names_are_known_without_importing_anything(table):
    assert list(table) == ["join", "pair", "bad"]
    assert len(table) == 3
    assert "bad" in table
    assert "worse" not in table
    with pytest.raises(ModuleNotFoundError):
        table["bad"]
    with pytest.raises(KeyError):
        table["worse"]


def test_entries_can_be_added_replaced_and_taken_away(table):
    assert table["join"]
    table["join"] = table["mine"] = print
    assert table["join"] is table["mine"] is print
    del table["mine"]
    assert "mine" not in table
    assert table.get("mine") is None


def test_the_names_of_every_table_come_without_tensorflow_and_numpy():
    code = """
import sys
from kgan import NETWORKS, AUTOENCODERS, OBJECTIVES, OPTIMIZERS, DATASETS, PRESETS
from kgan.data.kinds import KINDS
from kgan.metrics import METRICS, metric_of
from kgan.tasks.finetune import ARMS
from kgan.training.cluster import STRATEGIES
for table in (NETWORKS, AUTOENCODERS, OBJECTIVES, OPTIMIZERS, DATASETS, METRICS, STRATEGIES):
    assert all(name in table for name in table)
metric_of("coverage")
sys.exit("tensorflow" in sys.modules or "numpy" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
