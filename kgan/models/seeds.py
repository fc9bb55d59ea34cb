"""From seeds or latents to samples: sample i depends on seed i alone, its image up to rounding."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from kgan.errors import InputError
from kgan.models import MAX_SEED
from kgan.models.labels import labels_at

SAMPLE_BATCH = 64
# In the second place of a seed: training noise is positive there, that of estimates below -2^61.
LATENTS, LABELS = -1, -2


def seed_latents(seeds: ArrayLike, latent_dim: int) -> tf.Tensor:
    """Returns standard normal latents `(n, latent_dim)`, row i a function of `seeds[i]` alone.

    Args:
        seeds: int64 `(n,)`, from 0.
        latent_dim: Dimensions of a latent.
    """
    return _latents(tf.convert_to_tensor(seeds, tf.int64), latent_dim)


@tf.function(autograph=False, reduce_retracing=True)  # Eagerly the loop runs in Python.
def _latents(seeds, latent_dim):
    def latent(seed):
        pair = tf.stack([seed, tf.constant(LATENTS, tf.int64)])
        return tf.random.stateless_normal([latent_dim], pair, alg="philox")

    return tf.map_fn(latent, seeds, fn_output_signature=tf.float32)


def seed_labels(seeds: ArrayLike, frequencies: Sequence[float]) -> tf.Tensor:
    """Returns labels int32 `(n,)` by class frequency, label i a function of `seeds[i]` alone.

    Args:
        seeds: int64 `(n,)`, from 0.
        frequencies: Of every class, 0 or more, not all 0.
    """
    return labels_at(_uniform(tf.convert_to_tensor(seeds, tf.int64)), frequencies)


@tf.function(autograph=False, reduce_retracing=True)
def _uniform(seeds):
    def number(seed):
        pair = tf.stack([seed, tf.constant(LABELS, tf.int64)])
        return tf.random.stateless_uniform([], pair, alg="philox")

    return tf.map_fn(number, seeds, fn_output_signature=tf.float32)


def in_batches(function: Callable, rows: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Returns `function` of rows, called on one fixed batch size.

    So the same kernels run however much is asked for, and the same rows give the same bytes. At
    another place in a batch a row may be rounded otherwise.

    Args:
        function: From one `(SAMPLE_BATCH, ...)` or more to a tensor with a row each.
        rows: `(n, ...)`, n of 1 or more.
        *others: As many rows each.
    """
    count = -(-len(rows) // SAMPLE_BATCH)

    def chunks(array):
        return np.split(np.resize(array, (count * SAMPLE_BATCH, *array.shape[1:])), count)

    parts = zip(*map(chunks, (rows, *others)), strict=True)
    return np.concatenate([function(*part).numpy() for part in parts])[: len(rows)]


def checked_rows(what: str, rows: Any, width: int) -> np.ndarray:
    """Returns latents or codes as float32 `(n, width)`, n of 1 or more.

    Args:
        what: Their name, to begin a sentence with.
        rows: What is taken for them.
        width: Numbers of a row.

    Raises:
        InputError: They are none, or hold NaN or infinity.
    """
    expected = f"expected one or more rows of {width} finite floats"
    try:
        with np.errstate(over="ignore"):  # What float32 does not hold becomes infinity.
            rows = np.asarray(rows, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} are no array of numbers: {expected}.") from error
    if rows.shape[1:] != (width,) or not rows.size:
        raise InputError(f"{what} are {rows.shape}: {expected}.")
    if not np.isfinite(rows).all():
        raise InputError(f"{what} hold NaN or infinity: {expected}.")
    return rows


def check_seeds(seeds: Any) -> np.ndarray:
    """Returns seeds as int64 `(n,)`.

    Raises:
        InputError: None are given, or one is no integer from 0 to 2^63 - 1.
    """
    values = list(np.atleast_1d(np.asarray(seeds, dtype=object)))
    wrong = [repr(seed) for seed in values if not _is_seed(seed)]
    if not values or wrong:
        raise InputError(
            f"Seeds: received {wrong[0] if wrong else 'none'}, expected one or more integers from "
            f"0 to {MAX_SEED}."
        )
    return np.array(values, np.int64)


def noise_seed(seed: Any) -> int:
    """Returns the seed of a model's training noise.

    Raises:
        InputError: It is no integer of 64 bits.
    """
    if not _is_integer(seed) or not -MAX_SEED - 1 <= seed <= MAX_SEED:
        raise InputError(
            f"seed is {seed!r}: expected an integer of 64 bits, such as from 0 to {MAX_SEED}."
        )
    return int(seed)


def _is_seed(value) -> bool:
    return _is_integer(value) and 0 <= value <= MAX_SEED


def _is_integer(value) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
