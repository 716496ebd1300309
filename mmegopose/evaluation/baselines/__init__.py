"""Simple rules that a trained model should beat."""
