"""Frames of a video by their numbers, whatever the decoder leaves out."""
from fractions import Fraction

import cv2
import numpy as np
import pytest
from helpers.video_files import number_in, numbered_frames, time_mp4, write_video

from mmegopose.datasets.converters.egoexo4d_frames import _frames_by_opencv, _frames_by_pyav
from mmegopose.datasets.film_frames import FilmFrames, numbers_of_times

COUNT, GROUP = 200, 20
ORDERS = {'one after the other': range(COUNT), 'few': range(3, COUNT, 41),
          'any': np.random.default_rng(0).permutation(COUNT)[:50]}


def seen(image):
    return -1 if image is None else number_in(image)


def found(path, numbers=range(COUNT)):
    """The numbers in the pictures, by those that were asked for; -1: there is none."""
    film = FilmFrames(path)
    return {number: seen(film.frame(number)) for number in map(int, numbers)}


def by_opencv(path, numbers=range(COUNT)):
    return {number: seen(image) for number, image in _frames_by_opencv(path, [*numbers])}


def by_pyav(path, numbers=range(COUNT)):
    av = pytest.importorskip('av')
    return {number: seen(image) for number, image in _frames_by_pyav(av, path, [*numbers])}


def write_h264(path, ticks):
    """A group of pictures after the other, at times in units of 1/3000 s; where their packets are, ``(n,2)``."""
    av = pytest.importorskip('av')
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=30, options=dict(bf='0', sc_threshold='0'))
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, 'yuv420p', GROUP
        stream.codec_context.time_base = Fraction(1, 3000)
        for tick, image in zip(ticks, numbered_frames(len(ticks))):
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            frame.pts, frame.time_base = int(tick), Fraction(1, 3000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize('numbers', ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize('read', [found, by_opencv, by_pyav])
@pytest.mark.parametrize('name', ['a.mp4', 'a.avi', 'a.mkv'])
def test_an_intact_video_of_constant_rate_gives_every_frame(tmp_path, monkeypatch, name, read, numbers):
    write_video(tmp_path / name, numbered_frames(COUNT))
    monkeypatch.setattr(FilmFrames, '_read_times', lambda film: pytest.fail('the times of all packets were read'))
    numbers = numbers if read is found else sorted(numbers)
    assert all(number == there for number, there in read(tmp_path / name, numbers).items())


@pytest.mark.parametrize('numbers', ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize('read', [found, by_opencv, by_pyav])
@pytest.mark.parametrize('name', ['uneven.mp4', 'uneven.mkv', 'dropped.mp4'])
def test_a_video_of_variable_rate_gives_every_frame_by_its_count(tmp_path, name, read, numbers):
    rng, numbers = np.random.default_rng(1), numbers if read is found else sorted(numbers)
    steps = rng.choice([50, 100, 170], COUNT) if 'uneven' in name else 100 * (1 + (rng.random(COUNT) < 0.1))
    write_h264(tmp_path / name, np.cumsum(steps))
    assert all(number == there for number, there in read(tmp_path / name, numbers).items())


def test_a_video_whose_first_frames_stand_longer(tmp_path):
    write_video(tmp_path / 'a.mp4', numbered_frames(COUNT))
    time_mp4(tmp_path / 'a.mp4', [5120] * 2 + [512] * (COUNT - 2))
    assert found(tmp_path / 'a.mp4') == by_opencv(tmp_path / 'a.mp4') == {number: number for number in range(COUNT)}


@pytest.mark.parametrize('numbers', ORDERS.values(), ids=ORDERS)
def test_pictures_that_the_decoder_leaves_out_shift_no_number(tmp_path, monkeypatch, numbers):
    real, left_out = cv2.VideoCapture, {0, 1, 30, 31, 32, 77, 120, 198, 199}

    class Leaky:
        def __init__(self, path):
            self.capture, self.raw = real(path), False

        def set(self, key, value):
            self.raw |= key == cv2.CAP_PROP_FORMAT
            return self.capture.set(key, value)

        def grab(self):
            while (good := self.capture.grab()) and not self.raw:
                if round(self.capture.get(cv2.CAP_PROP_POS_MSEC) * 0.03) not in left_out:
                    break
            return good

        def __getattr__(self, name):
            return getattr(self.capture, name)

    write_video(tmp_path / 'a.mp4', numbered_frames(COUNT))
    monkeypatch.setattr(cv2, 'VideoCapture', Leaky)
    expected = {int(number): -1 if number in left_out else number for number in numbers}
    assert found(tmp_path / 'a.mp4', numbers) == expected
    assert by_opencv(tmp_path / 'a.mp4', sorted(numbers)) == expected


@pytest.mark.parametrize('read', [found, by_opencv, by_pyav])
@pytest.mark.parametrize('name', ['a.mp4', 'a.mkv'])
def test_a_damaged_part_shifts_no_number(tmp_path, name, read):
    """What the decoder conceals lies before the next key frame; from there on each frame is the right one."""
    packets = write_h264(tmp_path / name, 100 * np.arange(COUNT))
    for seed in range(4):
        rng, content = np.random.default_rng(seed), bytearray((tmp_path / name).read_bytes())
        first = 25 + 40 * seed
        place, end = packets[first][0] + 3, sum(packets[first + 8])
        content[place:end] = rng.integers(0, 256, end - place, np.uint8).tobytes()
        (damaged := tmp_path / f'damaged_{name}').write_bytes(content)
        there = read(damaged)
        group = range(first // GROUP * GROUP, (first // GROUP + 1) * GROUP)
        resumed = group.stop + (GROUP if name.endswith('.mkv') else 0)  # mkv loses what follows a lost cluster's start
        assert all(there[n] in (n, -1) for n in range(COUNT) if n not in group)
        assert all(there[n] == n for n in range(COUNT) if n < group.start - 2 or n >= resumed)


def test_numbers_of_times():
    slots = np.array([0, 1, 2, 3, 4.04, 9, 10, 11, 12])
    assert numbers_of_times(slots, 13).tolist() == [0, 1, 2, 3, 4, 9, 10, 11, 12]
    assert numbers_of_times(slots, 9).tolist() == list(range(9))
    assert numbers_of_times(1.3 * slots, 13).tolist() == list(range(9))
    assert numbers_of_times(np.array([0., 0, 1]), 3) is None and numbers_of_times(np.zeros(0), None) is None
