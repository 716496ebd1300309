"""Lines and text on an array of pixels, for pictures that are made by the thousand."""
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK, FAINT, PAPER = (45, 50, 60), (150, 155, 165), (255, 255, 255)
SUBPIXEL_BITS = 4  # of the places of lines
FONT = Path(matplotlib.get_data_path(), 'fonts', 'ttf')


def fixed_point(pixels: np.ndarray, size: tuple) -> np.ndarray:
    """Places ``(...,2)`` as OpenCV takes them, whole numbers; far ones, which would overflow, are brought nearer."""
    reach = 4 * max(size)
    return np.round(np.clip(np.nan_to_num(pixels), -reach, reach) * (1 << SUBPIXEL_BITS)).astype(np.int32, order='C')


def draw_line(image: np.ndarray, start: list, end: list, color: tuple, thickness: int) -> None:
    """A line between two places of :func:`fixed_point`, with round ends."""
    cv2.line(image, start, end, color, thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def draw_polylines(image: np.ndarray, lines: list, color: tuple, thickness: int = 1) -> None:
    """Open lines of one colour through the places ``(n,2)`` of :func:`fixed_point`."""
    if lines:
        cv2.polylines(image, lines, False, color, thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def draw_disc(image: np.ndarray, center: list, radius: float, color: tuple) -> None:
    """A disc around a place of :func:`fixed_point`."""
    cv2.circle(image, center, round(radius * (1 << SUBPIXEL_BITS)), color, -1, cv2.LINE_AA, SUBPIXEL_BITS)


def draw_text(image: np.ndarray, text: str, place: tuple, height: int, color: tuple = INK, align: str = 'left',
              bold: bool = False) -> int:
    """Write a line of text; what does not fit into the picture is cut off.

    Args:
        image: ``(H,W,3)`` uint8, changed in place.
        text: one line.
        place: (x, y) of its left, right or middle end, whichever ``align`` names, on the base line.
        height: of the font, pixels.
        color: RGB.
        align: ``'left'``, ``'right'`` or ``'center'``.
        bold: the bold font.

    Returns:
        Width in pixels.
    """
    mask, rise = _text_mask(text, height, bold)
    rows, columns = mask.shape[:2]
    x = place[0] - dict(left=0, right=columns, center=columns // 2)[align]
    y = place[1] - rise
    top, left = max(0, -y), max(0, -x)
    bottom, right = min(rows, image.shape[0] - y), min(columns, image.shape[1] - x)
    if top < bottom and left < right:
        part, cover = image[y + top:y + bottom, x + left:x + right], mask[top:bottom, left:right]
        part[:] = (part * (256 - cover) + np.array(color, np.uint16) * cover) >> 8
    return columns


@lru_cache(maxsize=1024)
def _text_mask(text: str, height: int, bold: bool) -> tuple[np.ndarray, int]:
    """How far each pixel is covered, ``(h,w,1)`` uint16 in [0,256], and how far the base line is below its top."""
    font = _font(height, bold)
    rise, fall = font.getmetrics()
    picture = Image.new('L', (int(font.getlength(text)) + 2, rise + fall))
    ImageDraw.Draw(picture).text((0, 0), text, 255, font)
    cover = np.asarray(picture, np.uint16)
    return (cover + (cover >> 7))[..., None], rise


@lru_cache(maxsize=16)
def _font(height: int, bold: bool):
    return ImageFont.truetype(str(FONT / f'DejaVuSans{"-Bold" if bold else ""}.ttf'), height)
