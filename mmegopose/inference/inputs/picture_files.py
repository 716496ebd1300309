"""Pictures that a user took: files, or arrays."""
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger

from ...datasets.image_files import decode_picture
from .timed_image import ImageSource, TimedImage

PICTURE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.ppm', '.pgm', '.pbm')


class PictureFiles(ImageSource):
    """Pictures in their order, turned upright as their EXIF data says; one that is damaged keeps its place.

    Args:
        pictures: files, or arrays ``(H,W,3)`` uint8 RGB, at least one.
        name: for messages.
        fps: frames per second, if they are a sequence; None: they are not, and a second apart.
        ordered: False: files are put in natural order.

    Raises:
        ValueError: no picture, an array of another shape or type, or a rate that is not positive.
    """

    def __init__(self, pictures: Sequence, name: str = 'pictures', fps: float | None = None, ordered: bool = True):
        self.pictures = list(pictures) if ordered else sorted(pictures, key=lambda path: natural_key(path.name))
        if not self.pictures:
            raise ValueError(f'{name}: there is no picture')
        if fps is not None and not 0 < fps < 1e5:
            raise ValueError(f'fps={fps} should be frames per second')
        for number, picture in enumerate(self.pictures):
            if not isinstance(picture, (str, Path)):
                check_image(picture, f'{name}: picture {number}')
        self.name, self.fps = name, fps
        self.num_frames, self.report = len(self.pictures), Counter()

    def __iter__(self) -> Iterator[TimedImage]:
        self.report = Counter(read=0)
        for number, picture in enumerate(self.pictures):
            name = str(picture) if isinstance(picture, (str, Path)) else f'{self.name}[{number}]'
            try:
                image = decode_picture(Path(picture).read_bytes(), upright=True) if isinstance(
                    picture, (str, Path)) else picture
                self.report['read'] += 1
            except OSError as error:
                image = None
                self.report['cannot be read'] += 1
                MMLogger.get_current_instance().warning(f'{name} is skipped: {error}')
            yield TimedImage(number, number / (self.fps or 1.0), image, name)


def natural_key(name: str) -> list:
    """Sort key in which numbers count as numbers: ``frame2`` comes before ``frame10``."""
    return [(0, int(part), part) if part.isdigit() else (1, 0, part) for part in re.split(r'(\d+)', name.lower())]


def check_image(image, where: str) -> None:
    """Raise ``ValueError`` unless it is an RGB image ``(H,W,3)`` uint8."""
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or \
            not image.size:
        raise ValueError(f'{where} should be RGB (H,W,3) uint8, got {getattr(image, "dtype", type(image).__name__)} '
                         f'{getattr(image, "shape", "")}')
