"""Which shapes of images a network that halves them can make, and by how many halvings."""

from kgan.errors import InputError


def num_halvings(model: str, image_shape: tuple[int, ...]) -> int:
    """Returns how often both sides of `(height, width, channels)` are halved.

    Until the shorter one is 4, at least twice.

    Args:
        model: The network's name, to begin a message with.
        image_shape: `(height, width, channels)`.

    Raises:
        InputError: The sides cannot be halved twice, or the shorter one not down to 7 or less.
    """
    if len(image_shape) != 3:
        raise InputError(
            f"{model} makes images (height, width, channels), received shape "
            f"{tuple(image_shape)}: use the model 'mlp'."
        )
    height, width = image_shape[:2]
    halvings = 0
    while height % 2 == 0 and width % 2 == 0 and (min(height, width) > 4 or halvings < 2):
        height, width, halvings = height // 2, width // 2, halvings + 1
    if halvings < 2 or min(height, width) > 7 or min(image_shape[:2]) < 8:
        near = "x".join(str(_nearest(side)) for side in image_shape[:2])
        raise InputError(
            f"{model} cannot make {image_shape[0]}x{image_shape[1]} images: both sides must be 8 "
            f"or more and halve evenly, twice or more, until the shorter one is 7 or less; resize "
            f"with --image-size {near}."
        )
    return halvings


def _nearest(side: int) -> int:
    power = 1 << max(3, side.bit_length() - 1)
    return min((power, 2 * power), key=lambda size: abs(size - side))
