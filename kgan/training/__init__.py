"""From a configuration to a trained, exported model."""
