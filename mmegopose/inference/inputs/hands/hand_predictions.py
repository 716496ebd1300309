"""Hands that a model has found in the pictures of a headset, in the world of its head track."""
from pathlib import Path

import numpy as np

from ....datasets.readers.head_pose.hand_poses import read_hands_in_camera
from ....files import BadFile
from ....geometry.resampling import bracket, interpolate_poses
from ..head_tracks import HeadTrack
from .hand_track import HandTrack, empty_hands

LANDSCAPE_TO_UPRIGHT = np.array([[0., -1, 0], [1, 0, 0], [0, 0, 1]])


def read_hand_predictions(path: str | Path, track: HeadTrack, uid: str | None = None, fps: float = 30.0) -> HandTrack:
    """Hands of the hand pose task of Ego-Exo4D, whose file tells them from the camera, in the world of the head track.

    Args:
        path: JSON of predictions, see :func:`.read_hands_in_camera`.
        track: the head track, of the camera that took the pictures; frame 0 is at its first time.
        uid: of the recording in the file; None: the only one.
        fps: frames a second of the pictures.

    Raises:
        BadFile: the file cannot be used, or has other recordings.
    """
    hands = read_hands_in_camera(path)
    if uid is None and len(hands) == 1:
        uid = next(iter(hands))
    if uid not in hands:
        raise BadFile(f'{path} has {len(hands)} recordings, {", ".join(list(hands)[:3])}, ...: name one of them'
                      if uid is None else f'{path} has no recording {uid}')
    frames, joints = hands[uid]
    time = track.time[0] + frames / fps
    inside = (time >= track.time[0] - 1e-9) & (time <= track.time[-1] + 0.5 / fps)
    if not inside.any():
        raise BadFile(f'{path}: none of its {len(frames)} frames lies in the head track, which lasts '
                      f'{track.duration:.2f} s: another recording, or another rate than {fps:g} frames a second?')
    time, joints = time[inside], joints[inside]
    known = np.flatnonzero(track.valid)
    before, after, weight = bracket(track.time[known], time)
    pose = interpolate_poses(track.T_world_camera[known], before, after, weight)
    unbroken = track.segment[known][before] == track.segment[known][after]
    upright = np.einsum('ij,...j->...i', LANDSCAPE_TO_UPRIGHT, joints)
    world = np.einsum('nij,n...j->n...i', pose[:, :3, :3], upright) + pose[:, None, None, :3, 3]
    there = np.isfinite(world).all(-1) & unbroken[:, None, None]
    out = empty_hands(len(time))
    out['joints'], out['valid'] = np.where(there[..., None], world, 0), there
    out['confidence'] = there[:, :, 0].astype(float)
    return HandTrack(time, **out, facts=dict(source=str(path), format='hand_predictions', notes=[]))
