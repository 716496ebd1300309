"""Frames of a headset out of its recording: only those that are asked for, undistorted, as JPEG files."""
import functools
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from ...files import BadFile, atomic_write, sweep_unfinished
from ...geometry.cameras import undistortion_map
from ..film_frames import FilmFrames, numbers_of_times
from ..image_files import decode_picture
from ..readers.hand_pose.egoexo4d_hand import PINHOLE, SIDE
from .aria_calibration import FRAME, frame_camera

ADVICE = 'download it again'
BLACK = 8           # what JPEG makes of black
MAX_PICTURES = 50   # of which a mask is taken
TRIES = 50          # packets that cannot be decoded, after which the rest is given up


def write_frames(film: Path, folder: Path, numbers: list[int], params: tuple[float, ...], portrait: bool,
                 counts: Counter) -> list[int]:
    """Undistort the frames ``numbers`` of a recording into ``folder/%06d.jpg``; those that are there stay as they are.

    Args:
        film: recording in the upright view of the release, frames are square.
        params: of the camera, for frames of 1408 x 1408, ``(15,)``.
        portrait: write upright pictures; else they lie on their side, as the camera does.
        counts: receives how many were written, were there, and could not be had.

    Returns:
        The frames that could not be had.

    Raises:
        FileNotFoundError, BadFile: there is no recording, or it cannot be read; nothing was written.
    """
    there = {path.name for path in folder.glob('[0-9]*.jpg')}
    wanted = [number for number in sorted(set(numbers)) if f'{number:06d}.jpg' not in there]
    counts['frames that were there'] += len(set(numbers)) - len(wanted)
    if not wanted:
        return []
    sweep_unfinished(folder)
    lost = []
    for number, image in read_frames(film, wanted):
        if image is None:
            lost.append(number)
            continue
        if image.shape[0] != image.shape[1]:
            raise BadFile(f'{film} has frames of {image.shape[1]} x {image.shape[0]} pixels; those of the headset are '
                          'square')
        picture = cv2.remap(image, *frame_map(params, len(image), portrait), cv2.INTER_LINEAR)
        with atomic_write(folder / f'{number:06d}.jpg', 'wb') as file:
            file.write(cv2.imencode('.jpg', picture)[1].tobytes())
        counts['frames written'] += 1
    counts['frames that the recording does not have'] += len(lost)
    return lost


@functools.lru_cache(maxsize=8)
def frame_map(params: tuple[float, ...], size: int, portrait: bool) -> tuple[np.ndarray, np.ndarray]:
    """Maps for cv2.remap from upright frames of ``size`` pixels to the undistorted picture of 512 x 512.

    Args:
        params: of the camera, ``(15,)``.
    """
    lying = _lying_map(params, size)
    outside = (lying < 0).any(-1)
    upright = np.stack([size - 1 - lying[..., 1], lying[..., 0]], -1)
    upright[outside] = lying[outside]
    upright = np.rot90(upright, -1) if portrait else upright
    return cv2.convertMaps(np.ascontiguousarray(upright), None, cv2.CV_16SC2)  # type: ignore[call-overload]


def seen_pixels(params: tuple[float, ...]) -> np.ndarray:
    """``(512,512)`` bool: which pixels of the undistorted picture on its side the lens shows."""
    return np.all(_lying_map(params, FRAME) >= 0, axis=-1)


@functools.lru_cache(maxsize=2)
def _lying_map(params: tuple[float, ...], size: int) -> np.ndarray:
    return undistortion_map(frame_camera(params, size), (size, size), PINHOLE, (SIDE, SIDE))


def seen_in_pictures(folder: Path, portrait: bool) -> np.ndarray | None:
    """As :func:`seen_pixels`, of pictures that are undistorted already: what is not black in all of them.

    None if there are no such pictures.
    """
    seen = np.zeros((SIDE, SIDE), bool)
    for path in sorted(folder.glob('[0-9]*.jpg'))[:MAX_PICTURES]:
        with suppress(OSError):
            picture = cv2.cvtColor(decode_picture(path.read_bytes(), upright=True), cv2.COLOR_RGB2GRAY)
            if picture.shape == seen.shape:
                seen |= picture > BLACK
    if not seen.any():
        return None
    return np.rot90(seen) if portrait else seen


def read_frames(film: Path, numbers: list[int]) -> Iterator[tuple[int, np.ndarray | None]]:
    """Frames ``(H,W,3)`` BGR of ascending ``numbers`` from 0, as they are stored; None where there is none.

    PyAV, where it is installed (``pip install "mmegopose[video]"``), leaps to the key frame before each, so that a few
    frames of a long recording take little time; OpenCV, see :class:`.FilmFrames`. Both count the frames that the file
    promises, whether or not they can be decoded.

    Raises:
        FileNotFoundError: there is no recording.
        BadFile: nothing can be decoded.
    """
    if not film.is_file():
        raise FileNotFoundError(f'there is no recording {film}; get it with egoexo --parts takes --views ego')
    try:
        import av
    except ImportError:
        yield from _frames_by_opencv(film, numbers)
    else:
        yield from _frames_by_pyav(av, film, numbers)


def _frames_by_opencv(film: Path, numbers: list[int]) -> Iterator[tuple[int, np.ndarray | None]]:
    try:
        frames = FilmFrames(film, upright=False)
    except BadFile as error:
        raise BadFile(f'{film}: {error}; {ADVICE}') from None
    try:
        if not frames.has_any():
            raise BadFile(f'{film}: no frame can be decoded; {ADVICE}')
        for number in numbers:
            image = frames.frame(number)
            yield number, image if image is None else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    finally:
        frames.capture.release()


def _frames_by_pyav(av, film: Path, numbers: list[int]) -> Iterator[tuple[int, np.ndarray | None]]:
    try:
        container = av.open(str(film))
        stream = container.streams.video[0]
        packets = [(packet.pts, packet.is_keyframe) for packet in container.demux(stream) if packet.pts is not None]
    except (av.error.FFmpegError, IndexError) as error:
        raise BadFile(f'{film} cannot be opened: it is no recording, or it is cut off ({error}); {ADVICE}') from None
    with container:
        times = sorted({time for time, _ in packets})
        keys = np.array(sorted(time for time, key in packets if key))
        if not times or not len(keys):
            raise BadFile(f'{film}: no frame can be decoded; {ADVICE}')
        wanted = _times_of(container, stream, times, numbers)
        yielded, decoded, place = set(), iter(()), times[0] - 1  # the last time that was decoded
        for time, number in wanted.items():
            key = keys[max(int(np.searchsorted(keys, time, 'right')) - 1, 0)]
            if place < key or place >= time:
                with suppress(av.error.FFmpegError):
                    container.seek(int(key), stream=stream)
                decoded, place = _decode(av, container, stream), key
            for frame in decoded:
                place = frame.pts if frame.pts is not None else place
                if place >= time:
                    break
            else:
                continue
            if place == time:
                yielded.add(number)
                yield number, frame.to_ndarray(format='bgr24')
        yield from ((number, None) for number in numbers if number not in yielded)


def _times_of(container, stream, times: list[int], numbers: list[int]) -> dict[int, int]:
    """Numbers by the times of their packets, in units of the stream; ``times`` are those of all packets, ascending."""
    rate = stream.average_rate or stream.guessed_rate
    if rate is None:
        return {times[number]: number for number in numbers if number < len(times)}
    start = times[0] if stream.start_time is None else stream.start_time
    count = stream.frames or round((container.duration or 0) / 1e6 * rate)
    places = numbers_of_times((np.array(times) - start) * float(stream.time_base * rate), count)
    there = dict(zip(range(len(times)) if places is None else places.tolist(), times))
    return {there[number]: number for number in numbers if number in there}


def _decode(av, container, stream) -> Iterator:
    """Frames from where the container stands; packets that cannot be read or decoded are passed over."""
    packets, failed = container.demux(stream), 0
    while failed < TRIES:
        try:
            yield from next(packets).decode()
        except StopIteration:
            return
        except av.error.FFmpegError:
            failed += 1
