"""What kind of recording a file or folder is, told by its name and its content."""
import zipfile
from pathlib import Path

from ...files import BadFile
from ...npz import read_array
from .head_tracks.arrays import POSES
from .head_tracks.track_formats import detect_track_format
from .image_sources import is_video
from .picture_files import PICTURE_SUFFIXES
from .poses_2d.pose_formats import detect_pose_format


def inferencer_for(path: str | Path) -> str:
    """Name of the inferencer that reads a recording: of 2D poses or a video, of pictures, or of a head track.

    Raises ``BadFile`` if it looks like none of them.
    """
    path = Path(path).expanduser()
    if is_video(path):
        return 'LiftingInferencer'
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return 'MeshInferencer'
    for name, look in (('HeadPoseInferencer', _is_track), ('LiftingInferencer', detect_pose_format)):
        try:
            if look(path):
                return name
        except BadFile:
            continue
    if path.is_dir() and any(file.suffix.lower() in PICTURE_SUFFIXES for file in path.iterdir()):
        return 'MeshInferencer'
    raise BadFile(f'{path} looks like no head track, no 2D poses, no video and no picture; name the model that reads '
                  'it, and say what it is: format')


def _is_track(path: Path) -> bool:
    """Whether it is a head track; json, npy and npz are only where no 2D poses are in them."""
    if path.suffix.lower() == '.npy' and path.is_file():
        return read_array(path).shape[1:] in ((3, 4), (4, 4))
    if path.suffix.lower() == '.npz' and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = {Path(name).stem for name in archive.namelist()}
        return bool(names & {*POSES, 'head_forward'}) and 'keypoints' not in names
    if path.suffix.lower() == '.json':
        try:
            return not detect_pose_format(path)
        except BadFile:
            pass
    return bool(detect_track_format(path))
