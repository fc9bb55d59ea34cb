"""Scores of trained models and of any images."""
