"""How well the self-tests work: mistakes planted in tracks that are known to be right."""
from collections.abc import Callable, Iterable

import numpy as np

from .....geometry.conventions import PRESETS, PoseConvention
from ...times import TIME_UNITS
from .plausibility import find_problems
from .posture import reorder_quaternions

RIGHT = PoseConvention()


def _read_as(true: PoseConvention, said: PoseConvention = RIGHT) -> Callable:
    """A track in a file of the convention ``true``, imported as if it were ``said``."""
    return lambda time, poses: (time, true.from_standard(poses), said)


def _times(true: str, said: str) -> Callable:
    return lambda time, poses: (time * TIME_UNITS[said] / TIME_UNITS[true], poses, RIGHT)


MISTAKES = dict(  # name: (kinds of problem that name it, track -> time, poses of the file, convention said)
    camera_rolled_90=(('axes',), _read_as(PoseConvention(camera='up right forward'))),
    camera_rolled_180=(('axes',), _read_as(PoseConvention(camera='left up forward'))),
    camera_rolled_270=(('axes',), _read_as(PoseConvention(camera='down left forward'))),
    opengl_camera=(('axes',), _read_as(PoseConvention(camera='opengl'))),
    ros_body=(('axes',), _read_as(PRESETS['ros'])),
    y_up=(('axes',), _read_as(PoseConvention('y'))),
    y_down=(('axes',), _read_as(PoseConvention('-y'))),
    z_down=(('axes',), _read_as(PoseConvention('-z'))),
    x_up=(('axes',), _read_as(PoseConvention('x'))),
    openxr_as_opencv=(('axes',), _read_as(PRESETS['openxr'])),
    opencv_as_openxr=(('axes',), _read_as(RIGHT, PRESETS['openxr'])),
    inverse=(('direction',), _read_as(PoseConvention(direction='world_to_camera'))),
    inverse_openxr=(('direction',), _read_as(PoseConvention('y', 'opengl', 'world_to_camera'), PRESETS['openxr'])),
    millimetres=(('unit',), _read_as(PoseConvention(unit='mm'))),
    centimetres=(('unit',), _read_as(PoseConvention(unit='cm'))),
    metres_as_millimetres=(('unit',), _read_as(RIGHT, PoseConvention(unit='mm'))),
    metres_as_centimetres=(('unit',), _read_as(RIGHT, PoseConvention(unit='cm'))),
    milliseconds=(('time unit',), _times('ms', 's')),
    microseconds=(('time unit',), _times('us', 's')),
    nanoseconds=(('time unit',), _times('ns', 's')),
    seconds_as_milliseconds=(('time unit',), _times('s', 'ms')),
    nanoseconds_as_microseconds=(('time unit',), _times('ns', 'us')))

WEAK = dict(  # rarely seen: most of these tracks look like heads
    quaternion_order=(('quaternion',), lambda time, poses: (time, reorder_quaternions(poses, 'wxyz'), RIGHT)))


def measure(tracks: Iterable, mistakes: dict | None = None) -> dict:
    """Plant each mistake in each track.

    Args:
        tracks: ``(time (N,), poses (N,4,4))`` of right tracks: seconds, camera to world, right down forward, z up.
        mistakes: as :data:`MISTAKES`.

    Returns:
        ``{name: dict(caught, named, number)}``: the shares of tracks in which any problem was found, and in which its
        kind was the right one; under ``'none'`` the tracks as they are, of which none should be caught.
    """
    mistakes = dict(none=((), _read_as(RIGHT))) | (MISTAKES | WEAK if mistakes is None else mistakes)
    found = {name: [] for name in mistakes}
    for time, poses in tracks:
        for name, (kinds, plant) in mistakes.items():
            file_time, file_poses, said = plant(time, poses)
            problems = find_problems(file_poses, file_time, np.zeros(len(poses), int), said, other_order='xyzw')
            found[name].append((bool(problems), bool(problems) and problems[0].kind in kinds))
    return {name: dict(caught=float(np.mean([c for c, _ in hits])), named=float(np.mean([n for _, n in hits])),
                       number=len(hits)) for name, hits in found.items()}


def restarted(tracks: Iterable, seed: int = 0) -> list:
    """The tracks ``(time, poses)`` as a headset without a room gives them: from the first pose on, any heading."""
    random, out = np.random.default_rng(seed), []
    for time, poses in tracks:
        angle, turn = random.uniform(0, 2 * np.pi), np.eye(4)
        turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        poses = poses.copy()
        poses[:, :3, 3] -= poses[0, :3, 3]
        out.append((time, turn @ poses))
    return out
