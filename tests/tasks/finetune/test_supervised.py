from dataclasses import replace

import keras
import numpy as np
import pytest

from kgan.data.pipeline import batches
from kgan.data.split import subset
from kgan.tasks.finetune.supervised import BestWeights, Trainer, budget
from kgan.training.strategy import Devices


def test_labelled_batches_are_the_batches_with_their_labels(splits):
    lazy = subset(splits.train, np.arange(50))  # rows that are read when asked for
    held = replace(lazy, values=np.asarray(lazy.images))
    streams = [batches(part, 16, 3, 2, 9, ["label"], static=False) for part in (lazy, held)]
    for images, *pairs in zip(batches(held, 16, 3, 2, 9), *streams, strict=True):
        for found, labels in pairs:
            np.testing.assert_array_equal(found, images)
            rows = [np.flatnonzero((held.images == x).all((1, 2, 3)))[0] for x in images.numpy()]
            np.testing.assert_array_equal(labels, held.labels[rows])
    assert streams[1].element_spec[0].shape.as_list() == [None, *splits.train.image_shape]


def test_budgets_grow_with_the_labels_and_never_exceed_what_was_asked():
    assert budget(100).steps == 1000
    assert budget(100).batch_size == 100
    assert 23_400 < budget(50_000).steps <= 60 * 391
    for steps in (1, 7, 120, 999):
        limits = budget(1000, steps=steps)
        assert steps * 0.9 < limits.steps <= steps


class Model:
    def __init__(self):
        self.network, self.stop_training, self.now = self, False, 0

    def get_weights(self):
        return self.now


def rehearse(scores, patience=3):
    """Returns the callback and the evaluation it stopped after, given (accuracy, loss) of each."""
    best, model = BestWeights(patience), Model()
    best.set_model(model)
    best.on_train_begin()
    for model.now, (accuracy, loss) in enumerate(scores):
        best.on_epoch_end(model.now, {"val_accuracy": accuracy, "val_loss": loss})
        if model.stop_training:
            break
    return best, model.now


def test_the_best_weights_are_kept_and_ties_go_to_the_loss():
    best, last = rehearse([(0.5, 1.0), (0.8, 0.9), (0.8, 0.7), (0.8, 0.8), (0.7, 0.1), (0.8, 0.7)])
    assert (best.weights, best.best, last) == (2, 2, 5)
    best, _ = rehearse([(0.5, float("nan")), (0.5, 2.0)])
    assert best.weights == 1
    best, _ = rehearse([(0.1, float("nan"))] * 2)
    assert best.weights == 0


@pytest.fixture(scope="module")
def trainer(planted):
    return Trainer(planted, 4, tuple("abcd"), Devices())


def test_a_training_does_not_depend_on_those_before(trainer, splits):
    def train(seed, pretrained, rate):
        part = subset(splits.train, np.arange(40))
        part = replace(part, values=np.array(part.images))
        limits = budget(40, 16, 20)
        return trainer.train(part, splits.validation, limits, seed, pretrained, rate)

    first = train(0, True, 0.01)
    train(1, False, 0.1)
    again = train(0, True, 0.01)
    for a, b in zip(first.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.rank == again.rank
    # What comes back are weights of the classifier whose accuracy was measured.
    assert trainer.accuracy(first.weights, splits.validation) == pytest.approx(1 - first.error)


def test_layers_that_pretraining_froze_train(planted):
    inputs = keras.Input((3,))
    frozen = keras.layers.Dense(2, trainable=False)
    source = replace(planted, network=keras.Model(inputs, frozen(inputs)))
    assert len(Trainer(source, 4, tuple("abcd"), Devices()).classifier.trainable_variables) == 4
    assert not source.network.trainable_variables


def test_both_arms_start_from_one_softmax_layer_and_their_own_encoder(trainer, planted):
    network, encoder = trainer.classifier.network, trainer.classifier.encoder
    trainer.reset(3, pretrained=True)
    head = network.get_weights()[-2:]
    for mine, theirs in zip(encoder.get_weights(), planted.network.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    trainer.reset(3, pretrained=False)
    for a, b in zip(head, network.get_weights()[-2:], strict=True):
        np.testing.assert_array_equal(a, b)
    drawn = encoder.get_weights()
    assert (drawn[0] != planted.network.get_weights()[0]).any()
    for a, b in zip(drawn, trainer.random_weights(3), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (drawn[0] != trainer.random_weights(4)[0]).any()
