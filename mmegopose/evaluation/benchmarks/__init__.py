"""How each benchmark scores."""
