"""Images of a trained generator, drawn, walked through and written."""
