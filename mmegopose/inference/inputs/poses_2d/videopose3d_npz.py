"""The npz files of VideoPose3D: its own 2D data, and what its script for Detectron2 writes."""
from pathlib import Path

import numpy as np

from ....files import DAMAGE, BadFile
from ....npz import array_names
from ....pickles import read_object
from .collector import Collector
from .guard import guarded
from .pixel_checks import check_image_size
from .poses_2d import Poses2D


@guarded
def read_videopose3d(path: str | Path, *, sequence: str | None = None, **options) -> Poses2D:
    """``positions_2d`` of a custom data set, or ``boxes`` and ``keypoints`` of ``infer_video_d2.py``.

    Args:
        path: npz file.
        sequence: name of the video; needed where the file holds several.
        options: of :class:`.Collector`.

    Raises:
        FileNotFoundError, BadFile; ``ValueError`` for an unknown video.
    """
    path = Path(path)
    names = array_names(path)
    if 'positions_2d' in names:
        return _custom(path, sequence, options)
    if {'boxes', 'keypoints'} <= set(names):
        return _detectron(path, 'metadata' in names, options)
    raise BadFile(f'{path} has neither positions_2d nor boxes and keypoints, but {names}')


def _custom(path: Path, sequence: str | None, options: dict) -> Poses2D:
    content, metadata = read_object(path, 'positions_2d'), read_object(path, 'metadata')
    if not isinstance(content, dict) or not content:
        raise BadFile(f'{path}: positions_2d should hold videos by name')
    if sequence is None and len(content) > 1:
        raise ValueError(f'{path} holds {len(content)} videos: pass sequence, one of {sorted(content)[:20]}')
    sequence = sequence or next(iter(content))
    if sequence not in content:
        raise ValueError(f'{path} has no video {sequence!r}, but {sorted(content)[:20]}')
    try:
        poses = np.asarray(next(iter(content[sequence].values()))[0], float)
        metadata = metadata if isinstance(metadata, dict) else {}
        size = metadata.get('video_metadata', {}).get(sequence, {})
        size = (int(size['w']), int(size['h'])) if {'w', 'h'} <= set(size) else None
    except DAMAGE as error:
        raise BadFile(f'{path}: {sequence!r} should be {{action: [(N,J,2)]}} ({type(error).__name__}: '
                      f'{error})') from None
    if poses.ndim != 3 or poses.shape[-1] not in (2, 3):
        raise BadFile(f'{path}: keypoints of {sequence!r} should be (N,J,2), got {poses.shape}')
    options['image_size'] = check_image_size(options.get('image_size'), size, path)
    collector = Collector(path, 'videopose3d', **{'num_frames': len(poses), **options})
    for frame, pose in enumerate(poses):
        if np.isfinite(pose).any() and np.nan_to_num(pose).any():
            collector.add(frame, pose, person=0)
    return collector.finish()


def _detectron(path: Path, has_metadata: bool, options: dict) -> Poses2D:
    boxes, keypoints = read_object(path, 'boxes'), read_object(path, 'keypoints')
    if has_metadata and isinstance(found := read_object(path, 'metadata'), dict) and {'w', 'h'} <= set(found):
        options['image_size'] = check_image_size(options.get('image_size'), (int(found['w']), int(found['h'])), path)
    if len(boxes) != len(keypoints):
        raise BadFile(f'{path}: {len(boxes)} frames of boxes, but {len(keypoints)} of keypoints')
    collector = Collector(path, 'videopose3d', **{'num_frames': len(keypoints), **options})
    for frame, (found, poses) in enumerate(zip(boxes, keypoints)):
        try:  # by class, of which the second is the person
            found, poses = (np.asarray(values[1], float) for values in (found, poses))
        except DAMAGE:
            continue  # nobody
        if not poses.size:
            continue
        if poses.ndim != 3 or poses.shape[1] != 4:
            raise BadFile(f'{path}: keypoints of frame {frame} should be (P,4,J), got {poses.shape}')
        for box, pose in zip(found, poses):
            collector.add(frame, pose[:2].T, pose[3], box=box[:4], score=box[4] if len(box) > 4 else None)
    return collector.finish()
