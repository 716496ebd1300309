"""Files of moving pictures, written frame by frame: MP4 and GIF. A file appears once it is complete."""
import struct
import warnings
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import GifImagePlugin, Image

from ..files import atomic_path, atomic_write

NOTE = ('{path} is coded as MPEG-4 Part 2, which VLC and most players show but browsers and phones do not: pip install '
        '"mmegopose[video]" gives H.264')
PALETTE_FRAMES = 48     # first frames, from which a GIF has its colours
GIF_COLORS = 128        # one of them stands for what did not change


def write_mp4(images: Iterable[np.ndarray], path: str | Path, fps: float) -> str:
    """Write pictures ``(H,W,3)`` uint8 RGB of one even size as MP4; the codec is returned.

    H.264 (libx264, by PyAV, the extra ``video``) is what browsers and phones play. Without PyAV it is MPEG-4 Part 2
    (OpenCV), with a warning.

    Raises ``OSError`` that names the file if it cannot be written, on a full disk, say.
    """
    try:
        import av
    except ImportError:
        warnings.warn(NOTE.format(path=path), stacklevel=3)
        _write_mpeg4(images, path, fps)
        return 'mpeg4'
    from fractions import Fraction
    images = iter(images)
    first = next(images)
    with atomic_path(path) as unfinished, av.open(str(unfinished), 'w', format='mp4',
                                                  options={'movflags': 'faststart'}) as container:
        stream = container.add_stream('libx264', rate=Fraction(fps).limit_denominator(1001))
        stream.height, stream.width, stream.pix_fmt = *first.shape[:2], 'yuv420p'
        stream.options = dict(preset='veryfast', crf='20')
        stream.thread_count = 1
        for image in _chain([first], images):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        container.mux(stream.encode())
    return 'h264'


def _write_mpeg4(images: Iterable[np.ndarray], path: str | Path, fps: float) -> None:
    images, count = iter(images), 0
    with atomic_path(path) as unfinished:
        writer = None
        for image in images:
            if writer is None:
                writer = cv2.VideoWriter(str(unfinished), cv2.VideoWriter_fourcc(*'mp4v'), fps, image.shape[1::-1])
            writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            count += 1
        writer.release()
        written = cv2.VideoCapture(str(unfinished))  # OpenCV does not tell of a full disk
        found = int(written.get(cv2.CAP_PROP_FRAME_COUNT))
        written.release()
        if found != count:
            raise OSError(28, f'{found} of {count} pictures were written; is the disk full?')


def write_gif(images: Iterable[np.ndarray], path: str | Path, fps: float) -> None:
    """Write pictures ``(H,W,3)`` uint8 RGB as a GIF that runs for ever, with one palette, from the first pictures.

    Of each picture only what has changed is stored. Raises ``OSError`` that names the file.
    """
    images = iter(images)
    head = [image.copy() for image, _ in zip(images, range(PALETTE_FRAMES))]
    palette = _palette(head)
    table = _nearest_color(palette)
    height, width = head[0].shape[:2]
    clear, due, shown, before = GIF_COLORS - 1, 0.0, 0, None
    with atomic_write(path, 'wb') as file:
        file.write(b'GIF89a' + struct.pack('<HHBBB', width, height, 0xF0 | (GIF_COLORS.bit_length() - 2), 0, 0)
                   + palette.tobytes() + b'\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00')
        for image in _chain(head, images):
            due += 100 / fps  # hundredths of a second, which is what a GIF counts in
            delay, shown = round(due) - shown, round(due)
            red, green, blue = (image[..., c].astype(np.int32) >> 3 for c in range(3))
            colors = table[(red << 10) | (green << 5) | blue]
            box, changed = (0, 0, width, height), None
            if before is not None:
                changed = colors != before
                rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
                box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else (0, 0, 1, 1)
            left, top, right, bottom = map(int, box)
            part = colors[top:bottom, left:right]
            if changed is not None:
                part = np.where(changed[top:bottom, left:right], part, np.uint8(clear))
            for block in _gif_blocks(part, (left, top), delay, clear):
                file.write(block)
            before = colors
        file.write(b';')


def _chain(head: list, rest: Iterable) -> Iterable:
    yield from head
    yield from rest


def _gif_blocks(part: np.ndarray, place: tuple, delay: int, clear: int) -> list:
    """The bytes of one picture of a GIF, ``part (h,w)`` of whose colours begin at ``place``."""
    picture = Image.fromarray(np.ascontiguousarray(part))
    picture.putpalette(bytes(3 * GIF_COLORS))  # makes it one of mode P; the colours stand at the begin of the file
    return GifImagePlugin.getdata(picture, place, duration=10 * delay, transparency=clear, disposal=1, interlace=0)


def _palette(images: list) -> np.ndarray:
    """``(GIF_COLORS,3)`` uint8; the last one is not used by :func:`_nearest_color`."""
    some = np.concatenate([image[::2, ::2].reshape(-1, 3) for image in images[::4]])
    colors, counts = np.unique(some, axis=0, return_counts=True)
    repeated = np.repeat(colors, np.minimum(counts, 400), axis=0)  # else the background takes all colours
    side = int(np.ceil(len(repeated) ** 0.5))
    square = np.resize(repeated, (side, side, 3))
    found = Image.fromarray(square).quantize(GIF_COLORS - 2, method=Image.Quantize.MEDIANCUT).getpalette()
    palette = np.full((GIF_COLORS, 3), 255, np.uint8)
    palette[1:1 + len(found) // 3] = np.array(found, np.uint8).reshape(-1, 3)[:GIF_COLORS - 2]
    return palette


def _nearest_color(palette: np.ndarray) -> np.ndarray:
    """Number of the nearest colour ``(32768,)`` uint8 for five bits of red, green and blue."""
    levels = np.arange(32, dtype=np.float32) * 255 / 31
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing='ij'), -1).reshape(-1, 1, 3)
    known = palette[:-1].astype(np.float32)
    nearest = [((part - known) ** 2).sum(-1).argmin(1) for part in np.array_split(cube, 32)]
    return np.concatenate(nearest).astype(np.uint8)
