"""Which rows of the global batch a computation has: its replica's, or a piece of those."""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import TypeAlias

import keras
import tensorflow as tf

# Number, count, the seeds drawn, and those still to be given, None to the first piece.
_Piece: TypeAlias = tuple[int, int, list[tf.Tensor], Iterator[tf.Tensor] | None]
_piece: contextvars.ContextVar[_Piece | None] = contextvars.ContextVar("piece", default=None)


def replica() -> tuple[tf.Tensor | int, int]:
    """Returns this replica's number and how many there are; (0, 1) without a strategy."""
    context = tf.distribute.get_replica_context()
    count = context.num_replicas_in_sync
    return (context.replica_id_in_sync_group if count > 1 else 0), count


@contextlib.contextmanager
def piece(number: int, count: int, drawn: list[tf.Tensor]) -> Iterator[None]:
    """Within it, calls are for one of `count` equal pieces of a replica's rows.

    Args:
        number: Which piece, from 0; they come in turn.
        count: How many there are.
        drawn: The seeds that the first piece drew: empty before it, then as it left them.
    """
    seeds = iter(drawn) if number else None
    token = _piece.set((number, count, drawn, seeds))
    try:
        yield
    finally:
        _piece.reset(token)


def share(generator: keras.random.SeedGenerator) -> tuple[tf.Tensor | int, int, tf.Tensor]:
    """Returns which of how many equal shares of the global batch a call is for, and its seed.

    The pieces of a batch make the same calls and get the same seeds, as the whole would.

    Args:
        generator: Where the seed comes from.
    """
    number, replicas = replica()
    part, parts, drawn, seeds = _piece.get() or (0, 1, [], None)
    if seeds is None:
        drawn.append(generator.next())
        return number * parts + part, replicas * parts, drawn[-1]
    return number * parts + part, replicas * parts, next(seeds)
