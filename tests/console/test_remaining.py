"""How long a comparison still takes, estimated from what was done."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from kgan.console.finetune import headline
from kgan.console.remaining import Remaining
from kgan.console.tables import print_table
from kgan.tasks.finetune import report
from kgan.tasks.finetune.experiment import Experiment
from tests.training.test_pictures import Clock


def experiment(**changes):
    parts = SimpleNamespace(train=range(500), validation=range(300), test=range(200))
    values = {
        "run_dir": None, "name": "made", "source": None, "splits": parts,
        "arms": ("pretrained", "random", "probe", "random_probe"), "labels": (100, 1000),
        "seeds": 3, "learning_rates": (0.001, 0.0003), "batch_size": 10, "steps": None,
        "pretrained_on": None, "settings": {},
    }  # fmt: skip
    return Experiment(**{**values, **changes})


def test_all_work_is_that_of_every_fit():
    found = experiment()
    # Of each trained arm the first seed is fitted 4 times; 1,000 steps, and 60 epochs of 100.
    assert found.total == 2 * (6 + 6 + 3 + 3)
    assert found.all_work == {
        "training": 2 * 6 * (1000 + 6000),
        "probe": 2 * 3 * (100 + 500 + 1000 + 500),
    }
    assert experiment(arms=("probe",)).all_work == {"probe": 3 * (600 + 1500)}


def test_the_headline_tells_how_much_there_is_to_fit():
    assert headline(experiment()) == (
        "36 classifiers to fit, on 100, 1,000 labels: 24 trainings of at most 1,000 to 6,000 steps "
        "and 12 linear probes."
    )
    assert headline(experiment(arms=("probe",), labels=(100,))) == (
        "3 classifiers to fit, on 100 labels: 3 linear probes."
    )


def test_an_estimate_comes_with_the_first_evaluation_and_ticks():
    clock = Clock()
    remaining = Remaining({"training": 10_000, "probe": 4000}, clock)
    assert remaining.text() == ""
    clock.now = 10.0
    remaining.stepped(50)
    assert remaining.text() == "about 33:10 left, probes not counted"  # 9,950 steps at 5 a second
    clock.now = 20.0
    assert remaining.text() == "about 33:00 left, probes not counted"
    # It stopped after 100 of its 1,000 steps: so, it is taken, will the others.
    remaining.fitted("training", 1000, {"training": 9000, "probe": 4000})
    assert remaining.text() == "about 3:00 left, probes not counted"
    clock.now = 30.0
    remaining.fitted("probe", 1000, {"training": 9000, "probe": 3000})
    assert remaining.text() == "about 3:30 left"
    # What was finished before, by another command, is not waited for.
    clock.now = 40.0
    remaining.fitted("probe", 1000, {"training": 1000, "probe": 0})
    assert remaining.text() == "about 0:20 left"


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_table_is_whole_at_every_width(width):
    arms, counts = experiment().arms, (20, 10_000, 50_000)
    table = {
        "seeds": 5,
        "train": 50_000,
        "rows": [
            {"arm": arm, "labels": labels, "mean": 0.5, "std": 0.0123}
            for arm in arms
            for labels in counts
        ],
        "gain": [
            {"labels": labels, "mean": 0.1, "standard_error": 0.001, "verdict": "no difference"}
            for labels in counts
        ],
    }
    console = Console(file=io.StringIO(), width=width)
    print_table(report.cells(table), console, report.title(table))
    text = console.file.getvalue()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert text.count("50.00 ± 1.23") == len(arms) * len(counts)
    assert text.count("+10.00 ± 0.10") == text.count("no difference") == len(counts)
    assert all(word in text for arm in arms for word in report.ARMS[arm].split())
    assert len(re.findall("^all 50,000", text, re.MULTILINE)) == (1 if width == 100 else 2)
