"""The files of the Ego-Exo4D ego-pose benchmark: one take to arrays, with every defect either repaired or counted."""
from collections import Counter
from pathlib import Path

import numpy as np

from ....files import DAMAGE, BadFile, as_floats, read_json
from ....geometry.resampling import bracket, interpolate_poses
from ....geometry.trajectory import rigidity_error
from ....structures import get_skeleton
from ..units import MAX_ROOT_DISTANCE_M

JOINT_ROW = {name: row for row, name in enumerate(get_skeleton('coco17').joints)}
ORTHONORMAL_TOLERANCE = 1e-3
MAX_COORDINATE_M = 1e4   # from the origin of a take's world
MAX_SPEED = 20.0         # metres a second, typical one of a take: of a head that moves in millimetres it is larger


def read_takes(root: Path) -> dict:
    """``takes.json`` as ``{take_uid: take}``."""
    path = root / 'takes.json'
    if not path.is_file():
        raise FileNotFoundError(f'{path} not found: data_root={str(root)!r} should be the Ego-Exo4D download folder, '
                                'with takes.json and annotations/ in it')
    return {t['take_uid']: t for t in read_json(path, list) if isinstance(t, dict) and isinstance(
        t.get('take_uid'), str)}


def frame_number(key: str) -> int | None:
    """The frame number that a key is; None if it is none, or none that a video can have (2^31 and more)."""
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 100 else -1
    return number if 0 <= number < 2 ** 31 else None


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
    name, numbers, matrices = _extrinsics(path, counts)
    good = rigidity_error(matrices) < ORTHONORMAL_TOLERANCE
    known_3x4 = (rigidity_error(matrices[:, :3]) < ORTHONORMAL_TOLERANCE).any()
    counts['camera frames with NaN or non-orthonormal extrinsics'] += int((~good).sum())
    near = np.abs(matrices[..., :3, 3]).max(-1) < MAX_COORDINATE_M
    counts['camera frames farther than 10 km from the origin'] += int((good & ~near).sum())
    numbers, matrices = numbers[good & near], matrices[good & near]
    if not len(numbers):
        raise BadFile(f'{path} has no frame with valid extrinsics' + (
            ': their last row should be 0 0 0 1; are they transposed?' if known_3x4 else ''))
    lone = np.abs(numbers - np.median(numbers)) > 100 * len(numbers) + 1000
    counts['camera frames with a number far from all others'] += int(lone.sum())
    if 2 * lone.sum() >= len(lone):
        raise BadFile(f'{path}: {len(numbers)} camera frames are spread over {np.ptp(numbers) + 1} frame numbers')
    again = len(numbers) - int(lone.sum())
    numbers, first = np.unique(numbers[~lone], return_index=True)
    matrices = matrices[~lone][first]
    counts['camera frames that are there twice'] += again - len(numbers)
    known, rotation = np.tile(np.eye(4), (len(numbers), 1, 1)), matrices[:, :3, :3].transpose(0, 2, 1)
    known[:, :3, :3], known[:, :3, 3] = rotation, -(rotation @ matrices[:, :3, 3:])[:, :, 0]
    pose = interpolate_poses(known, *bracket(numbers, np.arange(numbers[0], numbers[-1] + 1)))
    speed = np.median(np.linalg.norm(np.diff(known[:, :3, 3], axis=0), axis=-1) / np.diff(numbers)) \
        if len(numbers) > 1 else 0.0
    if speed > MAX_SPEED / 30:
        raise BadFile(f'{path}: the camera typically moves {speed:.3g} m per frame, {30 * speed:.0f} m/s; the poses '
                      'look like millimetres: convert them to metres')
    gap = np.diff(numbers) - 1
    tracked = ~np.repeat(np.r_[gap > max_hole, False], np.r_[gap + 1, 1])
    tracked[numbers - numbers[0]] = True
    counts['camera frames interpolated'] += int(gap.sum())
    return name, int(numbers[0]), pose, tracked


def _extrinsics(path: Path, counts: Counter):
    """``(take_name, frame numbers (N,), world to camera (N,4,4))`` of the headset, in the order of the file.

    Reads both camera layouts: one entry per camera (current), and one entry per frame (first release).
    """
    content = _read_counted(path, counts)
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
    found = [(frame_number(key), _matrix(value)) for key, value in extrinsics.items()]
    counts['camera frames without a number that a video can have'] += sum(number is None for number, _ in found)
    counts['camera frames without a 3x4 matrix of numbers'] += sum(matrix is None for _, matrix in found)
    found = [(number, matrix) for number, matrix in found if number is not None and matrix is not None]
    if not found:
        key, value = next(iter(extrinsics.items()))
        raise BadFile(f'{path}: camera_extrinsics should map frame numbers to 3x4 matrices of numbers, got '
                      f'{str(key)[:20]!r}: {str(value)[:60]}')
    return name, np.array([number for number, _ in found]), np.stack([matrix for _, matrix in found])


def _read_counted(path: Path, counts: Counter) -> dict:
    """A JSON file; keys that it holds twice are counted, the last one is taken."""
    content = read_json(path, twice=(twice := []))
    counts['keys that a file holds twice'] += len(twice)
    return content


def _matrix(value) -> np.ndarray | None:
    """``(4,4)`` float64, of three or four rows; None if it is not that."""
    try:
        matrix = as_floats(value)
    except ValueError:
        return None
    return np.concatenate([matrix, np.eye(4)[len(matrix):]]) if matrix.shape in ((3, 4), (4, 4)) else None


def read_body(path: Path, counts: Counter):
    """Body labels of a take.

    The first rater of each frame counts; a missing joint is an absent key.

    A joint without three numbers is left out and counted.

    Returns:
        ``(frames (L,) int64 ascending, joints (L,17,3) float32 metres in the take's world, views (L,17) uint8)``;
        ``views`` is the number of cameras behind a joint, 0 for a missing joint.
    """
    content = _read_counted(path, counts)
    frames, rows, columns, values, views, bad = {}, [], [], [], [], []
    for key, raters in content.items():
        entry = raters[0] if isinstance(raters, list) and raters else None
        labels = entry.get('annotation3D') if isinstance(entry, dict) else None
        frame = frame_number(key)
        if frame is None or not isinstance(labels, dict) or not labels:
            counts['label frames without a rater or a joint' if frame is not None else
                   'label frames without a number that a video can have'] += 1
            continue
        if frame in frames:
            counts['label frames that are there twice'] += 1
            continue
        for joint, point in labels.items():
            column = JOINT_ROW.get(joint)
            if column is None:
                raise BadFile(f'{path}: frame {key} has the unknown joint {joint!r}')
            try:
                if bool in {type(point['x']), type(point['y']), type(point['z'])}:
                    raise ValueError('true and false are no coordinates')
                value = (float(point['x']), float(point['y']), float(point['z']))
                number = int(point.get('num_views_for_3d', 2))
            except DAMAGE:
                bad.append(f'joint {joint!r} of frame {key} needs numbers x, y, z, got {str(point)[:100]}')
                continue
            rows.append(len(frames))
            columns.append(column)
            values.append(value)
            views.append(min(max(number, 1), 255))
        frames[frame] = len(frames)
    if bad and not rows:
        raise BadFile(f'{path}: {bad[0]}')
    counts['joints without three numbers'] += len(bad)
    joints = np.zeros((len(frames), len(JOINT_ROW), 3))
    count = np.zeros((len(frames), len(JOINT_ROW)), np.uint8)
    if rows:
        joints[rows, columns], count[rows, columns] = values, views
    broken = ~np.isfinite(joints).all(-1)
    counts['joints that are not finite'] += int(broken.sum())
    far = ~broken & (np.abs(joints).max(-1) > MAX_COORDINATE_M)
    counts['joints farther than 10 km from the origin'] += int(far.sum())
    joints[broken | far], count[broken | far] = 0, 0
    numbers = np.fromiter(frames, np.int64, len(frames))
    order = np.argsort(numbers, kind='stable')
    return numbers[order], joints[order].astype(np.float32), count[order]


def require_near(camera: Path, label_files: list, centers: np.ndarray, joints: np.ndarray, there: np.ndarray) -> None:
    """``BadFile`` if the labels of a take are typically tens of metres from its camera: one of them has another unit.

    Args:
        camera, label_files: for the message.
        centers: ``(L,3)`` of the camera, metres.
        joints: ``(L,17,3)``.
        there: ``(L,17)`` which joints are labelled.
    """
    distance = np.linalg.norm(joints - centers[:, None], axis=-1)[there]
    if len(distance) and np.median(distance) > MAX_ROOT_DISTANCE_M:
        spread = np.median(np.linalg.norm(joints - (joints * there[..., None]).sum(1, keepdims=True) / np.maximum(
            there.sum(1), 1)[:, None, None], axis=-1)[there])
        which = ', '.join(map(str, label_files)) if spread > MAX_ROOT_DISTANCE_M else camera
        raise BadFile(f'{which}: the labelled joints are typically {np.median(distance):.3g} m from the camera; it '
                      'looks like millimetres, or like another take: convert it to metres')


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
    except DAMAGE:
        raise BadFile(f'{path} should be a challenge template {{take_uid: {{"body": {{frame: ...}}}}}}') from None
