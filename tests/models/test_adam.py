"""The fused Adam equals Keras's over many steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.models.adam import Adam
from tests.forks import Fork

OPTIONS = {
    "constant": {"learning_rate": 0.01, "beta_1": 0.5},
    "schedule": {
        "learning_rate": keras.optimizers.schedules.ExponentialDecay(0.02, 5, 0.5),
        "epsilon": 1e-3,
    },
    "clipped": {"learning_rate": 0.01, "global_clipnorm": 0.5, "weight_decay": 0.01},
    "averaged": {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.9},
    "accumulated": {"learning_rate": 0.01, "gradient_accumulation_steps": 2},
    "amsgrad": {"learning_rate": 0.01, "amsgrad": True},
}


def trained(cls, steps=20, wrap=lambda optimizer: optimizer, jit=False, **options):
    """Returns the variables and the optimizer's own after some steps."""
    start = np.linspace(-1, 1, 12).astype("f4")
    variables = [keras.Variable(start.reshape(3, 4), name="a"), keras.Variable(start, name="b")]
    optimizer = wrap(cls(**options))
    optimizer.build(variables)

    @tf.function(jit_compile=jit)
    def step(a, b):
        optimizer.apply([optimizer.scale_loss(a), optimizer.scale_loss(b)], variables)

    rng = np.random.default_rng(0)
    for _ in range(steps):
        step(*(tf.constant(rng.normal(size=v.shape).astype("f4") + 0.3) for v in variables))
    return [v.numpy() for v in [*variables, *optimizer.variables]]


@pytest.mark.parametrize("name", OPTIONS)
def test_twenty_steps_equal_keras(name):
    expected = trained(keras.optimizers.Adam, **OPTIONS[name])
    found = trained(Adam, **OPTIONS[name])
    assert len(expected) == len(found)
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-6)


def test_xla_and_loss_scaling_equal_keras():
    expected = trained(keras.optimizers.Adam, learning_rate=0.01)
    jitted = trained(Adam, jit=True, learning_rate=0.01)
    scaled = trained(Adam, wrap=keras.optimizers.LossScaleOptimizer, learning_rate=0.01)
    for found in (jitted, scaled):
        for a, b in zip(expected[:2], found[:2], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-6)


def test_a_step_is_one_operation_a_variable():
    variable = keras.Variable(np.ones(3, "f4"))
    optimizer = Adam(0.01)
    optimizer.build([variable])
    step = tf.function(lambda gradient: optimizer.apply([gradient], [variable]))
    graph = step.get_concrete_function(tf.ones(3)).graph
    assert [op.type for op in graph.get_operations()].count("ResourceApplyAdam") == 1


def test_rows_that_are_gathered_twice_add_up():
    results = []
    rows = tf.IndexedSlices(tf.constant([[1.0, 2], [3, -4]]), tf.constant([2, 2]), (4, 2))
    for gradient in (rows, tf.constant([[0.0, 0], [0, 0], [4, -2], [0, 0]])):
        variable = keras.Variable(np.ones((4, 2), "f4"))
        optimizer = Adam(0.1)
        optimizer.build([variable])
        optimizer.apply([gradient], [variable])
        results.append(variable.numpy())
    np.testing.assert_array_equal(*results)


def test_config_round_trip():
    optimizer = Adam(0.01, beta_1=0.5, name="a")
    assert optimizer.get_config() == keras.optimizers.Adam(0.01, beta_1=0.5, name="a").get_config()
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(copy) is Adam
    assert copy.get_config() == optimizer.get_config()


def test_checkpoints_keep_the_momenta(tmp_path):
    def make(value):
        variable = keras.Variable(np.full(3, value, "f4"), name="a")
        optimizer = Adam(0.01)
        optimizer.build([variable])
        return variable, optimizer, tf.train.Checkpoint(variable=variable, optimizer=optimizer)

    variable, optimizer, checkpoint = make(1.0)
    optimizer.apply([tf.constant([1.0, 2, 3])], [variable])
    path = checkpoint.write(str(tmp_path / "checkpoint"))
    other, copy, restored = make(0.0)
    restored.read(path).assert_existing_objects_matched().assert_consumed()
    assert copy.iterations == 1
    for v, o in ((variable, optimizer), (other, copy)):
        o.apply([tf.constant([3.0, 2, 1])], [v])
    np.testing.assert_array_equal(variable.numpy(), other.numpy())


REPLICAS = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from kgan.layers import BatchNormalization, Conv2D, Conv2DTranspose
from kgan.models.adam import Adam

def network(conv, transposed, norm):
    x = inputs = keras.Input((4, 4, 3))
    x = norm()(conv(6, 4, 2, padding="same", use_bias=False)(x))
    x = norm()(transposed(3, 4, 2, padding="same", use_bias=False)(x))
    return keras.Model(inputs, x)

def train(strategy, layers, make_adam):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = network(*layers)
        adam = make_adam(0.01)
        adam.build(model.trainable_variables)
    count = strategy.num_replicas_in_sync
    images = np.random.default_rng(0).normal(size=(8, 4, 4, 3)).astype("f4")

    def replica_step(x):
        with tf.GradientTape() as tape:
            y = model(x, training=True)
            loss = tf.reduce_sum(tf.sin(3 * y) * x) / 8
        adam.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    @tf.function
    def step():
        rows = strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(images)[context.replica_id_in_sync_group :: count]
        ) if count > 1 else tf.constant(images)
        strategy.run(replica_step, (rows,))

    for _ in range(3):
        step()
    return [v.numpy() for v in [*model.weights, *adam.variables]]

plain = keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.BatchNormalization
fast = Conv2D, Conv2DTranspose, BatchNormalization
two = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), fast, Adam)
one = train(tf.distribute.get_strategy(), plain, keras.optimizers.Adam)
for a, b in zip(one, two, strict=True):
    np.testing.assert_allclose(a, b, atol=2e-5)
assert not np.allclose(one[0], one[3][..., :1])
print("equal")
"""


def test_two_replicas_equal_plain_keras_on_one_device():
    process = Fork(REPLICAS)
    process.wait()
    assert process.printed().strip().endswith("equal"), process.printed()[-2000:]
