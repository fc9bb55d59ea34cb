"""Adversarial objectives by name."""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from kgan.errors import InputError
from kgan.losses import adversarial, penalties

for _module in (adversarial, penalties):
    for _, _function in inspect.getmembers(_module, inspect.isfunction):
        keras.saving.register_keras_serializable("kgan")(_function)


@keras.saving.register_keras_serializable("kgan")
@dataclass(frozen=True)
class Objective:
    """What the two players minimise.

    Attributes:
        discriminator_loss: `(real_logits, fake_logits) -> (batch,)`.
        generator_loss: `(real_logits, fake_logits) -> (batch,)`.
        penalties: Pairs of a function in `losses.penalties` and its weight, added to the
            discriminator's loss.
        paired: Whether the generator's loss reads the real logits (relativistic).
    """

    discriminator_loss: Callable
    generator_loss: Callable
    penalties: tuple[tuple[Callable, float], ...] = ()
    paired: bool = False

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, for Keras.

        Raises:
            InputError: A function is not registered with Keras, which could not find it again.
        """
        return {
            "discriminator_loss": _serialized(self.discriminator_loss),
            "generator_loss": _serialized(self.generator_loss),
            "penalties": [[_serialized(function), weight] for function, weight in self.penalties],
            "paired": self.paired,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Objective":
        """Returns the objective that `get_config` was taken from."""
        config = keras.saving.deserialize_keras_object(config)
        return cls(**{**config, "penalties": tuple(map(tuple, config["penalties"]))})


def _serialized(function):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Keras, on lambdas, which are refused
            config = keras.saving.serialize_keras_object(function)
        found = keras.saving.deserialize_keras_object(config)
    except (TypeError, ValueError):
        found = None
    if found is None or (inspect.isfunction(function) and found is not function):
        raise InputError(
            f"The objective's {getattr(function, '__name__', function)} cannot be saved: make it a "
            'function with @keras.saving.register_keras_serializable("my_package") above it, or '
            "save the weights alone, by save_weights."
        )
    return config


OBJECTIVES = {
    "minimax": Objective(adversarial.minimax_discriminator, adversarial.minimax_generator),
    "non_saturating": Objective(
        adversarial.minimax_discriminator, adversarial.non_saturating_generator
    ),
    "least_squares": Objective(
        adversarial.least_squares_discriminator, adversarial.least_squares_generator
    ),
    "hinge": Objective(adversarial.hinge_discriminator, adversarial.wasserstein_generator),
    "wasserstein": Objective(
        adversarial.wasserstein_discriminator,
        adversarial.wasserstein_generator,
        penalties=((penalties.wasserstein_gradient_penalty, 10.0),),
    ),
    "relativistic": Objective(
        adversarial.relativistic_discriminator,
        adversarial.relativistic_generator,
        penalties=((penalties.r1, 0.5), (penalties.r2, 0.5)),
        paired=True,
    ),
}
