"""Octahedra for bones, so that a skeleton is a surface."""
import numpy as np

RING = np.array([(0, 1, 0), (0, 0, 1), (0, -1, 0), (0, 0, -1)], float)  # across a bone along x
TRIANGLES = np.array([(0, 2, 1), (0, 3, 2), (0, 4, 3), (0, 1, 4), (5, 1, 2), (5, 2, 3), (5, 3, 4), (5, 4, 1)])
"""Begin 0, ring 1 to 4, end 5; counter-clockwise seen from outside."""
WIDEST = 0.2  # of the way along a bone
SLIMNESS, MIN_RADIUS, MAX_RADIUS = 0.09, 0.002, 0.025  # radius of a bone's length, and its bounds, metres


def octahedra(begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Corners ``(K,6,3)`` of the octahedra of K bones from ``begins (K,3)`` to ``ends (K,3)``, metres."""
    bone = ends - begins
    length = np.linalg.norm(bone, axis=-1, keepdims=True)
    along = np.where(length > 1e-9, bone / np.maximum(length, 1e-9), (0, 1, 0))
    across = np.cross(along, np.eye(3)[np.abs(along).argmin(-1)])
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    frame = np.stack([along, across, np.cross(along, across)], -1)                     # (K,3,3), columns are axes
    radius = np.clip(SLIMNESS * length, MIN_RADIUS, MAX_RADIUS)
    ring = (begins + WIDEST * bone)[:, None] + np.einsum('kij,rj->kri', frame, RING) * radius[..., None]
    return np.concatenate([begins[:, None], ring, ends[:, None]], 1)
