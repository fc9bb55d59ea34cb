"""Which networks a variational autoencoder has."""

import math
from typing import Any

from kgan.errors import InputError, unknown

# The options of each and their defaults.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "dense": {"width": 400, "depth": 1, "activation": "tanh"},
    "conv": {"channels": 16},
}
MOST_DENSE = 32 * 32  # Values of an image.


def architecture_of(image_shape: tuple[int, ...], architecture: str = "auto") -> str:
    """Returns "dense" or "conv": "auto" is "conv" for images of more than 1,024 values.

    Below 8x8 it is "dense", and for points. Dense layers fail on large images: all inputs being
    above 0, one step of Adam moves a unit's input by its rate times their sum, so that it saturates
    in the first steps, and for all images alike.

    Args:
        image_shape: Shape of one example.
        architecture: "auto", "dense" or "conv".

    Raises:
        InputError: The architecture is unknown.
    """
    if architecture != "auto":
        check(architecture)
        return architecture
    is_image = len(image_shape) == 3 and min(image_shape[:2]) >= 8
    return "conv" if is_image and math.prod(image_shape) > MOST_DENSE else "dense"


def check(architecture: str) -> None:
    """Raises an InputError unless the architecture is known, or "auto"."""
    known = ("auto", *ARCHITECTURES)
    if architecture not in known:
        raise unknown("architecture", architecture, known)


def own_options(architecture: str, options: dict) -> dict:
    """Returns options without those of the other architecture, "dense" or "conv"."""
    others = {name for other, own in ARCHITECTURES.items() if other != architecture for name in own}
    return {name: value for name, value in options.items() if name not in others}


def check_options(architecture: str, options: dict) -> None:
    """Checks that no option would be ignored.

    Args:
        architecture: "dense" or "conv".
        options: Given values by name.

    Raises:
        InputError: An option of the other architecture is not its default.
    """
    for other, own in ARCHITECTURES.items():
        for name in own if other != architecture else ():
            if options.get(name, own[name]) != own[name]:
                raise InputError(
                    f"{name} is {options[name]!r}, but the vae's architecture is {architecture}: "
                    f"that is an option of {other}. Set architecture={other}, or "
                    f"architecture={architecture} without it."
                )
