"""What every method and every model promises: a new one is covered when it is registered."""

import dataclasses
import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kgan
from kgan.data.split import subset
from kgan.methods import METHODS, MODELS, method_of, models_for, models_of
from kgan.methods.presets import find
from kgan.methods.recorded import open_record
from kgan.methods.settings import override
from kgan.runs import forms
from kgan.runs.checkpoint import _state
from kgan.runs.schema import MisfitError
from kgan.runs.scores import read_evaluation
from tests.training.runs import state_of

# A model, and a conditional one where its method takes labels.
VARIANTS = [
    (name, conditional)
    for name in MODELS
    for conditional in ((False, True) if method_of(name).name == "gan" else (False,))
]


def small(name, conditional):
    """Returns a model's configuration with its smallest networks, for two steps."""
    smallest = MODELS[name].smallest
    if isinstance(smallest, tuple):
        sections = {"generator": smallest[0], "discriminator": smallest[1]}
    else:
        sections = {"options": smallest}
    widths = {
        f"network.{section}.{key}": value
        for section, options in sections.items()
        for key, value in options.items()
    }
    rhythms = {"log_every": 1, "checkpoint_every": 2, "sample_every": 1}
    changes = {"network.name": name, "steps": 2, "batch_size": 16, "precision": "float32"}
    changes |= {"network.conditional": True} if conditional else {}
    return override(find(method_of(name).command, model=name), {**changes, **widths, **rhythms})


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_its_name_its_command_and_a_model(name):
    method = METHODS[name]()
    assert method.name == name
    assert method.command in ("train", "pretrain")
    assert method.use in ("sample", "finetune")
    assert [model for model in MODELS if MODELS[model].method == name]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_says_what_it_is_for_and_belongs_to_one_command(name):
    assert MODELS[name].about.endswith(".")
    method = method_of(name)
    assert name in models_for(method.command)
    assert name in models_of(method.Config)
    other = {"train": "pretrain", "pretrain": "train"}[method.command]
    told = f"Model '{name}' is for kgan {method.command}, not for kgan {other}"
    with pytest.raises(kgan.InputError, match=told):
        find(other, model=name)


def test_another_model_takes_its_own_configuration_and_keeps_what_both_have():
    config = override(kgan.AutoencoderConfig(), {"steps": 7, "network.name": "stacked"})
    assert (config.method.name, config.steps) == ("stacked", 7)
    with pytest.raises(kgan.InputError, match="Unknown model 'vae'"):
        override(kgan.GANConfig(), {"network.name": "vae"})


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda v: v[0] + "_conditional" * v[1])
def trained(request, tmp_path_factory):
    """A finished tiny run of a model on the digits: the run, its folder, its summary."""
    place = tmp_path_factory.mktemp("trained")
    data = kgan.split("digits")
    data = dataclasses.replace(data, test=subset(data.test, slice(40)))  # Soon scored.
    run = kgan.prepare(small(*request.param), data)
    run.model.run_eagerly = request.param[1]  # in a graph once a model
    return run, place / "run", kgan.train(run, place / "run", place / "models"), place


def test_its_phases_have_the_steps_that_were_trained(trained):
    run, _, summary, _ = trained
    assert sum(phase.steps for phase in run.phases) == run.total_steps == summary["step"]
    assert len(run.phases) == (2 if run.method.name == "stacked" else 1)


def test_its_progress_is_told_in_metrics_that_it_logs(trained):
    run, _, summary, _ = trained
    for part in run.method.progress:
        assert part.format(**summary)


def test_its_record_says_what_it_was_and_rebuilds_it(trained):
    run, place, _, _ = trained
    record = open_record(place)
    assert record.config == run.config
    assert record.trained_on == ("train",)
    # The classes only of a model that takes them.
    known = (
        {} if record.conditional else {"class_names": (), "class_counts": (), "class_column": None}
    )
    assert record.spec == dataclasses.replace(run.spec, **known)
    model, name = kgan.open_run(place)
    assert name == run.name
    for mine, theirs in zip(model.networks, run.model.networks, strict=True):
        for value, other in zip(mine.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(value, other)


def test_it_draws_if_it_says_so_and_an_image_depends_on_its_seed_alone(trained):
    run, *_ = trained
    assert hasattr(run.model, "sample") == run.method.draws
    if run.method.draws:
        images = run.model.sample([5, 3])
        assert images.shape == (2, 8, 8, 1)
        np.testing.assert_array_equal(images[1:], run.model.sample([3]))


def test_a_picture_leaves_the_model_as_it_is(trained):
    run, *_ = trained

    def everything():
        """Weights, seeds of dropout, optimizers, metrics, and the generators of the process."""
        state = [value.numpy() for group in _state(run.model).values() for value in group]
        metrics = [v.numpy() for metric in run.model.metrics for v in metric.variables]
        return [*state, *metrics, np.random.get_state()[1], np.array(random.getstate()[1])]

    before = everything()
    first, second = (run.method.picture(run.model, run.data) for _ in range(2))
    assert isinstance(first, Image.Image)
    assert first.tobytes() == second.tobytes()
    for found, expected in zip(everything(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_its_scores_have_the_one_form(trained):
    run, place, summary, _ = trained
    found = run.method.score(run.model, run.data, run.config)
    forms.evaluation({"format": 2, **found}, "")
    for name in ("scores", "baselines"):
        assert summary[name] == found[name]
        assert not found["scores"] or read_evaluation(place)[name] == found[name]
    with pytest.raises(MisfitError):
        forms.evaluation({"format": 2, "scores": [{"name": "mse"}], "baselines": {}}, "")


def test_the_whole_model_is_saved_and_trains_on_where_it_was(trained, tmp_path):
    run, *_ = trained
    run.model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.compiled
    assert int(again.step.numpy()) == int(run.model.step.numpy())
    for mine, theirs in zip(again.optimizers, run.model.optimizers, strict=True):
        for value, other in zip(mine.variables, theirs.variables, strict=True):
            np.testing.assert_array_equal(value.numpy(), other.numpy())


def test_what_training_changes_is_all_in_its_checkpoint(trained):
    run, place, *_ = trained
    saved = sum(value.size for value in state_of(place).values())
    model = run.model
    own = [v for network in model.networks for v in network.variables]
    own += [v for optimizer in model.optimizers for v in optimizer.variables]
    own += [*model.extra_variables, model.step, *(v for m in model.metrics for v in m.variables)]
    assert saved == sum(int(tf.size(v.value)) for v in own)


def test_every_endpoint_takes_what_kgan_json_says(trained):
    _, _, summary, place = trained
    served = tf.saved_model.load(str(place / "models" / place_of(summary))).signatures
    for signature in served.values():
        rows = {
            key: tf.zeros([2, *spec.shape[1:]], spec.dtype)
            for key, spec in signature.structured_input_signature[1].items()
        }
        for value in signature(**rows).values():
            assert value.shape[0] == 2


def place_of(summary):
    *_, name, version = summary["saved_model"].split("/")
    return f"{name}/{version}"
