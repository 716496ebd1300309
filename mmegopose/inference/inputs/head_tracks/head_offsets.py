"""Where a device's camera sits on the head. Between those that models are trained with lie centimetres and degrees.

The eyes frame is at the middle of the wearer's pupils, with x right, y down, z straight ahead. A head offset is
``T_camera_eyes (4,4)``: the eyes frame in the axes of the device's upright camera (right, down, forward).
"""
import math
import warnings

import numpy as np
from scipy.spatial.transform import Rotation

from ....geometry.conventions import invert
from ....geometry.trajectory import rigidity_error

# Place of the camera in the eyes frame (right, down, forward; metres) and how far it looks down (degrees). Aria: design
# values of the RGB camera from its maker's tables (projectaria_tools, core/calibration/ConfigData.cpp), by frame size.
# A headset's view pose lies between the eyes by definition. A phone sits where its owner puts it: give your own.
DEVICES = dict(
    eyes=((0, 0, 0), 0), openxr=((0, 0, 0), 0), hololens=((0, 0, 0), 0),
    aria_gen1=((-0.0560, -0.0071, 0.0129), 7.5), aria_gen1_large=((-0.0583, -0.0072, 0.0121), 7.5),
    aria_gen2=((-0.0561, -0.0061, 0.0153), 7.5), aria_gen2_large=((-0.0600, -0.0062, 0.0150), 7.5))

MAX_TURN = 60  # degrees


def device_offset(device: str) -> np.ndarray:
    """Head offset ``(4,4)`` of a device. Raises ``KeyError`` that lists the known ones."""
    if device not in DEVICES:
        raise KeyError(f'the place of the camera of {device!r} on the head is not known; known: {sorted(DEVICES)}; or '
                       'give head_offset')
    place, down = DEVICES[device]
    T_eyes_camera = np.eye(4)
    T_eyes_camera[:3, :3] = Rotation.from_rotvec([-math.radians(down), 0, 0]).as_matrix()
    T_eyes_camera[:3, 3] = place
    return invert(T_eyes_camera)


def head_offset(values) -> np.ndarray:
    """Head offset ``(4,4)`` from a ``(4,4)`` matrix or six numbers.

    Args:
        values: tx, ty, tz: the middle of the pupils in the camera's axes (right, down, forward), metres; rx, ry, rz:
            axis times angle of the turn from the camera to the direction straight ahead, degrees. Or a device's name.

    Raises:
        ValueError: anything else, or lengths that cannot be metres.
    """
    if isinstance(values, str):
        return device_offset(values)
    values = np.asarray(values, float)
    if values.shape == (6,):
        offset = np.eye(4)
        offset[:3, :3] = Rotation.from_rotvec(values[3:], degrees=True).as_matrix()
        offset[:3, 3] = values[:3]
    elif values.shape == (4, 4):
        offset = values
    else:
        raise ValueError(f'head_offset should be six numbers tx ty tz rx ry rz or a (4,4) matrix, got {values.shape}')
    if rigidity_error(offset) > 1e-3:
        raise ValueError('head_offset should hold a rotation, and 0 0 0 1 in its last row; is it transposed? got '
                         f'{offset.tolist()}')
    if np.linalg.norm(offset[:3, 3]) > 0.5:
        raise ValueError(f'head_offset puts the eyes {np.linalg.norm(offset[:3, 3]):.3g} m from the camera: it should '
                         'be in metres, from a camera on the head')
    turn = math.degrees(Rotation.from_matrix(offset[:3, :3]).magnitude())
    if turn > MAX_TURN:
        warnings.warn(f'head_offset turns by {turn:.0f} degrees: a camera on a head looks ahead; for other axes pass '
                      'camera or preset', stacklevel=3)
    return offset
