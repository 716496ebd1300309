"""TRC: markers for OpenSim, y up; who looks along y of a motion with z up looks along -z."""
import re
from pathlib import Path

import numpy as np

from ...files import atomic_write
from ...geometry.conventions import UNITS
from ...motion import Motion
from ...structures import get_skeleton
from .armature import Y_UP, frame_rate
from .text_rows import text_rows

MARKERS = {'pelvis': 'Hip', 'thorax': 'Neck', 'head-top': 'Head'}  # what Pose2Sim's models of OpenSim call them


def write_trc(motions: list[Motion], path: Path, unit: str | None) -> list[str]:
    """Write one person; the joints are markers, named as in Pose2Sim: ``RHip``, ``LElbow``. Missing ones are blank."""
    motion, = motions
    shown = motion.upright()
    if not shown.valid.any():
        raise ValueError(f'the motion of {motion.person or "a person"} has no valid pose to write')
    unit = unit or 'm'
    names = marker_names(get_skeleton(motion.skeleton).joints)
    points = np.where(shown.valid[..., None], shown.joints, np.nan) @ Y_UP.T / UNITS[unit]
    rate = frame_rate(motion)
    values = np.concatenate([np.arange(1, len(motion) + 1)[:, None], motion.time[:, None],
                             points.reshape(len(motion), -1)], 1)
    with atomic_write(path) as file:
        file.write(f'PathFileType\t4\t(X/Y/Z)\t{re.sub(r"[^ -~]", "_", path.name)}\n')
        file.write('DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n')
        file.write(f'{rate:.6g}\t{rate:.6g}\t{len(motion)}\t{len(names)}\t{unit}\t{rate:.6g}\t1\t{len(motion)}\n')
        file.write('Frame#\tTime\t' + '\t\t\t'.join(names) + '\t\t\n')
        file.write('\t\t' + '\t'.join(f'{axis}{i}' for i in range(1, len(names) + 1) for axis in 'XYZ') + '\n\n')
        for text in text_rows(values, '\t'.join(['%d', '%.6f'] + ['%.6f'] * (values.shape[1] - 2)) + '\n'):
            file.write(text.replace('nan', ''))
    missing = int((~shown.valid).any(1).sum())
    return [f'lengths are in {unit}, y is up'] + (
        [f'{missing} frames have markers that are missing; they are blank'] if missing else [])


def marker_names(joints: tuple) -> list[str]:
    """``right-big-toe`` is ``RBigToe``; each name once."""
    names = []
    for joint in joints:
        name = MARKERS.get(joint, joint)
        side = next((side for side in ('left', 'right') if name.startswith(f'{side}-')), '')
        words = re.findall(r'\w+', name.removeprefix(f'{side}-'))
        name = side[:1].upper() + ''.join(word[:1].upper() + word[1:] for word in words)
        names.append(name)
    plain = [''.join(word.capitalize() for word in re.findall(r'\w+', joint)) for joint in joints]
    return [own if names.count(name) > 1 else name for name, own in zip(names, plain)]
