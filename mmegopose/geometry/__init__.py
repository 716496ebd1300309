"""Rotations, rigid transforms, head trajectories and alignment: batched torch functions, any leading shape."""
