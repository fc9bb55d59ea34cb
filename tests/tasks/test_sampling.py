"""From seed to seed: a walk is one, in the order asked for."""

import numpy as np
import pytest

from kgan.models.seeds import seed_latents
from kgan.serving import trust
from kgan.tasks import drawing
from kgan.tasks.sampling import find_model, walk


@pytest.mark.parametrize("frames", [1, 16])
def test_a_walk_meets_its_seeds_in_their_order_in_small_steps(frames):
    seeds = np.array([7, 1, 4])
    path, stops = walk(seeds, 24, frames), seed_latents(seeds, 24).numpy()
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
    np.testing.assert_allclose(walk(np.array([5, 5]), 6, 4), latent.repeat(8, 0), rtol=1e-6)
