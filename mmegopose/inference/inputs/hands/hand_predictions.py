"""Hands that a model has found in the pictures of a headset: into a file, and into the world of its head track."""
from pathlib import Path

import numpy as np

from ....datasets.readers.head_pose.hand_poses import read_hands_in_camera
from ....evaluation.submissions import write_hand_poses
from ....files import BadFile
from ....geometry.resampling import bracket, interpolate_poses
from ....motion import Motion
from ..head_tracks import HeadTrack
from .hand_track import SKELETON, HandTrack, empty_hands

LANDSCAPE_TO_UPRIGHT = np.array([[0., -1, 0], [1, 0, 0], [0, 0, 1]])


def read_hand_predictions(path: str | Path, track: HeadTrack, uid: str | None = None, fps: float = 30.0) -> HandTrack:
    """Hands of the hand pose task of Ego-Exo4D, whose file tells them from the camera, in the world of the head track.

    Args:
        path: JSON of predictions, see :func:`.read_hands_in_camera`.
        track: the head track, of the camera that took the pictures; frame 0 is at its first time, or where a track of
            :func:`.read_egoexo4d_camera` has it.
        uid: of the recording in the file; None: that of such a track, or the only one.
        fps: frames a second of the pictures.

    Raises:
        BadFile: the file cannot be used, or has other recordings.
    """
    hands = read_hands_in_camera(path)
    if uid is None:
        uid = track.facts.get('uid', next(iter(hands)) if len(hands) == 1 else None)
    if uid not in hands:
        raise BadFile(f'{path} has {len(hands)} recordings, {", ".join(list(hands)[:3])}, ...: name one of them'
                      if uid is None else f'{path} has no recording {uid}')
    frames, joints = hands[uid]
    time = track.facts.get('time_of_frame_0', track.time[0]) + frames / fps
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


def write_hand_predictions(motions: list[Motion], path: str | Path, uid: str = 'recording', fps: float = 30.0) -> int:
    """Write the hands that :class:`.HandInferencer` has found in a recording, for :func:`read_hand_predictions`.

    Of several hands of a side in a frame the most confident one, or else the first, is taken.

    Args:
        motions: of hands in the camera; frame 0 is at 0 s.
        path: of the JSON file.
        uid: name of the recording in it.
        fps: frames a second of the file.

    Returns:
        Number of hands that were written.

    Raises:
        ValueError: no hand is valid, motions of something else, or without a camera, so that nobody knows how far the
            hands are.
    """
    poses, best = {}, {}
    for motion in motions:
        facts = motion.provenance
        if motion.skeleton != SKELETON or motion.frame != 'camera' or 'upright' not in facts:
            raise ValueError(f'{path} is to hold hands in the camera, as a model of hands finds them, not {motion}')
        if facts['camera'] == 'unknown':
            raise ValueError(f'{path} is to hold hands in the camera, but how far they are only a known camera tells: '
                             'give intrinsics=(fx, fy, cx, cy) or field_of_view')
        joints = motion.joints.astype(float) @ LANDSCAPE_TO_UPRIGHT if facts['upright'] else motion.joints.astype(float)
        sure = np.zeros(len(motion)) if motion.confidence is None else motion.confidence.mean(1)
        for row in np.flatnonzero(motion.valid.all(1)):
            hand = uid, str(round(motion.time[row] * fps)), facts['side']
            if sure[row] > best.get(hand, -1):
                poses[hand], best[hand] = joints[row], sure[row]
    if not poses:
        raise ValueError(f'{path} is not written: no hand could be reconstructed')
    frames = sorted({frame for _, frame, _ in poses}, key=int)
    write_hand_poses(poses, {uid: dict.fromkeys(frames)}, path)
    return len(poses)
