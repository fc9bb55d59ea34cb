"""Scores: NumPy arrays in, numbers out."""
