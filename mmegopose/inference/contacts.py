"""Where the floor is and when the feet stand on it, from the motion alone: reported, never put into the motion."""
from dataclasses import dataclass, replace

import numpy as np

from ..motion import Motion
from ..structures import get_skeleton

STILL = 0.15      # m/s: 5 mm a frame at 30 frames a second, as in HuMoR (Rempe et al., ICCV 2021)
SPEED_SPAN = 1 / 15     # seconds over which speeds are taken
BAND = 0.03       # metres of height in which still feet stand on the same floor
SHARE = 0.25      # of the fullest band of heights: what is fuller may be the floor
MIN_FRAMES = 5
# Height of a standing joint, and how much higher it still counts as standing. Ankles: the median of motion capture,
# whose people and floors vary by 2 cm; toes: as in HuMoR.
STANDING = dict(toe=(0.02, 0.02), foot=(0.02, 0.02), heel=(0.03, 0.02), ankle=(0.075, 0.04))


@dataclass(frozen=True, eq=False, repr=False)
class FootContacts:
    """What is known of the floor and of the feet on it.

    Attributes:
        floor: height of the floor, metres along z; NaN if no foot ever stands still.
        spread: standard deviation of the heights that it was found from, metres. The floor is known to about 3 cm.
        num_frames: still frames that it was found from.
        joints: names of the F joints that were looked at.
        contact: ``(T,F)`` bool: the joint stands on the floor.
        valid: ``(T,F)`` bool: whether it stands is known.
        sliding: ``(F,)`` mean level speed of each joint while it stands, m/s.
    """
    floor: float
    spread: float
    num_frames: int
    joints: tuple
    contact: np.ndarray
    valid: np.ndarray
    sliding: np.ndarray

    def __repr__(self) -> str:
        return f'FootContacts({self.describe()})'

    def describe(self) -> str:
        """What to tell a person."""
        if np.isnan(self.floor):
            return 'the floor was not found: no foot stands still'
        shares = ', '.join(f'{name} {100 * share:.0f} %' for name, share in zip(
            self.joints, self.contact.sum(0) / np.maximum(self.valid.sum(0), 1)))
        return f'floor at {self.floor:.3f} m (+- {max(self.spread, 0.03):.3f}), from {self.num_frames} still frames; ' \
               f'on it: {shares}'


def foot_contacts(motion: Motion, floor: float | None = None, still: float = STILL) -> FootContacts:
    """Floor and foot contacts of a motion in the world.

    A joint of a foot is still if it moves at less than ``still``; the floor is the lowest height at which many are.
    Who climbs stands on many floors: the lowest is found.

    Args:
        motion: in a world with z up.
        floor: its height if it is known, metres.
        still: m/s; more for a motion that trembles.

    Raises:
        ValueError: a motion in another frame of reference, or a skeleton without feet.
    """
    if motion.frame != 'world':
        raise ValueError(f'a floor is in the world; the joints are relative to the {motion.frame}')
    names = get_skeleton(motion.skeleton).joints
    kinds = {joint: kind for joint, name in enumerate(names) for kind in STANDING if name.endswith(kind)}
    if not kinds:
        raise ValueError(f'skeleton {motion.skeleton!r} has no joint of a foot')
    feet = list(kinds)
    rest, slack = np.array([STANDING[kinds[joint]] for joint in feet]).T                   # (F,)
    speed, known = _level_speed(motion, feet)
    points = motion.joints[:, feet].astype(np.float64)                                      # (T,F,3)
    height = np.where(motion.valid[:, feet], points[..., 2], np.nan) - rest                 # of the floor, if it stands
    moving = known & (_speed(motion, feet) >= still)
    quiet = known & ~moving
    spread, number = 0.0, int(quiet.sum())
    if floor is None:
        floor, spread, number = _lowest_band(height[quiet])
    contact = quiet & (height - floor < slack) if np.isfinite(floor) else np.zeros_like(quiet)
    sliding = np.where(contact, speed, 0).sum(0) / np.maximum(contact.sum(0), 1)
    return FootContacts(float(floor), spread, number, tuple(names[joint] for joint in feet), contact,
                        known & np.isfinite(floor), sliding)


def on_floor(motion: Motion, contacts: FootContacts | None = None) -> Motion:
    """The motion moved up or down so that its floor is at z = 0; head track and mesh with it, and told in provenance.

    Raises ``ValueError`` if the floor is not known.
    """
    contacts = foot_contacts(motion) if contacts is None else contacts
    if not np.isfinite(contacts.floor):
        raise ValueError('the floor is not known: no foot stands still')
    shift = np.eye(4)
    shift[2, 3] = -contacts.floor
    head = None if motion.head_pose is None else shift @ motion.head_pose
    return replace(motion.moved(shift, 'world'), head_pose=head,
                   provenance=motion.provenance | dict(floor=contacts.floor))


def _speed(motion: Motion, feet: list) -> np.ndarray:
    return np.linalg.norm(_velocity(motion, feet)[0], axis=-1)


def _level_speed(motion: Motion, feet: list) -> tuple[np.ndarray, np.ndarray]:
    velocity, known = _velocity(motion, feet)
    return np.linalg.norm(velocity[..., :2], axis=-1), known


def _velocity(motion: Motion, feet: list) -> tuple[np.ndarray, np.ndarray]:
    """Velocity ``(T,F,3)`` from the frames about :data:`SPEED_SPAN` before and after, and where known ``(T,F)``."""
    time, valid = motion.time, motion.valid[:, feet]
    points = np.where(valid[..., None], motion.joints[:, feet], 0).astype(np.float64)
    rows = np.arange(len(time))
    before = np.minimum(np.searchsorted(time, time - SPEED_SPAN - 1e-6), rows)
    after = np.maximum(np.searchsorted(time, time + SPEED_SPAN + 1e-6) - 1, rows)
    span = (time[after] - time[before])[:, None]
    known = valid & valid[before] & valid[after] & (span > 0) & (span < 4 * SPEED_SPAN)
    velocity = (points[after] - points[before]) / np.maximum(span, 1e-9)[..., None]
    return np.where(known[..., None], velocity, 0), known


def _lowest_band(height: np.ndarray) -> tuple[float, float, int]:
    """Median, spread and number of the heights in the lowest band in which there are many."""
    height = np.sort(height[np.isfinite(height)])
    if len(height) < MIN_FRAMES:
        return float('nan'), float('nan'), len(height)
    number = np.searchsorted(height, height + BAND, 'right') - np.arange(len(height))
    first = int(np.argmax(number >= max(MIN_FRAMES, SHARE * number.max())))
    if number[first] < MIN_FRAMES:
        return float('nan'), float('nan'), int(number[first])
    band = height[first:first + number[first]]
    return float(np.median(band)), float(band.std()), len(band)
