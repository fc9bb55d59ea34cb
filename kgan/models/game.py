"""What the two players of a GAN minimise: the objective with its penalties, looked at and used."""

from collections.abc import Callable

import keras
import tensorflow as tf

from kgan.errors import InputError, unknown
from kgan.losses import OBJECTIVES, PENALTIES, Objective, check_penalties
from kgan.models.precision import all_layers
from kgan.models.schedules import Schedule, Scheduled, least, value_at


def objective_of(objective: str | Objective) -> Objective:
    """Returns the objective that a name stands for.

    Raises:
        InputError: It is not known.
    """
    if isinstance(objective, Objective):
        return objective
    if not isinstance(objective, str):
        raise InputError(
            f"objective is {objective!r}: expected a kgan.Objective, or one of "
            f"{', '.join(OBJECTIVES)}."
        )
    if objective not in OBJECTIVES:
        raise unknown("objective", objective, OBJECTIVES)
    return OBJECTIVES[objective]


def name_of(objective: Objective) -> str | Objective:
    """Returns the name of an objective, itself if it has none."""
    named = (name for name, known in OBJECTIVES.items() if known == objective)
    return next(named, objective)


def penalties_of(
    objective: Objective, penalties: dict[str, Scheduled] | None, discriminator: keras.Model
) -> dict[str, Scheduled]:
    """Returns the penalties that are in effect, those of the objective if None.

    Raises:
        InputError: One is not known, a weight is no number, or the discriminator takes statistics
            of its batch.
    """
    penalties = objective.penalties if penalties is None else penalties
    if isinstance(penalties, dict):
        check_penalties("penalties", {name: least(weight) for name, weight in penalties.items()})
    else:
        check_penalties("penalties", penalties)
    penalties = {
        name: weight if isinstance(weight, Schedule) else float(weight)
        for name, weight in penalties.items()
    }
    couples = keras.layers.BatchNormalization
    if any(penalties.values()) and any(
        isinstance(layer, couples) for layer in all_layers(discriminator)
    ):
        raise InputError(
            "A gradient penalty is per example, but the discriminator has batch normalisation, "
            "which couples examples: build it with normalization 'layer' or 'none'."
        )
    return penalties


class Game:
    """An objective and its penalties in effect.

    Args:
        objective: What is minimised.
        penalties: Weights by name, from `penalties_of`.
    """

    def __init__(self, objective: Objective, penalties: dict[str, Scheduled]):
        self.objective = objective
        self._terms = [(PENALTIES[name], weight) for name, weight in penalties.items() if weight]

    @property
    def penalised(self) -> bool:
        """Whether there is any penalty."""
        return bool(self._terms)

    @property
    def paired(self) -> bool:
        """Whether the discriminator's loss compares real with fake, which then share labels."""
        return self.objective.paired or any(term.labels == "both" for term, _ in self._terms)

    def discriminator_losses(
        self,
        discriminate: Callable,
        real: tf.Tensor,
        fake: tf.Tensor,
        real_labels: tf.Tensor | None,
        fake_labels: tf.Tensor | None,
        mix: tf.Tensor | None,
        step: tf.Tensor,
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
        """Returns the losses of a batch, `(batch,)`, and its real and fake logits.

        Args:
            discriminate: From images and labels to `(batch,)` logits.
            real: `(batch, *image_shape)`.
            fake: As `real`.
            real_labels: int32 `(batch,)`; None without classes.
            fake_labels: As `real_labels`.
            mix: `(batch,)` uniform in [0, 1); None without penalties.
            step: The training's, int64, at which weights with a schedule are taken.
        """
        real_logits, fake_logits = discriminate(real, real_labels), discriminate(fake, fake_labels)
        loss = self.objective.discriminator_loss(real_logits, fake_logits)
        for penalty, weight in self._terms:
            labels = fake_labels if penalty.labels == "fake" else real_labels

            def at_labels(images, labels=labels):
                return discriminate(images, labels)

            scale = value_at(weight, step) * penalty.scale
            loss += scale * penalty.function(at_labels, real, fake, mix)
        return loss, (real_logits, fake_logits)
