"""Where the RGB camera of Aria glasses sits: ``T_device_camera`` from a calibration file, or from the maker's design.

The device frame is the left front SLAM camera. The RGB camera of the first generation is mounted on its side (x down, y
left, z forward), that of the second is upright.
"""
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from ....files import DAMAGE, BadFile

RGB = 'camera-rgb'
CAMERA_AXES = dict(aria_gen1='aria', aria_gen2='opencv')
_LABELS = dict(aria_gen1={'camera-slam-left', 'camera-slam-right'}, aria_gen2={'slam-front-left', 'slam-front-right'})
# Design values (projectaria_tools, core/calibration/ConfigData.cpp): T_device_cpf and T_cpf_rgb, multiplied out below.
# They are those of the small frames; the large ones differ by 2 mm. A real unit is within about 2 degrees and 1 mm.
_DEVICE_CPF = dict(
    aria_gen1=([[-.0319, -.9986, -.0415], [.7934, 0, -.6088], [.6079, -.0523, .7923]], [.0050, -.0491, -.0492]),
    aria_gen2=([[-.9410, 0, .3383], [-.1381, -.9129, -.3842], [.3089, -.4082, .8590]], [.0593, .0193, -.0284]))
_CPF_RGB = dict(
    aria_gen1=([[0, 1, 0], [-.9914, 0, -.1305], [-.1305, 0, .9914]], [.0560, .0071, .0129]),
    aria_gen2=([[-1, 0, 0], [0, -.9914, -.1305], [0, -.1305, .9914]], [.0561, .0061, .0153]))


class AriaCalibration(NamedTuple):
    """Attributes:
        T_device_camera: ``(4,4)`` RGB camera to device, metres.
        device: ``'aria_gen1'`` or ``'aria_gen2'``.
        source: file, or ``'design values'``.
    """
    T_device_camera: np.ndarray
    device: str
    source: str


def design_calibration(device: str) -> AriaCalibration:
    """Calibration of a device as it was designed. Raises ``KeyError`` for another device than Aria."""
    if device not in _CPF_RGB:
        raise KeyError(f'no design values of {device!r}; known: {sorted(_CPF_RGB)}')
    first, second = (_rigid(Rotation.from_matrix(np.array(rotation)).as_matrix(), place)
                     for rotation, place in (_DEVICE_CPF[device], _CPF_RGB[device]))
    return AriaCalibration(first @ second, device, 'design values')


def read_calibration(path: str | Path) -> AriaCalibration:
    """RGB camera of an ``online_calibration.jsonl``, or of a factory calibration (the JSON in a recording's VRS file).

    The first line of the online calibration is enough: its RGB camera is a copy of the factory's in every line.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: no calibration of an Aria device, or not one with this camera.
    """
    with open(path, encoding='utf-8', errors='replace') as file:
        text = file.readline() if str(path).endswith('.jsonl') else file.read(1 << 24)
    try:
        content = json.loads(text)
    except DAMAGE as error:
        raise BadFile(f'{path} is no calibration: its first line is no JSON ({error})') from None
    cameras = content.get('CameraCalibrations') if isinstance(content, dict) else None
    if not isinstance(cameras, list):
        raise BadFile(f'{path} has no CameraCalibrations: it should be online_calibration.jsonl, or the factory '
                      'calibration of an Aria device')
    found = {str(camera.get('Label')): camera for camera in cameras if isinstance(camera, dict)}
    device = next((name for name, labels in _LABELS.items() if labels & set(found)), None)
    if RGB not in found or device is None:
        raise BadFile(f'{path}: the cameras are {sorted(found)}; {RGB} and the SLAM cameras of a device are needed')
    try:
        pose = found[RGB]['T_Device_Camera']
        w, vector = pose['UnitQuaternion']
        quaternion = np.array([*vector, w], float)  # scipy: w last
        place = np.array(pose['Translation'], float)
        norm = np.linalg.norm(quaternion)
    except DAMAGE as error:
        raise BadFile(f'{path}: T_Device_Camera of {RGB} should hold Translation [x, y, z] and UnitQuaternion '
                      f'[w, [x, y, z]] ({type(error).__name__}: {error})') from None
    if quaternion.shape != (4,) or place.shape != (3,) or not abs(norm - 1) < 1e-3 or not np.abs(place).max() < 0.2:
        raise BadFile(f'{path}: T_Device_Camera of {RGB} is {pose}: not a unit quaternion and a few centimetres')
    return AriaCalibration(_rigid(Rotation.from_quat(quaternion).as_matrix(), place), device, str(path))


def _rigid(rotation: np.ndarray, place) -> np.ndarray:
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = rotation, place
    return out
