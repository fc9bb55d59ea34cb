"""The kinds of corruption and their range, told without loading Keras."""

from kgan.errors import InputError, unknown

KINDS = ("none", "masking", "salt_and_pepper", "gaussian")


def check(kind: str, amount: float) -> None:
    """Raises an InputError unless there is such a kind and the amount is in its range.

    Args:
        kind: To be one of `KINDS`.
        amount: To be in (0, 1].
    """
    if kind not in KINDS:
        raise unknown("corruption", kind, KINDS)
    if not 0 < amount <= 1:
        raise InputError(
            f"The amount of corruption is {amount}: expected above 0 and at most 1. "
            "For no corruption choose the kind 'none'."
        )
