"""From the clips of a data set to one cached store."""
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch

from ....files import BadFile
from ....geometry.cameras import screen_normalize
from ....structures import Skeleton
from ...store import SequenceStore

FEW_PIXELS = 4.0   # largest coordinate of screen-normalised keypoints; those of a person in pixels are larger
MANY_METRES = 20.0  # median distance to the root; smaller in metres, larger in millimetres


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


def assemble(clips: Iterable[KeypointSequence], num_frames: int, report: dict) -> SequenceStore:
    """Store of clips of ``num_frames`` frames in all; see :class:`.LiftingDataset` for its arrays.

    Raises ``BadFile`` if a clip has other arrays than the first.
    """
    frames, sequences, offsets = {}, [], [0]
    for clip in clips:
        begin, end = offsets[-1], offsets[-1] + len(clip.joints)
        arrays = dict(clip.more, keypoints=clip.keypoints, joints=clip.joints, root=clip.root)
        shapes = {key: values.shape[1:] for key, values in arrays.items()}
        if not frames:
            frames = {key: np.empty((num_frames, *shape), arrays[key].dtype if key in clip.more else np.float32)
                      for key, shape in shapes.items()}
        before = {key: values.shape[1:] for key, values in frames.items()}
        if shapes != before:
            raise BadFile(f'{clip.info["name"]} has the arrays {shapes}, but the clips before it have {before}; the '
                          'clips of a file should be alike')
        for key, values in arrays.items():
            frames[key][begin:end] = values
        pixels = torch.from_numpy(frames['keypoints'][begin:end, :, :2])
        pixels.copy_(screen_normalize(pixels, *clip.info['image_size']))
        sequences.append(clip.info)
        offsets.append(end)
    return SequenceStore(offsets, frames, sequences, report={k: v for k, v in sorted(report.items()) if v})


def check_joints(where: str, joints, skeleton: Skeleton, unit: str) -> None:
    """Check the 3D joints of a clip, ``(N,J,3)`` in ``unit`` ('m' or 'mm').

    Raises:
        BadFile: another shape, values that are not finite or look like the other unit; the message begins with
            ``where``.
    """
    _check_values(f'{where}: 3D joints', joints, skeleton.num_joints, (3,))
    some = joints[::25]
    size = np.median(np.abs(some - some[:, skeleton.root, None]))
    if (size > MANY_METRES) != (unit == 'mm'):
        raise BadFile(f'{where}: 3D joints should be in {unit}, but are typically {size:.3g} from the root, which '
                      f'looks like {"m" if unit == "mm" else "mm"}; convert them')


def check_keypoints(where: str, keypoints, skeleton: Skeleton, num_frames: int) -> None:
    """Check the keypoints of a clip, ``(N,J,2|3)`` in pixels, for 3D of ``num_frames`` frames. Raises as above."""
    _check_values(f'{where}: keypoints', keypoints, skeleton.num_joints, (2, 3))
    if len(keypoints) < num_frames:
        raise BadFile(f'{where} has {len(keypoints)} frames of keypoints for {num_frames} of 3D joints: the two do not '
                      'belong together, or the detection was cut off; make the keypoints again')
    if np.abs(keypoints[..., :2]).max() <= FEW_PIXELS:
        raise BadFile(f'{where}: keypoints should be pixels, but none is beyond {FEW_PIXELS:g}: they look '
                      'screen-normalised; store them in pixels')


def _check_values(what: str, values, num_joints: int, channels: tuple) -> None:
    shape = np.shape(values)
    if not isinstance(values, np.ndarray) or len(shape) != 3 or shape[1] != num_joints or shape[2] not in channels:
        raise BadFile(f'{what} should be (frames, {num_joints}, {channels[0]}), got {shape}: they are of other joints; '
                      'choose a file with the joints of this data set')
    if not len(values):
        raise BadFile(f'{what} have no frame; leave the clip out of the file')
    bad = ~np.isfinite(values).all((1, 2))
    if bad.any():
        raise BadFile(f'{what} are not finite in {bad.sum()} frames, the first is {bad.argmax()}; repair the file or '
                      'make it again')


def check_files(files: dict) -> None:
    """Raise ``FileNotFoundError`` with the remedy for the first of ``{path: remedy}`` that is missing."""
    for path, remedy in files.items():
        if not path.is_file():
            raise FileNotFoundError(f'{path} is missing: {remedy}')
