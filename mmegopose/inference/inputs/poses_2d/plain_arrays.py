"""2D poses from arrays and lists, as detectors return them in Python: rtmlib, MediaPipe, your own."""
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ....files import DAMAGE, BadFile
from ....npz import read_array, read_arrays
from .collector import Collector
from .guard import guarded
from .json_files import read_list
from .pixel_checks import check_image_size
from .poses_2d import Poses2D

KEYPOINTS = ('keypoints', 'poses', 'kpts', 'points')
SCORES = ('scores', 'keypoint_scores', 'confidence', 'conf')
IDS = ('ids', 'track_ids', 'person', 'persons')


def collect_frames(frames: Iterable, source: str = 'keypoints', name: str = 'frames', **options) -> Poses2D:
    """2D poses from what a detector returned for each frame.

    Args:
        frames: for each frame ``(keypoints (P,K,2), scores (P,K))``, as rtmlib returns them, or ``keypoints (P,K,3)``,
            or None or an empty list where there is nobody.
        source: for messages.
        name: of the format.
        options: of :class:`.Collector`: ``image_size``, ``fps``, ``skeleton``, ``part``, ``min_confidence``, ...
    """
    collector, number = Collector(source, name, **options), 0
    for number, people in enumerate(frames, 1):
        if people is None or len(people) == 0:
            continue
        keypoints, scores = people if isinstance(people, tuple) else (people, None)
        for index in range(len(keypoints) if keypoints is not None else 0):
            collector.add(number - 1, keypoints[index], None if scores is None else scores[index])
    collector.num_frames = number if collector.num_frames is None else collector.num_frames
    return collector.finish()


@guarded
def read_npz(path: str | Path, **options) -> Poses2D:
    """An npz of arrays: ``keypoints`` ``(N,K,2|3)`` of one or ``(N,P,K,2|3)`` of several people, with ``scores``; or an
    npy of the keypoints.

    Frames and people that are not there are NaN, or zeros with zero scores. ``ids (N,P)``, ``image_size (2,)`` and
    ``fps`` are read if they are there. rtmlib has no file of its own: this is how to save what it returns, its arrays
    filled up with NaN to the same number of people.

    Args:
        path: file.
        options: of :class:`.Collector`.

    Raises:
        FileNotFoundError, BadFile.
    """
    arrays = dict(keypoints=read_array(path)) if Path(path).suffix == '.npy' else \
        read_arrays(path, [*KEYPOINTS, *SCORES, *IDS, 'image_size', 'fps'])
    keypoints = next((arrays[key] for key in KEYPOINTS if key in arrays), None)
    if keypoints is None:
        raise BadFile(f'{path} has none of the arrays {", ".join(KEYPOINTS)}')
    scores = next((arrays[key] for key in SCORES if key in arrays), None)
    people = next((arrays[key] for key in IDS if key in arrays), None)
    keypoints = keypoints[:, None] if keypoints.ndim == 3 else keypoints
    if keypoints.ndim != 4 or keypoints.shape[-1] not in (2, 3) or keypoints.dtype.kind not in 'fiu':
        raise BadFile(f'{path}: keypoints should be numbers of shape (N,K,2|3) or (N,P,K,2|3), got {keypoints.dtype} '
                      f'{keypoints.shape}')
    if scores is not None:
        scores = scores[:, None] if scores.ndim == 2 else scores
        if scores.shape != keypoints.shape[:3]:
            raise BadFile(f'{path}: keypoints are {keypoints.shape}, but scores {scores.shape}')
    if people is not None and people.reshape(len(people), -1).shape != keypoints.shape[:2]:
        raise BadFile(f'{path}: keypoints are {keypoints.shape}, but ids {people.shape}')
    for key, values in (('scores', scores), ('ids', people)):
        if values is not None and values.dtype.kind not in 'biuf':
            raise BadFile(f'{path}: {key} should be numbers, got {values.dtype}')
    size = arrays['image_size'].ravel().tolist() if 'image_size' in arrays else None
    options['image_size'] = check_image_size(options.get('image_size'), size, path)
    if 'fps' in arrays:
        if arrays['fps'].size != 1 or arrays['fps'].dtype.kind not in 'iuf':
            raise BadFile(f'{path}: fps should be one number, got {str(arrays["fps"])[:60]}')
        options.setdefault('fps', float(arrays['fps'].ravel()[0]))
    collector = Collector(path, 'npz', **{'num_frames': len(keypoints), **options})
    keypoints = keypoints.astype(float)
    values = np.nan_to_num(keypoints) if scores is None else np.nan_to_num(scores)[..., None]
    for frame, index in np.argwhere((values != 0).any((2, 3))):
        collector.add(frame, keypoints[frame, index], None if scores is None else scores[frame, index], person=None if (
            people is None) else people.reshape(len(people), -1)[frame, index])
    return collector.finish()


@guarded
def read_mediapipe(path, *, image_size: tuple | None = None, **options) -> Poses2D:
    """MediaPipe Pose: 33 landmarks a frame, shares of the image, with their visibility as confidence.

    Args:
        path: a JSON file or list with an entry for each frame: null, or 33 landmarks, each ``{x, y, z, visibility}`` or
            ``[x, y, z, visibility]`` (a dict ``{"landmarks": [...]}`` or ``{"pose_landmarks": [...]}`` around them is
            fine); an npz with ``landmarks (N,33,4)``; or a list of what the package returns for each frame.
        image_size: width and height of the images: the file does not tell.
        options: of :class:`.Collector`.

    Raises:
        FileNotFoundError, BadFile; ``ValueError`` without ``image_size``.
    """
    frames, source = _mediapipe_frames(path)
    collector = Collector(source, 'mediapipe', image_size=image_size, **{
        'skeleton': 'mediapipe33', 'normalized': True, 'num_frames': len(frames), **options})
    for number, frame in enumerate(frames):
        points = _landmarks(frame, f'{source}: frame {number}')
        if points is not None:
            collector.add(number, points[:, :2], points[:, 3] if points.shape[1] > 3 else None, person=0)
    return collector.finish()


def _mediapipe_frames(path) -> tuple[list, str]:
    if not isinstance(path, (str, Path)):
        return list(path), 'landmarks'
    if Path(path).suffix == '.npz':
        arrays = read_arrays(path, ['landmarks', 'pose_landmarks'])
        found = next(iter(arrays.values()), None)
        if found is None or found.ndim != 3:
            raise BadFile(f'{path} has no array landmarks (N,33,4)')
        return [None if not np.isfinite(frame[:, :2]).any() else frame for frame in found], str(path)
    return read_list(path, 'frames'), str(path)


def _landmarks(frame, where: str) -> np.ndarray | None:
    """Landmarks ``(33,4)`` of a frame; None: nobody."""
    if isinstance(frame, dict):
        frame = next((frame[key] for key in ('pose_landmarks', 'landmarks', 'landmark') if key in frame), frame)
    for name in ('pose_landmarks', 'landmark'):
        frame = getattr(frame, name, frame)
    if frame is None or (isinstance(frame, list) and not frame):
        return None
    if not hasattr(frame, '__len__') or isinstance(frame, (dict, str)):
        raise BadFile(f'{where} should be null or landmarks, got {str(frame)[:60]}')
    if len(frame) == 1 and hasattr(frame[0], '__len__') and len(frame[0]) > 4:  # a list of people, of whom there is one
        frame = frame[0]
    try:
        first = frame[0]
        if isinstance(first, dict):
            frame = [[mark['x'], mark['y'], mark.get('z', 0), mark.get('visibility', 1)] for mark in frame]
        elif hasattr(first, 'x'):
            frame = [[mark.x, mark.y, mark.z, mark.visibility] for mark in frame]
        points = np.array(frame, float)
    except DAMAGE as error:
        raise BadFile(f'{where}: landmarks should be x, y, z and visibility ({type(error).__name__}: '
                      f'{error})') from None
    if points.ndim != 2 or points.shape[1] < 2:
        raise BadFile(f'{where}: landmarks should be rows of x, y, z and visibility, got the shape {points.shape}')
    return points
