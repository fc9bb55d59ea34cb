"""From per-example losses to an update: the one place that averages, scales and applies."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from kgan.errors import InputError
from kgan.layers.rows import piece, replica
from kgan.models.precision import all_layers

TEST_STEP = 2**60  # The noise of `evaluate`: a step that no training reaches.


def an_optimizer(optimizer) -> keras.optimizers.Optimizer:
    """Returns the Keras optimizer that an optimizer, its name or its configuration stands for."""
    try:
        return keras.optimizers.get(optimizer)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Optimizer {optimizer!r}: expected one of keras.optimizers, its name or its "
            "configuration."
        ) from error


def built_optimizer(optimizer, *networks: keras.Model):
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


def minimize(losses: Callable, optimizer, variables, inputs: Sequence, pieces: int = 1) -> tuple:
    """Takes one optimizer step on the mean loss over the global batch.

    The optimizer sums the replicas' gradients, so each mean is divided by the number of replicas.

    Args:
        losses: From the inputs to `(batch,)` losses and anything else, `(batch, ...)`, that the
            caller wants back, nested at will.
        optimizer: A built Keras optimizer; float16 loss scaling is honoured.
        variables: What it updates.
        inputs: Tensors `(batch, ...)`.
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

    gradients, means, rests, drawn = [], [], [], []
    for number, rows in enumerate(zip(*(tf.split(t, pieces) for t in inputs), strict=True)):
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


class Noise:
    """Noise as a pure function of (seed, step, stream, row), equal on any number of replicas.

    The rows of the global batch are drawn everywhere and each replica takes its own. They are the
    same eagerly and in a graph; what XLA compiles draws others.

    Args:
        seed: The run's seed.
        step: Integer scalar tensor.
        batch: Rows on this replica.
        streams: Streams in a step; every one of them is drawn at most once.
        ragged: Whether replicas may have different numbers of rows, as those of the last batch
            that `evaluate` sees: then they tell each other. Training has equal ones.
    """

    def __init__(
        self, seed: int, step: tf.Tensor, batch: tf.Tensor, streams: int, ragged: bool = False
    ):
        self._seed, self._first = seed, tf.cast(step, tf.int64) * streams
        self._batch = batch
        number, replicas = replica()
        self._before, self._total = number * batch, replicas * batch
        if ragged and replicas > 1:
            own = tf.one_hot(number, replicas) * tf.cast(batch, tf.float32)
            counts = tf.distribute.get_replica_context().all_reduce("SUM", own)
            counts = tf.cast(counts, tf.int32)
            self._before, self._total = tf.reduce_sum(counts[:number]), tf.reduce_sum(counts)

    def normal(self, stream: int, shape: int | Sequence[int]) -> tf.Tensor:
        """Returns standard normal float32 `(batch, *shape)`.

        Args:
            stream: From 0 to `streams - 1`.
            shape: Of one row, static.
        """
        return self._rows(tf.random.stateless_normal, stream, shape)

    def uniform(self, stream: int, shape: int | Sequence[int] = ()) -> tf.Tensor:
        """Returns float32 `(batch, *shape)`, uniform in [0, 1).

        Args:
            stream: From 0 to `streams - 1`.
            shape: Of one row, static.
        """
        return self._rows(tf.random.stateless_uniform, stream, shape)

    def _rows(self, draw, stream, shape):
        shape = [shape] if isinstance(shape, int) else list(shape)
        seed = tf.stack([tf.constant(self._seed, tf.int64), self._first + stream])
        rows = draw([self._total, *shape], seed, alg="philox")
        return rows[self._before : self._before + self._batch]


class RowNoise:
    """Noise of an estimate: row i is a function of (seed, rows[i], stream) alone.

    So it is the same however the rows are batched, and none of it is drawn in training or by
    `seed_latents`, under the same seed too.

    Args:
        rows: int64 `(batch,)`, from 0.
        seed: int64 scalar.
    """

    STREAMS = 2**20

    def __init__(self, rows: tf.Tensor, seed: tf.Tensor):
        self._rows, self._seed = rows, seed

    def normal(self, stream: int | tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
        """Returns standard normal float32 `(batch, *shape)`.

        Args:
            stream: From 0 to `STREAMS - 1`.
            shape: Of one row.
        """
        return self._drawn(tf.random.stateless_normal, stream, shape)

    def uniform(self, stream: int | tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
        """Returns float32 `(batch, *shape)`, uniform in [0, 1).

        Args:
            stream: From 0 to `STREAMS - 1`.
            shape: Of one row.
        """
        return self._drawn(tf.random.stateless_uniform, stream, shape)

    def _drawn(self, draw, stream, shape):
        def one(row):
            # Training counts from 0 and `seed_latents` has -1: no overlap.
            counter = -2 - (row * self.STREAMS + tf.cast(stream, tf.int64))
            return draw(shape, tf.stack([self._seed, counter]), alg="philox")

        return tf.map_fn(one, self._rows, fn_output_signature=tf.float32)
