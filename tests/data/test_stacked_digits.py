import numpy as np

import kgan
from kgan.data.stacked_digits import stack
from kgan.methods.modes import digits_read


def test_the_label_is_the_number_that_the_digits_of_the_channels_spell():
    digits = kgan.load("digits")
    stacked = stack(digits, "train")
    assert stacked.images.shape == (1797, 8, 8, 3)
    assert stacked.class_names[7] == "007"
    own = {
        image.tobytes(): label for image, label in zip(digits.images, digits.labels, strict=True)
    }
    for image, label in zip(stacked.images, stacked.labels, strict=True):
        read = [own[np.ascontiguousarray(image[..., channel]).tobytes()] for channel in range(3)]
        assert label == int("".join(map(str, read)))


def test_draws_are_always_alike_and_others_for_the_test():
    digits = kgan.load("digits")
    first, again, test = (stack(digits, split) for split in ("train", "train", "test"))
    np.testing.assert_array_equal(first.images, again.images)
    assert (first.labels != test.labels).mean() > 0.9
    # Channels do not know each other.
    reds, greens = first.labels // 100, first.labels // 10 % 10
    assert abs(np.corrcoef(reds, greens)[0, 1]) < 0.1


def test_it_is_made_of_real_mnist(real_tfds):
    data = kgan.split("stacked-mnist", data_dir=real_tfds)
    assert data.train.image_shape == (28, 28, 3)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [
        50_000,
        10_000,
        10_000,
    ]
    assert set(data.train.labels) == set(range(1000))
    read = digits_read(np.asarray(data.test.images[:500]))
    assert (read == data.test.labels[:500]).mean() > 0.95
