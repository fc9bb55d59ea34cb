"""Adversarial objectives and penalties on the discriminator by name."""

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kgan.errors import InputError, shown, unknown
from kgan.tables import Named, Table


@dataclass(frozen=True)
class Penalty:
    """A term of the discriminator's loss that is no loss of logits.

    Attributes:
        function: `(discriminator, real, fake, mix) -> (batch,)`, see `losses.penalties`.
        scale: What its weight is multiplied by: 1/2 of a gamma, 1 of a lambda.
        labels: Whose labels a class-conditional discriminator gets with what the function calls it
            on: "real", "fake", or "both" where it mixes real with fake: these then take the labels
            of the reals.
    """

    function: Named
    scale: float = 1.0
    labels: str = "real"


PENALTIES = Table(
    __name__,
    {
        "r1": Penalty("penalties:r1", scale=0.5),
        "r2": Penalty("penalties:r2", scale=0.5, labels="fake"),
        "gradient_penalty": Penalty("penalties:wasserstein_gradient_penalty", labels="both"),
    },
)


def own_penalties(objective: Any) -> dict[str, float]:
    """Returns the penalties of the objective of a name, none where the name is not known."""
    known = isinstance(objective, str) and objective in OBJECTIVES
    return dict(OBJECTIVES.lines[objective].penalties) if known else {}


def with_named_penalties(game: dict[str, Any]) -> dict[str, Any]:
    """Returns a game of before penalties had names as it is now: its R1 came on top of others.

    Args:
        game: "objective" and, if it is so old, "r1" beside anything else.
    """
    game = dict(game)
    r1 = game.pop("r1", 0.0)
    if r1 != 0:
        game["penalties"] = {**own_penalties(game.get("objective")), "r1": r1}
    return game


def check_penalties(what: str, penalties: Any) -> None:
    """Raises an InputError unless penalties are known names with weights, finite and 0 or more.

    Args:
        what: Where they stand, to begin a sentence with.
        penalties: What is taken for them.
    """
    if not isinstance(penalties, Mapping):
        raise InputError(
            f"{what} is {shown(penalties)}: expected weights by name, such as "
            f'{{"r1": 1.0}}; known are {", ".join(PENALTIES)}.'
        )
    for name, weight in penalties.items():
        if name not in PENALTIES:
            raise unknown("penalty", name, PENALTIES)
        is_number = isinstance(weight, numbers.Real) and not isinstance(weight, bool)
        if not is_number or not 0 <= weight < math.inf:
            raise InputError(
                f"{what}.{name} is {shown(weight)}: expected a finite number, 0 or more."
            )


@dataclass(frozen=True)
class Objective:
    """What the two players minimise.

    Attributes:
        discriminator_loss: `(real_logits, fake_logits) -> (batch,)`.
        generator_loss: `(real_logits, fake_logits) -> (batch,)`.
        paired: Whether the generator's loss reads the real logits (relativistic).
        penalties: Weights by a name in `PENALTIES`, added to the discriminator's loss unless
            others are asked for: gamma of "r1" and "r2", which enters as gamma / 2, and lambda of
            "gradient_penalty".

    Raises:
        InputError: `paired` is neither True nor False, or a penalty is not known or its weight no
            number.
    """

    discriminator_loss: Named
    generator_loss: Named
    paired: bool = False
    penalties: dict[str, float] = field(default_factory=dict)

    def __post_init__(self):
        if not isinstance(self.paired, bool):
            raise InputError(f"paired is {shown(self.paired)}: expected True or False.")
        check_penalties("penalties", self.penalties)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, for Keras.

        Raises:
            InputError: A function is not registered with Keras, which could not find it again.
        """
        from kgan.losses.saving import serialized

        return {
            "discriminator_loss": serialized(self.discriminator_loss),
            "generator_loss": serialized(self.generator_loss),
            "paired": self.paired,
            "penalties": dict(self.penalties),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Objective":
        """Returns the objective that `get_config` was taken from.

        Raises:
            InputError: It was of a version whose penalties had no names.
        """
        from kgan.losses.saving import deserialized

        if not isinstance(config["penalties"], Mapping):
            raise InputError(
                "The model's objective was saved by an earlier KGAN, its penalties without names: "
                "load the model with compile=False, then compile it."
            )
        return cls(**deserialized(config))


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
            penalties={"gradient_penalty": 10.0},
        ),
        "relativistic": Objective(
            "adversarial:relativistic_discriminator",
            "adversarial:relativistic_generator",
            paired=True,
            penalties={"r1": 1.0, "r2": 1.0},
        ),
    },
)
