"""Linear classifiers on frozen features."""

import warnings
from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from kgan.data.split import stratified

# Inverse strengths of the L2 penalty to choose from.
LOGISTIC_GRID = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
SVM_GRID = (1e-2, 1e-1, 1.0, 10.0, 100.0)
CHOICE = 10_000  # labels at most on which the penalty is chosen
ITERATIONS = 500
SVM_ITERATIONS, SVM_TOLERANCE = 200, 1e-6
SMALL = 2**24  # elements


class Logistic:
    """A softmax regression on features that are standardised by their own mean and deviation.

    Args:
        c: Inverse strength of the L2 penalty, over 0.
    """

    grid = LOGISTIC_GRID

    def __init__(self, c: float):
        self._scaler = StandardScaler()
        self._model = LogisticRegression(C=c, max_iter=ITERATIONS)

    def fit(
        self, features: np.ndarray, labels: np.ndarray, start: "Logistic | None" = None
    ) -> "Logistic":
        """Fits to features float32 `(n, d)` and integer labels `(n,)`; returns itself.

        Args:
            features: Not changed.
            labels: Of two classes or more.
            start: Fitted to the same examples with another C: where to start from.
        """
        with warnings.catch_warnings():
            # Where validation prefers a fit that is not at its optimum, it may have it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            if start is not None:
                self._model.set_params(warm_start=True)
                self._model.coef_ = start._model.coef_.copy()
                self._model.intercept_ = start._model.intercept_.copy()
            with _few_threads(features):
                self._model.fit(self._scaler.fit_transform(features), labels)
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Returns the classes of features `(n, d)`, integers `(n,)`."""
        return self._model.predict(self._scaler.transform(features))

    def softmax(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the kernel `(d, classes)` and bias `(classes,)` on features as they are."""
        slopes, bias = self._model.coef_, self._model.intercept_
        if len(slopes) == 1:  # of two classes scikit-learn keeps the second's alone
            slopes, bias = np.stack([0 * slopes[0], slopes[0]]), np.append(0 * bias, bias)
        kernel = slopes / self._scaler.scale_
        return kernel.T, bias - kernel @ self._scaler.mean_


class LinearSVM:
    """One-against-the-rest linear support vector machines with the squared hinge loss.

    The optimum of scikit-learn's `LinearSVC`: for every class, with y = 1 for it and -1 for the
    others, it minimises |w|^2 / 2 + b^2 / 2 + C sum max(0, 1 - y (w x + b))^2. All classes are
    solved at once, by L-BFGS on products of whole matrices: liblinear takes hours, and ten
    gigabytes, for the features of a discriminator on 50,000 images. Features are centred and
    divided by the root of their mean squared length, so that C means the same for every network.

    Args:
        c: Inverse strength of the L2 penalty, over 0.
    """

    grid = SVM_GRID
    _w: np.ndarray

    def __init__(self, c: float):
        self._c = c

    def fit(
        self, features: np.ndarray, labels: np.ndarray, start: "LinearSVM | None" = None
    ) -> "LinearSVM":
        """Fits to features float32 `(n, d)` and integer labels `(n,)`; returns itself.

        Args:
            features: Not copied.
            labels: Of two classes or more.
            start: Fitted to the same examples with another C: where to start from.
        """
        count = features.shape[1]
        self._mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
        mean_square = np.einsum("ij,ij->", features, features, dtype=np.float64) / len(features)
        variance = mean_square - np.sum(np.square(self._mean, dtype=np.float64))
        self._scale = np.float32(1 / np.sqrt(variance)) if variance > 0 else np.float32(1)
        self._classes, numbers = np.unique(labels, return_inverse=True)
        signs = np.where(numbers[:, None] == np.arange(len(self._classes)), 1, -1)
        signs = signs.astype(np.float32)

        def objective(flat):
            w = flat.reshape(count + 1, -1)
            margins = np.maximum(1 - signs * self._scores(features, w), 0)
            slopes = np.float32(-2 * self._c) * signs * margins
            total = slopes.sum(axis=0, keepdims=True)
            gradient = (features.T @ slopes - self._mean[:, None] * total) * self._scale
            value = flat @ flat / 2 + self._c * np.sum(margins**2, dtype=np.float64)
            return value, (np.concatenate([gradient, total]) + w).ravel()

        first = np.zeros((count + 1, len(self._classes))) if start is None else start._w
        options = {"maxiter": SVM_ITERATIONS, "ftol": SVM_TOLERANCE}
        with _few_threads(features):
            found = minimize(objective, first.ravel(), jac=True, method="L-BFGS-B", options=options)
        self._w = found.x.reshape(count + 1, -1)
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Returns the classes of features `(n, d)`, integers `(n,)`."""
        return self._classes[np.argmax(self._scores(features, self._w), axis=1)]

    def _scores(self, features, w) -> np.ndarray:
        slopes = w[:-1].astype(np.float32) * self._scale
        return features @ slopes + (w[-1].astype(np.float32) - self._mean @ slopes)


Probe: TypeAlias = type[Logistic] | type[LinearSVM]
Known: TypeAlias = tuple[np.ndarray, np.ndarray]  # features and their labels


def _few_threads(features: np.ndarray):
    """Returns a context in which small products take one thread.

    The threads of such a product wait for each other longer than they work.
    """
    return threadpool_limits(1 if features.size < SMALL else None)


def choose(probe: Probe, train: Known, validation: tuple) -> tuple[float, Any]:
    """Returns the C of best validation accuracy (ties: the smallest), and its fitted probe.

    Args:
        probe: `Logistic` or `LinearSVM`.
        train: Features `(n, d)` and labels `(n,)` to fit.
        validation: Features and labels to choose by.
    """
    fitted: list[Any] = []
    for c in probe.grid:
        fitted.append(probe(c).fit(*train, start=fitted[-1] if fitted else None))
    best = int(np.argmax([accuracy(candidate, *validation) for candidate in fitted]))
    return probe.grid[best], fitted[best]


def choose_and_fit(
    probe: Probe, train: Known, validation: tuple, num_classes: int, seed: int
) -> tuple[float, Any]:
    """Returns the C that `choose` finds, on 10,000 labels at most, and the probe of all labels.

    Args:
        probe: As of `choose`.
        train: As of `choose`.
        validation: As of `choose`.
        num_classes: Of the labels.
        seed: Of the labels that it is chosen on where there are more.
    """
    features, labels = train
    if len(labels) <= CHOICE:
        return choose(probe, train, validation)
    part = stratified(labels, CHOICE, num_classes, seed)
    c, _ = choose(probe, (features[part], labels[part]), validation)
    return c, probe(c).fit(features, labels)


def accuracy(probe: Logistic | LinearSVM, features: np.ndarray, labels: np.ndarray) -> float:
    """Returns the share of features whose class a fitted probe finds, in [0, 1]."""
    return float(np.mean(probe.predict(features) == labels))
