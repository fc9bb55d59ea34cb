"""Adversarial objectives by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kgan.tables import Table


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
        from kgan.losses.saving import serialized

        return {
            "discriminator_loss": serialized(self.discriminator_loss),
            "generator_loss": serialized(self.generator_loss),
            "penalties": [[serialized(function), weight] for function, weight in self.penalties],
            "paired": self.paired,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Objective":
        """Returns the objective that `get_config` was taken from."""
        from kgan.losses.saving import deserialized

        config = deserialized(config)
        return cls(**{**config, "penalties": tuple(map(tuple, config["penalties"]))})


OBJECTIVES = Table(
    __name__,
    {
        "minimax": Objective("adversarial:minimax_discriminator", "adversarial:minimax_generator"),
        "non_saturating": Objective(
            "adversarial:minimax_discriminator", "adversarial:non_saturating_generator"
        ),
        "least_squares": Objective(
            "adversarial:least_squares_discriminator", "adversarial:least_squares_generator"
        ),
        "hinge": Objective("adversarial:hinge_discriminator", "adversarial:wasserstein_generator"),
        "wasserstein": Objective(
            "adversarial:wasserstein_discriminator",
            "adversarial:wasserstein_generator",
            penalties=(("penalties:wasserstein_gradient_penalty", 10.0),),
        ),
        "relativistic": Objective(
            "adversarial:relativistic_discriminator",
            "adversarial:relativistic_generator",
            penalties=(("penalties:r1", 0.5), ("penalties:r2", 0.5)),
            paired=True,
        ),
    },
)
