"""From the videos of a data set to one store, and the checks of what its files hold."""
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch

from ....files import BadFile
from ....geometry.cameras import screen_normalize
from ....structures import Skeleton
from ...store import Field, SequenceStore
from ..units import MAX_COORDINATE_M, MAX_PIXEL_COORD, MAX_ROOT_DISTANCE_M, typical_distance

MIN_PIXEL_COORD = 4.0      # coordinates of screen-normalised keypoints are smaller, those of a person in pixels larger
SCHEMA = dict(
    keypoints=Field('float32', ('J', 'D'), 'screen units (x in [-1, 1]), and confidence in [0, 1] if D = 3'),
    detected=Field('bool', ('J',), 'the keypoint is there; only if some are not'),
    joints=Field('float32', ('J', 3), 'metres, camera axes, relative to the root'),
    root=Field('float32', (3,), 'metres, camera axes'),
    visible=Field('bool', (), 'the 3D can be trusted'),
    activity=Field('int64', (), 'number of the activity'))


@dataclass
class KeypointSequence:
    """One video of one person.

    Attributes:
        info: entry of ``store.sequences`` with ``image_size`` (w, h).
        keypoints: ``(N,J,2|3)`` pixels, and confidence.
        joints: ``(N,J,3)`` metres, camera axes, relative to the root.
        root: ``(N,3)`` metres, camera axes.
        more: more arrays ``(N, ...)`` of ``store.frames``.
    """
    info: dict
    keypoints: np.ndarray
    joints: np.ndarray
    root: np.ndarray
    more: dict = field(default_factory=dict)


def assemble(sequences: Iterable[KeypointSequence], num_frames: int, info: dict, report: dict,
             schema: dict = SCHEMA) -> SequenceStore:
    """Store of sequences of ``num_frames`` frames in all, keypoints screen-normalised, with the arrays of ``schema``.

    ``info`` and ``report`` are those of the store. Raises ``BadFile`` if a sequence has other arrays than the first.
    """
    frames, infos, offsets, masks = {}, [], [0], []
    for one in sequences:
        begin, end = offsets[-1], offsets[-1] + len(one.joints)
        keypoints, detected = hold_undetected(one.keypoints)
        masks.append(detected)
        arrays = dict(one.more, keypoints=keypoints, joints=one.joints, root=one.root)
        shapes = {key: values.shape[1:] for key, values in arrays.items()}
        if not frames:
            frames = {key: np.empty((num_frames, *shape), arrays[key].dtype if key in one.more else np.float32)
                      for key, shape in shapes.items()}
        before = {key: values.shape[1:] for key, values in frames.items()}
        if shapes != before:
            raise BadFile(f'{one.info["name"]} has the arrays {shapes}, but the clips before it have {before}; the '
                          'clips of a file should be alike')
        for key, values in arrays.items():
            frames[key][begin:end] = values
        pixels = torch.from_numpy(frames['keypoints'][begin:end, :, :2])
        pixels.copy_(screen_normalize(pixels, *one.info['image_size']))
        infos.append(one.info)
        offsets.append(end)
    if num_lost := sum(int((~mask).sum()) for mask in masks):
        frames['detected'] = np.concatenate(masks)
        report = dict(report) | {'keypoints that were not detected (0, 0)': num_lost}
    return SequenceStore(offsets, frames, infos, info=info, schema=schema,
                         report={k: v for k, v in sorted(report.items()) if v})


def hold_undetected(keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints ``(N,J,2|3)``, and which of them were detected, ``(N,J)``: those at (0, 0) were not.

    These come where they were before (or will be; in the middle of the others if they never are), with confidence 0.
    """
    detected = (keypoints[..., :2] != 0).any(-1)
    if detected.all():
        return keypoints, detected
    rows = np.arange(len(keypoints))[:, None]
    last = np.maximum.accumulate(np.where(detected, rows, -1))
    last = np.where(last < 0, detected.argmax(0), last)  # (N,J); before the first one: that one
    held = np.take_along_axis(keypoints, last[..., None], 0)
    never = ~detected.any(0)
    middle = held[..., :2][:, ~never].mean(1) if not never.all() else np.zeros((len(held), 2))
    held[..., :2] = np.where(never[:, None], middle[:, None], held[..., :2])
    held[..., 2:][~detected] = 0
    return held, detected


def check_joints(where: str, joints, skeleton: Skeleton, unit: str) -> None:
    """Check the 3D joints of a clip, ``(N,J,3)`` in ``unit`` ('m' or 'mm').

    Raises:
        BadFile: another shape, values that are not finite or look like the other unit; the message begins with
            ``where``.
    """
    check_values(f'{where}: 3D joints', joints, skeleton.num_joints, (3,), MAX_COORDINATE_M * dict(m=1, mm=1000)[unit])
    size = typical_distance(joints, skeleton.root)
    if (size > MAX_ROOT_DISTANCE_M) != (unit == 'mm'):
        raise BadFile(f'{where}: 3D joints should be in {unit}, but are typically {size:.3g} from the root, which '
                      f'looks like {"m" if unit == "mm" else "mm"}; convert them')


def check_keypoints(where: str, keypoints, skeleton: Skeleton, num_frames: int) -> None:
    """Check the keypoints of a clip, ``(N,J,2|3)`` in pixels, for 3D of ``num_frames`` frames. Raises as above."""
    check_values(f'{where}: keypoints', keypoints, skeleton.num_joints, (2, 3), MAX_PIXEL_COORD)
    if len(keypoints) < num_frames:
        raise BadFile(f'{where} has {len(keypoints)} frames of keypoints for {num_frames} of 3D joints: the two do not '
                      'belong together, or the detection was cut off; make the keypoints again')
    if np.abs(keypoints[..., :2]).max() <= MIN_PIXEL_COORD:
        raise BadFile(f'{where}: keypoints should be pixels, but none is beyond {MIN_PIXEL_COORD:g}: they look '
                      'screen-normalised; store them in pixels')


def check_values(what: str, values, num_joints: int, channels: tuple, limit: float) -> None:
    """Check ``(N, num_joints, one of channels)`` finite numbers up to ``limit``. Raises ``BadFile``, see above."""
    shape = np.shape(values)
    if not isinstance(values, np.ndarray) or len(shape) != 3 or shape[1] != num_joints or shape[2] not in channels:
        raise BadFile(f'{what} should be (frames, {num_joints}, {channels[0]}), got {shape}: they are of other joints; '
                      'choose a file with the joints of this data set')
    if values.dtype.kind not in 'iuf':
        raise BadFile(f'{what} should be numbers, got the type {values.dtype}')
    if not len(values):
        raise BadFile(f'{what} have no frame; leave the clip out of the file')
    bad = ~np.isfinite(values).all((1, 2))
    if bad.any():
        raise BadFile(f'{what} are not finite in {bad.sum()} frames, the first is {bad.argmax()}; repair the file or '
                      'make it again')
    if np.abs(values).max() > limit:
        raise BadFile(f'{what} have a value of {np.abs(values).max():.3g}, beyond {limit:.0e}: repair the file or make '
                      'it again')
