"""An autoencoder that makes clean images of corrupted ones (Vincent et al. 2010)."""

from kgan.methods.autoencoder import AutoencoderMethod


class DenoisingMethod(AutoencoderMethod):
    """As of an autoencoder, but never without a corruption."""

    name = "denoising"
    default_corruption = "masking"

    def contradictions(self, config):
        never = "denoising needs a corruption: masking, salt_and_pepper or gaussian"
        return {
            never: config.reconstruction.corruption == "none",
            **super().contradictions(config),
        }
