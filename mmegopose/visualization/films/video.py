"""Moving pictures of motions: MP4 and GIF."""
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from ...motion import Motion
from ...rendering.film_files import write_gif, write_mp4
from ...structures import get_skeleton
from ..comparisons import in_one_place, paired
from .canvas import FAINT, draw_line, draw_text, fixed_point
from .motion_pictures import MotionPictures, person_colors

MAX_FPS = {'.mp4': 60.0, '.gif': 25.0}
"""Frames per second of a file, unless they are given: those of the motion, or every second, third, ... of them."""
USUAL_GIF_FPS = 17.0
MAX_HOURS = 12.0
SIDES = 160, 4096  # pixels
CAMERA_AZIMUTH = -72.0  # degrees: almost where the camera stands that joints are relative to
LONG = 300         # frames, from which on progress is shown


def write_video(motions: Motion | Sequence[Motion], path: str | Path, *,
                truth: Motion | Sequence[Motion | None] | None = None, fps: float | None = None,
                size: tuple[int, int] = (640, 480), video: Iterable | None = None, turn: float = 0.0,
                azimuth: float | None = None, progress: bool | None = None) -> None:
    """Write what people do as a film, with the truth in grey and the error in cm where it is known.

    Shown are skeletons (left blue, right red; several people in a colour each) over a floor, meshes, the camera on the
    head with its path, the time and a strip of when there is a pose. A frame without a pose says so; nothing is
    bridged. The view stands still, or follows people who go far.

    Args:
        motions: of one or several people, in one frame of reference; their times are the same clock.
        path: ``.mp4`` (H.264 with the extra ``video``) or ``.gif``.
        truth: of each of them, in the same frame of reference; it is looked at at the times of the motion.
        fps: frames per second; default: those of the motion or, if there are too many, every second, third, ... frame.
        size: width and height of the picture of the people, pixels, even numbers.
        video: pictures from which the motions were made, shown beside them with the keypoints; anything that yields
            objects with ``time`` (seconds, of the same clock) and ``image`` (``(H,W,3)`` uint8 RGB or None).
        turn: degrees per second by which the view turns.
        azimuth: degrees around z, where the camera stands; default: at an angle before the people.
        progress: show a bar; default: in a terminal, if it takes long.

    Raises:
        ValueError: another ending; no motion, or none with a valid pose; motions or truth of different frames of
            reference; sizes or rates that cannot be.
        OSError: the file cannot be written, on a full disk, say; what was there before is intact.
    """
    motions, truths = paired(motions, truth)
    kind = Path(path).suffix.lower()
    if kind not in MAX_FPS:
        raise ValueError(f'{path} should end in .mp4 or .gif')
    if len(size) != 2 or any(side % 2 or not SIDES[0] <= side <= SIDES[1] for side in size):
        raise ValueError(f'size={size} should be even numbers of pixels, from {SIDES[0]} to {SIDES[1]}')
    fps = _rate(motions, fps, kind)
    time = _times(motions, fps)
    upright, truths, moved = in_one_place(motions, truths)
    if azimuth is None and motions[0].upright() is not motions[0] and (
            motions[0].frame == 'root' or motions[0].head_pose is None):
        azimuth = CAMERA_AZIMUTH
    pictures = MotionPictures(upright, truths, time, fps, tuple(size), turn, azimuth,
                              ', people moved apart' if moved else '')
    images: Iterable = pictures if video is None else _beside(pictures, video)
    console = Console(stderr=True)
    shown = console.is_terminal and len(time) > LONG if progress is None else progress
    images = track(images, Path(path).name, len(time), console=console, transient=True, disable=not shown)
    if kind == '.gif':
        write_gif(images, path, fps)
    else:
        write_mp4(images, path, fps)


def _rate(motions: list, fps: float | None, kind: str) -> float:
    if fps is not None:
        if not 0.1 <= fps <= 2 * MAX_FPS[kind]:
            raise ValueError(f'fps={fps} should be from 0.1 to {2 * MAX_FPS[kind]:g} for {kind}')
        return float(fps)
    rates = [motion.fps for motion in motions if len(motion) > 1]
    if not rates:
        return 1.0
    fastest, most = max(rates), USUAL_GIF_FPS if kind == '.gif' else MAX_FPS[kind]
    return max(fastest / max(np.ceil(fastest / most - 1e-6), 1), 1.0)


def _times(motions: list, fps: float) -> np.ndarray:
    """Seconds of each picture, from the first to the last frame of all."""
    known = [motion for motion in motions if len(motion)]
    if not known:
        raise ValueError('the motion has no frame to show')
    first, last = min(motion.time[0] for motion in known), max(motion.time[-1] for motion in known)
    if last - first > MAX_HOURS * 3600:
        raise ValueError(f'the motion lasts {(last - first) / 3600:.0f} hours, which is more than {MAX_HOURS:g}: cut '
                         'it with motion.cut(start, stop)')
    return first + np.arange(int(np.floor((last - first) * fps + 1e-6)) + 1) / fps


def _beside(pictures: MotionPictures, video: Iterable) -> Iterator[np.ndarray]:
    """The pictures of the camera, with keypoints, left of those of the motions."""
    height, source, image, wide = pictures.size[1], iter(video), None, None
    later = next(source, None)
    for row, (time, world) in enumerate(zip(pictures.time, pictures)):
        while later is not None and later.time <= time + 0.5 / pictures.fps:
            image, later = later.image, next(source, None)
        if wide is None:
            wide = height if image is None else 2 * max(1, round(height * image.shape[1] / image.shape[0] / 2))
        canvas = np.full((height, wide, 3), 40, np.uint8)
        if image is None:
            draw_text(canvas, 'no picture', (wide // 2, height // 2), 2 * pictures.unit, FAINT, 'center')
        else:
            canvas = cv2.resize(image, (wide, height), interpolation=cv2.INTER_AREA)
            _overlay(canvas, pictures, row)
        yield np.concatenate([canvas, world], 1)


def _overlay(canvas: np.ndarray, pictures: MotionPictures, row: int) -> None:
    """Keypoints of everybody over the picture of the camera."""
    for number, (motion, at) in enumerate(zip(pictures.motions, pictures.rows)):
        if motion.keypoints is None or motion.image_size is None or at[row] < 0:
            continue
        edges = np.array(get_skeleton(motion.skeleton).edges)
        points = (motion.keypoints[at[row]] + 0.5) * np.divide(canvas.shape[1::-1], motion.image_size) - 0.5
        there = np.isfinite(points).all(-1)[edges].all(1)
        places = fixed_point(points[edges], canvas.shape[1::-1]).tolist()
        colors = person_colors(motion, number, len(pictures.motions)).tolist()
        for (start, end), color, shown in zip(places, colors, there):
            if shown:
                draw_line(canvas, start, end, (255, 255, 255), pictures.thick + 2)
                draw_line(canvas, start, end, color, pictures.thick)
