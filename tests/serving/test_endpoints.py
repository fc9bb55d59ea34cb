"""What encoders serve is what the model does, in float32."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kgan.models import VAE, Autoencoder, StackedAutoencoder
from kgan.serving import SavedGenerator, export
from tests.serving.families import coder

SHAPE = (8, 9, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, (5, *SHAPE), dtype=np.uint8)


def encoders():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield Autoencoder(*coder("conv_autoencoder", SHAPE, width=4), "squared_error")
        yield StackedAutoencoder(*coder("stacked", SHAPE, width=12, depth=2))
        yield VAE(*coder("vae", SHAPE, width=12), "gaussian")
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("model", list(encoders()), ids=lambda model: type(model).__name__)
def test_encoders_serve_what_the_model_does_in_float32(model, tmp_path):
    model.compile(run_eagerly=True)
    model.fit(IMAGES, batch_size=5, verbose=0)
    signatures = tf.saved_model.load(str(export(model, tmp_path, "m"))).signatures
    images = tf.constant(IMAGES)
    codes = signatures["encode"](images=images)["codes"]
    np.testing.assert_allclose(codes, model.encode(IMAGES), atol=1e-5)
    for name in ("reconstruct", "serving_default"):
        served = signatures[name](images=images)["images"].numpy().astype(int)
        assert np.abs(served - model.reconstruct(IMAGES)).max() <= 1
    decoded = signatures["decode"](codes=codes)["images"].numpy().astype(int)
    assert np.abs(decoded - model.decode(codes)).max() <= 1
    alone = signatures["encode"](images=images[2:3])["codes"]
    np.testing.assert_allclose(alone, codes[2:3], atol=1e-5)
    if isinstance(model, VAE):
        served = signatures["sample"](seeds=tf.range(4, dtype=tf.int64))["images"].numpy()
        assert np.abs(served.astype(int) - model.sample(range(4))).max() <= 1
        assert SavedGenerator(tmp_path / "m" / "1").latent_dim == 6
    else:
        assert "sample" not in signatures
