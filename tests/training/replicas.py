"""Trains one model of every kind on some devices, and writes what it became: a script of its own.

    python replicas.py single|mirrored|multiworker REPLICAS OUT.npz [CASE ...]

Several workers need TF_CONFIG; each writes its own file.
"""

import functools
import sys

import numpy as np
import pytest
import tensorflow as tf

REPLICAS, OUT, STEPS, BATCH = int(sys.argv[2]), sys.argv[3], 4, 24

if sys.argv[1] == "mirrored":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * REPLICAS
    )
tf.config.experimental.enable_op_determinism()

import keras  # noqa: E402

from kgan.data import Column, Examples  # noqa: E402
from kgan.data.pipeline import batches  # noqa: E402
from kgan.data.space import IMAGES  # noqa: E402
from kgan.errors import InputError  # noqa: E402
from kgan.layers import BatchNormalization, Dropout  # noqa: E402
from kgan.layers.rows import replica  # noqa: E402
from kgan.methods import presets  # noqa: E402
from kgan.methods.settings import override  # noqa: E402
from kgan.models import GAN  # noqa: E402
from kgan.models.step import Noise  # noqa: E402
from kgan.networks import NETWORKS  # noqa: E402
from kgan.tasks.finetune.features import Encoder  # noqa: E402
from kgan.tasks.finetune.supervised import Budget, Trainer  # noqa: E402
from kgan.training.build import load_data, prepare  # noqa: E402
from kgan.training.strategy import choose  # noqa: E402

SMALL = {"batch_size": BATCH, "precision": "float32"}
CASES = {
    # Dropout, two discriminator steps and a penalty, whose mixtures are noise too, as are the draws
    # of augmentations; spectral norms, which every replica moves on for itself.
    "mlp": (
        "train",
        {
            "network.name": "mlp",
            "network.generator.width": 16,
            "network.discriminator.width": 8,
            "game.objective": "wasserstein",
            "game.discriminator_steps": 2,
            "game.augment": "flip,color,translation,cutout",
            "network.discriminator.spectral_normalization": True,
        },
    ),
    "denoising": (
        "pretrain",
        {
            "network.name": "denoising",
            "network.options.width": 4,
            "network.options.normalization": "none",
        },
    ),
    "stacked": (
        "pretrain",
        {"network.name": "stacked", "network.options.width": 16, "network.options.depth": 2},
    ),
    "vae": (
        "pretrain",
        {"network.name": "vae", "network.options.width": 16, "accumulate": 2},
    ),
}


def trained(case, devices):
    """Returns the model of a case after its steps."""
    command, changes = CASES[case]
    start = presets.find(command, None, None, changes["network.name"])
    config = override(start, {**SMALL, **changes})
    run = prepare(config, load_data(config), devices)
    make = functools.partial(batches, run.examples, run.images_per_step, config.seed, 0, STEPS)
    # To trace a step costs more than to take these few; replicas need a graph.
    run.model.run_eagerly = not devices.several
    for fit in (phase.fit for phase in run.phases):
        fit(devices.feed(make), steps_per_epoch=STEPS, shuffle=False, verbose=0)
    return run.model


def classifier(devices):
    """Returns a classifier after its steps, and with it the error that it was stopped by."""
    rng = np.random.default_rng(0)
    inputs = tf.keras.Input((4, 4, 1))
    codes = tf.keras.layers.Dense(6, "tanh")(tf.keras.layers.Flatten()(inputs))
    source = Encoder(tf.keras.Model(inputs, codes), (0.0, 1.0), None, judges=False)
    source.network.set_weights([rng.normal(size=w.shape) for w in source.network.get_weights()])
    images, labels = rng.integers(0, 255, (53, 4, 4, 1), "u1"), rng.integers(0, 3, 53, "i4")
    examples = Examples(images, {"label": Column(labels, tuple("abc"))}, IMAGES, "made")
    trainer = Trainer(source, 3, tuple("abc"), devices)
    found = trainer.train(examples, examples, Budget(BATCH, STEPS, 2), 0, True, 1e-2)
    return trainer.classifier, [found.error, found.loss, trainer.accuracy(found.weights, examples)]


def conditional(devices):
    """Returns a GAN of three classes after its steps."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 255, (53, 8, 8, 1), "u1"), rng.integers(0, 3, 53, "i4")
    examples = Examples(images, {"label": Column(labels, tuple("abc"))}, IMAGES, "made")
    keras.utils.set_random_seed(0)
    network = NETWORKS["dcgan"]
    with devices.scope():
        gan = GAN(
            network.generator((8, 8, 1), 5, num_classes=3, **network.smallest[0]),
            network.discriminator((8, 8, 1), num_classes=3, **network.smallest[1]),
            num_classes=3,
            class_frequencies=[3, 0, 1],
        )
        gan.compile(run_eagerly=not devices.several)
    order = BATCH, 0, 0, STEPS
    make = functools.partial(batches, examples, *order, [examples.label])
    gan.fit(devices.feed(make), steps_per_epoch=STEPS, shuffle=False, verbose=0)
    return gan


def drawn(devices):
    """Returns the noise and the dropout of this process's replicas, a row of the batch each."""
    with devices.scope():
        dropout = Dropout(0.5, seed=3)

    def rows():
        own = BATCH // devices.replicas
        noise = Noise(5, tf.constant(7, tf.int64), own).normal("latents", (32,))
        return noise, dropout(tf.ones((own, 32)), training=True)

    found = tf.function(lambda: devices.strategy.run(rows))()
    local = devices.strategy.experimental_local_results
    return [np.concatenate([part.numpy() for part in local(values)]) for values in found]


def normalized(devices):
    """Returns channels far from 0, one of them constant, as batch normalisation makes them."""
    rows = np.random.default_rng(0).normal(size=(BATCH, 4)).astype("f4")
    rows = tf.constant(rows * [1, 1e-2, 1e-1, 0] + np.float32([0, 200, 400, 20]), tf.float32)
    with devices.scope():
        layer = BatchNormalization(epsilon=1e-5)
        layer.build((None, 4))

    def part():
        number, count = replica()
        own = BATCH // count
        return layer(rows[number * own : (number + 1) * own], training=True)

    found = tf.function(lambda: devices.strategy.run(part))()
    local = devices.strategy.experimental_local_results
    moved = [local(w.value)[0].numpy() for w in layer.non_trainable_weights]
    return np.concatenate([part.numpy() for part in local(found)]), np.stack(moved)


def seen(devices):
    """Returns the rows that this process's replicas are fed in two epochs."""
    numbers = np.arange(2 * BATCH, dtype=np.uint8)
    labels = numbers.astype(np.int32)
    columns = {"label": Column(labels)}
    examples = Examples(numbers.reshape(-1, 1, 1, 1), columns, IMAGES, "made")
    make = functools.partial(batches, examples, BATCH, 0, 0, 4, ["label"])
    local = devices.strategy.experimental_local_results
    return [
        np.concatenate([part.numpy() for part in local(images)]).ravel()
        for images, _ in devices.feed(make)
    ]


def ragged(devices):
    """Returns the weights of a GAN whose last batch has 5 rows, for two pieces on each replica.

    With them, how it scores batches of 12, 12 and 5 rows, and of 3 and 1.
    """
    points = np.random.default_rng(0).normal(size=(29, 2)).astype("f4")
    keras.utils.set_random_seed(0)
    with devices.scope():
        logits = [keras.Input((2,)), keras.layers.Dense(1), keras.layers.Reshape(())]
        generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        gan = GAN(generator, keras.Sequential(logits))
        gan.compile(accumulate=2)
    whole = {"shuffle": False, "verbose": 0}
    if devices.several:
        gan.fit(points[:24], batch_size=12, **whole)
        return np.zeros(0)
    gan.fit(points, batch_size=12, **whole)
    gan.fit(tf.data.Dataset.from_tensor_slices(points).batch(12), **whole)
    gan.fit(((points[i : i + 12],) for i in (0, 12, 24)), steps_per_epoch=3, verbose=0)
    gan.train_on_batch(points[:12])
    points[13] = np.nan
    with pytest.raises(InputError, match="Points hold NaN") as caught:
        gan.train_on_batch(points[12:24])
    assert "\n" not in str(caught.value)
    points[13] = 0.0
    found = [w.ravel() for network in gan.networks for w in network.get_weights()]
    for network in gan.networks:  # Others, with which the noise matters.
        rng = np.random.default_rng(0)
        network.set_weights([rng.normal(size=w.shape) / 2 for w in network.get_weights()])
    scores = [gan.evaluate(points[:n], batch_size=12, verbose=0) for n in (29, 3, 1)]
    return np.concatenate(found + scores)


def main():
    devices = choose(sys.argv[1])
    assert devices.replicas == REPLICAS
    found = {}
    for case in sys.argv[4:] or [*CASES, "classifier", "conditional"]:
        if case == "classifier":
            model, found["classifier: scores"] = classifier(devices)
        elif case == "conditional":
            model = conditional(devices)
        else:
            model = trained(case, devices)
        for mean in model.metrics:
            found[f"{case}: {mean.name}"] = float(mean.result())
        for i, weight in enumerate(w for network in model.networks for w in network.weights):
            copies = devices.strategy.experimental_local_results(weight.value)
            for copy in copies[1:]:
                np.testing.assert_array_equal(copy.numpy(), copies[0].numpy(), err_msg=case)
            found[f"{case}: {i}"] = copies[0].numpy()
        print(case, "done", flush=True)
    found["noise"], found["dropout"] = drawn(devices)
    if devices.several or not sys.argv[4:]:
        found["ragged"] = ragged(devices)
    found["seen"] = np.stack(seen(devices))
    found["normalized"], found["moved"] = normalized(devices)
    np.savez(OUT, **found)


main()
