"""A tiny run that is scored while it trains, and what it leaves."""

import json

import kgan
from kgan.methods.settings import override
from kgan.training.unfinished import reopen

TINY = {
    "network.name": "mlp",
    "network.latent_dim": 4,
    "network.generator.width": 4,
    "network.discriminator.width": 4,
    "generator_optimizer.learning_rate": 0.02,
    "batch_size": 16,
    "steps": 8,
    "log_every": 2,
    "sample_every": 100,
    "checkpoint_every": 2,
    "evaluation.samples": 40,
    "precision": "float32",
}


def trained(place, callbacks=(), **changes):
    """Trains the tiny run in a folder of its own; returns the run's folder."""
    config = override(kgan.GANConfig(), {**TINY, **changes})
    run = kgan.prepare(config, kgan.load("digits"))
    # To trace a step costs as much as to take a dozen.
    run.model.run_eagerly = config.steps <= 12
    kgan.train(run, place / "run", place / "saved_models", callbacks=callbacks)
    return place / "run"


def go_on(place, run=None, callbacks=(), **options):
    """Trains what is left of a run that was killed, or that one on other data."""
    run = run or reopen(place, "train", {})
    run.model.run_eagerly = True
    kgan.train(run, place, place.parent / "saved_models", callbacks=callbacks, **options)


def lines(run):
    return [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()]


def weights(run, checkpoint="last"):
    model, _ = kgan.open_run(run, checkpoint)
    return [int(model.step.value), *(w for n in model.networks for w in n.get_weights())]
