import keras
import numpy as np
import tensorflow as tf

from kgan.models import MomentumSGD


def test_equals_the_recursion_in_numpy():
    optimizer = MomentumSGD(
        0.1, decay=1.5, minimum=0.01, momentum=0.5, final_momentum=0.7, ramp_steps=4
    )
    variable = keras.Variable(np.array([1.0, -2.0], np.float32))
    optimizer.build([variable])
    x, v = np.array([1.0, -2.0]), np.zeros(2)
    for t in range(9):
        gradient = np.array([0.3, -0.1]) * (t + 1)
        optimizer.apply([tf.constant(gradient, tf.float32)], [variable])
        rate = max(0.1 / 1.5**t, 0.01)
        v = (0.5 + 0.2 * min(t / 4, 1)) * v - rate * gradient
        x = x + v
    np.testing.assert_allclose(variable.numpy(), x, rtol=1e-5)


def test_configuration_round_trips():
    optimizer = MomentumSGD(0.2, decay=1.1, minimum=1e-3, ramp_steps=7)
    assert MomentumSGD.from_config(optimizer.get_config()).get_config() == optimizer.get_config()
