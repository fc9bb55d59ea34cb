"""What holds for the training step of every model: in pieces, and compiled by XLA, as TPUs do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.methods import presets
from kgan.methods.base import DataSpec
from kgan.methods.settings import override
from kgan.models import GAN, Adam
from kgan.models.step import Noise
from kgan.networks import NETWORKS
from kgan.training.build import build

BATCH, SHAPE = 12, (8, 8, 1)
CASES = {
    # Dropout, two discriminator steps, and a penalty with noise of its own.
    "mlp": (
        "train",
        {
            "network.generator.width": 16,
            "network.discriminator.width": 8,
            "game.objective": "wasserstein",
            "game.discriminator_steps": 2,
        },
    ),
    "denoising": (
        "pretrain",
        {
            "network.options.width": 4,
            "network.options.normalization": "none",
            "reconstruction.corruption": "masking",
        },
    ),
    "stacked": ("pretrain", {"network.options.width": 16}),
    "vae": ("pretrain", {"network.options.width": 16, "reconstruction.binarization": "dynamic"}),
}
# Adam would blow rounding up to its step where a gradient is near 0: epsilon keeps it small.
OPEN = {
    "train": {"generator_optimizer.epsilon": 0.1, "discriminator_optimizer.epsilon": 0.1},
    "pretrain": {
        "optimizer.epsilon": 0.1,
        "reconstruction.likelihood": "bernoulli",
        "reconstruction.corruption": "none",
        "reconstruction.binarization": "none",
    },
}


def trained(case, jit=None, **changes):
    """Returns a model after two steps on the same batches, eager if `jit` is None, and logs."""
    command, options = CASES[case]
    changes = {"network.name": case, "precision": "float32", **OPEN[command], **options, **changes}
    model = build(override(presets.find(command, None, None, case), changes), DataSpec(SHAPE))
    return stepped(model, jit, options.get("game.discriminator_steps", 1))


def conditional(case, jit=None, accumulate=1, dropout=0.0, updates=2):
    """Returns what `trained` does, of networks of 3 classes."""
    name, objective = CONDITIONAL[case]
    keras.utils.set_random_seed(0)
    small, plain = NETWORKS[name].smallest, {}
    if name == "mlp":
        plain = {"dropout": dropout, "input_dropout": 0.0}
    model = GAN(
        NETWORKS[name].generator(SHAPE, 5, num_classes=3, **small[0]),
        NETWORKS[name].discriminator(SHAPE, num_classes=3, **small[1], **plain),
        NETWORKS[name].value_range,
        num_classes=3,
        class_frequencies=[3, 0, 1],
    )
    optimizers = (Adam(2e-3, beta_1=0.5, epsilon=0.1) for _ in range(2))
    model.compile(objective, *optimizers, discriminator_steps=updates, accumulate=accumulate)
    return stepped(model, jit, updates)


def stepped(model, jit, updates):
    step = model.train_step
    if jit is not None:
        step = tf.function(step, autograph=False, jit_compile=jit)
    rng = np.random.default_rng(0)
    for _ in range(2):
        images = tf.constant(rng.integers(0, 256, (BATCH * updates, *SHAPE)), tf.uint8)
        labels = tf.constant(rng.integers(0, 3, BATCH * updates), tf.uint8)
        logs = step(images if model.num_classes is None else (images, labels))
    return model, {key: float(value) for key, value in logs.items()}


def check_equal(expected, found, tolerance):
    (expected, expected_logs), (found, logs) = expected, found
    assert logs == pytest.approx(expected_logs, rel=tolerance, abs=tolerance)
    for network, other in zip(expected.networks, found.networks, strict=True):
        for a, b in zip(network.variables, other.variables, strict=True):
            np.testing.assert_allclose(
                np.asarray(b), np.asarray(a), rtol=0, atol=tolerance, err_msg=a.path
            )


@pytest.mark.parametrize("case", CASES)
def test_a_batch_in_pieces_trains_as_the_whole(case):
    jit = False if case == "vae" else None  # a graph traces for seconds what one case shows
    whole = trained(case, jit)
    in_pieces = trained(case, jit, accumulate=2 if case == "mlp" else 3)
    check_equal(whole, in_pieces, 1e-5)


# Fakes have labels of their own, or those of the reals.
CONDITIONAL = {
    "labels drawn": ("mlp", "non_saturating"),
    "labels of the reals": ("mlp", "relativistic"),
    "penalised": ("mlp", "wasserstein"),
    "normalised": ("dcgan", "hinge"),
}


@pytest.mark.parametrize("case", list(CONDITIONAL)[:3])
def test_a_batch_with_labels_in_pieces_trains_as_the_whole(case):
    whole = conditional(case, dropout=0.5)
    check_equal(whole, conditional(case, accumulate=3, dropout=0.5), 1e-5)


def _same_noise(monkeypatch):
    """XLA's random numbers are others: so the same ones are given to both."""

    def rows(noise, draw, name, shape):
        shape = [BATCH, *np.ravel(shape).astype(int)]
        rng = np.random.default_rng(list(name.encode()))
        return tf.constant(rng.uniform(size=shape), tf.float32)

    monkeypatch.setattr(Noise, "_rows", rows)


@pytest.mark.parametrize("case", list(CONDITIONAL)[2:])
def test_xla_compiles_the_step_with_labels_and_it_does_the_same(case, monkeypatch):
    _same_noise(monkeypatch)
    # XLA compiles every update of a step anew: several are tried without labels, below.
    expected, found = (conditional(case, jit, updates=1) for jit in (None, True))
    check_equal(expected, found, 2e-5)


@pytest.mark.parametrize("case", CASES)
def test_xla_compiles_the_step_and_it_does_the_same(case, monkeypatch):
    _same_noise(monkeypatch)
    still = {"network.discriminator.dropout": 0.0, "network.discriminator.input_dropout": 0.0}
    changes = still if case == "mlp" else {}
    check_equal(trained(case, **changes), trained(case, jit=True, **changes), 2e-5)


def test_pieces_wait_for_each_other():
    """The peak of memory is that of a piece: no operation of one is ready before the one before."""
    model, _ = trained("vae", accumulate=2)
    step = tf.function(model.train_step, autograph=False)
    images = tf.zeros((BATCH, *SHAPE), tf.uint8)
    graph = step.get_concrete_function(images).graph
    products = [op for op in graph.get_operations() if op.type == "MatMul"]

    def ancestors(op):
        seen, todo = set(), [op]
        while todo:
            for parent in [tensor.op for tensor in todo[-1].inputs] + todo.pop().control_inputs:
                if parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return seen

    # The first product of the second piece comes after every product that gave a gradient.
    first_of_second = products[len(products) // 2]
    assert len(ancestors(first_of_second) & set(products)) >= len(products) // 2 - 1
