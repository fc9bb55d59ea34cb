"""What Keras's callbacks find as `optimizer` of a model that has several."""

import keras

from kgan.errors import InputError


def refuse_averages(*optimizers: keras.optimizers.Optimizer) -> None:
    """Raises an InputError if an optimizer averages weights.

    Keras puts averages in place for models of one optimizer only.
    """
    if any(getattr(optimizer, "inner_optimizer", optimizer).use_ema for optimizer in optimizers):
        raise InputError(
            "An optimizer has use_ema=True: expected False, as nothing puts its averages in place "
            "where there are several optimizers."
        )


class Optimizers:
    """Optimizers whose learning rates callbacks read and set together.

    Args:
        *optimizers: Built Keras optimizers, without averages of their own.

    Attributes:
        built: True.
    """

    built = True

    def __init__(self, *optimizers: keras.optimizers.Optimizer):
        self._optimizers, self._shares = optimizers, [1.0] * len(optimizers)

    @property
    def learning_rate(self) -> float:
        """The largest of the learning rates; setting it scales all, so that their ratios stay."""
        return max(self._rates())

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        rates = self._rates()
        if max(rates) > 0:  # Rates of 0 keep the ratios that there were before.
            self._shares = [each / max(rates) for each in rates]
        for optimizer, share in zip(self._optimizers, self._shares, strict=True):
            optimizer.learning_rate = float(rate) * share

    def _rates(self):
        return [float(optimizer.learning_rate) for optimizer in self._optimizers]

    @property
    def iterations(self) -> keras.Variable:
        """Updates of the first."""
        return self._optimizers[0].iterations

    @property
    def variables(self) -> list[keras.Variable]:
        """The variables of all."""
        return [variable for optimizer in self._optimizers for variable in optimizer.variables]
