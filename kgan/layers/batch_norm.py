"""Keras's batch normalisation as TensorFlow's one fused operation."""

import keras
import tensorflow as tf

from kgan.layers.rows import replica


@keras.saving.register_keras_serializable("kgan")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` (Ioffe and Szegedy, 2015), fused in training.

    The weights, the configuration, the moving statistics and inference are Keras's. In training
    Keras widens its input to float32 and normalises in about a dozen operations; the fused one
    reads and writes the input's own type and keeps its statistics in float32. It corrects the
    batch's variance for its size (Bessel); the moving variance here takes the uncorrected one, as
    Keras's does. Second derivatives, which gradient penalties take, are exact; Keras's are not,
    since its variance holds the mean constant.

    Args:
        axis: The channels' axis; fused where it is the last.
        momentum: Weight of the past in the moving statistics.
        epsilon: Added to the variance.
        synchronized: Under a strategy of several replicas, whether statistics are those of the
            global batch, not fused then; True unless told otherwise, so that replicas equal one
            device.
        **kwargs: As of `keras.layers.BatchNormalization`.

    Call arguments:
        inputs: (batch, ..., channels).
        training: Whether to normalise by the batch's statistics and to move the moving ones.
        mask: As of `keras.layers.BatchNormalization`.
    """

    def __init__(self, axis=-1, momentum=0.99, epsilon=1e-3, synchronized=True, **kwargs):
        super().__init__(axis, momentum, epsilon, synchronized=synchronized, **kwargs)

    def call(self, inputs, training=None, mask=None):
        if (
            not (training and self.trainable)
            or mask is not None
            or getattr(self, "renorm", False)  # Keras 3.8 has no such option
            or self.axis not in (-1, len(inputs.shape) - 1)
            or inputs.dtype not in (tf.float32, tf.bfloat16, tf.float16)
        ):
            return super().call(inputs, training=training, mask=mask)
        if self.synchronized and tf.distribute.get_strategy().num_replicas_in_sync > 1:
            return self._synchronized_call(inputs)
        channels = inputs.shape[-1]
        flat = inputs if len(inputs.shape) == 4 else tf.reshape(inputs, (-1, 1, 1, channels))
        fused = tf.raw_ops.FusedBatchNormV3(
            x=flat,
            scale=tf.convert_to_tensor(self.gamma) if self.scale else tf.ones(channels),
            offset=tf.convert_to_tensor(self.beta) if self.center else tf.zeros(channels),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(flat) / channels, tf.float32)
        self._move(self.moving_mean, fused.batch_mean)
        self._move(self.moving_variance, fused.batch_variance * ((count - 1) / count))
        outputs = fused.y if flat is inputs else tf.reshape(fused.y, tf.shape(inputs))
        return tf.cast(tf.ensure_shape(outputs, inputs.shape), self.compute_dtype)

    def _synchronized_call(self, inputs):
        """Normalises by the statistics of all replicas, which have as many rows each."""
        wide, axes = tf.cast(inputs, tf.float32), list(range(len(inputs.shape) - 1))
        own = tf.stack([tf.reduce_mean(wide, axes), tf.math.reduce_variance(wide, axes)])
        # At once: Keras asks the other replicas three times, and each time waits for them. A sum of
        # one row each and zeros gathers them; TensorFlow's own gathering asks for the shapes too.
        number, replicas = replica()
        place = tf.reshape(tf.one_hot(number, replicas), (replicas, 1, 1))
        context = tf.distribute.get_replica_context()
        parts = context.all_reduce(tf.distribute.ReduceOp.SUM, place * own)
        means, variances = parts[:, 0], parts[:, 1]
        mean = tf.reduce_mean(means, 0)
        # Not E[x^2] - E[x]^2, whose rounding may be more than the variance.
        variance = tf.reduce_mean(variances + tf.square(means - mean), 0)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        offset = tf.convert_to_tensor(self.beta) if self.center else None
        scale = tf.convert_to_tensor(self.gamma) if self.scale else None
        outputs = tf.nn.batch_normalization(wide, mean, variance, offset, scale, self.epsilon)
        return tf.cast(outputs, self.compute_dtype)

    def _move(self, moving, batch):
        moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
