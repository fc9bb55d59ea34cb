"""Gradient descent whose learning rate decays and whose momentum rises."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kgan")
class MomentumSGD(keras.optimizers.SGD):
    """SGD with the schedules of Goodfellow et al. 2014 (the authors' MNIST model).

    At update t, from 0: the learning rate is max(learning_rate / decay^t, minimum) and the momentum
    goes linearly from `momentum` to `final_momentum` over `ramp_steps` updates.

    Args:
        learning_rate: Before any decay.
        decay: What the learning rate is divided by at each update, 1 or more.
        minimum: The learning rate's floor.
        momentum: At the first update, above 0.
        final_momentum: After the ramp.
        ramp_steps: Updates that the ramp takes.
        **kwargs: Passed to `keras.optimizers.SGD`.
    """

    def __init__(
        self,
        learning_rate=0.1,
        decay=1.000004,
        minimum=1e-6,
        momentum=0.5,
        final_momentum=0.7,
        ramp_steps=125_000,
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, momentum=momentum, **kwargs)
        self.decay, self.minimum = decay, minimum
        self.final_momentum, self.ramp_steps = final_momentum, ramp_steps

    def update_step(self, gradient, variable, learning_rate):
        t = ops.cast(self.iterations, "float32")
        rate = ops.maximum(learning_rate * ops.power(1 / self.decay, t), self.minimum)
        share = ops.minimum(t / self.ramp_steps, 1.0)
        momentum = self.momentum + (self.final_momentum - self.momentum) * share
        velocity = self.momentums[self._get_variable_index(variable)]
        change = momentum * velocity - rate * ops.cast(gradient, "float32")
        self.assign(velocity, change)
        self.assign_add(variable, change)

    def get_config(self):
        own = ("decay", "minimum", "final_momentum", "ramp_steps")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
