"""Training one classifier again and again, each time from a state of its own."""

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from kgan.data import Examples
from kgan.data.pipeline import batches
from kgan.models import Classifier
from kgan.tasks.finetune.features import Encoder
from kgan.training.strategy import Devices

EVALUATION_BATCH = 500
MIN_STEPS, MAX_EPOCHS = 1000, 60
EVALUATIONS = 50  # in a whole budget, and never closer than MIN_BETWEEN steps
MIN_BETWEEN = 50
PATIENCE = 10  # evaluations without an improvement after which training stops


@dataclass(frozen=True)
class Budget:
    """How long a training lasts at most.

    Attributes:
        batch_size: Labels a step.
        every: Steps between two evaluations on the validation split.
        evaluations: How many of them at most.
    """

    batch_size: int
    every: int
    evaluations: int

    @property
    def steps(self) -> int:
        """Updates at most."""
        return self.every * self.evaluations


def budget(labels: int, batch_size: int = 128, steps: int | None = None) -> Budget:
    """Returns the budget for a number of labels.

    Args:
        labels: Size of the training subset; a batch is no larger.
        batch_size: Labels a step.
        steps: Updates at most; by default 60 epochs, and 1,000 if those are fewer.
    """
    batch_size = min(batch_size, labels)
    if steps is None:
        steps = max(MIN_STEPS, MAX_EPOCHS * math.ceil(labels / batch_size))
    evaluations = max(1, min(EVALUATIONS, steps // MIN_BETWEEN))
    return Budget(batch_size, steps // evaluations, evaluations)


@dataclass(frozen=True)
class Trained:
    """What one training came to.

    Attributes:
        weights: The best, as `network.get_weights` gives them.
        error: On the validation split, in [0, 1].
        loss: Cross-entropy on the validation split.
        steps: Updates made.
        best_step: After which of them the weights are the best.
        seconds: What it took.
    """

    weights: list[np.ndarray]
    error: float
    loss: float
    steps: int
    best_step: int
    seconds: float

    @property
    def rank(self) -> tuple[float, float]:
        """The smaller, the better: validation error, then loss."""
        return self.error, self.loss


class BestWeights(keras.callbacks.Callback):
    """Keeps the weights of the best evaluation, and stops after `patience` without a better one.

    Better is a smaller validation error or, at the same error, a smaller loss.

    Args:
        patience: Evaluations.
        evaluated: Called after each with how many there were.
    """

    def __init__(
        self, patience: int = PATIENCE, evaluated: Callable[[int], None] = lambda number: None
    ):
        super().__init__()
        self._patience, self._evaluated = patience, evaluated

    def on_train_begin(self, logs=None):
        self.rank, self.weights, self.best = (math.inf, math.inf), None, -1

    def on_epoch_end(self, epoch, logs=None):
        loss = logs["val_loss"] if math.isfinite(logs["val_loss"]) else math.inf
        rank = (1 - logs["val_accuracy"], loss)
        self.done = epoch + 1
        if self.weights is None or rank < self.rank:
            self.rank, self.weights = rank, self.model.network.get_weights()
            self.best = epoch
        elif epoch - self.best >= self._patience:
            self.model.stop_training = True
        self._evaluated(self.done)


class Trainer:
    """One compiled classifier on the architecture of an encoder, set anew for every training.

    Keras traces a training step for each compiled model, so there is one; what `fit` changes is
    put back: weights, optimizer, seeds of dropout.

    Args:
        source: The pretrained encoder, which stays as it is.
        num_classes: Number of classes.
        class_names: One name a class.
        devices: Where it trains.
    """

    def __init__(
        self,
        source: Encoder,
        num_classes: int,
        class_names: tuple[str, ...],
        devices: Devices,
    ):
        self._devices = devices
        with devices.scope():
            encoder = keras.models.clone_model(source.network)
            for layer in encoder.layers:
                layer.trainable = True  # Also those that pretraining froze.
            self.classifier = Classifier(
                encoder,
                num_classes,
                class_names,
                value_range=source.value_range,
            )
            self.classifier.compile()
        self._optimizer = self.classifier.optimizer
        self._initial = [v.value.numpy() for v in self._optimizer.variables]
        self._pretrained = source.network.get_weights()

    def random_weights(self, seed: int) -> list[np.ndarray]:
        """Returns the encoder's weights that a training without pretraining starts from."""
        self.reset(seed, pretrained=False)
        return self.classifier.encoder.get_weights()

    def reset(
        self,
        seed: int,
        pretrained: bool,
        learning_rate: float = 1e-3,
        head: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """Sets everything that training changes to where it starts from.

        Args:
            seed: Draws the softmax layer and, without pretraining, the encoder.
            pretrained: Whether the encoder has the pretrained weights.
            learning_rate: Of the optimizer.
            head: Kernel and bias of the softmax layer, None for random ones.
        """
        keras.utils.set_random_seed(seed)
        drawn = keras.models.clone_model(self.classifier.network)
        # The variables that are no weights are the seeds of dropout.
        variables = self.classifier.network.variables
        for mine, theirs in zip(variables, drawn.variables, strict=True):
            mine.assign(theirs)
        if pretrained:
            self.classifier.encoder.set_weights(self._pretrained)
        if head is not None:
            self.classifier.network.layers[-1].set_weights(head)
        for variable, value in zip(self._optimizer.variables, self._initial, strict=True):
            variable.assign(value)
        self._optimizer.learning_rate = learning_rate
        self.classifier.step.assign(0)

    def train(
        self,
        subset: Examples,
        validation: Examples,
        limits: Budget,
        seed: int,
        pretrained: bool,
        learning_rate: float,
        head: tuple[np.ndarray, np.ndarray] | None = None,
        evaluated: Callable[[int], None] = lambda step: None,
    ) -> Trained:
        """Trains from the start and returns the best of it; the classifier has those weights.

        Args:
            subset: What is trained on.
            validation: What decides when to stop and which weights are kept.
            limits: From `budget`.
            seed: Decides the order of the examples, and what `reset` draws.
            pretrained: As in `reset`.
            learning_rate: As in `reset`.
            head: As in `reset`.
            evaluated: Called with the step after each evaluation.
        """
        began = time.monotonic()
        best = BestWeights(evaluated=lambda number: evaluated(number * limits.every))
        self.reset(seed, pretrained, learning_rate, head)
        order = limits.batch_size, seed, 0, limits.steps
        make = functools.partial(batches, subset, *order, [subset.label], static=False)
        self.classifier.fit(
            self._devices.feed(make),
            epochs=limits.evaluations,
            steps_per_epoch=limits.every,
            shuffle=False,
            validation_data=(validation.images, validation.labels),
            validation_batch_size=EVALUATION_BATCH,
            callbacks=[best],
            verbose=0,
        )
        self.classifier.network.set_weights(best.weights)
        return Trained(
            weights=best.weights,
            error=best.rank[0],
            loss=best.rank[1],
            steps=best.done * limits.every,
            best_step=(best.best + 1) * limits.every,
            seconds=time.monotonic() - began,
        )

    def accuracy(self, weights: list[np.ndarray], examples: Examples) -> float:
        """Returns the share of examples that the classifier gets right with these weights."""
        self.classifier.network.set_weights(weights)
        scores = self.classifier.evaluate(
            examples.images,
            examples.labels,
            batch_size=EVALUATION_BATCH,
            verbose=0,
            return_dict=True,
        )
        return float(scores["accuracy"])
