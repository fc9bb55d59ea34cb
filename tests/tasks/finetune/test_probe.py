import numpy as np
import pytest
from sklearn.svm import LinearSVC

from kgan.data.split import stratified
from kgan.tasks.finetune import probe as probes
from kgan.tasks.finetune.probe import LinearSVM, Logistic, accuracy, choose

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 200)
CENTRES = RNG.normal(size=(4, 10))


def blobs(spread):
    noise = RNG.normal(size=(200, 10)) * spread
    return (5 * CENTRES[LABELS] + noise + 100).astype(np.float32)


@pytest.mark.parametrize("probe", [LinearSVM, Logistic])
def test_what_a_line_separates_is_separated(probe):
    features = blobs(0.1)
    _, fitted = choose(probe, (features, LABELS), (features, LABELS))
    assert accuracy(fitted, features, LABELS) == 1


def test_the_machine_is_scikit_learns():
    features = blobs(6)
    centred = features - features.mean(0, dtype=np.float64)
    scaled = centred / np.sqrt((centred**2).sum(1).mean())
    for c in (0.1, 10.0):
        theirs = LinearSVC(C=c, tol=1e-8, max_iter=100_000).fit(scaled, LABELS)
        ours = LinearSVM(c).fit(features, LABELS)
        np.testing.assert_allclose(ours._w[:-1].T, theirs.coef_, atol=0.02)
        assert (ours.predict(features) == theirs.predict(scaled)).mean() > 0.99


@pytest.mark.parametrize("probe", [LinearSVM, Logistic])
def test_the_penalty_is_the_best_on_validation_and_the_strongest_of_those(probe):
    train, validation = (blobs(8), LABELS), (blobs(8), LABELS)
    _, fitted = choose(probe, train, validation)
    scores = {c: accuracy(probe(c).fit(*train), *validation) for c in probe.grid}
    best = accuracy(fitted, *validation)
    assert best == pytest.approx(max(scores.values()), abs=0.02)
    same = (np.zeros((200, 3), np.float32), LABELS)  # no feature tells anything
    assert choose(probe, same, same)[0] == probe.grid[0]


def test_the_penalty_is_chosen_on_part_of_many_labels_and_the_probe_fitted_on_all(monkeypatch):
    monkeypatch.setattr(probes, "CHOICE", 40)
    train, validation = (blobs(8), LABELS), (blobs(8), LABELS)
    part = stratified(LABELS, 40, 4, 7)
    c, fitted = probes.choose_and_fit(Logistic, train, validation, 4, 7)
    assert c == choose(Logistic, (train[0][part], LABELS[part]), validation)[0]
    for found, expected in zip(fitted.softmax(), Logistic(c).fit(*train).softmax(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("classes", [4, 2])
def test_a_softmax_layer_can_start_as_the_probe(classes):
    features, labels = blobs(6), LABELS % classes
    fitted = Logistic(0.1).fit(features, labels)
    kernel, bias = fitted.softmax()
    assert kernel.shape == (10, classes)
    logits = features @ kernel + bias
    odds = np.exp(logits - logits.max(1, keepdims=True))
    theirs = fitted._model.predict_proba(fitted._scaler.transform(features))
    np.testing.assert_allclose(odds / odds.sum(1, keepdims=True), theirs, atol=1e-4)
