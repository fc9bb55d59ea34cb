"""Dense autoencoders, each on the codes of the one below (Bengio et al. 2007)."""

import functools

from kgan import models
from kgan.methods.autoencoder import AutoencoderMethod
from kgan.methods.base import Phase


class StackedMethod(AutoencoderMethod):
    """Greedy training, a phase a layer: see `kgan.StackedAutoencoder`."""

    name = "stacked"

    def build(self, config, spec):
        sigmoid = config.network.options.get("activation", "sigmoid") == "sigmoid"
        model = models.StackedAutoencoder(
            *self.networks(config, spec),
            code_likelihood="bernoulli" if sigmoid else "squared_error",
            **self.common(config),
        )
        return self.compiled(config, model)

    def phases(self, model, config):
        return [
            Phase(functools.partial(model.fit_layer, number), config.steps)
            for number in range(model.depth)
        ]

    def pictured(self, model, images):
        """Returns rows as of the layers up to the one that trains; above it none has begun."""
        return super().pictured(model.truncated(model.layer + 1), images)
