"""The generator that comes with KGAN makes what is asked for."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from kgan.serving import SavedGenerator
from kgan.serving.trust import shipped


def test_its_classes_are_recognised_by_who_knows_real_digits():
    digits = load_digits()
    judge = SVC(gamma=0.001).fit(digits.data, digits.target)
    generator = SavedGenerator(shipped())
    labels = np.repeat(np.arange(10), 1000)
    images = generator.sample(np.tile(np.arange(1000), 10), labels)
    found = judge.predict(images.reshape(len(images), -1) / 255 * 16) == labels
    by_class = found.reshape(10, 1000).mean(axis=1)
    print(f"recognised: {found.mean():.4f}, by class {by_class.tolist()}")
    assert by_class.min() >= 0.98
