"""Comparisons on a toy with a planted encoder."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kgan.errors import InputError
from kgan.tasks.finetune import finetune, report
from kgan.tasks.finetune.finetune import run
from kgan.tasks.finetune.results import Results
from kgan.training.strategy import Devices

FEWER = "pretrained", "probe", "random_probe"


def rows(experiment):
    path = experiment.run_dir / "finetune" / "results.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def timeless(experiment):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows(experiment)]


def test_a_planted_encoder_wins_where_labels_are_few(make, workdir):
    experiment, events = make(steps=120, labels=(12,), seeds=3, rates=(0.01,)), []
    table = run(experiment, "saved_models", events.append)
    means = {(row["arm"], row["labels"]): row["mean"] for row in table["rows"]}
    assert means["pretrained", 12] > means["random", 12] + 0.04
    assert means["probe", 12] > means["random_probe", 12] + 0.1
    written = json.loads((experiment.run_dir / "finetune" / "table.json").read_text())
    assert written == table
    with Image.open(experiment.run_dir / "finetune" / "finetune.png") as picture:
        assert picture.width > 400
    assert len(rows(experiment)) == 4 * 3
    assert events[-1]["done"] == events[-1]["total"] == len(events)
    # What was exported is the classifier of the best seed, to the accuracy in its row.
    best = table["classifier"]
    tuned = [r for r in rows(experiment) if (r["arm"], r["labels"]) == ("pretrained", 12)]
    assert best["validation_accuracy"] == max(row["validation_accuracy"] for row in tuned)
    call = tf.saved_model.load(best["saved_model"]).signatures["classify"]
    test = experiment.splits.test
    found = call(images=tf.constant(test.images))["probabilities"].numpy().argmax(1)
    assert (found == test.labels).mean() == pytest.approx(best["test_accuracy"], abs=1e-6)


def test_all_arms_learn_from_the_same_examples_and_the_test_is_read_once_a_row(
    make, workdir, unexported, monkeypatch
):
    experiment = make(steps=5, rates=(0.01,))
    seen, tests, heads = {}, [], []
    experiment_codes = finetune.EncoderFeatures(experiment.source)
    train, accuracy = finetune.Trainer.train, finetune.Trainer.accuracy
    probe_accuracy, features = finetune.probe.accuracy, finetune.EncoderFeatures.__call__

    def spy_train(self, part, validation, limits, seed, pretrained, learning_rate, head, evaluated):
        key = (len(part), seed)
        seen.setdefault(key, set()).add((part.images.tobytes(), part.labels.tobytes()))
        assert validation is experiment.splits.validation
        if head is not None:  # the softmax layer starts as the probe of this encoder
            part_of = experiment.splits.train
            chosen = experiment.rows_of(len(part), seed)
            weights = experiment.source.network.get_weights()
            if not pretrained:
                weights = self.random_weights(seed)
            codes = features(experiment_codes, weights, part_of.images, chosen)
            hits = (codes @ head[0] + head[1]).argmax(1) == part.labels
            heads.append(hits.mean())
        return train(
            self, part, validation, limits, seed, pretrained, learning_rate, head, evaluated
        )

    def spy_accuracy(self, weights, examples):
        assert examples is experiment.splits.test
        tests.append("tuned")
        return accuracy(self, weights, examples)

    def spy_probe(fitted, found, labels):
        if labels is experiment.splits.test.labels:
            tests.append("probe")
        return probe_accuracy(fitted, found, labels)

    def spy_row(self, arm, found, labels, seed, *held_out):
        part = experiment.splits.train
        chosen = experiment.rows_of(len(labels), seed)
        np.testing.assert_array_equal(labels, part.labels[chosen])
        weights = self._trainer.random_weights(seed)
        if arm == "probe":
            weights = experiment.source.network.get_weights()
        np.testing.assert_array_equal(found, features(self._features, weights, part.images, chosen))
        return probe_row(self, arm, found, labels, seed, *held_out)

    probe_row = finetune._Comparison._probe_row
    monkeypatch.setattr(finetune.Trainer, "train", spy_train)
    monkeypatch.setattr(finetune.Trainer, "accuracy", spy_accuracy)
    monkeypatch.setattr(finetune.probe, "accuracy", spy_probe)
    monkeypatch.setattr(finetune._Comparison, "_probe_row", spy_row)
    run(experiment)
    assert set(seen) == {(12, 0), (12, 1), (400, 0), (400, 1)}
    assert all(len(kinds) == 1 for kinds in seen.values())
    for (count, seed), kinds in seen.items():
        chosen = experiment.rows_of(count, seed)
        (images, labels), part = kinds.pop(), experiment.splits.train
        assert images == part.images[chosen].tobytes()
        assert labels == part.labels[chosen].tobytes()
    # The pretrained probe on all labels is one fit for all seeds.
    assert (tests.count("tuned"), tests.count("probe")) == (8, 7)
    assert len(rows(experiment)) == 16
    assert np.mean(heads) > 0.8


def test_a_stopped_comparison_goes_on_to_the_same_rows(make, workdir):
    options = {"labels": (12,), "seeds": 1, "steps": 5, "arms": FEWER}
    whole, stopped = (make(name, **options) for name in ("whole", "stopped"))
    expected = run(whole)
    for at in (2, 5):  # in the search for a learning rate, in the probes that come after it

        def stop(event, at=at):
            if event["done"] == at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(stopped, progress=stop)
        with (stopped.run_dir / "finetune" / "results.jsonl").open("a") as file:
            file.write('{"settings": "cut sh')
    table = run(stopped)
    assert timeless(stopped) == timeless(whole)
    assert table["rows"] == expected["rows"]
    before, standing = rows(stopped), []

    def nothing(event):
        raise AssertionError(event)

    again = run(stopped, progress=nothing, begun=lambda *what: standing.append(what))
    assert standing == [(stopped.total, {"training": 0, "probe": 0})]
    assert rows(stopped) == before
    assert again == table  # the same SavedModel too: there is nothing new to save


def test_rows_of_other_settings_stay_apart_and_fewer_labels_find_their_classifier(
    make, workdir, unexported
):
    options = {"seeds": 1, "steps": 5, "arms": FEWER}
    first = make(labels=(12, 40), rates=(0.01,), **options)
    run(first)
    kept = rows(first)
    other = make(labels=(12,), rates=(0.1,), **options)
    table = run(other)
    assert rows(other)[: len(kept)] == kept
    assert len(rows(other)) == len(kept) + 3
    assert [row["n"] for row in table["rows"]] == [1] * 3
    # The best with 12 labels was not kept by the first command: it is trained again, not added.
    fewer = make(labels=(12,), rates=(0.01,), **options)
    results = Results(fewer.run_dir / "finetune", fewer.settings)
    assert results.kept_weights(12, 0) is None
    before = rows(fewer)
    best = run(fewer)["classifier"]
    assert rows(fewer) == before
    trainer = finetune.Trainer(fewer.source, 4, tuple("abcd"), Devices())
    found = trainer.accuracy(results.kept_weights(12, 0), fewer.splits.test)
    assert found == pytest.approx(best["test_accuracy"], abs=1e-6)


def row(arm, seed, accuracy):
    return {"arm": arm, "labels": 10, "seed": seed, "test_accuracy": accuracy}


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ([0.1, 0.11, 0.09], "helps"),
        ([-0.1, -0.11, -0.09], "harms"),
        ([0.1, -0.1, 0.02], "no difference"),
        ([0.0, 0.0], "no difference"),
        ([0.1], "one seed: no verdict"),
    ],
)
def test_the_table_says_plainly_whether_it_helps(gains, verdict):
    arms = {"pretrained": gains, "random": [0.0] * len(gains)}
    made = [
        row(arm, seed, 0.5 + arms.get(arm, gains)[seed])
        for arm in report.ARMS
        for seed in range(len(gains))
    ]
    summary = report.summarize(made)
    (gain,) = summary["gain"]
    assert gain["verdict"] == verdict
    assert gain["mean"] == pytest.approx(np.mean(gains))
    if len(gains) > 1:
        error = np.std(gains, ddof=1) / np.sqrt(len(gains))
        assert gain["standard_error"] == pytest.approx(error)
        assert summary["rows"][0]["std"] == pytest.approx(np.std(gains, ddof=1))


def test_labels_that_replicas_cannot_share_are_told(make):
    experiment = make(labels=(12, 400))
    assert experiment.uneven(4) == []
    assert experiment.uneven(5) == [12, 400]
    devices = Devices()
    devices.replicas = 8
    with pytest.raises(InputError, match=r"12 labels make batches .* among 8 replicas: choose"):
        finetune.run(experiment, devices=devices)
    assert not (experiment.run_dir / "finetune").exists()
