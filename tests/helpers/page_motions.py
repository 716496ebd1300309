"""Motions to be shown, and pictures beside them."""
from types import SimpleNamespace

import numpy as np

from mmegopose.motion import Mesh, Motion

STANDING = np.array([
    [0, .1, 1.7], [.03, .08, 1.73], [-.03, .08, 1.73], [.08, 0, 1.7], [-.08, 0, 1.7], [.2, 0, 1.45], [-.2, 0, 1.45],
    [.3, 0, 1.15], [-.3, 0, 1.15], [.3, .1, .9], [-.3, .1, .9], [.12, 0, .95], [-.12, 0, .95], [.12, .02, .5],
    [-.12, .02, .5], [.12, 0, .05], [-.12, 0, .05]], np.float32) * [-1, 1, 1]


def walking(num_frames, start=0.0, fps=30.0, **kwargs):
    """Somebody in the world who walks along y with swinging arms and legs, ``start`` metres along x."""
    time = np.arange(num_frames) / fps
    swing = 0.25 * np.sin(2 * np.pi * time)[:, None] * np.where(np.arange(17) % 2, 1, -1) * (np.arange(17) > 6)
    joints = np.repeat(STANDING[None], num_frames, 0)
    joints[..., 1] += swing * (1.4 - joints[..., 2])
    joints[..., 1] += 0.3 * np.sin(time / 3)[:, None]
    joints[..., 0] += start
    head = np.tile(np.eye(4), (num_frames, 1, 1))
    head[:, :3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    head[:, :3, 3] = joints[:, 0]
    return Motion(time, joints.astype(np.float64 if abs(start) > 100 else np.float32), 'coco17', **dict(
        dict(person='Ana', head_pose=head), **kwargs))


def turning_hand(num_frames=30):
    """A hand in a camera, with a ball for a mesh."""
    finger = np.repeat(np.arange(-2, 3), 4) * 0.02
    bone = np.tile(np.arange(1, 5), 5) * 0.03
    hand = np.concatenate([[[0, 0, 0]], np.stack([finger, -0.05 - bone, 0 * bone], -1)]) + [0, 0, 0.5]
    joints = np.repeat(hand[None], num_frames, 0).astype(np.float32)
    joints[..., 0] += 0.1 * np.sin(np.arange(num_frames) / 10)[:, None]
    u, v = np.meshgrid(np.linspace(0, np.pi, 12), np.linspace(0, 2 * np.pi, 24, endpoint=False), indexing='ij')
    ball = 0.06 * np.stack([np.sin(u) * np.cos(v), np.sin(u) * np.sin(v), np.cos(u)], -1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(11), np.arange(24), indexing='ij')
    a, b, c, d = (24 * i + j, 24 * i + (j + 1) % 24, 24 * (i + 1) + j, 24 * (i + 1) + (j + 1) % 24)
    faces = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    return Motion(np.arange(num_frames) / 30, joints, 'hand21', frame='camera', person='left',
                  mesh=Mesh((joints.mean(1, keepdims=True) + ball).astype(np.float32), faces, 'ball'))


def film(count, fps=30.0, size=(160, 120)):
    """Noise for pictures; one cannot be read."""
    rng = np.random.default_rng(0)
    for number in range(count):
        image = rng.integers(0, 255, (size[1], size[0], 3), np.uint8)
        yield SimpleNamespace(time=number / fps, image=None if number == 5 else image)
