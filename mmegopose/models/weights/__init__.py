"""Key maps of official checkpoints to the models of this package."""
