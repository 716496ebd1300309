"""CSV: a row for each frame, for spreadsheets and pandas."""
import csv
import io
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ...files import atomic_write
from ...geometry.conventions import UNITS
from ...motion import Motion
from ...structures import get_skeleton
from .json_file import axes_of
from .text_rows import text_rows

HEAD = ('x', 'y', 'z', 'qx', 'qy', 'qz', 'qw')


def write_csv(motions: list[Motion], path: Path, unit: str | None) -> list[str]:
    """Write ``time, <joint>_x, <joint>_y, <joint>_z, ...``; empty where a joint is not there.

    Of several people, who share a skeleton, the second column is the person. A head track is ``head_camera_x`` to
    ``head_camera_qw``, its rotation as a quaternion.
    """
    skeletons = sorted({motion.skeleton for motion in motions})
    if len(skeletons) > 1:
        raise ValueError(f'{path}: the columns of a table are joints of one skeleton, but these are {skeletons}: name '
                         'one with skeleton (--skeleton)')
    head = any(motion.head_pose is not None for motion in motions)
    columns = [f'{joint}_{axis}' for joint in get_skeleton(skeletons[0]).joints for axis in 'xyz']
    columns += [f'head_camera_{name}' for name in HEAD] if head else []
    people = ['person'] if len(motions) > 1 else []
    with atomic_write(path) as file:
        file.write(_cells(['time', *people, *columns]))
        for motion in motions:
            person = _cells([motion.person])[:-1]
            values = _values(motion, 1 / UNITS[unit or 'm'], head)
            for text in text_rows(values, ','.join(['%.6f'] * values.shape[1]) + '\n'):
                text = text.replace('nan', '')
                if people:  # only now: a name may hold these letters
                    text = ''.join(line.replace(',', f',{person},', 1) for line in text.splitlines(True))
                file.write(text)
    return [f'lengths are in {unit or "m"}' + ''.join(sorted({f', {axes_of(motion)}' for motion in motions}))]


def _cells(values: list) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator='\n').writerow(values)
    return out.getvalue()


def _values(motion: Motion, scale: float, head: bool) -> np.ndarray:
    """``(T,1+3J)`` or ``(T,8+3J)`` time, joints, head track; NaN where these are not there."""
    joints = np.where(motion.valid[..., None], motion.joints * scale, np.nan)
    parts = [motion.time[:, None], joints.reshape(len(motion), -1)]
    if head:
        track = np.full((len(motion), 7), np.nan)
        if motion.head_pose is not None:
            pose = motion.head_pose[motion.head_valid]
            track[motion.head_valid] = np.concatenate([
                pose[:, :3, 3] * scale, Rotation.from_matrix(pose[:, :3, :3]).as_quat().reshape(-1, 4)], 1)
        parts.append(track)
    return np.concatenate(parts, 1)
