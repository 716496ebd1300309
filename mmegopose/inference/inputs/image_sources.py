"""Pictures one after the other, wherever they come from: one entry for files, folders, videos and arrays."""
from pathlib import Path

import numpy as np

from ...files import BadFile
from .picture_files import PICTURE_SUFFIXES, PictureFiles
from .timed_image import ImageSource
from .video_file import VideoFile

MOVIE_SUFFIXES = ('.mp4', '.mov', '.avi', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv', '.mjpeg', '.mts', '.m2ts',
                  '.3gp')


def is_video(path) -> bool:
    """Whether a path is called like the file of a video."""
    return isinstance(path, (str, Path)) and Path(path).suffix.lower() in MOVIE_SUFFIXES


def open_images(source, fps: float | None = None) -> ImageSource:
    """The pictures of whatever a user has.

    Args:
        source: file of a picture or of a video, a folder of pictures (in natural order: 2 before 10), a list of files,
            an image ``(H,W,3)`` or several ``(T,H,W,3)``, uint8 RGB; or what is a source already.
        fps: frames per second of pictures that are a sequence; of a video, instead of what its file says.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: neither a picture nor a video, or a folder without any.
        ValueError: arrays of another shape or type.
    """
    if isinstance(source, (str, Path)):
        path = Path(source).expanduser()
        if not path.exists():
            raise FileNotFoundError(f'there is no {path}')
        if path.is_dir():
            files = [file for file in path.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES
                     and not file.name.startswith('.')]
            if not files:
                raise BadFile(f'{path} holds no picture (a file that ends in one of {", ".join(PICTURE_SUFFIXES)})')
            return PictureFiles(files, str(path), fps, ordered=False)
        if path.suffix.lower() in PICTURE_SUFFIXES:
            return PictureFiles([path], str(path), fps)
        return VideoFile(path, fps)
    if isinstance(source, ImageSource):
        return source
    single = isinstance(source, np.ndarray) and source.ndim == 3
    return PictureFiles([source] if single else source, 'images', fps)
