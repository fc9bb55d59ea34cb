"""What holds for the training step of every model: in pieces, and compiled by XLA, as TPUs do."""

import numpy as np
import pytest
import tensorflow as tf

from kgan.methods import presets
from kgan.methods.base import DataSpec
from kgan.methods.settings import override
from kgan.models.step import Noise
from kgan.training.build import build

BATCH, SHAPE = 12, (8, 8, 1)
WITHOUT_BATCH_STATISTICS = {
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
ALL = {
    **WITHOUT_BATCH_STATISTICS,
    "dcgan": ("train", {"network.generator.width": 4, "network.discriminator.width": 4}),
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


def trained(case, jit=False, **changes):
    """Returns a model after three steps on the same batches, and the logs of the last."""
    command, options = ALL[case]
    changes = {"network.name": case, "precision": "float32", **OPEN[command], **options, **changes}
    model = build(override(presets.find(command, None, None, case), changes), DataSpec(SHAPE))
    step = tf.function(model.train_step, jit_compile=jit)
    rng = np.random.default_rng(0)
    rows = BATCH * options.get("game.discriminator_steps", 1)
    for _ in range(3):
        logs = step(tf.constant(rng.integers(0, 256, (rows, *SHAPE)), tf.uint8))
    return model, {key: float(value) for key, value in logs.items()}


def check_equal(expected, found, tolerance):
    (expected, expected_logs), (found, logs) = expected, found
    assert logs == pytest.approx(expected_logs, rel=tolerance, abs=tolerance)
    for network, other in zip(expected.networks, found.networks, strict=True):
        for a, b in zip(network.variables, other.variables, strict=True):
            np.testing.assert_allclose(
                np.asarray(b), np.asarray(a), rtol=0, atol=tolerance, err_msg=a.path
            )


@pytest.mark.parametrize("case", WITHOUT_BATCH_STATISTICS)
def test_a_batch_in_pieces_trains_as_the_whole(case):
    whole = trained(case)
    in_pieces = trained(case, accumulate=2 if case == "mlp" else 3)
    check_equal(whole, in_pieces, 1e-5)


@pytest.mark.parametrize("case", ALL)
def test_xla_compiles_the_step_and_it_does_the_same(case, monkeypatch):
    def rows(noise, draw, stream, shape):
        # XLA's random numbers are others: so the same ones are given to both.
        shape = [BATCH, *np.ravel(shape).astype(int)]
        return tf.constant(np.random.default_rng(stream).uniform(size=shape), tf.float32)

    monkeypatch.setattr(Noise, "_rows", rows)
    still = {"network.discriminator.dropout": 0.0, "network.discriminator.input_dropout": 0.0}
    changes = still if case == "mlp" else {}
    check_equal(trained(case, **changes), trained(case, jit=True, **changes), 2e-5)


def test_pieces_wait_for_each_other():
    """The peak of memory is that of a piece: no operation of one is ready before the one before."""
    model, _ = trained("vae", accumulate=2)
    step = tf.function(model.train_step)
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
