"""Tracks of heads and wrists that exported models are compared on."""
import numpy as np


def walking_heads(count: int, num_frames: int) -> np.ndarray:
    """People who walk in circles, nod and crouch: upright camera to world, z up, 30 a second, ``(count,N,4,4)``."""
    t = np.arange(num_frames) / 30 + 2 * np.arange(count)[:, None]
    turn, nod = 0.5 * t, 0.3 * np.sin(2 * t)
    forward = np.stack([np.cos(turn) * np.cos(nod), np.sin(turn) * np.cos(nod), np.sin(nod)], -1)
    right = np.stack([np.sin(turn), -np.cos(turn), 0 * t], -1)
    poses = np.tile(np.eye(4), (*t.shape, 1, 1))
    poses[..., :3, :3] = np.stack([right, np.cross(forward, right), forward], -1)
    poses[..., :3, 3] = np.stack([2 * np.sin(turn), -2 * np.cos(turn), 1.5 + 0.2 * np.cos(t)], -1)
    return poses


def swinging_wrists(heads: np.ndarray) -> np.ndarray:
    """Left and right wrists of people with these heads ``(count,N,4,4)``, ``(count,N,2,3)``, NaN where not seen.

    Those of the first one come and go, so that both are seen, one, and none; the second one has no right hand, the
    third one none at all, and so on.
    """
    t, person = np.arange(heads.shape[1]), np.arange(len(heads))[:, None]
    swing = 0.2 * np.sin(t / 5)
    places = np.stack([np.stack([side + 0 * t, 0.5 + 0 * t, 0.2 + side * swing], -1) for side in (-0.3, 0.3)], 1)
    places = np.einsum('pnij,nhj->pnhi', heads[..., :3, :3], places) + heads[..., None, :3, 3]
    seen = np.stack([(t // 10 % 3 > 0) & (person % 3 < 2), (t // 7 % 2 == 0) & (person % 3 < 1)], -1)
    return np.where(seen[..., None], places, np.nan)
