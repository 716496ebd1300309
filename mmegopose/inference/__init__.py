"""Predictions from plain arrays."""
