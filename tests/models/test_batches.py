"""Batches that do not divide among a step's updates, pieces and replicas."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.errors import DataWarning, InputError
from kgan.models import Autoencoder
from kgan.networks import stacked, variational
from tests.models.test_images import Sequence

POINTS = np.random.default_rng(0).normal(size=(67, 2)).astype(np.float32)


def trained(make_gan, data, parts=(2, 1), **options):
    """Returns a GAN after `fit`, and what it warned of."""
    compiled = {"steps_per_execution": options.pop("steps_per_execution", 1)}
    compiled["run_eagerly"] = options.pop("run_eagerly", True)  # Traces nothing: cheaper.
    gan = make_gan(seed=3)
    gan.compile(discriminator_steps=parts[0], accumulate=parts[1], **compiled)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gan.fit(data, shuffle=False, verbose=0, **options)
    return gan, [str(w.message) for w in caught if w.category is DataWarning]


def one_by_one(make_gan, batches, parts=(2, 1)):
    gan = make_gan(seed=3)
    gan.compile(discriminator_steps=parts[0], accumulate=parts[1], run_eagerly=True)
    for batch in batches:
        gan.train_on_batch(batch)
    return gan


def check_equal(found, expected):
    assert int(found.step.value) == int(expected.step.value)
    for a, b in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_of_67_rows_66_make_two_updates(make_gan):
    """67 passed as 34 and 33 once; of 3 rows, 2 were broadcast against 1."""
    for rows in (67, 3):
        gan, warned = trained(make_gan, POINTS[:rows], batch_size=67, run_eagerly=rows == 3)
        check_equal(gan, one_by_one(make_gan, [POINTS[: rows - 1]]))
        assert len(warned) == 1
        assert warned[0].startswith(f"1 of the {rows} rows of a batch left out")


def test_the_rest_of_whatever_is_given_is_left_out_and_one_warning_says_so(make_gan):
    """Batches of 20 in multiples of 6: of 20 and 7 rows 18 and 6."""
    points = POINTS[:27]
    batches = [points[:20], points[20:]]
    expected = one_by_one(make_gan, [batch[: len(batch) // 6 * 6] for batch in batches], (2, 3))
    whole = tf.data.Dataset.from_tensor_slices(points).batch(20)
    fed = (
        (points, {"batch_size": 20}),
        (whole, {}),
        (whole.repeat(), {"steps_per_epoch": 2}),
        (((batch,) for batch in batches), {"steps_per_epoch": 2}),
        (Sequence(batches), {}),
    )
    for data, options in fed:
        gan, warned = trained(make_gan, data, (2, 3), **options)
        check_equal(gan, expected)
        assert len(warned) == 1
        assert "multiples of 6" in warned[0]


@pytest.mark.parametrize("steps", [1, 3])
def test_a_batch_with_no_row_left_is_skipped(steps, make_gan):
    options = {"steps_per_execution": steps, "run_eagerly": steps == 1, "epochs": 2}
    gan, warned = trained(make_gan, POINTS[:33], batch_size=8, **options)
    expected = [POINTS[i : i + 8] for i in range(0, 32, 8)]
    check_equal(gan, one_by_one(make_gan, expected * 2))
    assert warned == [
        "A batch of 1 rows left out, and so others: a step takes multiples of 2, which is "
        "discriminator_steps x accumulate x replicas."
    ]


def test_with_none_left_in_any_batch_nothing_is_trained_and_that_is_said(make_gan):
    with pytest.raises(InputError, match="Nothing was trained"):
        trained(make_gan, POINTS[:3], batch_size=1)


def test_what_divides_by_one_trains_on_the_short_batch(make_gan):
    gan, warned = trained(make_gan, POINTS, (1, 1), batch_size=32)
    expected = [POINTS[:32], POINTS[32:64], POINTS[64:]]
    check_equal(gan, one_by_one(make_gan, expected, (1, 1)))
    assert warned == []


def test_every_fit_warns_again_and_pieces_of_an_autoencoder_too():
    shape, images = (4, 4, 1), np.zeros((11, 4, 4, 1), np.uint8)
    model = Autoencoder(stacked.encoders(shape, 2, 4, 1)[0], variational.decoder(shape, 2, 4, 1))
    model.compile(keras.optimizers.SGD(0.1), accumulate=4, run_eagerly=True)
    for number in (1, 2):
        with pytest.warns(DataWarning, match="3 of the 11 rows .* which is accumulate x rep"):
            model.fit(images, batch_size=11, verbose=0)
        assert int(model.step.value) == number


def test_a_training_step_of_ones_own_loop_does_not_broadcast(make_gan):
    gan = make_gan()
    gan.compile(discriminator_steps=2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="multiple of 4"):
        gan.train_step(tf.constant(POINTS[:3]))
