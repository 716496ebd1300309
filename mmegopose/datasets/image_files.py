"""Pictures of a store: bytes from files and archives, pixels of the size that the labels are for."""
from pathlib import Path

import cv2
import mmcv
import numpy as np

ARCHIVE = '.tar/'  # in a name, after the archive and before the key
MAX_PIXELS = 1 << 28  # of one picture: 0.8 GB; the largest sensors have 200 million
JPEG_FRAMES = set(range(0xc0, 0xd0)) - {0xc4, 0xc8, 0xcc}  # segments that say how large a JPEG is


class WrongSize(ValueError):
    """A picture that is not as large as its labels say."""


def read_picture(root: str | Path, file: str, span: np.ndarray | None = None) -> bytes:
    """The encoded picture ``file``, relative to ``root``.

    Args:
        span: offset and length of ``archive.tar/key`` in its archive; None: a file of its own.

    Raises:
        OSError: it cannot be read.
    """
    if span is None:
        return (Path(root) / file).read_bytes()
    archive, _, _ = file.partition(ARCHIVE)
    offset, length = (int(value) for value in span)
    with open(Path(root) / f'{archive}.tar', 'rb') as stream:
        stream.seek(offset)
        return stream.read(length)


def decode_picture(content: bytes, upright: bool = False) -> np.ndarray:
    """Pixels ``(H,W,3)`` uint8, RGB.

    Args:
        content: of a file in any format that OpenCV reads; grey becomes RGB, and transparency is dropped.
        upright: turn the picture as its orientation in the EXIF data says, as viewers do. Labels of data sets are
            mostly for the picture as it is stored.

    Raises:
        OSError: it is no picture, damaged, or claims more than :data:`MAX_PIXELS`.
    """
    width, height = _claimed_size(content)
    if width * height > MAX_PIXELS:
        raise OSError(f'it claims {width} x {height} pixels, more than {MAX_PIXELS}')
    flag = 'color' if upright else 'color_ignore_orientation'
    try:
        image = mmcv.imfrombytes(content, flag, backend='cv2') if content else None
    except (cv2.error, MemoryError) as error:  # OpenCV's own limits, or what a decoder asserts
        raise OSError(f'it is damaged, or too large: {" ".join(str(error).split())}') from None
    if image is None:
        raise OSError('it is no picture, or damaged')
    return mmcv.bgr2rgb(image)


def _claimed_size(content: bytes) -> tuple[int, int]:
    """Width and height that the header of a PNG, BMP or JPEG claims; 0, 0: not known."""
    def number(begin: int, end: int, order='big') -> int:
        return int.from_bytes(content[begin:end], order)
    if content.startswith(b'\x89PNG\r\n\x1a\n'):
        return number(16, 20), number(20, 24)
    if content.startswith(b'BM') and number(14, 18, 'little') >= 40:
        return number(18, 22, 'little'), min(number(22, 26, 'little'), (1 << 32) - number(22, 26, 'little'))  # or < 0
    place = 2 if content.startswith(b'\xff\xd8') else len(content)
    while place + 9 <= len(content) and content[place] == 0xff:
        if content[place + 1] in JPEG_FRAMES:
            return number(place + 7, place + 9), number(place + 5, place + 7)
        place += 2 + number(place + 2, place + 4)
    return 0, 0


def decode_labelled(content: bytes, size: np.ndarray) -> np.ndarray:
    """Pixels ``(H,W,3)`` of a picture as its labels mean it.

    That is the picture as it is stored, or, if only that has the size of the labels, turned as its EXIF data says.

    Args:
        size: width and height in the labels, pixels; 0: unknown.

    Raises:
        OSError: it is no picture, or damaged.
        WrongSize: it has another size either way.
    """
    image = decode_picture(content)
    stored, wanted = image.shape[1::-1], tuple(int(side) for side in size)
    if 0 in wanted or stored == wanted:
        return image
    image = decode_picture(content, upright=True)
    if image.shape[1::-1] == wanted:
        return image
    raise WrongSize(f'it has {stored[0]} x {stored[1]} pixels, but its labels are for {wanted[0]} x {wanted[1]}: it '
                    'was resized, or it is another picture; take the original one')
