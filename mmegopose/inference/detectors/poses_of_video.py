"""From a video and a detector to 2D poses, in the form that the readers of files give."""
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...structures import get_skeleton
from ..inputs.image_sources import open_images
from ..inputs.poses_2d import Collector, Poses2D
from ..inputs.timed_image import ImageSource
from .build import build_detector
from .detection import Detection, as_detections

PARTS = ('body', 'left_hand', 'right_hand')


def detect_in(source: ImageSource, detector: Callable, progress: bool | None = None):
    """Run a detector over the pictures of a source, one after the other.

    Args:
        source: as :func:`.open_images` gives it.
        detector: as :func:`.build_detector` gives it.
        progress: show a progress bar; default: in a terminal.

    Yields:
        Each picture with a list of :class:`.Detection`, which is empty where it is damaged.
    """
    console, joints = Console(stderr=True), get_skeleton(detector.skeleton).num_joints  # type: ignore[attr-defined]
    shown = console.is_terminal if progress is None else progress
    columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task('2D poses', total=source.num_frames)
        for shot in source:
            found: list[Detection] = []
            if shot.image is not None:
                found = as_detections(detector(shot.image, shot.time), joints, shot.name)
            yield shot, found
            bar.advance(task)


def poses_of_video(video, detector: str | dict | Callable = 'mediapipe', *, skeleton: str | None = None,
                   fps: float | None = None, image_size: tuple | None = None, min_confidence: float = 0.0,
                   progress: bool | None = None) -> Poses2D:
    """The 2D poses of everybody in a video, or in pictures that are one.

    One picture at a time is in memory. Frames that cannot be read are frames without anybody; the facts count them.

    Args:
        video: what :func:`.open_images` takes.
        detector: what :func:`.build_detector` takes.
        skeleton: of a detector that does not say.
        fps: see :func:`.open_images`.
        image_size: width and height that the pictures should have, pixels; they are compared.
        min_confidence: joints at or below it are not there.
        progress: show a progress bar; default: in a terminal.

    Raises:
        FileNotFoundError, BadFile: the video cannot be read.
        ValueError: pictures of different sizes, or what a detector returned is no list of people.
        KeyError, ModuleNotFoundError: the detector is not known, or not installed.
    """
    found = collect_poses(open_images(video, fps), build_detector(detector, skeleton), min_confidence, progress)['body']
    if image_size is not None and tuple(image_size) != found.image_size:
        raise ValueError(f'image_size={tuple(image_size)}, but the pictures of {found.facts["source"]} have '
                         f'{found.image_size} pixels')
    return found


def hands_of_video(video, detector: str | dict | Callable = 'mediapipe_hands', *, fps: float | None = None,
                   min_confidence: float = 0.0, progress: bool | None = None) -> dict[str, Poses2D]:
    """The hands in a video: ``'left_hand'`` and ``'right_hand'``, and as ``'body'`` those whose side is not known.

    Arguments and errors are those of :func:`poses_of_video`.
    """
    return collect_poses(open_images(video, fps), build_detector(detector), min_confidence, progress, sides=True)


def collect_poses(source: ImageSource, detector: Callable, min_confidence: float = 0.0, progress: bool | None = None,
                  sides: bool = False) -> dict[str, Poses2D]:
    """Everything that a detector finds, as ``'body'``; with ``sides`` left and right hands are for themselves."""
    skeleton = detector.skeleton  # type: ignore[attr-defined]
    parts = PARTS if sides else PARTS[:1]
    size, times, found = None, [], {part: [] for part in parts}  # type: ignore[var-annotated]
    for shot, people in detect_in(source, detector, progress):
        times.append(shot.time)
        if shot.image is None:
            continue
        size = size or shot.image.shape[1::-1]
        if shot.image.shape[1::-1] != size:
            raise ValueError(f'{shot.name} has {shot.image.shape[1]} x {shot.image.shape[0]} pixels, the pictures '
                             f'before {size[0]} x {size[1]}: those of one video have one size')
        for person in people:
            side = 'body' if person.right is None or not sides else PARTS[1 + bool(person.right)]
            found[side].append((shot.number, person.keypoints, person.confidence, person.person))
    if size is None:
        raise ValueError(f'{source.name}: no picture can be read')
    rate = 1 / float(np.median(np.diff(times))) if len(times) > 1 else source.fps
    facts = dict(detector=type(detector).__name__, pictures=dict(source.report), notes=_told_of_rate(np.diff(times)))
    poses = {}
    for part, rows in found.items():
        collector = Collector(source.name, 'video', skeleton=skeleton, part=part, image_size=size, fps=rate,
                              num_frames=len(times), min_confidence=min_confidence, normalized=False)
        for number, keypoints, confidence, person in rows:
            collector.add(number, keypoints, confidence, person=person)
        poses[part] = replace(collector.finish(), frame_time=np.array(times))
        poses[part].facts.update(facts)
    return poses


def _told_of_rate(intervals: np.ndarray) -> list:
    """A note if frames come at a variable rate."""
    if len(intervals) < 2 or (np.abs(intervals / np.median(intervals) - 1) < 0.25).mean() > 0.95:
        return []
    return [f'the frame rate varies: {1 / intervals.max():.3g} to {1 / intervals.min():.3g} frames a second']
