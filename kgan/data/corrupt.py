"""What denoising autoencoders are to undo (Vincent et al. 2010, sections 3.3 and 4)."""

from dataclasses import asdict, dataclass
from typing import Any

import keras
from keras import ops

from kgan.data.kinds import check


@keras.saving.register_keras_serializable("kgan")
@dataclass(frozen=True)
class Corruption:
    """Noise put on images in [0, 1], element by element.

    "none" leaves them; "masking" sets a share of the elements to 0; "salt_and_pepper" sets a share
    to 0 or 1 by the toss of a fair coin; "gaussian" adds noise and does not clip.

    Args:
        kind: One of `kinds.KINDS`.
        amount: In (0, 1]. The probability with which an element is set; for "gaussian" the standard
            deviation. Unused by "none".

    Raises:
        InputError: An unknown kind, or an amount out of its range.
    """

    kind: str = "none"
    amount: float = 0.25

    def __post_init__(self):
        check(self.kind, self.amount)

    def __call__(self, x, noise, name: str):
        """Returns the corrupted images.

        Args:
            x: float32 `(batch, ...)` in [0, 1], every axis but the first known.
            noise: Its `uniform(name, shape)` and `normal(name, shape)` return float32
                `(batch, *shape)`, uniform in [0, 1) and standard normal.
            name: Of the one stream of `noise` that is drawn.

        Returns:
            float32 `(batch, ...)`; in [0, 1] save for "gaussian".
        """
        if self.kind == "none":
            return x
        shape = tuple(x.shape[1:])
        if self.kind == "gaussian":
            return x + self.amount * noise.normal(name, shape)
        draw = noise.uniform(name, shape)
        if self.kind == "masking":
            return ops.where(draw < self.amount, ops.zeros_like(x), x)
        # Given that it is below the amount, a draw is below half of it by the toss of a fair coin.
        extreme = ops.cast(draw < self.amount / 2, x.dtype)
        return ops.where(draw < self.amount, extreme, x)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, for Keras."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Corruption":
        """Returns the corruption that `get_config` was taken from."""
        return cls(**config)
