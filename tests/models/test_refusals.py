"""What a model cannot be built, compiled or asked with: one line says so, and nothing changes."""

import keras
import pytest

from kgan.errors import InputError
from tests.models.small import MODELS, compiled


@pytest.mark.parametrize("name", MODELS)
def test_a_refused_compile_leaves_the_model_as_it_was(name):
    averaging = keras.optimizers.SGD(0.1, use_ema=True)
    wrong = {
        "loss='mse'": {"loss": "mse"},
        "accumulate is 0": {} if name == "Classifier" else {"accumulate": 0},
        "use_ema=True: expected False": {
            "GAN": {"generator_optimizer": averaging},
            "StackedAutoencoder": {"optimizer": averaging},
        }.get(name),
    }
    fresh, model = MODELS[name](), compiled(name)
    before = model.get_compile_config()
    for told, options in wrong.items():
        for each in (fresh, model) if options else ():
            with pytest.raises(InputError, match=told):
                each.compile(**options)
    assert not fresh.compiled
    assert model.get_compile_config() == before
