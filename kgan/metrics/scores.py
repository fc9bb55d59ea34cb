"""Scores that carry their conditions, and the trivial ones to print beside them."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import kgan
from kgan.errors import InputError
from kgan.metrics import METRICS, Metric, check_names, store
from kgan.metrics.classes import TooFewError, by_name
from kgan.metrics.features import Extractor, Features
from kgan.metrics.neighbours import nearest
from kgan.metrics.parzen import k_means_samples
from kgan.metrics.reference import Data

NOT_GENERATED = {"seeds": None, "precision": None}
PARZEN_ELEMENTS = 4096
PARZEN_VALIDATION = 1000  # images, as in Goodfellow et al. 2014


def applicable(
    data: Data, extractor: Extractor, split: str = "train", labelled: bool = False
) -> list[str]:
    """Returns the metrics that images can have beside these data, with these features.

    Args:
        data: The real images.
        extractor: Whose features are compared.
        split: As of `Scorer`.
        labelled: Whether the images were asked for by the classes of the data.
    """
    can = {"parzen": _parzen_takes(data.image_shape), "classifier_score": extractor.classes}
    for name, metric in METRICS.items():
        if metric.labels:
            can[name] = labelled and not _without_classes(name, data, extractor, split)
    return [name for name in METRICS if can.get(name, True)]


def _parzen_takes(image_shape: tuple[int, ...]) -> bool:
    return image_shape[-1] == 1 and math.prod(image_shape) <= PARZEN_ELEMENTS


def _without_classes(name: str, data: Data, extractor: Extractor | None, split: str) -> str:
    """Returns why a metric cannot be had if it is one of classes, "" if it can."""
    if not METRICS.lines[name].labels:
        return ""
    if data.labels is None or (split == "test" and data.labels.test is None):
        return (
            f"{name} takes real images with labels, the {split} images of {data.name!r} have none: "
            "choose other scores."
        )
    own = data.labels.names
    assert extractor is not None, "it takes features"
    if METRICS.lines[name].needs == "probabilities" and extractor.class_names != own:
        return (
            f"{name} takes features whose classes are those of {data.name!r} ({_first(own)}), "
            f"{extractor.name!r} has others or tells none: choose other features, such as a "
            "SavedModel that kgan finetune wrote, or other scores."
        )
    return ""


def _first(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (", ..." if names[3:] else "")


class Scorer:
    """Scores any images against one part of a data set.

    The reference is, for the split "train", all real images but the test images; "validation" and
    "test" are those, the first to choose by.
    The Parzen estimate is of held-out images, its sigma by other ones that are not test images.

    Args:
        data: The data set.
        extractor: Whose features are compared; None if no metric wants any.
        metrics: Names in `METRICS`.
        split: "train", "validation" or "test".
        cache: The folder where features of real images are kept; None for none.
        held_out: Whose Parzen estimate is made: "test", or "validation" where the score chooses.

    Raises:
        InputError: An unknown metric or split, or a metric that these images cannot have.
    """

    def __init__(
        self,
        data: Data,
        extractor: Extractor | None,
        metrics: Sequence[str],
        split: str = "train",
        cache: Path | None = None,
        held_out: str = "test",
    ):
        check_names(metrics, split)
        if "parzen" in metrics and not _parzen_takes(data.image_shape):
            raise InputError(
                f"parzen takes grey images of at most {PARZEN_ELEMENTS:,} pixels, those of "
                f"{data.name!r} are {_sides(data.image_shape)}: leave it out of --metrics."
            )
        if extractor:
            extractor.check(data.image_shape)
        for name in metrics:
            if reason := _without_classes(name, data, extractor, split):
                raise InputError(reason)
        self.metrics = {name: metric for name, metric in METRICS.items() if name in metrics}
        self._data, self._extractor, self._split, self._cache = data, extractor, split, cache
        self._held_out, self._prepared = held_out, False
        self._real: dict[str, Any] = {}

    @property
    def _features(self) -> Extractor:
        assert self._extractor is not None, "a metric of features comes with a network for them"
        return self._extractor

    @property
    def _needs(self) -> set[str]:
        return {metric.needs for metric in self.metrics.values()}

    def prepare(self) -> None:
        """Computes what the metrics need of the real images, or reads it from the cache."""
        if self._prepared:
            return
        data = self._data
        if self._needs - {"pixels"}:
            # To train on counts what is held out of it for choices.
            names = ("train", "validation") if self._split == "train" else (self._split,)
            parts = [getattr(data, name) for name in names]
            found = [self._features(part, self._cache) for part in parts]
            self._real["features"] = np.concatenate([part.features for part in found])
            self._real["probabilities"] = None
            if labels := data.labels:
                self._real["labels"] = np.concatenate([getattr(labels, name) for name in names])
        if "pixels" in self._needs:
            choosing = self._held_out == "validation"
            count = min(PARZEN_VALIDATION, len(data.validation) // (1 + choosing))
            self._real["pixels"] = {
                "validation": pixels(data.validation[:count]),
                "test": pixels(data.validation[count:] if choosing else data.test),
            }
        self._prepared = True

    def see(self, images, labels: np.ndarray | None = None, cached: bool = False) -> dict:
        """Returns what the metrics need of images: features, probabilities, labels, pixels.

        Args:
            images: uint8 `(n, height, width, channels)`.
            labels: Integers `(n,)`, the classes of the data that were asked for; None where none
                were.
            cached: Whether the features are worth keeping on disk.

        Raises:
            InputError: Images of another shape, or features without probabilities that a metric
                needs.
        """
        if images.shape[1:] != self._data.image_shape:
            raise InputError(
                f"The images are {_sides(images.shape[1:])}, those of {self._data.name!r} are "
                f"{_sides(self._data.image_shape)}: choose another --dataset, or give --image-size."
            )
        found = {}
        if self._needs - {"pixels"}:
            seen: Features = self._features(images, self._cache if cached else None)
            found = {"features": seen.features, "probabilities": seen.probabilities}
            found |= {} if labels is None else {"labels": labels}
        if "probabilities" in self._needs and found["probabilities"] is None:
            raise InputError(
                f"classifier_score takes features with classes, {self._features.name!r} has none: "
                "leave it out of --metrics, or choose other --features."
            )
        if "pixels" in self._needs:
            found["pixels"] = pixels(images)
        return found

    def score(
        self,
        seen: dict,
        seeds: str | None = None,
        precision: str | None = None,
        too_few: Callable[[TooFewError], None] | None = None,
        **conditions,
    ) -> list[dict]:
        """Returns the scores with their conditions, those that need what was not seen left out.

        Args:
            seen: From `see`.
            seeds: Of the images, None if no generator of ours made them.
            precision: That they were generated in, None likewise.
            too_few: Told why, in place of a refusal, of a score of classes that is left out.
            **conditions: More of them, such as the step.

        Raises:
            InputError: Too few images for a metric, or numbers that are not finite.
        """
        return self._scored(seen, {"seeds": seeds, "precision": precision, **conditions}, too_few)

    def _scored(self, seen: dict, conditions: dict, too_few=None) -> list[dict]:
        self.prepare()
        found = []
        for metric in self.metrics.values():
            if metric.needs in seen and (not metric.labels or "labels" in seen):
                try:
                    values = self._computed(metric, seen)
                except TooFewError as error:
                    if too_few is None:
                        raise
                    too_few(error)
                    continue
                about = self._conditions(metric.needs, len(seen[metric.needs]))
                for name, value in values.items():
                    label = name if metric.needs == "pixels" else f"{name}[{self._features.name}]"
                    found.append({"name": label, **about, **value, **conditions})
        return found

    def _computed(self, metric: Metric, seen: dict) -> dict[str, dict]:
        real, fake = self._real[metric.needs], seen[metric.needs]
        if not metric.labels:
            return metric.compute(real, fake)
        found = metric.compute((real, self._real["labels"]), (fake, seen["labels"]))
        assert self._data.labels is not None, "refused when it was made"
        names = self._data.labels.names
        return {score: by_name(value, names) for score, value in found.items()}

    def _conditions(self, needs: str, count: int) -> dict:
        about = {"n": count, "dataset": self._data.name, "kgan": kgan.__version__}
        if needs == "pixels":
            return {**about, "split": self._held_out}
        features = {
            "name": self._features.name,
            "sha256": self._features.digest,
            "resizer": self._features.resizer,
        } | ({"caveat": self._features.caveat} if self._features.caveat else {})
        reference = len(self._real["features"])
        return {**about, "n_reference": reference, "split": self._split, "features": features}

    def nearest(self, features: np.ndarray, count: int) -> np.ndarray:
        """Returns the training images nearest to images, by their features.

        Args:
            features: `(n, d)`, from `see`.
            count: How many for each.

        Returns:
            uint8 `(n, count, *image_shape)`, the nearest first.
        """
        data = self._data
        known = self._features(data.train, self._cache).features
        chosen, _ = nearest(known, features, min(count, len(known)))
        return np.stack([np.asarray(data.train[row]) for row in chosen])

    def baselines(self, samples: int) -> dict[str, list[dict]]:
        """Returns the scores of images that nobody had to generate.

        Args:
            samples: How many at most.

        Returns:
            "test images" ("train images" for another split than "train"): real ones that the
            reference does not hold, the floor; "noise": uniform, the ceiling; where the Parzen
            estimate is asked for "train images" and "k-means centroids", beside which it is to be
            read.
        """
        data, rows = self._data, {}
        floor = "test images" if self._split == "train" else "train images"
        if self._needs - {"pixels"}:
            part = "test" if self._split == "train" else "train"
            real = getattr(data, part)[:samples]
            shape = samples, *data.image_shape
            noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
            known, drawn = None, None
            if data.labels:
                known = getattr(data.labels, part)
                # As many of each: of few, none would be of enough for the recall.
                drawn = np.arange(samples) % len(data.labels.names)
            for name, images, labels in ((floor, real, known), ("noise", noise, drawn)):
                seen = self.see(images, None if labels is None else labels[:samples], cached=True)
                of_features = {key: seen[key] for key in seen if key != "pixels"}
                # There may be fewer real images of each class than generated ones.
                rows[name] = self._scored(of_features, NOT_GENERATED, lambda error: None)
        if "pixels" in self._needs:
            train = pixels(data.train)
            known = self.score({"pixels": train[:samples]})
            rows["train images"] = [*rows.get("train images", []), *known]
            # Of five images each or more: a centroid of one would be that image.
            centroids = self._centroids(train, max(1, min(samples, len(train) // 5)))
            rows["k-means centroids"] = self.score({"pixels": centroids})
        return rows

    def _centroids(self, train: np.ndarray, count: int) -> np.ndarray:
        if self._cache is None:
            return k_means_samples(train, count)
        path = self._cache / f"k-means-{store.digest(train)}-{count}.npz"
        found = store.read(path)
        if found is None:
            found = {"centroids": k_means_samples(train, count)}
            store.write(path, **found)
        return found["centroids"]


def _sides(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def pixels(images) -> np.ndarray:
    """Returns uint8 images as float32 `(n, elements)` in [0, 1]."""
    images = np.asarray(images[:])
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
