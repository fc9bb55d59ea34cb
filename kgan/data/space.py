"""What a value is, whatever makes it: its form and its storage."""

from dataclasses import dataclass
from typing import Any

from kgan.errors import InputError


@dataclass(frozen=True)
class Space:
    """Values of one kind.

    Attributes:
        name: In the plural, as messages call them.
        dtype: As which they are stored.
        axes: By name, of an array of them: a number is the only length that the axis may have.
        is_image: Whether they are pictures, on a grid of pixels.
    """

    name: str
    dtype: str
    axes: tuple[str | int, ...]
    is_image: bool

    def __str__(self) -> str:
        return f"{self.dtype} {self.name} ({', '.join(map(str, self.axes))})"

    def holds(self, shape: tuple[int, ...]) -> bool:
        """Returns whether one value may have this shape."""
        sides = self.axes[1:]
        return len(shape) == len(sides) and all(
            isinstance(side, str) or side == found for side, found in zip(sides, shape, strict=True)
        )

    def check(self, values: Any, name: str) -> None:
        """Checks the form of values, which are not read.

        Args:
            values: An array, or what has `shape` and `dtype` of one.
            name: What the message calls them.

        Raises:
            InputError: They are stored otherwise, or of another shape.
        """
        if values.dtype != self.dtype or not self.holds(tuple(values.shape[1:])):
            raise InputError(
                f"{name} holds {values.dtype} {tuple(values.shape)}: expected {self}. "
                "Convert them, or name another space of kgan.data.space."
            )


IMAGES = Space("images", "uint8", ("n", "height", "width", "channels"), is_image=True)
POINTS = Space("points", "float32", ("n", 2), is_image=False)


def space_of(shape: tuple[int, ...]) -> Space:
    """Returns the space that holds values of a shape.

    Args:
        shape: Of one value.

    Raises:
        InputError: None does.
    """
    for space in (IMAGES, POINTS):
        if space.holds(tuple(shape)):
            return space
    raise InputError(f"Values of shape {tuple(shape)}: expected {IMAGES}, or {POINTS}.")
