"""The files of the Ego-Exo4D ego-pose benchmark: one take to arrays, with every defect either repaired or counted."""
from collections import Counter
from pathlib import Path

import numpy as np

from ....files import BadFile, read_json
from ....geometry.resampling import bracket, interpolate_poses
from ....geometry.trajectory import rigidity_error
from ....structures import get_skeleton

JOINT_ROW = {name: row for row, name in enumerate(get_skeleton('coco17').joints)}
ORTHONORMAL_TOLERANCE = 1e-3


def read_takes(root: Path) -> dict:
    """``takes.json`` as ``{take_uid: take}``."""
    path = root / 'takes.json'
    if not path.is_file():
        raise FileNotFoundError(f'{path} not found: data_root={str(root)!r} should be the Ego-Exo4D download folder, '
                                'with takes.json and annotations/ in it')
    return {t['take_uid']: t for t in read_json(path, list) if isinstance(t, dict) and 'take_uid' in t}


def read_track(path: Path, max_hole: int, counts: Counter):
    """Camera track of the headset.

    Args:
        path: a ``camera_pose/<take_uid>.json``.
        max_hole: longest run of missing frames, in video frames, that counts as tracked after interpolation.
        counts: receives the defects by name.

    Returns:
        ``(take_name, first_frame, T_world_camera (F,4,4) float64, tracked (F,) bool)``, one row per video frame from
        the first to the last known frame; missing frames are interpolated.
    """
    name, numbers, matrices = _extrinsics(path)
    good = rigidity_error(matrices) < ORTHONORMAL_TOLERANCE
    counts['camera frames with NaN or non-orthonormal extrinsics'] += int((~good).sum())
    order = np.argsort(numbers[good], kind='stable')
    numbers, matrices = numbers[good][order], matrices[good][order]
    if not len(numbers):
        raise BadFile(f'{path} has no frame with valid extrinsics')
    spread = int(numbers[-1]) - int(numbers[0]) + 1
    if spread > 100 * len(numbers) + 1000:
        raise BadFile(f'{path}: {len(numbers)} camera frames are spread over {spread} frame numbers')
    known, rotation = np.tile(np.eye(4), (len(numbers), 1, 1)), matrices[:, :3, :3].transpose(0, 2, 1)
    known[:, :3, :3], known[:, :3, 3] = rotation, -(rotation @ matrices[:, :3, 3:])[:, :, 0]
    pose = interpolate_poses(known, *bracket(numbers, np.arange(numbers[0], numbers[-1] + 1)))
    gap = np.diff(numbers) - 1
    tracked = ~np.repeat(np.r_[gap > max_hole, False], np.r_[gap + 1, 1])
    tracked[numbers - numbers[0]] = True
    counts['camera frames interpolated'] += int(gap.sum())
    return name, int(numbers[0]), pose, tracked


def _extrinsics(path: Path):
    """``(take_name, frame numbers (N,), world to camera (N,3|4,4))`` of the headset, in the order of the file.

    Reads both camera layouts: one entry per camera (current), and one entry per frame (first release).
    """
    content = read_json(path)
    name = str((content.get('metadata') or {}).get('take_name', ''))
    if content and all(key.isdigit() for key in content):
        first = next(iter(content.values()))
        name = str((first.get('metadata') or {}).get('take_name', '')) if isinstance(first, dict) else ''
        extrinsics = {frame: camera['camera_extrinsics'] for frame, entry in content.items() if isinstance(entry, dict)
                      for key, camera in entry.items() if 'aria' in key and 'camera_extrinsics' in camera}
    else:
        camera = next((value for key, value in content.items() if 'aria' in key and isinstance(value, dict)), {})
        extrinsics = camera.get('camera_extrinsics', {})
    if not isinstance(extrinsics, dict) or not extrinsics:
        raise BadFile(f'{path} has no aria camera with camera_extrinsics (cameras: '
                      f'{", ".join(k for k in content if k != "metadata")[:80]})')
    try:
        numbers = np.array([int(key) for key in extrinsics])
        matrices = np.array(list(extrinsics.values()), float)
    except (ValueError, TypeError):
        raise BadFile(f'{path}: camera_extrinsics should map frame numbers to 3x4 matrices of numbers') from None
    if matrices.shape[1:] not in ((3, 4), (4, 4)) or (numbers < 0).any():
        raise BadFile(f'{path}: camera_extrinsics should map frame numbers >= 0 to 3x4 matrices, '
                      f'got shape {matrices.shape[1:]}')
    return name, numbers, matrices


def read_body(path: Path, counts: Counter):
    """Body labels of a take.

    The first rater of each frame counts; a missing joint is an absent key.

    Returns:
        ``(frames (L,) int64 ascending, joints (L,17,3) float32 metres in the take's world, views (L,17) uint8)``;
        ``views`` is the number of cameras behind a joint, 0 for a missing joint.
    """
    content = read_json(path)
    frames, rows, columns, values, views = [], [], [], [], []
    for key, raters in content.items():
        entry = raters[0] if isinstance(raters, list) and raters else None
        labels = entry.get('annotation3D') if isinstance(entry, dict) else None
        if not key.isdigit() or not isinstance(labels, dict) or not labels:
            counts['label frames without a rater or a joint'] += 1
            continue
        for joint, point in labels.items():
            column = JOINT_ROW.get(joint)
            if column is None:
                raise BadFile(f'{path}: frame {key} has the unknown joint {joint!r}')
            try:
                value = (float(point['x']), float(point['y']), float(point['z']))
                number = int(point.get('num_views_for_3d', 2))
            except (TypeError, KeyError, ValueError, AttributeError):
                raise BadFile(f'{path}: joint {joint!r} of frame {key} needs numbers x, y, z, got {point!r}') from None
            rows.append(len(frames))
            columns.append(column)
            values.append(value)
            views.append(min(max(number, 1), 255))
        frames.append(int(key))
    joints = np.zeros((len(frames), len(JOINT_ROW), 3), np.float32)
    count = np.zeros((len(frames), len(JOINT_ROW)), np.uint8)
    if rows:
        joints[rows, columns], count[rows, columns] = values, views
    broken = ~np.isfinite(joints).all(-1)
    counts['joints that are not finite'] += int(broken.sum())
    joints[broken], count[broken] = 0, 0
    order = np.argsort(frames, kind='stable')
    return np.asarray(frames, np.int64)[order], joints[order], count[order]


def merge_labels(manual, automatic):
    """Manual labels where a frame has them, automatic ones elsewhere."""
    keep = ~np.isin(automatic[0], manual[0])
    parts = [np.concatenate([m, a[keep]]) for m, a in zip(manual, automatic)]
    order = np.argsort(parts[0], kind='stable')
    return tuple(part[order] for part in parts)


def read_template(path: Path) -> dict:
    """A challenge template as ``{take_uid: sorted frame numbers}``; only take and frame sets are read."""
    content = read_json(path)
    try:
        return {uid: np.array(sorted(int(f) for f in take['body']), np.int64) for uid, take in content.items()}
    except (TypeError, KeyError, ValueError):
        raise BadFile(f'{path} should be a challenge template {{take_uid: {{"body": {{frame: ...}}}}}}') from None
