"""Project Aria: the trajectory of its machine perception services (MPS), or of the second generation's own software,
and the camera poses that Ego-Exo4D made of it."""
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from ....datasets.readers.head_pose.egoexo4d_body import FPS
from ....datasets.readers.head_pose.egoexo4d_files import read_track
from ....files import BadFile, read_json
from ....geometry.conventions import PoseConvention, invert
from ....geometry.trajectory import rigidity_error
from ..tables import read_header, read_table
from ..times import thinning
from .aria_calibration import CAMERA_AXES, AriaCalibration, design_calibration, read_calibration
from .self_tests import posture
from .track import HeadTrack
from .track_import import import_track, poses_of

CLOSED = ('closed_loop_trajectory.csv', 'aria_trajectory.csv', 'aria_gt_trajectory.csv')
OPEN = ('open_loop_trajectory.csv',)
FOLDERS = ('', 'slam', 'trajectory', 'mps/slam', 'mps/trajectory', 'mps_*/slam', 'mps_*/trajectory')
MAX_RATE = 125.0  # rows a second that are kept of about 1000
LOW_QUALITY = 0.5


def read_aria_mps(path: str | Path, *, trajectory: str = 'auto', calibration=None, device: str | None = None,
                  max_rate: float = MAX_RATE, **options) -> HeadTrack:
    """Head track of Aria glasses, of their RGB camera.

    The world of a track is gravity-aligned by the gravity in the file, whatever its axes are. A change of
    ``graph_uid`` (closed loop) or ``session_uid`` (open loop) begins another world and splits the track.

    Args:
        path: the trajectory's CSV, or a folder with it: ``slam``, the older ``trajectory``, or one above.
        trajectory: ``'closed'``, ``'open'``, or ``'auto'``: the closed loop if there is one.
        calibration: an ``online_calibration.jsonl`` or factory calibration, or ``T_device_camera (4,4)``. Default: the
            online calibration beside the CSV; without it the design values of the device, with a warning.
        device: ``'aria_gen1'`` or ``'aria_gen2'``, if the calibration does not tell.
        max_rate: rows a second to keep of those in the file (about 1000).
        options: of :func:`.track_import.import_track`; ``camera`` are the axes of the RGB camera.

    Raises:
        FileNotFoundError: there is no trajectory.
        BadFile: not a trajectory of MPS.
        ImplausibleTrack: the self-tests failed.
    """
    csv = _find(Path(path).expanduser(), trajectory)
    names, _ = read_header(csv)
    frame = 'world' if 'tx_world_device' in names else 'odometry'
    world_id = 'graph_uid' if frame == 'world' else 'session_uid'
    pose = [f'{axis}_{frame}_device' for axis in ('tx', 'ty', 'tz', 'qx', 'qy', 'qz', 'qw')]
    gravity = [f'gravity_{axis}_{frame}' for axis in 'xyz']
    if pose[0] not in names:
        raise BadFile(f'{csv} is no trajectory of MPS: it has neither tx_world_device nor tx_odometry_device, but '
                      f'{", ".join(names)[:200]}')
    head = read_table(csv, ['tracking_timestamp_us'], limit=1000).columns['tracking_timestamp_us']
    every = thinning(head * 1e-6, max_rate)
    table = read_table(csv, ['tracking_timestamp_us', *pose], [world_id, *gravity, 'quality_score'], [world_id],
                       every=every)
    poses = poses_of(table.stack(pose[:3]), table.stack(pose[3:]))
    gravity = table.stack(gravity) if all(name in table.columns for name in gravity) else None
    if gravity is not None:
        pull = np.linalg.norm(gravity, axis=-1, keepdims=True)
        gravity = np.where((pull > 5) & (pull < 15), gravity, np.nan) if (abs(pull - 9.8) < 5).any() else None
    camera = _calibration(csv, calibration, device, poses, gravity)
    quality = table.columns.get('quality_score')
    if quality is not None:
        quality = np.where(np.abs(quality) <= 10, quality, np.nan)  # of a scale to 1
    notes = [*table.notes, *_operator_notes(csv.parent)]
    if quality is not None and (low := float((quality < LOW_QUALITY).mean())) > 0.05:
        notes.append(f'quality_score is below {LOW_QUALITY} in {100 * low:.0f} % of the rows')
    to_opencv = np.eye(4)
    to_opencv[:3, :3] = PoseConvention(camera=CAMERA_AXES[camera.device]).camera_to_opencv
    facts = dict(format='aria_mps', trajectory='closed' if frame == 'world' else 'open', rows_kept=f'1 of {every}',
                 calibration=camera.source,
                 T_camera_device=invert(camera.T_device_camera @ to_opencv.T).tolist(), notes=notes)
    return import_track(
        table.columns['tracking_timestamp_us'], poses @ camera.T_device_camera,
        PoseConvention('z', CAMERA_AXES[camera.device]), source=str(csv), world=table.columns.get(world_id),
        quality=quality, gravity=gravity, device=camera.device, facts=facts, **{'time_unit': 'us', **options})


def read_egoexo4d_camera(path: str | Path, **options) -> HeadTrack:
    """Head track of a take of Ego-Exo4D, of the RGB camera of its glasses: 30 frames a second, frame 0 at 0 s.

    Args:
        path: ``annotations/ego_pose/<split>/camera_pose/<take_uid>.json``.
        options: of :func:`.track_import.import_track`.

    Raises:
        BadFile: no camera poses of Ego-Exo4D.
        ImplausibleTrack: the self-tests failed.
    """
    path, counts = Path(path).expanduser(), Counter[str]()
    _, first, poses, known = read_track(path, 0, counts)
    facts = dict(format='egoexo4d', uid=path.name.split('.')[0], time_of_frame_0=0.0,
                 notes=[f'{count} {what}' for what, count in counts.items() if count])
    return import_track((first + np.arange(len(poses))) / FPS, np.where(known[:, None, None], poses, np.nan),
                        PoseConvention('z', CAMERA_AXES['aria_gen1']), source=str(path), device='aria_gen1',
                        facts=facts, **options)


def _find(path: Path, trajectory: str) -> Path:
    if trajectory not in ('auto', 'closed', 'open'):
        raise ValueError(f"trajectory={trajectory!r} should be 'auto', 'closed' or 'open'")
    if path.is_file():
        return path
    names = dict(closed=CLOSED, open=OPEN, auto=CLOSED + OPEN)[trajectory]
    for name in names:
        for folder in FOLDERS:
            found = sorted(path.glob(f'{folder}/{name}'.lstrip('/')))
            if len(found) > 1:
                raise ValueError(f'{path} holds {len(found)} recordings, {found[0]}, {found[1]}, ...: name one of them')
            if found:
                return found[0]
    raise FileNotFoundError(f'{path}: no {" or ".join(names)} in it, nor in slam/ or trajectory/ below it')


def is_mps_folder(path: Path) -> bool:
    """Whether a folder holds a trajectory of MPS where one is looked for."""
    return any(next(path.glob(f'{folder}/{name}'.lstrip('/')), None) for folder in FOLDERS for name in CLOSED + OPEN)


def _calibration(csv: Path, given, device: str | None, poses: np.ndarray, gravity) -> AriaCalibration:
    if device is not None and device not in CAMERA_AXES:
        raise ValueError(f'device={device!r} should be one of {sorted(CAMERA_AXES)}')
    if given is None and (csv.parent / 'online_calibration.jsonl').is_file():
        given = csv.parent / 'online_calibration.jsonl'
    if isinstance(given, (str, Path)):
        found = read_calibration(given)
        if device not in (None, found.device):
            raise ValueError(f'device={device!r}, but {given} is the calibration of {found.device}')
        return found
    if given is not None:
        matrix = np.asarray(given, float)
        if matrix.shape != (4, 4):
            raise ValueError(f'calibration should be a file or T_device_camera (4,4), got the shape {matrix.shape}')
        if rigidity_error(matrix) > 1e-3:
            raise ValueError('calibration should be a rotation and a place, and 0 0 0 1 in the last row; is it '
                             f'transposed? got {matrix.tolist()}')
        return AriaCalibration(matrix, device or 'aria_gen1', 'given')
    known = design_calibration(device) if device else _likely_design(poses, gravity)
    warnings.warn(f'{csv}: no calibration beside it; the design values of {known.device} are taken, which are about 2 '
                  'degrees off. Pass calibration=<online_calibration.jsonl or factory calibration>'
                  + ('' if device else f", and device, if it is not {known.device}"), stacklevel=3)
    return known


def _likely_design(poses: np.ndarray, gravity) -> AriaCalibration:
    """The generation in whose camera the world's up is where it should be."""
    up = np.array([0., 0, 1]) if gravity is None else -np.nanmean(gravity, 0)
    up /= max(np.linalg.norm(up), 1e-9)
    designs = [design_calibration(device) for device in CAMERA_AXES]

    def likelihood(design):
        rotation = (poses @ design.T_device_camera)[::10, :3, :3]
        rotation = rotation[np.isfinite(rotation).all((1, 2))]
        axes = PoseConvention(camera=CAMERA_AXES[design.device]).camera_to_opencv
        return float(posture(np.einsum('i,nij,kj->nk', up, rotation, axes)).mean()) if len(rotation) else 0.0

    return max(designs, key=likelihood)


def _operator_notes(folder: Path) -> list:
    """What the summary of the services says of failures."""
    try:
        content = read_json(folder / 'summary.json', object)
    except (OSError, BadFile):
        return []
    found = []

    def walk(value, name):
        if isinstance(value, dict):
            if str(value.get('status', '')).upper() in ('WARNING', 'ERROR', 'FAIL', 'FAILED'):
                found.append(f'summary.json: {name or "the service"} ended with {value["status"]}')
            for key, inner in value.items():
                walk(inner, str(key))
        elif isinstance(value, str) and value.upper() in ('WARNING', 'ERROR') and name != 'status':
            found.append(f'summary.json: {name} {value}')

    walk(content, '')
    return found[:10]
