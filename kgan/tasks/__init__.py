"""What trained models are used for."""
