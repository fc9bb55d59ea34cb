"""From seed to seed: a walk is one, in the order asked for."""

import numpy as np
import pytest
from scipy import stats

from kgan.models.seeds import seed_latents
from kgan.serving import trust
from kgan.tasks.sampling import drawing
from kgan.tasks.sampling.latents import nearer, truncated, walk
from kgan.tasks.sampling.models import find_model


@pytest.mark.parametrize("frames", [1, 16])
def test_a_walk_meets_its_seeds_in_their_order_in_small_steps(frames):
    stops = seed_latents(np.array([7, 1, 4]), 24).numpy()
    path = walk(stops, frames)
    assert path.shape == (3 * frames, 24)
    assert path.dtype == np.float32
    np.testing.assert_allclose(path[::frames], stops, rtol=1e-6)
    # As the last leads back to the first: a cycle of equal angles and steady lengths.
    for number, (a, b) in enumerate(zip(stops, np.roll(stops, -1, 0), strict=True)):
        stretch = np.concatenate([path, path[:1]])[number * frames : (number + 1) * frames + 1]
        angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        strides = np.linalg.norm(np.diff(stretch, axis=0), axis=1)
        sizes = [np.linalg.norm(a), np.linalg.norm(b)]
        assert strides.max() < 1.5 * max(sizes) * angle / frames
        lengths = np.linalg.norm(stretch, axis=1)
        assert min(sizes) * 0.9 < lengths.min()
        assert lengths.max() < max(sizes) * 1.1


def test_the_shipped_generator_has_a_name(workdir):
    assert drawing.is_there("digits-dcgan")
    assert find_model("digits-dcgan") == trust.shipped()
    assert not drawing.is_there("digits-dcgen")


def test_a_walk_from_a_seed_to_itself_stays():
    latent = seed_latents(np.array([5]), 6).numpy()
    np.testing.assert_allclose(walk(latent.repeat(2, 0), 4), latent.repeat(8, 0), rtol=1e-6)
    np.testing.assert_array_equal(walk(np.zeros((2, 6), np.float32), 4), np.zeros((8, 6)))


def test_a_frame_is_of_the_class_of_the_nearer_stop():
    labels, frames = np.array([3, 1, 8], np.int32), 16
    stops = np.eye(3, dtype=np.float32)
    nearest = (walk(stops, frames) @ stops.T).argmax(1)
    found = nearer(labels, frames)
    apart = np.arange(48) % frames != frames // 2  # half-way both are as near
    np.testing.assert_array_equal(found[apart], labels[nearest][apart])
    assert found.shape == (48,)
    assert found.dtype == np.int32


def test_truncated_latents_have_the_truncated_normal_s_distribution():
    latents = seed_latents(np.arange(2000), 10).numpy()
    for psi in (0.04, 0.7, 2.0):
        found = truncated(latents, psi)
        assert found.dtype == np.float32
        assert np.abs(found).max() <= psi
        test = stats.kstest(found.ravel(), stats.truncnorm(-psi, psi).cdf)
        assert test.pvalue > 0.01
        # Each is its seed's own still: signs and order stay.
        np.testing.assert_array_equal(np.argsort(found[:, 0]), np.argsort(latents[:, 0]))
        np.testing.assert_array_equal(truncated(latents[[70, 3]], psi), found[[70, 3]])
    np.testing.assert_allclose(truncated(latents, 1e300), latents, rtol=1e-6)
    np.testing.assert_array_equal(truncated(np.float32([[9, -9, 40]]), 3.0), [[3, -3, 3]])
    np.testing.assert_array_equal(truncated(np.float32([[40, -40]]), 9.0), [[9, -9]])
