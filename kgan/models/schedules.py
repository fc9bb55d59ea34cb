"""Values that change while a model trains: rates, weights of penalties, half-lives."""

from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from kgan.errors import InputError, unknown

# By the share p of the way, from 0 to 1, how much of the first value is left.
SCHEDULES = {
    "linear": lambda p: 1 - p,
    "cosine": lambda p: 0.5 * (1 + tf.cos(np.pi * p)),
}


@keras.saving.register_keras_serializable("kgan")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A value that goes from `start` to `end` while the steps go from `first` to `last`.

    Before and after it stays. With p = (step - first) / (last - first) it is end + (start - end) r,
    where r = 1 - p ("linear") or (1 + cos(pi p)) / 2 ("cosine", half a period: Loshchilov and
    Hutter 2017, equation 5). A function of the step alone, so that a training that goes on goes on
    with it too.

    It stands for a number as a learning rate of any Keras optimizer, as `beta_2` of `kgan.Adam`, as
    a weight of `kgan.GAN.compile`'s penalties and as `kgan.GAN`'s `ema_half_life`. An optimizer
    counts its own updates, a GAN its steps.

    Args:
        kind: "linear" or "cosine".
        start: The value up to step `first`.
        end: The value from step `last` on.
        last: The step that it ends at.
        first: The step that it starts from.

    Raises:
        InputError: An unknown kind, a value that is not finite, or an end not after the start.
    """

    def __init__(self, kind: str, start: float, end: float, last: int, first: int = 0):
        super().__init__()
        if kind not in SCHEDULES:
            raise unknown("schedule", kind, SCHEDULES)
        if not np.all(np.isfinite([start, end])):
            raise InputError(f"A schedule from {start} to {end}: expected finite numbers.")
        if not 0 <= first < last:
            raise InputError(
                f"A schedule from step {first} to step {last}: expected it to end after it starts, "
                "at step 0 or later."
            )
        self.kind, self.start, self.end = kind, float(start), float(end)
        self.first, self.last = int(first), int(last)

    def __call__(self, step):
        done = tf.cast(tf.cast(step, tf.int64) - self.first, tf.float32)
        share = tf.clip_by_value(done / (self.last - self.first), 0.0, 1.0)
        return self.end + (self.start - self.end) * SCHEDULES[self.kind](share)

    def get_config(self):
        return {name: getattr(self, name) for name in ("kind", "start", "end", "last", "first")}


Scheduled: TypeAlias = float | Schedule


def value_at(value: Any, step: Any) -> Any:
    """Returns a number as it is, and of a schedule its value at a step, a float32 scalar."""
    return value(step) if isinstance(value, Schedule) else value


def least(value: Any) -> Any:
    """Returns the least that a number or a schedule comes to."""
    return min(value.start, value.end) if isinstance(value, Schedule) else value


def saved(value: Any) -> Any:
    """Returns what a `get_config` holds of a number or a schedule."""
    return keras.saving.serialize_keras_object(value) if isinstance(value, Schedule) else value


def loaded(value: Any) -> Any:
    """Returns what `saved` was taken from."""
    return keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value


def of_optimizer(optimizer: keras.optimizers.Optimizer, prefix: str = "") -> dict[str, float]:
    """Returns by name what an optimizer's schedules come to at its next update.

    Args:
        optimizer: Built.
        prefix: Of the names, such as "generator_".
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    found = {}
    if not isinstance(optimizer.learning_rate, keras.Variable):
        found[f"{prefix}learning_rate"] = float(optimizer.learning_rate)
    beta_2 = getattr(optimizer, "beta_2", None)
    if isinstance(beta_2, Schedule):
        found[f"{prefix}beta_2"] = float(beta_2(optimizer.iterations.value))
    return found


def of_values(values: dict[str, Any], step: Any) -> dict[str, float]:
    """Returns what those values that have a schedule come to at a step."""
    found = {name: value for name, value in values.items() if isinstance(value, Schedule)}
    return {name: float(value(step)) for name, value in found.items()}
