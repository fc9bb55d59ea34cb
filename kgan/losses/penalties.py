"""Gradient penalties on the discriminator, one value an example.

Every function takes `(discriminator, real, fake, mix)`: a callable from a batch to `(batch,)`
logits, two batches of the same shape in the model's own range, and `mix` `(batch,)` uniform in
[0, 1). It returns `(batch,)`. The discriminator must treat examples independently: with batch
statistics a penalty for one example would leak into the others'.
"""

from collections.abc import Callable
from typing import TypeAlias

import tensorflow as tf
from keras import ops

Discriminator: TypeAlias = Callable[[tf.Tensor], tf.Tensor]


def _squared_gradient_norm(discriminator, inputs):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        logits = discriminator(inputs)
    gradient = ops.cast(tape.gradient(logits, inputs), "float32")
    return ops.sum(ops.square(ops.reshape(gradient, (ops.shape(gradient)[0], -1))), axis=1)


def r1(discriminator: Discriminator, real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor) -> tf.Tensor:
    """|grad D(x)|^2 on real examples (Mescheder et al. 2018, equation 9; weight gamma / 2)."""
    return _squared_gradient_norm(discriminator, real)


def r2(discriminator: Discriminator, real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor) -> tf.Tensor:
    """|grad D(G(z))|^2 on generated examples (Mescheder et al. 2018; weight gamma / 2)."""
    return _squared_gradient_norm(discriminator, fake)


def wasserstein_gradient_penalty(
    discriminator: Discriminator, real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor
) -> tf.Tensor:
    """(|grad D(x')| - 1)^2 with x' between a real and a fake one (Gulrajani et al. 2017, eq. 3)."""
    mix = ops.reshape(ops.cast(mix, real.dtype), (-1,) + (1,) * (len(real.shape) - 1))
    between = mix * real + (1 - mix) * fake
    # Inside the root, so that the derivative is finite where the gradient vanishes.
    norm = ops.sqrt(_squared_gradient_norm(discriminator, between) + 1e-12)
    return ops.square(norm - 1)
