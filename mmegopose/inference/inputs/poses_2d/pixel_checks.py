"""What all readers of 2D poses check in the same way: options, names of files, and whether numbers are pixels."""
import warnings
from pathlib import Path

import numpy as np

from ....files import BadFile
from ....structures import Skeleton

MAX_SIDE = 100_000     # pixels of an image
FAR = 3                # images: who is so far outside of it was not seen in it
NORMALIZED = 2.0       # coordinates in shares of the image are smaller, but for joints far outside
SMALL, PERCENT = 0.03, 100
UPSIDE_DOWN = 0.8      # of the poses: more than of anybody who stands on their hands now and then
MIN_ROWS = 3           # of which something can be said


def check_size(size, what: str = 'image_size') -> tuple[int, int] | None:
    """Width and height as whole numbers; ``ValueError`` if they are none. None stays None."""
    if size is None:
        return None
    try:
        width, height = (float(side) for side in size)
        good = min(width, height) >= 1 and max(width, height) <= MAX_SIDE and not isinstance(size, str)
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(f'{what} should be the width and height in pixels, from 1 to {MAX_SIDE}, got {size}')
    return int(width), int(height)


def check_image_size(given: tuple | None, found, source) -> tuple | None:
    """The size that the file tells, or the given one; both are compared."""
    try:
        found = check_size(found, 'the size of the images')
    except ValueError as error:
        raise BadFile(f'{source}: {error}') from None
    if given is not None and found is not None and tuple(given) != found:
        warnings.warn(f'{source} tells of images of {found[0]} x {found[1]}, image_size is {given[0]} x {given[1]}; '
                      'the given one is taken', stacklevel=5)
    return given or found


def number_in_name(name, source) -> int:
    """The last number in the name of a file or picture. Raises ``BadFile`` if there is none."""
    stem = Path(str(name)).stem
    digits = ''.join(c if c in '0123456789' else ' ' for c in stem.removesuffix('_keypoints')).split()
    if not digits or len(digits[-1]) > 18:
        raise BadFile(f'{source}: {str(name)[:80]!r} holds no number of a frame')
    return int(digits[-1])


def numbered_files(path: Path, suffix: str) -> list[tuple[int, Path]]:
    """Files of a folder, or the one, by the numbers of their frames, ascending.

    Raises ``BadFile`` if there is none, one has no number, or two have the same.
    """
    files = [file for file in path.glob(f'*{suffix}') if file.is_file()] if path.is_dir() else [path]
    if not files:
        raise BadFile(f'{path} holds no {suffix} file')
    found = sorted((number_in_name(file.name, path), file) for file in files)
    for (number, file), (after, other) in zip(found, found[1:]):
        if number == after:
            raise BadFile(f'{path}: {file.name!r} and {other.name!r} are both frame {number}: are there two videos in '
                          'the folder? Give each a folder of its own')
    return found


def check_num_frames(num_frames, most: int) -> None:
    """Raise ``ValueError`` if it is no number of frames."""
    if num_frames is not None and not (isinstance(num_frames, (int, np.integer)) and 0 <= num_frames <= most):
        raise ValueError(f'num_frames={num_frames!r} should be a whole number from 0 to {most}')


def usual_reach(points: np.ndarray, detected: np.ndarray) -> float:
    """How far from zero half of the joints ``(...,J,2)`` that are there reach: a few wild ones do not matter; 0 if none
    is there."""
    return float(np.median(np.abs(points[detected]).max(-1))) if detected.any() else 0.0


def far_outside(points: np.ndarray, size: tuple | None) -> np.ndarray:
    """Which joints ``(...,J,2)``, pixels, are so far outside of the image that nobody saw them there."""
    side = np.array(size or (MAX_SIDE, MAX_SIDE), float)
    return np.any((points < -FAR * side) | (points > (1 + FAR) * side), axis=-1)


def doubt_pixels(points: np.ndarray, detected: np.ndarray, confidence: np.ndarray, size: tuple) -> str:
    """Why poses ``(D,J,2)`` seem to be no pixels of an image of that size; empty if nothing is strange."""
    sure = detected & (confidence >= 0.5)
    sure = sure if sure.any() else detected
    rows = sure.sum(1) >= max(2, sure.shape[1] // 2)
    if rows.sum() < MIN_ROWS:
        return ''
    sure, points, side = sure[rows], points[rows], np.array(size, float)
    low, high = (pick(np.where(sure[..., None], points, fill), 1) / side for pick, fill in (
        (np.min, np.inf), (np.max, -np.inf)))
    extent, image = high - low, f'the image of {size[0]} x {size[1]}'
    if (extent > 1).any(1).mean() > 0.5:
        return f'most poses are taller or wider than {image}: are width and height swapped, or is image_size another?'
    inside = ((points >= 0) & (points <= side)).all(-1)[sure]
    if inside.mean() < 0.5:
        return (f'{100 * (1 - inside.mean()):.0f} % of the joints lie outside of {image}: are width and height '
                'swapped, or is the origin not its upper left corner?')
    if min(size) > 3 * PERCENT and np.quantile(points[sure], 0.99) <= PERCENT:
        return (f'all poses lie in the upper left {PERCENT} x {PERCENT} pixels of {image}: if they are per cent, '
                'divide them by 100 and pass normalized=True; if the detector saw a smaller picture, pass its '
                'image_size')
    if np.median(extent.max(1)) < SMALL:
        return (f'most poses cover less than {100 * SMALL:.0f} % of the width and height of {image}: pass the '
                'image_size of what the detector saw, or normalized=True for shares of it')
    return ''


def doubt_upright(points: np.ndarray, detected: np.ndarray, skeleton: Skeleton) -> str:
    """Why y seems to point up in poses ``(D,J,2)``: the ankles are above the hips, and these above the shoulders, in
    most poses; empty if not, or if a skeleton has none of them."""
    levels = []
    for part in ('ankle', 'hip', 'shoulder'):
        joints = [number for number, name in enumerate(skeleton.joints) if name.endswith(f'-{part}')]
        seen = detected[:, joints]
        levels.append(np.where(seen.any(1), np.where(seen, points[:, joints, 1], 0).sum(1) / np.maximum(
            seen.sum(1), 1), np.nan))
    ankle, hip, shoulder = levels
    rows = np.isfinite(ankle + hip + shoulder)
    if rows.sum() < MIN_ROWS or ((ankle < hip) & (hip < shoulder))[rows].mean() < UPSIDE_DOWN:
        return ''
    return ('nearly everybody stands upside down: does y point up, or are the images turned? In pixels y points down '
            'from the upper edge')
