"""Rotations, rigid transforms, head trajectories, alignment, cameras, crops: batched functions, any leading shape."""
