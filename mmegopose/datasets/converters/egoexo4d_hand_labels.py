"""Hand labels of one take of Ego-Exo4D: from the released files to entries of the official annotation file."""
import json
from collections import Counter
from pathlib import Path

import numpy as np

from ...files import BadFile, as_floats, read_json
from .egoexo4d_hand_filters import HandRules, box_around, box_generator, filter_hands, random_box

SIDES = ('right', 'left')
JOINTS = ('wrist', *(f'{finger}_{n}' for finger in ('thumb', 'index', 'middle', 'ring', 'pinky') for n in range(1, 5)))
KEYS = [f'{side}_{joint}' for side in SIDES for joint in JOINTS]
TEST_KEYS = ('right_hand_bbox', 'left_hand_bbox', 'metadata')  # of the public file of the test split


def label_take(labels: Path, camera_pose: Path, camera: str, take: dict, seen: np.ndarray, split: str, manual: bool,
               rules: HandRules, counts: Counter) -> dict[str, dict]:
    """``{frame: entry}`` of the official annotation file, for frames with at least one hand.

    Args:
        labels, camera_pose: files of the take.
        camera: name of the headset in them.
        take: ``take_uid`` and ``take_name``.
        seen: ``(512,512)`` bool, pixels of the undistorted picture that the lens shows.
        counts: receives what was removed, and what was kept.

    Raises:
        BadFile: a file is not what it should be.
    """
    frames, world, labelled = read_hand_labels(labels, camera, rules.min_views if manual else 0, counts)
    intrinsics, extrinsics = read_camera_pose(camera_pose, camera, counts)
    tracked = np.array([frame in extrinsics for frame in frames], bool)
    counts['frames without a camera pose'] += int((~tracked).sum())
    frames = [frame for frame in frames if frame in extrinsics]
    if not frames:
        return {}
    found = filter_hands(world[tracked], labelled[tracked], np.stack([extrinsics[frame] for frame in frames]),
                         intrinsics, seen, rules, counts)
    counts['frames without a hand that is kept'] += int((~found['kept'].any(1)).sum())
    counts['hands kept'] += int(found['kept'].sum())
    counts['joints kept'] += int(found['visible'][found['kept']].sum())
    entries = {frame: _entry(found, row, frame, take, split, rules) for row, frame in enumerate(frames)
               if found['kept'][row].any()}
    counts['frames kept'] += len(entries)
    return entries


def _entry(found: dict, row: int, frame: str, take: dict, split: str, rules: HandRules) -> dict:
    entry: dict = {}
    for number, side in enumerate(SIDES):
        kept, visible = found['kept'][row, number], found['visible'][row, number]
        joints = found['joints'][row, number]
        points = found['projected'][row, number, visible]
        box = np.zeros(0) if not kept else box_around(points, rules.box_padding) if split != 'test' else \
            random_box(points, box_generator(rules.seed, take['take_uid'], int(frame), number))
        shown = np.where((visible | (np.arange(len(JOINTS)) == 0))[:, None], joints, np.nan)  # a wrist is always told
        entry |= {f'{side}_hand_3d': shown.tolist() if kept else [],
                  f'{side}_hand_2d': found['labelled'][row, number].tolist() if kept else [],
                  f'{side}_hand_bbox': box.tolist(),
                  f'{side}_hand_valid_3d': visible.tolist() if kept else []}
    return entry | dict(metadata=dict(take, frame_number=int(frame)))


def entries_text(entries: dict) -> str:
    """JSON with bare NaN, as the official tool writes it."""
    return json.dumps(entries)


def read_hand_labels(path: Path, camera: str, min_views: int, counts: Counter) -> tuple[list, np.ndarray, np.ndarray]:
    """Frames with a joint in space, ``(F,2,21,3)`` metres in the world and ``(F,2,21,2)`` pixels, float32.

    The first annotator of a frame counts. What has no label, or too few views, is NaN.
    """
    content = read_json(path, twice=(twice := []))
    counts['keys that a file holds twice'] += len(twice)
    frames, world, labelled = [], [], []
    for key, raters in content.items():
        entry = raters[0] if isinstance(raters, list) and raters and isinstance(raters[0], dict) else {}
        joints, points = entry.get('annotation3D'), entry.get('annotation2D')
        if not isinstance(joints, dict) or not joints:
            counts['frames without a label in space'] += 1
        elif not (key.isascii() and key.isdigit() and len(key) < 10):
            counts['frames without a number that a video can have'] += 1
        else:
            points = points.get(camera) if isinstance(points, dict) else None
            frames.append(key)
            world.append(_joints(joints, min_views, counts))
            labelled.append([_numbers(points.get(name), 'xy', counts) for name in KEYS] if isinstance(points, dict)
                            else np.full((len(KEYS), 2), np.nan))
    shape = len(frames), len(SIDES), len(JOINTS)
    return (frames, np.array(world, np.float32).reshape(*shape, 3), np.array(labelled, np.float32).reshape(*shape, 2))


def _joints(joints: dict, min_views: int, counts: Counter) -> list:
    found = []
    for name in KEYS:
        joint = joints.get(name)
        place = _numbers(joint, 'xyz', counts)
        views = joint.get('num_views_for_3d', 0) if isinstance(joint, dict) else 0
        seen = isinstance(views, (int, float)) and views >= min_views
        counts['joints labelled'] += place[0] == place[0]
        counts['joints seen by too few cameras'] += place[0] == place[0] and not seen
        found.append(place if seen else (np.nan,) * 3)
    return found


def _numbers(joint, axes: str, counts: Counter) -> tuple:
    """Coordinates of a joint; NaN without a label, and where one is no number, which is counted."""
    if joint is None:
        return (np.nan,) * len(axes)
    values = tuple(joint.get(axis) if isinstance(joint, dict) else None for axis in axes)
    if all(isinstance(value, (int, float)) and abs(value) < 1e6 for value in values):
        return values
    counts['labels of a joint without numbers'] += 1
    return (np.nan,) * len(axes)


def read_camera_pose(path: Path, camera: str, counts: Counter) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """``(3,3)`` intrinsics and ``{frame: (3,4) world to camera}`` of the headset, float32.

    Reads both layouts of the release: one entry a camera, and one entry a frame.
    """
    content = read_json(path, twice=(twice := []))
    counts['keys that a file holds twice'] += len(twice)
    if content and all(key.isdigit() for key in content):  # the first release
        cameras = {frame: entry[camera] for frame, entry in content.items()
                   if isinstance(entry, dict) and isinstance(entry.get(camera), dict)}
        extrinsics = {frame: entry.get('camera_extrinsics') for frame, entry in cameras.items()}
        headset = next(iter(cameras.values()), {})
    else:
        headset = content.get(camera)
        headset = headset if isinstance(headset, dict) else {}
        extrinsics = headset.get('camera_extrinsics')
    if not isinstance(extrinsics, dict) or not extrinsics:
        raise BadFile(f'{path} has no camera {camera} with camera_extrinsics (cameras: '
                      f'{", ".join(key for key in content if key != "metadata")[:80]})')
    intrinsics = _matrix(headset.get('camera_intrinsics'), (3, 3))
    if intrinsics is None:
        raise BadFile(f'{path}: camera_intrinsics of {camera} should be 3x3 numbers, got '
                      f'{str(headset.get("camera_intrinsics"))[:60]}')
    matrices = {frame: _matrix(value, (3, 4), (4, 4)) for frame, value in extrinsics.items()}
    counts['camera poses that are no 3x4 matrix'] += sum(matrix is None for matrix in matrices.values())
    poses = {frame: matrix[:3] for frame, matrix in matrices.items() if matrix is not None}
    rigid = {frame: pose for frame, pose in poses.items() if is_rotation(pose[:, :3])}
    counts['camera poses that are no rigid motion'] += len(poses) - len(rigid)
    return intrinsics, rigid


def is_rotation(matrix: np.ndarray) -> bool:
    """Whether ``(3,3)`` is a rotation but for rounding: scaled axes would give hands of another size, unnoticed."""
    matrix = matrix.astype(float)
    return bool(np.abs(matrix @ matrix.T - np.eye(3)).max() < 0.01 and np.linalg.det(matrix) > 0)


def _matrix(value, *shapes: tuple) -> np.ndarray | None:
    try:
        matrix = as_floats(value)
    except ValueError:
        return None
    return matrix.astype(np.float32) if matrix.shape in shapes and np.isfinite(matrix).all() else None
