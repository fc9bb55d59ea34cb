"""What the loop, the console and the tests may ask of a kind of run."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:  # They need TensorFlow, which configurations do not.
    import keras
    import numpy as np
    from PIL import Image

    from kgan.data import Examples
    from kgan.data.split import Splits
    from kgan.methods.config import Config as AnyConfig


@dataclass(frozen=True)
class Phase:
    """A part of a training, with steps of its own.

    Attributes:
        fit: As `keras.Model.fit`.
        steps: Of it.
    """

    fit: Callable
    steps: int


@dataclass(frozen=True)
class DataSpec:
    """What a model must know of its data to be built.

    Attributes:
        shape: Of one example.
        class_names: One name a class, of labelled data.
        class_counts: How many examples each class has, of labelled data.
        class_column: Which column the classes are of; None without, and where it is not known.
        values: `(n, *shape)`, those to train on, from which first weights may be taken; None where
            weights are read from a checkpoint.
    """

    shape: tuple[int, ...]
    class_names: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    class_column: str | None = None
    values: np.ndarray | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, examples: Examples) -> DataSpec:
        """Returns that of the examples to train on."""
        import numpy as np

        names, counts, column = examples.class_names, (), None
        if examples.labels is not None:
            column = examples.label
            num_classes = examples.column(examples.label).num_classes
            counts = tuple(np.bincount(examples.labels, minlength=num_classes).tolist())
            names = names or tuple(map(str, range(num_classes)))
        return cls(examples.image_shape, names, counts, column, examples.values)

    @property
    def classes(self) -> dict[str, Any]:
        """The classes as config.json holds them."""
        column = {"column": self.class_column} if self.class_column else {}
        return {"names": list(self.class_names), "counts": list(self.class_counts), **column}


class Method(abc.ABC):
    """A way to train: one object of it serves all runs.

    Attributes:
        name: What config.json and errors call it.
        command: "train" or "pretrain".
        Config: Its configuration's class.
        draws: Whether its models draw images from seeds, by `sample`.
        use: The command that a finished run is for in the first place: "sample" or "finetune".
        progress: Formats of the metrics in the progress bar, the most important first.
        diagnoses: Whether it has something to diagnose a training by.
    """

    name: ClassVar[str]
    command: ClassVar[str]
    Config: ClassVar[type[AnyConfig]]
    draws: ClassVar[bool]
    use: ClassVar[str]
    progress: ClassVar[tuple[str, ...]]
    diagnoses: ClassVar[bool] = False

    def images_per_step(self, config: AnyConfig) -> int:
        """Returns the real examples of a training step."""
        return config.batch_size

    def columns(self, config: AnyConfig, examples: Examples) -> tuple[str, ...]:
        """Returns the columns whose values come with the examples in every batch."""
        return ()

    @abc.abstractmethod
    def resolve(self, config: AnyConfig, data: Splits) -> tuple[AnyConfig, Splits]:
        """Returns the configuration with every "auto" decided, and the data as they are trained on.

        Raises:
            InputError: Settings that contradict each other.
        """

    @abc.abstractmethod
    def build(self, config: AnyConfig, spec: DataSpec) -> keras.Model:
        """Returns the compiled model, its weights drawn from the random state at hand.

        Args:
            config: With every "auto" resolved.
            spec: Of the data.

        Raises:
            InputError: A network cannot be built from its options.
        """

    def phases(self, model: keras.Model, config: AnyConfig) -> Sequence[Phase]:
        """Returns what a training consists of, one after another."""
        return [Phase(model.fit, config.steps)]

    @abc.abstractmethod
    def picture(self, model: keras.Model, data: Splits) -> Image.Image:
        """Returns what is drawn while it trains; it leaves the model as it is."""

    def diagnose(self, model: keras.Model, data: Splits) -> dict[str, float]:
        """Returns what a training's losses cannot tell of it; it leaves the model as it is."""
        return {}

    def said(self, diagnoses: Sequence[dict[str, Any]]) -> list[str]:
        """Returns in words what the newest of a run's diagnoses is the first to say."""
        return []

    @abc.abstractmethod
    def score(self, model: keras.Model, data: Splits, config: AnyConfig) -> dict[str, Any]:
        """Returns the scores of a finished run and their baselines: see `runs.scores`."""
