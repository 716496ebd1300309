"""Aria's hand tracking: ``hand_tracking_results.csv``, and the older ``wrist_and_palm_poses.csv``."""
from pathlib import Path

import numpy as np

from ....files import BadFile
from ....geometry.resampling import bracket, interpolate, interpolate_rotations
from ..head_tracks.track import HeadTrack
from ..head_tracks.track_import import poses_of
from ..tables import read_header, read_table
from .hand_track import HANDS, HandTrack, empty_hands

NAMES = ('hand_tracking_results.csv', 'wrist_and_palm_poses.csv')
FOLDERS = ('', 'hand_tracking', 'mps/hand_tracking', '*/hand_tracking')
# Landmark of each joint of hand21; Aria has none at the base of the thumb, and one more, the palm's centre (20).
LANDMARKS = (5, -1, 6, 7, 0, 8, 9, 10, 1, 11, 12, 13, 2, 14, 15, 16, 3, 17, 18, 19, 4)
MAX_GAP = 0.1  # seconds between head poses across which Aria's own tools interpolate


def read_mps_hands(path: str | Path, track: HeadTrack) -> HandTrack:
    """Hands of an Aria recording, in the world of its head track.

    The file holds them relative to the device; a hand that is not tracked has the confidence -1 or 0, or only zeros.

    Args:
        path: the CSV, its folder, or the recording's folder.
        track: the head track of the same recording, from :func:`.read_aria_mps`.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: not hands of MPS.
        ValueError: a track of another device, or of another time.
    """
    if 'T_camera_device' not in track.facts:
        raise ValueError('the hands of Aria are relative to its device frame: give the track that read_aria_mps made '
                         'of the same recording')
    csv = find_mps_hands(Path(path).expanduser())
    if csv is None:
        raise FileNotFoundError(f'{path}: no {" or ".join(NAMES)} in it, nor in hand_tracking/ below it')
    names, _ = read_header(csv)
    sides = [_columns(side, names) for side in HANDS]
    if 'tracking_timestamp_us' not in names or not any(sides[0].values()):
        raise BadFile(f'{csv} holds no hands of MPS; its columns are {", ".join(names)[:200]}')
    confidence = [f'{side}_tracking_confidence' for side in HANDS]
    wanted = ['tracking_timestamp_us', *confidence, *(name for side in sides for group in side.values()
                                                      for triple in group.values() for name in triple)]
    table = read_table(csv, list(dict.fromkeys(wanted)))
    time = table.columns['tracking_timestamp_us'] * 1e-6
    order = np.unique(time, return_index=True)[1]
    pose, known = _device_poses(track, time[order])
    if not known.any():
        raise ValueError(f'{csv}: its times ({time.min():.2f} to {time.max():.2f} s) meet no pose of the head track '
                         f'({track.time[0]:.2f} to {track.time[-1]:.2f} s): another recording?')
    out = empty_hands(len(order))
    for number, side in enumerate(sides):
        score = table.columns[confidence[number]][order]
        tracked = known & (score > 0)
        out['confidence'][:, number] = np.where(tracked, np.minimum(score, 1), 0)
        for joint, triple in side['joints'].items():
            points = table.stack(triple)[order]
            there = tracked & np.isfinite(points).all(1)
            out['joints'][:, number, joint] = np.where(there[:, None], _moved(pose, points), 0)
            out['valid'][:, number, joint] = there
        block = np.stack([table.stack(triple)[order] for triple in side['joints'].values()], 1)
        out['valid'][np.abs(np.nan_to_num(block)).max((1, 2)) == 0, number] = False  # zeros only: not tracked
        for triple in side['wrist'].values():
            wrist = poses_of(table.stack(triple[:3])[order], table.stack(triple[3:])[order])
            there = tracked & np.isfinite(wrist).all((1, 2)) & out['valid'][:, number, 0]
            out['T_world_wrist'][there, number] = (pose @ wrist)[there]
            out['wrist_valid'][:, number] = there
    return HandTrack(time[order], **out, facts=dict(source=str(csv), format='mps_hands', notes=[
        *table.notes, f'left hand in {100 * out["valid"][:, 0, 0].mean():.0f} %, right hand in '
        f'{100 * out["valid"][:, 1, 0].mean():.0f} % of {len(order)} rows']))


def find_mps_hands(path: Path) -> Path | None:
    """The file of the hands: this one, or one in a folder or below it; None: there is none."""
    if path.is_file():
        return path
    return next((found for folder in FOLDERS for name in NAMES
                 for found in sorted(path.glob(f'{folder}/{name}'.lstrip('/')))), None)


def _columns(side: str, names: list) -> dict:
    """Columns of a hand that the file has: ``joints {joint of hand21: (x, y, z)}``, ``wrist {0: (3 + 4 names)}``."""
    def triple(pattern):
        found = [pattern.format(axis) for axis in ('tx', 'ty', 'tz')]
        return found if set(found) <= set(names) else None

    joints = {joint: triple('{}_' + f'{side}_landmark_{landmark}_device') for joint, landmark in enumerate(LANDMARKS)
              if landmark >= 0}
    joints = {joint: columns for joint, columns in joints.items() if columns}
    if not joints and (wrist := triple('{}_' + f'{side}_wrist_device')):
        joints = {0: wrist}
    pose = [f'{axis}_{side}_device_wrist' for axis in ('tx', 'ty', 'tz', 'qx', 'qy', 'qz', 'qw')]
    return dict(joints=joints, wrist={0: pose} if set(pose) <= set(names) else {})


def _device_poses(track: HeadTrack, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Device to world ``(N,4,4)`` at other times, and where it is known ``(N,)``."""
    rows = np.flatnonzero(track.valid)
    before, after, weight = bracket(track.time[rows], time)
    span = track.time[rows][after] - track.time[rows][before]
    known = (track.segment[rows][before] == track.segment[rows][after]) & (span <= MAX_GAP) & (
        time >= track.time[rows[0]] - 1e-6) & (time <= track.time[rows[-1]] + 1e-6)
    weight = np.where(known, weight, 0)
    poses = track.T_world_camera[rows] @ np.array(track.facts['T_camera_device'])
    out = interpolate(poses, before, after, weight)
    out[:, :3, :3] = interpolate_rotations(poses[:, :3, :3], before, after, weight)
    return out, known


def _moved(pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.einsum('nij,nj->ni', pose[:, :3, :3], points) + pose[:, :3, 3]
