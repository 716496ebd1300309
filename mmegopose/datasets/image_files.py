"""Pictures of a store: bytes from files and archives, pixels of the size that the labels are for."""
from pathlib import Path

import cv2
import mmcv
import numpy as np

from .picture_sizes import claimed_size

ARCHIVE = '.tar/'  # in a name, after the archive and before the key
MAX_PIXELS = 1 << 28  # of one picture: 0.8 GB; the largest sensors have 200 million


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
        content: of a BMP, JPEG, PNG, PNM (PBM, PGM, PPM), TIFF or WebP file; grey becomes RGB, and transparency is
            dropped. OpenCV reads more formats, but takes memory for whatever their headers claim.
        upright: turn the picture as its orientation in the EXIF data says, as viewers do. Labels of data sets are
            mostly for the picture as it is stored.

    Raises:
        OSError: it is no picture of these formats, damaged, or claims more than :data:`MAX_PIXELS`.
    """
    size = claimed_size(content)
    if size is None:
        raise OSError('it is no BMP, JPEG, PNG, PNM, TIFF or WebP picture, or damaged')
    if size[0] * size[1] > MAX_PIXELS:
        raise OSError(f'it claims {size[0]} x {size[1]} pixels, more than {MAX_PIXELS}')
    flag = 'color' if upright else 'color_ignore_orientation'
    try:
        image = mmcv.imfrombytes(content, flag, backend='cv2')
    except (cv2.error, MemoryError) as error:  # OpenCV's own limits, or what a decoder asserts
        raise OSError(f'it is damaged, or too large: {" ".join(str(error).split())}') from None
    if image is None:
        raise OSError('it is damaged')
    return mmcv.bgr2rgb(image)


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
