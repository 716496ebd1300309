"""Hands beside the head track of ``track_files.walk``, as Aria MPS writes them."""
import numpy as np
from scipy.spatial.transform import Rotation

from mmegopose.geometry.conventions import invert
from mmegopose.inference.inputs.head_tracks.aria_calibration import design_calibration

from .track_files import in_preset, numbers, quaternions, walk

TIME, POSES = walk()
RNG = np.random.default_rng(0)
T_DEVICE = in_preset(POSES, 'aria') @ invert(design_calibration('aria_gen1').T_device_camera)  # device to world
ROWS = np.arange(0, 600, 3)  # ten a second
WORLD = POSES[ROWS, None, None, :3, 3] + RNG.normal(0, .3, (len(ROWS), 2, 21, 3))  # landmarks in Aria's order
WRIST = np.tile(np.eye(4), (len(ROWS), 2, 1, 1))
WRIST[:, :, :3, :3] = Rotation.random(2 * len(ROWS), random_state=1).as_matrix().reshape(-1, 2, 3, 3)
WRIST[:, :, :3, 3] = WORLD[:, :, 5]


def local(points):
    """World to device, ``(N,2,21,3)``."""
    inverse = invert(T_DEVICE[ROWS])[:, None]
    return points @ inverse[..., :3, :3].swapaxes(-1, -2) + inverse[..., None, :3, 3]


def write_hands(folder, missing='documented'):
    """``hand_tracking_results.csv``; the left hand is lost in rows 10 to 19, the right one in row 5."""
    points, wrist = local(WORLD), invert(T_DEVICE[ROWS])[:, None] @ WRIST
    score = np.full((len(ROWS), 2), .9)
    for hand, rows in ((0, range(10, 20)), (1, [5])):
        points[rows, hand], wrist[rows, hand] = 0, np.eye(4)
        score[rows, hand] = dict(documented=-1, zero=0, silent=.9)[missing]
    header, columns = ['tracking_timestamp_us'], []
    for hand, side in enumerate(('left', 'right')):
        header += [f'{side}_tracking_confidence', *(f'{axis}_{side}_landmark_{i}_device' for i in range(21)
                                                     for axis in ('tx', 'ty', 'tz'))]
        columns += [score[:, hand, None], points[:, hand].reshape(-1, 63)]
    for hand, side in enumerate(('left', 'right')):
        header += [f'{axis}_{side}_device_wrist' for axis in ('tx', 'ty', 'tz', 'qx', 'qy', 'qz', 'qw')]
        columns += [wrist[:, hand, :3, 3], quaternions(wrist[:, hand])]
    body = np.concatenate(columns, 1)
    folder = folder / 'hand_tracking'
    folder.mkdir(exist_ok=True)
    return _write(folder / 'hand_tracking_results.csv', header, body)


def write_older_hands(folder):
    """``wrist_and_palm_poses.csv``: the wrist and the palm of each hand, as places; the right hand is lost in row 3."""
    points = local(WORLD)[:, :, [5, 20]]
    names = [f'{axis}_{side}_{part}_device' for side in ('left', 'right') for part in ('wrist', 'palm')
             for axis in ('tx', 'ty', 'tz')]
    header = ['tracking_timestamp_us', 'left_tracking_confidence', *names[:6], 'right_tracking_confidence', *names[6:]]
    return _write(folder / 'wrist_and_palm_poses.csv', header,
                  [[1, *p[0].ravel(), 0 if i == 3 else 1, *p[1].ravel()] for i, p in enumerate(points)])


def _write(path, header, rows):
    path.write_text(','.join(header) + '\n' + ''.join(
        f'{round(TIME[row] * 1e6)},' + numbers([values]) for row, values in zip(ROWS, rows)))
    return path
