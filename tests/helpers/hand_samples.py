"""Hands and small challenges for the tests of submission files."""
from dataclasses import replace

import numpy as np

from mmegopose.evaluation.submissions import CHALLENGES


def shrink_challenges(monkeypatch):
    """Challenges of six images."""
    for name, challenge in CHALLENGES.items():
        monkeypatch.setitem(CHALLENGES, name, replace(challenge, num_samples=6))


def flat_hands():
    """Six flat hands, FreiHAND's order of joints, 0.6 m before an OpenCV camera, with vertices among the joints.

    Returns ``(6,21,3)`` and ``(6,778,3)``.
    """
    rng = np.random.default_rng(0)
    angle = np.radians([-50, -20, 0, 20, 40])
    fingers = np.stack([np.sin(angle), -np.cos(angle), 0 * angle], -1)[:, None] * np.array([6, 10, 13, 15])[:, None]
    joints = np.concatenate([np.zeros((1, 3)), fingers.reshape(20, 3) / 100]) + rng.normal(0, 0.002, (6, 21, 3))
    joints += [0.05, -0.02, 0.6]
    return joints, joints[:, rng.integers(0, 21, 778)] + rng.normal(0, 0.005, (6, 778, 3))
