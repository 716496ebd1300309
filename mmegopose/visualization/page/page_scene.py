"""How people stand on the page, where its floor is, and from where they are seen first."""
import numpy as np

from ...motion import Motion
from ..films.motion_views import facing

FLOOR_NEAR = -0.05, 0.3  # metres: the floor of a world is at z = 0 if the lowest joints are so high
FAR = 1000.0             # metres: places that are farther off count from their middle
FOLLOWED = 1.6           # times their size: the view moves with people who go farther
ASIDE = 0.9              # of the size, between people whose places are not known
SHARES = (0.005, 0.995)  # of the joints, which are looked at: a few may be anywhere


def arrange(motions: list, shown: list, truths: list) -> tuple[dict, list]:
    """What is the same for all people.

    Args:
        motions: as they were given.
        shown: with z up.
        truths: with z up, or None.

    Returns:
        ``sizes`` and ``shifts`` of each person, ``origin``, and values of the ``page``; and sentences of what is not as
        in the files.
    """
    notes = []
    sizes = [_size(motion) for motion in shown]
    places = [motion.joints[motion.valid] for motion in shown] + [
        truth.joints[truth.valid] for truth in truths if truth is not None]
    low, high = np.quantile(np.concatenate(places).astype(np.float64), SHARES, axis=0)
    origin = np.where(np.abs(low + high) / 2 > FAR, np.round((low + high) / 2), 0.0)
    if origin.any():
        notes.append(f'Places count from x = {origin[0]:.0f}, y = {origin[1]:.0f}, z = {origin[2]:.0f} m.')
    floor, told = _floor(shown)
    shifts, persons = [np.zeros(3) for _ in shown], list(dict.fromkeys(motion.person for motion in motions))
    half = np.maximum((high - low) / 2, 1e-3)
    if motions[0].frame == 'root' and len(persons) > 1:
        notes.append('Where people were is not known: they stand side by side.')
        width = ASIDE * max(sizes)
        for shift, motion in zip(shifts, motions):
            shift[0] = (persons.index(motion.person) - (len(persons) - 1) / 2) * width
        half[0] += (len(persons) - 1) / 2 * width
    follow = bool(2 * np.hypot(*half[:2]) > FOLLOWED * max(sizes) and len(persons) < 4 and motions[0].frame != 'root')
    reach = max(0.66 * max(sizes), 1.15 * half[2]) if follow else max(1.2 * half[2], 1.15 * half[:2].max())
    if any(motion.mesh is not None for motion in shown):
        reach *= 1.2  # a surface is larger than its joints
    middle = (low + high) / 2 - origin
    return dict(sizes=sizes, shifts=shifts, origin=origin, page=dict(
        yaw=_yaw(motions[0], shown[0]), reach=float(reach), middle=middle.tolist(), floor=floor - float(origin[2]),
        floor_told=told, follow=follow, in_place=motions[0].frame == 'root',
        camera=(-origin).tolist() if motions[0].frame == 'camera' and motions[0].head_pose is None else None)), notes


def _size(motion: Motion) -> float:
    """How large a person or hand is, metres: the diagonal of the box around its joints in most frames."""
    rows = np.flatnonzero(motion.valid.sum(1) > 1)
    if not len(rows):
        return 1.0
    there, joints = motion.valid[rows, :, None], motion.joints[rows]
    spans = np.where(there, joints, -np.inf).max(1) - np.where(there, joints, np.inf).min(1)
    return max(float(np.quantile(np.linalg.norm(spans, axis=-1), 0.75)), 1e-2)


def _floor(shown: list) -> tuple[float, str]:
    """Height of the floor, and what is told of it."""
    lowest = np.concatenate([np.where(motion.valid, motion.joints[..., 2], np.inf).min(1) for motion in shown])
    lowest = float(np.quantile(lowest[np.isfinite(lowest)], 0.05))
    if shown[0].frame == 'world' and FLOOR_NEAR[0] <= lowest <= FLOOR_NEAR[1]:
        return 0.0, ''
    return lowest, ', at the lowest joints'


def _yaw(motion: Motion, shown: Motion) -> float:
    """Where the viewer stands, radians around z: before the person, or where the camera was."""
    seen = motion.frame == 'camera' or motion.frame == 'root' and motion.provenance.get('axes') != 'world'
    if not seen:
        ahead = facing(shown)
        if ahead is not None:
            return ahead + 0.55
    return -np.pi / 2 + (0.0 if motion.skeleton.startswith('hand') else 0.3)
