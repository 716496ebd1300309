"""A strip that tells when there is a pose and how large its error is, under moving pictures."""
import numpy as np

from .canvas import FAINT, draw_polylines, draw_text, fixed_point

HOLE, THERE, CURVE = (248, 222, 226), (214, 222, 232), (90, 100, 115)
TICKS_CM = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 1e4, 1e6)


def timeline_column(row: float, count: int, left: int, right: int) -> float:
    """Where frame ``row`` of ``count`` is between the pixels ``left`` and ``right``."""
    return left + (right - left) * (row + 0.5) / count


def draw_timeline(image: np.ndarray, box: tuple, time: np.ndarray, there: np.ndarray, errors: np.ndarray | None,
                  unit: int) -> None:
    """Draw into ``image`` when there is a pose, and the error over time; frames without a pose are rose.

    Args:
        image: ``(H,W,3)`` uint8, changed in place.
        box: left, top, right, bottom of the strip, pixels.
        time: ``(F,)`` seconds.
        there: ``(F,)`` bool: there is a pose.
        errors: ``(F,)`` metres, NaN where it is not known; None: none is.
        unit: height of the font, pixels.
    """
    left, top, right, bottom = box
    height, width = image.shape[:2]
    column = np.minimum((np.arange(len(time)) * (right - left)) // max(len(time), 1), right - left - 1)
    span = max(1, -(-(right - left) // max(len(time), 1)))  # pixels of a frame, in a short motion
    holes = np.zeros(right - left, bool)
    for offset in range(span):
        holes[np.minimum(column[~there] + offset, right - left - 1)] = True
    image[top:bottom, left:right] = np.where(holes[:, None], HOLE, (245, 247, 250) if errors is not None else THERE)
    base = bottom + unit + unit // 4
    draw_text(image, f'{time[0]:.4g} s', (left, base), unit - 1, FAINT)
    draw_text(image, f'{time[-1]:.4g} s', (right, base), unit - 1, FAINT, 'right')
    if not there.all():
        draw_text(image, 'rose: no pose', ((left + right) // 2, base), unit - 1, (190, 90, 105), 'center')
    if errors is None or not np.isfinite(errors).any():
        return
    most = float(np.nanmax(errors)) * 100
    tick = next(tick for tick in TICKS_CM if most <= 2.2 * tick or tick == TICKS_CM[-1])
    scale = (bottom - top - 2) / max(1.1 * most, 1e-9)
    value = 2 * tick if 2 * tick <= 1.1 * most else tick
    y = bottom - value * scale
    draw_polylines(image, [fixed_point(np.array([[left, y], [right, y]]), (width, height))], (220, 224, 230))
    draw_text(image, f'{value:g} cm', (left + 3, round(y) + unit - 1), unit - 2, FAINT)
    known = np.isfinite(errors)
    sums = np.bincount(column, np.where(known, errors, 0), right - left)
    counts = np.bincount(column, known, right - left)
    filled = np.flatnonzero(np.bincount(column, minlength=right - left))                    # columns that hold a frame
    heights = 100 * scale * sums[filled] / np.maximum(counts[filled], 1)
    places = fixed_point(np.stack([left + filled + 0.5 * span, bottom - heights], -1), (width, height))
    draw_polylines(image, known_pieces(places, counts[filled] > 0), CURVE)


def known_pieces(places: np.ndarray, known: np.ndarray) -> list:
    """The pieces of a path ``(n,2)`` whose places are all ``known (n,)``."""
    cuts = np.flatnonzero(np.diff(known.astype(int))) + 1
    return [piece for piece, there in zip(np.split(places, cuts), np.split(known, cuts)) if there[:1].any()]
