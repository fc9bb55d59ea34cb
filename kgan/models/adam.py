"""Keras's Adam with one fused operation a variable."""

import keras
import tensorflow as tf

from kgan.errors import InputError
from kgan.models.schedules import Schedule, loaded, saved, value_at


@keras.saving.register_keras_serializable("kgan")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` (Kingma and Ba, 2014): the same update, slots and configuration.

    Keras spells the update in about ten small operations a variable; here it is one. Both compute,
    with t counted from 1, the form just before section 2.1 of https://arxiv.org/abs/1412.6980
    ("epsilon hat": epsilon is added to the root of the uncorrected v):

        m <- m + (1 - beta_1) * (g - m)
        v <- v + (1 - beta_2) * (g**2 - v)
        variable <- variable - lr * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + epsilon)

    `beta_2` may be a `kgan.Schedule` of the optimizer's updates: the value at hand then stands in
    all three places, as R3GAN (Huang et al. 2024) has it.
    """

    def build(self, variables):
        super().build(variables)
        if self.amsgrad and isinstance(self.beta_2, Schedule):
            raise InputError("beta_2 is a schedule and amsgrad is on: expected one of the two.")

    def get_config(self):
        return {**super().get_config(), "beta_2": saved(self.beta_2)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = {**config, "beta_2": loaded(config.get("beta_2", 0.999))}
        return super().from_config(config, custom_objects)

    def update_step(self, gradient, variable, learning_rate):
        if self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        dtype = variable.dtype
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, dtype)
        beta_1 = tf.cast(self.beta_1, dtype)
        beta_2 = tf.cast(value_at(self.beta_2, self.iterations), dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), dtype),
        )
