"""Where a camera stands that looks at people, and the projections of everything that it sees, many frames at once."""
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ...motion import Motion
from ...structures import get_skeleton

FIELD_OF_VIEW = np.radians(32)  # of the height
ELEVATION = np.radians(14)
STEPS_M = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0, 250.0, 1e3, 1e6)  # of the grid on the floor
MIN_REACH_M = 0.08       # from the middle to what is farthest, at least
FIXED_UP_TO = 1.5        # times the distance of a view that follows: up to here it stands still
FOLLOW_SECONDS = 1.0     # over which the path of a view that follows is smoothed
NUM_SAMPLES = 2000       # frames from which the view is chosen
FLOOR_SEARCH_M = 0.3     # the floor is at z = 0 if the lowest joint is at most so far above it
MIN_DEPTH_M = 0.02


@dataclass
class View:
    """A camera that may follow and turn.

    Attributes:
        targets: ``(F,3)`` what it looks at in each frame, metres, z up.
        azimuths: ``(F,)`` radians, where it stands around the target.
        distance: from the target, metres.
        focal: pixels.
        center: (x, y) pixels, where the target is seen.
        reach: metres around the target that are seen.
        floor: height of the floor, metres.
    """
    targets: np.ndarray
    azimuths: np.ndarray
    distance: float
    focal: float
    center: tuple
    reach: float
    floor: float

    @property
    def still(self) -> bool:
        """Whether all frames are seen alike."""
        return not (np.ptp(self.targets, 0).any() or np.ptp(self.azimuths))

    @property
    def grid_step(self) -> float:
        """Metres from line to line of the grid on the floor."""
        return next(step for step in STEPS_M if self.reach / step <= 5 or step == STEPS_M[-1])

    def axes(self, rows) -> tuple[np.ndarray, np.ndarray]:
        """Rotation ``(n,3,3)`` from z up to camera axes (x right, y down, z forward) and place ``(n,3)``."""
        a = self.azimuths[rows]
        zero, (sin, cos) = np.zeros_like(a), (np.sin(ELEVATION), np.cos(ELEVATION))
        back = np.stack([cos * np.cos(a), cos * np.sin(a), zero + sin], -1)
        right = np.stack([-np.sin(a), np.cos(a), zero], -1)
        return np.stack([right, np.cross(-back, right), -back], 1), self.targets[rows] + self.distance * back

    def to_camera(self, points: np.ndarray, rows) -> np.ndarray:
        """``(n,...,3)`` with z up, of the frames ``rows (n,)``, in the axes of the camera."""
        turn, place = self.axes(rows)
        flat = points.reshape(len(points), -1, 3) - place[:, None]
        return (flat @ turn.swapaxes(1, 2)).reshape(points.shape)

    def project(self, points: np.ndarray, rows) -> tuple[np.ndarray, np.ndarray]:
        """Pixels ``(n,...,2)`` and depth ``(n,...)`` in metres; NaN for what is behind the camera or NaN."""
        seen = self.to_camera(points, rows)
        depth = np.where(seen[..., 2] > MIN_DEPTH_M, seen[..., 2], np.nan)
        return seen[..., :2] / depth[..., None] * self.focal + self.center, depth

    def floor_lines(self, rows) -> np.ndarray:
        """The grid on the floor around the targets: ends of pieces of lines ``(n,L,2,3)``, the farthest ones first."""
        step, count = self.grid_step, 7
        ticks = np.arange(-count, count + 1) * step
        a, b, c = (axis.ravel() for axis in np.meshgrid(ticks, ticks[:-1], ticks[1:2] - ticks[:1], indexing='ij'))
        along = np.stack([np.stack([a, b], -1), np.stack([a, b + c], -1)], 1)               # (L/2,2,2)
        pieces = np.concatenate([along, along[..., ::-1]])
        pieces = pieces[np.hypot(*pieces.mean(1).T).argsort(kind='stable')[::-1]]
        places = np.round(self.targets[rows, :2] / step) * step
        flat = np.broadcast_to(pieces, (len(places), *pieces.shape)) + places[:, None, None]
        return np.concatenate([flat, np.full_like(flat[..., :1], self.floor)], -1)

    def floor_fading(self) -> np.ndarray:
        """How far off each piece of :meth:`floor_lines` is, ``(L,)``: 0 in the middle, 1 at the border."""
        middle = self.floor_lines(np.zeros(1, int))[0, :, :, :2].mean(1) - np.round(
            self.targets[0, :2] / self.grid_step) * self.grid_step
        return np.clip(np.hypot(*middle.T) / (7 * self.grid_step), 0, 1)


def choose_view(points: np.ndarray, centers: np.ndarray, size: tuple, margins: tuple, fps: float, azimuth: float,
                turn: float = 0.0) -> View:
    """A view that shows everything; it follows people who go far.

    Args:
        points: ``(F,P,3)`` everything that is to be seen, z up, metres; NaN where there is nothing.
        centers: ``(F,3)`` the middle of the people.
        size: width and height of the picture.
        margins: pixels at the top and at the bottom that are taken.
        fps: frames per second.
        azimuth: where the camera stands in the first frame, radians.
        turn: radians per second.

    Raises:
        ValueError: there is nothing to be seen.
    """
    some = np.unique(np.linspace(0, len(points) - 1, NUM_SAMPLES).round().astype(int))
    seen = points[some]
    there = np.isfinite(seen).all(-1)
    if not there.any():
        raise ValueError('there is no valid pose to show')
    low, high = np.percentile(seen[there], (0.5, 99.5), axis=0)
    floor = _floor(seen, there)
    known = np.isfinite(centers).all(-1)
    if known.any():
        followed = np.stack([np.interp(np.arange(len(centers)), np.flatnonzero(known), axis[known])
                             for axis in centers.T[:2]], -1)
        followed = gaussian_filter1d(followed, max(FOLLOW_SECONDS * fps, 1e-3), axis=0, mode='nearest')
    else:
        followed = np.broadcast_to((low + high)[:2] / 2, (len(centers), 2))
    fixed = np.broadcast_to((low + high)[:2] / 2, (len(centers), 2))
    bottom, top = min(floor, low[2]), high[2]
    height = max(top - bottom, MIN_REACH_M)
    usable = max(size[1] - sum(margins), 16)
    focal = size[1] / 2 / np.tan(FIELD_OF_VIEW / 2)

    def needed(path):
        """Radius around the path of everything, and the distance from which it is seen."""
        away = np.linalg.norm(seen[..., :2] - path[some, None], axis=-1)[there]
        radius = max(float(np.percentile(away, 99.5)), MIN_REACH_M)
        half_height = height / 2 * np.cos(ELEVATION) + 0.5 * radius * np.sin(ELEVATION)
        return radius, 1.06 * max(half_height * focal / (usable / 2), radius * focal / (size[0] / 2)) + 0.5 * radius

    (radius, distance), (near_radius, near_distance) = needed(fixed), needed(followed)
    if distance > FIXED_UP_TO * near_distance:
        fixed, radius, distance = followed, near_radius, near_distance
    targets = np.concatenate([fixed, np.full((len(fixed), 1), (top + bottom) / 2)], -1)
    azimuths = azimuth + turn * np.arange(len(targets)) / fps
    return View(targets, azimuths, distance, focal, (size[0] / 2, margins[0] + usable / 2), max(radius, height / 2),
                floor)


def _floor(points: np.ndarray, there: np.ndarray) -> float:
    """Height on which the lowest points ``(F,P,3)`` stand: 0 if they are near it."""
    heights = np.where(there, points[..., 2], np.inf).min(1)
    lowest = float(np.percentile(heights[np.isfinite(heights)], 2))
    return 0.0 if -0.05 <= lowest <= FLOOR_SEARCH_M else lowest


def facing(motion: Motion) -> float | None:
    """Where somebody in a motion with z up looks, radians around z; None for hands or no pose.

    Who turns round is seen along the line in which they look most of the time.
    """
    skeleton = get_skeleton(motion.skeleton)
    pairs = [(i, skeleton.index(name.replace('left', 'right'))) for i, name in enumerate(skeleton.joints)
             if name in ('left-hip', 'left-shoulder')]
    some = np.unique(np.linspace(0, max(len(motion) - 1, 0), 200).round().astype(int))[:len(motion)]
    joints, valid = motion.joints[some], motion.valid[some]
    across = [(joints[:, left] - joints[:, right])[valid[:, left] & valid[:, right], :2] for left, right in pairs]
    ahead = np.concatenate(across) @ [[0, -1], [1, 0]] if across else np.zeros((0, 2))   # turned by -90 degrees
    if not len(ahead) or not np.linalg.norm(ahead, axis=1).max() > 1e-6:
        return None
    number = ahead[:, 0] + 1j * ahead[:, 1]
    line = np.angle((number ** 2).sum()) / 2                  # the square forgets which of both ways along a line
    return float(line if (number * np.exp(-1j * line)).real.sum() >= 0 else line + np.pi)
