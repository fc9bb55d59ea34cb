"""What pretraining is worth: classifiers with and without it, on the same labels."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from kgan import names
from kgan.data.split import subset
from kgan.errors import InputError
from kgan.models import Classifier
from kgan.runs import folder
from kgan.serving import export
from kgan.tasks.finetune import probe, report
from kgan.tasks.finetune.experiment import HEADS, SEEDS, TUNED, Experiment, design, in_memory
from kgan.tasks.finetune.features import EncoderFeatures
from kgan.tasks.finetune.results import Results, opened
from kgan.tasks.finetune.supervised import Trained, Trainer
from kgan.training import determinism
from kgan.training.strategy import Devices

Progress = Callable[[dict], None]


def finetune(
    run_dir: str | Path,
    labels: Sequence[int | str] | None = None,
    seeds: int = SEEDS,
    *,
    saved_models: str | Path = "saved_models",
    progress: Progress | None = None,
    deterministic: bool = True,
    devices: Devices | None = None,
    **options,
) -> dict:
    """Compares classifiers with and without pretraining; exports the best that had it.

    For every number of labels and seed four of them learn from the same labels: "pretrained", the
    run's encoder under a softmax layer, all of it trained; "random", the same from random weights;
    "probe" and "random_probe", linear classifiers on the frozen features of either encoder. What
    was finished before, with the same settings and data, is not made again.

    Args:
        run_dir: As in `design`; RUN/finetune is written.
        labels: As in `design`.
        seeds: As in `design`.
        saved_models: Where NAME-classifier/VERSION is written.
        progress: Called after each classifier with its arm, labels, seed, validation_accuracy,
            seconds, how many of the total are "done", its "kind" and amount of "work", and what of
            each kind is "left": see `Experiment.work`.
        deterministic: Turn on TensorFlow's op determinism, which is for the whole process.
        devices: Where the networks train: by default those of the strategy in whose scope this is.
        **options: As in `design`.

    Returns:
        What table.json holds.

    Raises:
        InputError: As `design`, or another process uses the folder.
    """
    names.check("saved_models", saved_models)
    experiment = design(run_dir, labels, seeds, **options)
    return run(experiment, saved_models, progress, deterministic, devices)


def run(
    experiment: Experiment,
    saved_models: str | Path = "saved_models",
    progress: Progress | None = None,
    deterministic: bool = True,
    devices: Devices | None = None,
    evaluated: Callable[[int], None] | None = None,
    begun: Callable[[int, dict[str, int]], None] | None = None,
) -> dict:
    """Runs what is not finished of a prepared comparison: see `finetune`.

    `begun` is told how many fits were done before and what work of each kind is left, `evaluated`
    the step of the network in training after each evaluation.
    """
    devices = devices or Devices()
    uneven = experiment.uneven(devices.replicas)
    if uneven:
        raise InputError(
            f"{uneven[0]} labels make batches that cannot be divided among {devices.replicas} "
            "replicas: choose --strategy single, other --labels or another --batch-size."
        )
    if deterministic:
        determinism.enable()
    with opened(experiment.run_dir / "finetune", devices) as place:
        if not devices.chief:
            saved_models, progress = place.parent / "saved_models", None
            evaluated = begun = None
        results = Results(place, experiment.settings)
        comparison = _Comparison(experiment, results, progress, evaluated, devices)
        if begun:
            begun(comparison.done, dict(comparison.left))
        # A bit of each kind of work at first, which tells how long the rest will take.
        comparison.train_all(experiment.labels[:1])
        comparison.probe_all()
        comparison.train_all(experiment.labels[1:])
        table = comparison.report(Path(saved_models))
        devices.values()
    return table


class _Comparison:
    def __init__(
        self,
        experiment: Experiment,
        results: Results,
        progress: Progress | None,
        evaluated: Callable[[int], None] | None,
        devices: Devices,
    ):
        self._experiment, self._results = experiment, results
        self._progress = progress or (lambda event: None)
        self._evaluated = evaluated or (lambda step: None)
        self.done, self.left = 0, experiment.all_work
        for row in product(experiment.arms, experiment.labels, range(experiment.seeds)):
            if results.get(*row):
                arm, labels, seed = row  # The first seed's candidates were all tried.
                self._count(arm, labels, 1 if seed else experiment.fits(arm) - experiment.seeds + 1)
        train, source = experiment.splits.train, experiment.source
        self._devices = devices
        self._trainer = Trainer(source, experiment.num_classes, train.class_names, devices)
        self._features = EncoderFeatures(source)
        self._codes = EncoderFeatures(replace(source, judges=False))
        self._heads: dict[tuple[str, int, int], tuple[np.ndarray, np.ndarray]] = {}

    def _say(self, arm, labels, seed, validation_accuracy, seconds, **more) -> None:
        kind, work = self._count(arm, labels)
        values = {"arm": arm, "labels": labels, "seed": seed, "seconds": seconds, **more}
        values |= {"validation_accuracy": validation_accuracy, "kind": kind, "work": work}
        count = {"done": self.done, "total": self._experiment.total, "left": dict(self.left)}
        self._progress({**values, **count})

    def _count(self, arm: str, labels: int, fits: int = 1) -> tuple[str, int]:
        """Counts fits as done; returns the work of one."""
        kind, work = self._experiment.work(arm, labels)
        self.done += fits
        self.left[kind] -= fits * work
        return kind, work

    def probe_all(self) -> None:
        """Fits the probes that are missing, the features of one encoder in memory at a time."""
        experiment = self._experiment
        seeds = range(experiment.seeds)
        if "probe" in experiment.arms:
            self._probe("probe", seeds, experiment.source.network.get_weights)
        for seed in seeds if "random_probe" in experiment.arms else ():
            self._probe("random_probe", [seed], lambda s=seed: self._trainer.random_weights(s))

    def _probe(self, arm: str, seeds: Sequence[int], weights: Callable) -> None:
        experiment, results = self._experiment, self._results
        missing = [row for row in product(experiment.labels, seeds) if not results.get(arm, *row)]
        if not missing:
            return
        train, rows = experiment.splits.train, {}
        for labels, seed in missing:
            rows[labels, seed] = experiment.rows_of(labels, seed)
        every = np.unique(np.concatenate(list(rows.values())))
        encoder_weights = weights()
        features = self._features(encoder_weights, train.images, every)
        held_out = [
            (self._features(encoder_weights, part.images, np.arange(len(part))), part.labels)
            for part in (experiment.splits.validation, experiment.splits.test)
        ]
        for labels, seed in missing:
            first = results.get(arm, labels, 0) if labels == len(train) else None
            if arm == "probe" and first:
                # All labels and the same features: another seed would repeat the first.
                row = {**first, "seed": seed, "seconds": 0.0}
            else:
                chosen = rows[labels, seed]
                every_one = labels == len(train)
                known = features if every_one else features[np.searchsorted(every, chosen)]
                row = self._probe_row(arm, known, experiment.train_labels[chosen], seed, *held_out)
            results.add(row)
            self._say(arm, labels, seed, row["validation_accuracy"], row["seconds"], C=row["C"])

    def _probe_row(self, arm, features, labels, seed, validation, test) -> dict:
        began = time.monotonic()
        kind = probe.LinearSVM if self._experiment.source.judges else probe.Logistic
        classes = self._experiment.num_classes
        c, fitted = probe.choose_and_fit(kind, (features, labels), validation, classes, seed)
        return {
            "arm": arm,
            "labels": len(labels),
            "seed": seed,
            "C": c,
            "validation_accuracy": round(probe.accuracy(fitted, *validation), 6),
            "test_accuracy": round(probe.accuracy(fitted, *test), 6),
            "seconds": round(time.monotonic() - began, 3),
        }

    def train_all(self, counts: Sequence[int]) -> None:
        """Trains the networks that are missing for these numbers of labels."""
        experiment, results = self._experiment, self._results
        for labels in counts:
            for arm in (arm for arm in experiment.arms if arm in TUNED):
                for seed in range(experiment.seeds):
                    first = results.get(arm, labels, 0)
                    if first:
                        candidates = [(first["learning_rate"], first["start"])]
                    else:
                        candidates = list(product(experiment.learning_rates, HEADS))
                    if not results.get(arm, labels, seed):
                        self._train_row(arm, labels, seed, candidates)

    def _train_row(self, arm: str, labels: int, seed: int, candidates: list) -> None:
        results = self._results
        tried = [(self._train(arm, labels, seed, *choice), choice) for choice in candidates]
        best, (rate, start) = min(tried, key=lambda pair: pair[0].rank)
        row = {
            "arm": arm,
            "labels": labels,
            "seed": seed,
            "learning_rate": rate,
            "start": start,
            "steps": best.steps,
            "best_step": best.best_step,
            "validation_accuracy": round(1 - best.error, 6),
            "test_accuracy": round(self._test(best.weights), 6),
            "seconds": round(best.seconds, 3),
        }
        if arm == "pretrained" and labels == self._experiment.labels[-1]:
            self._keep(row, best.weights)
        results.add(row)

    def _keep(self, row: dict, weights: list[np.ndarray]) -> None:
        """Keeps the weights of a row that is about to be added if it is the best so far."""
        results, labels, seeds = self._results, row["labels"], self._experiment.seeds
        best = results.best_seed("pretrained", labels, seeds)
        before = results.get("pretrained", labels, best) if best is not None else None
        if not before or row["validation_accuracy"] > before["validation_accuracy"]:
            results.keep_weights(labels, row["seed"], weights)

    def _head(self, arm: str, labels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns kernel and bias of the logistic regression on the encoder's output."""
        key = arm, labels, seed
        if key not in self._heads:
            experiment = self._experiment
            pretrained, parts = experiment.source.network, experiment.splits
            weights = (
                pretrained.get_weights()
                if arm == "pretrained"
                else self._trainer.random_weights(seed)
            )
            rows = experiment.rows_of(labels, seed)
            codes = self._codes(weights, parts.train.images, rows)
            held_out = self._codes(
                weights, parts.validation.images, np.arange(len(parts.validation))
            )
            validation = held_out, parts.validation.labels
            train = codes, experiment.train_labels[rows]
            classes = experiment.num_classes
            _, fitted = probe.choose_and_fit(probe.Logistic, train, validation, classes, seed)
            self._heads = {key: fitted.softmax()}  # the last alone: a seed's trainings are in turn
        return self._heads[key]

    def _train(
        self, arm: str, labels: int, seed: int, rate: float, start: str, say: bool = True
    ) -> Trained:
        experiment = self._experiment
        chosen = experiment.rows_of(labels, seed)
        trained = self._trainer.train(
            in_memory(subset(experiment.splits.train, chosen)),
            experiment.splits.validation,
            experiment.budget(labels),
            seed,
            pretrained=arm == "pretrained",
            learning_rate=rate,
            head=self._head(arm, labels, seed) if start == "probe" else None,
            evaluated=self._evaluated,
        )
        if say:
            choice = {"learning_rate": rate, "start": start}
            self._say(arm, labels, seed, 1 - trained.error, trained.seconds, **choice)
        return trained

    def _test(self, weights: list[np.ndarray]) -> float:
        return self._trainer.accuracy(weights, self._experiment.splits.test)

    def report(self, saved_models: Path) -> dict:
        """Writes the table and the picture, exports the classifier and returns the table."""
        experiment, results = self._experiment, self._results
        rows = [
            results.row(arm, labels, seed)
            for labels in experiment.labels
            for arm in experiment.arms
            for seed in range(experiment.seeds)
        ]
        sizes = dict(
            zip(("train", "validation", "test"), experiment.settings["sizes"], strict=True)
        )
        table = {
            "run": experiment.name,
            "dataset": experiment.settings["dataset"],
            "split": experiment.splits.rule,
            **sizes,
            "seeds": experiment.seeds,
            "pretrained_on": experiment.pretrained_on,
            **report.summarize(rows),
            "settings": results.key,
            "classifier": self._export(saved_models) if "pretrained" in experiment.arms else None,
        }
        folder.write_json(results.place / "table.json", table)
        report.plot(rows, table, results.place / "finetune.png")
        return table

    def _export(self, saved_models: Path) -> dict:
        """Returns which classifier was exported, and where to."""
        experiment, results = self._experiment, self._results
        labels = experiment.labels[-1]
        seed = results.best_seed("pretrained", labels, experiment.seeds)
        assert seed is not None  # all of them are finished
        row = results.row("pretrained", labels, seed)
        found = {
            "labels": labels,
            "seed": seed,
            "validation_accuracy": row["validation_accuracy"],
            "test_accuracy": row["test_accuracy"],
        }
        name = f"{experiment.name}-classifier"
        exported = results.exported(found, saved_models / name)
        # The chief's answer: the others' files are elsewhere.
        if max(self._devices.values(int(bool(exported) and self._devices.chief))):
            return exported
        weights = results.kept_weights(labels, seed)
        if weights is None:
            # A command with more labels kept none of these; the same training comes out again.
            choice = row["learning_rate"], row["start"]
            weights = self._train("pretrained", labels, seed, *choice, say=False).weights
            results.keep_weights(labels, seed, weights)
        # What replicas share is exported from a model of one device.
        classifier = Classifier.from_config(self._trainer.classifier.get_config())
        classifier.network.set_weights(weights)
        about = {
            "run": experiment.run_dir.name,
            "dataset": experiment.splits.train.name,
            "data_licence": experiment.data_licence,
            "scores": found,
        }
        path = export(classifier, saved_models, name, about)
        return {**found, "saved_model": str(path)}
