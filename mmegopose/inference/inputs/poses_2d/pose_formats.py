"""The one entry for 2D poses: a file or folder of any known detector, found out by its content."""
import zipfile
from pathlib import Path

from ....files import BadFile, read_json
from ..formats import choose_format
from .frame_folders import read_openpose, read_ultralytics
from .json_files import read_alphapose, read_coco, read_mmpose, read_ultralytics_json
from .plain_arrays import read_mediapipe, read_npz
from .poses_2d import Poses2D
from .videopose3d_npz import read_videopose3d

FORMATS = dict(npz=read_npz, mmpose=read_mmpose, openpose=read_openpose, alphapose=read_alphapose,
               mediapipe=read_mediapipe, ultralytics=read_ultralytics, ultralytics_json=read_ultralytics_json,
               coco=read_coco, videopose3d=read_videopose3d)


def read_poses_2d(path: str | Path, format: str = 'auto', **options) -> Poses2D:
    """The 2D poses of a video, of everybody in it.

    Args:
        path: file or folder.
        format: key of :data:`FORMATS`, or ``'auto'``: by the content.
        options: of the format's reader; all take those of :class:`.Collector`: ``image_size``, ``fps``,
            ``num_frames``, ``skeleton``, ``part``, ``min_confidence``, ``normalized``.

    Raises:
        FileNotFoundError: there is no such file.
        KeyError: unknown format.
        BadFile: not a file of the format; the message names the place.
        ValueError: an option is missing that the file needs.
    """
    path, name = choose_format(path, format, FORMATS, detect_pose_format)
    return FORMATS[name](path, **options)


def detect_pose_format(path: str | Path) -> str:
    """Key of :data:`FORMATS` for a file or folder. Raises ``BadFile`` if it looks like none of them."""
    path = Path(path).expanduser()
    found = None
    if path.is_dir():
        first = next((file for file in sorted(path.glob('*.json')) if file.is_file()), None)
        if first is not None:
            content = read_json(first, (list, dict))
            found = 'openpose' if isinstance(content, dict) and 'people' in content else 'mmpose'
        elif next(path.glob('*.txt'), None) is not None:
            found = 'ultralytics'
    elif path.suffix == '.npz' and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix('.npy') for name in archive.namelist()}
        found = 'videopose3d' if 'positions_2d' in names or {'boxes', 'keypoints'} <= names else \
            'mediapipe' if names & {'landmarks', 'pose_landmarks'} else 'npz'
    elif path.suffix == '.npy':
        found = 'npz'
    elif path.suffix == '.npz':
        raise BadFile(f'{path} cannot be read: it is cut off or no npz; copy or download it again')
    elif path.suffix == '.txt':
        found = 'ultralytics'
    elif path.suffix == '.json':
        found = _of_json(read_json(path, (list, dict)))
    if found is None:
        raise BadFile(f'{path} looks like no known file of 2D poses; say what it is: format, one of {sorted(FORMATS)}')
    return found


def _of_json(content) -> str | None:
    if isinstance(content, dict):
        if 'people' in content:
            return 'openpose'
        if 'annotations' in content:
            return 'coco'
        if 'instance_info' in content:
            return 'mmpose'
        if 'frames' in content:
            return 'mediapipe'
        first = next(iter(content.values()), None)
        return 'alphapose' if isinstance(first, dict) and {'people', 'bodies'} & set(first) else None
    first = next((entry for entry in content if entry), None)
    if first is None:
        return 'mmpose' if not content else 'mediapipe'
    if isinstance(first, list):
        is_person = isinstance(first[0], dict) and isinstance(first[0].get('keypoints'), dict)
        return 'ultralytics_json' if is_person else 'mediapipe'
    if isinstance(first, dict):
        if 'image_id' in first:
            return 'coco' if isinstance(first['image_id'], int) and 'idx' not in first else 'alphapose'
        if 'instances' in first or 'keypoint_scores' in first:
            return 'mmpose'
        if isinstance(first.get('keypoints'), dict):
            return 'ultralytics_json'
        if {'landmarks', 'pose_landmarks'} & set(first):
            return 'mediapipe'
    return None
