"""From per-example losses to an update: the one place that averages, scales and applies."""

import hashlib
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from kgan.errors import InputError
from kgan.layers import SpectralNormalization
from kgan.layers.rows import piece, replica
from kgan.models.precision import all_layers

TEST_STEP = 2**60  # The noise of `evaluate`: a step that no training reaches.


def an_optimizer(optimizer: keras.optimizers.Optimizer | str | dict) -> keras.optimizers.Optimizer:
    """Returns the Keras optimizer that an optimizer, its name or its configuration stands for."""
    try:
        return keras.optimizers.get(optimizer)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Optimizer {optimizer!r}: expected one of keras.optimizers, its name or its "
            "configuration."
        ) from error


def built_optimizer(
    optimizer: keras.optimizers.Optimizer, *networks: keras.Model
) -> keras.optimizers.Optimizer:
    """Returns the optimizer, ready to train `networks` and scaling losses where float16 needs it.

    Args:
        optimizer: A Keras optimizer of its own, not built for other variables.
        *networks: What it updates; losses are scaled if any of their layers computes in float16.
    """
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    layers = (layer for network in networks for layer in all_layers(network))
    if not scales and any(layer.compute_dtype == "float16" for layer in layers):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build([v for network in networks for v in network.trainable_variables])
    return optimizer


def iterate_norms(network: keras.Model) -> None:
    """Moves the spectral norms of a network on, as is due once before each of its updates."""
    for layer in all_layers(network):
        if isinstance(layer, SpectralNormalization):
            layer.iterate()


def minimize(
    losses: Callable,
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[keras.Variable],
    inputs: Sequence,
    pieces: int = 1,
) -> tuple:
    """Takes one optimizer step on the mean loss over the global batch.

    The optimizer sums the replicas' gradients, so each mean is divided by the number of replicas.

    Args:
        losses: From the inputs to `(batch,)` losses and anything else, `(batch, ...)`, that the
            caller wants back, nested at will.
        optimizer: A built Keras optimizer; float16 loss scaling is honoured.
        variables: What it updates.
        inputs: Tensors `(batch, ...)`, or None, which stays None.
        pieces: Equal parts that the batch is computed in, one after another: less memory, the same
            gradient unless a network takes statistics of its batch.

    Returns:
        This replica's mean loss, a scalar, and the second value of `losses`.
    """
    scale = replica()[1] * pieces
    weights = [variable.value for variable in variables]

    def part(*rows):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            per_example, rest = losses(*rows)
            mean = tf.reduce_mean(tf.cast(per_example, tf.float32))
            scaled = optimizer.scale_loss(mean / scale)
        return tape.gradient(scaled, weights), mean, rest

    gradients: list[tf.Tensor | None] = []
    drawn: list[tf.Tensor] = []
    means, rests = [], []
    parts = ([None] * pieces if t is None else tf.split(t, pieces) for t in inputs)
    for number, rows in enumerate(zip(*parts, strict=True)):
        # Nothing of a piece is computed before the one before is done: else no memory is saved.
        done = [gradient for gradient in gradients if gradient is not None]
        with tf.control_dependencies(done), piece(number, pieces, drawn):
            more, mean, rest = part(*rows)
            gradients = list(map(_sum, zip(gradients, more, strict=True))) if number else more
        means.append(mean)
        rests.append(rest)
    optimizer.apply(gradients, variables)
    return tf.add_n(means) / pieces, tf.nest.map_structure(lambda *r: tf.concat(r, 0), *rests)


def _sum(gradients):
    """Returns the sum of two gradients, None of a variable that takes no part."""
    return None if gradients[0] is None else tf.add_n(gradients)


def _first(name: str) -> int:
    """Returns where the counters of a name begin, from 2^61 to below 2^62; equal everywhere."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return 2**61 + int.from_bytes(digest, "big") % 2**61


class Noise:
    """Noise as a pure function of (seed, step, name, row), equal on any number of replicas.

    Whoever draws does so under a name of its own, so that a new consumer changes nobody else's
    draws. The rows of the global batch are drawn everywhere and each replica takes its own. They
    are the same eagerly and in a graph; what XLA compiles draws others.

    Philox is keyed by (seed, counter), the counter being a hash of the name plus the step. So two
    steps of a name never meet, and two names do only if their hashes are fewer steps apart than a
    run has: one chance in 2^30 for 10^9 steps. Counters are positive here, and negative in
    `RowNoise` and for what `seeds` draws: those never meet these.

    Args:
        seed: The run's seed.
        step: Integer scalar tensor, between -2^61 and 2^61.
        batch: Rows on this replica.
        ragged: Whether replicas may have different numbers of rows, as those of the last batch
            that `evaluate` sees: then they tell each other. Training has equal ones.
    """

    def __init__(self, seed: int, step: tf.Tensor, batch: tf.Tensor, ragged: bool = False):
        self._seed, self._step, self._batch = seed, tf.cast(step, tf.int64), batch
        number, replicas = replica()
        self._before, self._total = number * batch, replicas * batch
        if ragged and replicas > 1:
            own = tf.one_hot(number, replicas) * tf.cast(batch, tf.float32)
            counts = tf.distribute.get_replica_context().all_reduce("SUM", own)
            counts = tf.cast(counts, tf.int32)
            self._before, self._total = tf.reduce_sum(counts[:number]), tf.reduce_sum(counts)

    def normal(self, name: str, shape: int | Sequence[int]) -> tf.Tensor:
        """Returns standard normal float32 `(batch, *shape)`.

        Args:
            name: Of the stream, drawn from at most once a step.
            shape: Of one row, static.
        """
        return self._rows(tf.random.stateless_normal, name, shape)

    def uniform(self, name: str, shape: int | Sequence[int] = ()) -> tf.Tensor:
        """Returns float32 `(batch, *shape)`, uniform in [0, 1).

        Args:
            name: Of the stream, drawn from at most once a step.
            shape: Of one row, static.
        """
        return self._rows(tf.random.stateless_uniform, name, shape)

    def _rows(self, draw, name, shape):
        shape = [shape] if isinstance(shape, int) else list(shape)
        seed = tf.stack([tf.constant(self._seed, tf.int64), self._step + _first(name)])
        rows = draw([self._total, *shape], seed, alg="philox")
        return rows[self._before : self._before + self._batch]


class RowNoise:
    """Noise of an estimate: row i is a function of (seed, rows[i], name, number) alone.

    So it is the same however the rows are batched, and none of it is drawn in training or by
    `seed_latents`, under the same seed too: its counters are negative, from -2^61 downwards. Two
    names meet only if their hashes are closer than 2^20 times the rows.

    Args:
        rows: int64 `(batch,)`, from 0 to below 2^40.
        seed: int64 scalar.
    """

    NUMBERS = 2**20

    def __init__(self, rows: tf.Tensor, seed: tf.Tensor):
        self._rows, self._seed = rows, seed

    def normal(self, name: str, shape: Sequence[int], number: int | tf.Tensor = 0) -> tf.Tensor:
        """Returns standard normal float32 `(batch, *shape)`.

        Args:
            name: Of the stream.
            shape: Of one row.
            number: Which of the stream's draws, from 0 to `NUMBERS - 1`.
        """
        return self._drawn(tf.random.stateless_normal, name, shape, number)

    def uniform(self, name: str, shape: Sequence[int], number: int | tf.Tensor = 0) -> tf.Tensor:
        """Returns float32 `(batch, *shape)`, uniform in [0, 1).

        Args:
            name: Of the stream.
            shape: Of one row.
            number: Which of the stream's draws, from 0 to `NUMBERS - 1`.
        """
        return self._drawn(tf.random.stateless_uniform, name, shape, number)

    def _drawn(self, draw, name, shape, number):
        first, number = _first(name), tf.cast(number, tf.int64)

        def one(row):
            counter = -(first + row * self.NUMBERS + number)
            return draw(shape, tf.stack([self._seed, counter]), alg="philox")

        return tf.map_fn(one, self._rows, fn_output_signature=tf.float32)
