"""Pictures and videos as people have them: order, orientation, times, damage, memory."""
import logging
import weakref

import cv2
import numpy as np
import pytest
from helpers.video_files import number_in, numbered_frames, time_mp4, turn_mp4, write_video
from PIL import Image

from mmegopose.files import BadFile
from mmegopose.inference.inputs import PictureFiles, open_images
from mmegopose.inference.inputs.picture_files import natural_key


@pytest.mark.parametrize('codec, suffix', [('mp4v', 'mp4'), ('MJPG', 'avi'), ('MJPG', 'mkv'), ('mp4v', 'mkv')])
def test_a_video_gives_each_frame_once_with_its_time(tmp_path, codec, suffix):
    source = open_images(write_video(tmp_path / f'a.{suffix}', numbered_frames(40), 25.0, codec))
    assert (source.num_frames, source.fps) == (40, 25.0)
    found = list(source)
    assert [number_in(shot.image) for shot in found] == [shot.number for shot in found] == list(range(40))
    assert np.allclose([shot.time for shot in found], np.arange(40) / 25, atol=1e-3)
    assert source.report == dict(read=40)
    assert [shot.number for shot in source] == list(range(40)), 'a second loop begins anew'


def test_colours_are_rgb(tmp_path):
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 220
    for path in (write_video(tmp_path / 'a.avi', [red] * 3, codec='MJPG'), tmp_path / 'a.png'):
        if path.suffix == '.png':
            cv2.imwrite(str(path), red[..., ::-1])
        color = next(iter(open_images(path))).image.reshape(-1, 3).mean(0)
        assert color[0] > 200 and color[1:].max() < 30


def test_a_turned_video_comes_upright(tmp_path):
    frames = numbered_frames(4, 80, 48)
    path = write_video(tmp_path / 'phone.mp4', frames)
    flat = next(iter(open_images(path))).image
    turn_mp4(path)
    upright = next(iter(open_images(path))).image
    assert flat.shape == (48, 80, 3) and upright.shape == (80, 48, 3)
    assert np.array_equal(upright, np.rot90(flat, -1))


def test_times_of_a_variable_frame_rate(tmp_path):
    path = write_video(tmp_path / 'phone.mp4', numbered_frames(40))
    steps = np.array([512 * (1 + (i * 7 % 5) / 2) for i in range(40)])  # 33 to 100 ms
    time_mp4(path, steps)
    found = list(open_images(path))
    assert np.allclose(np.diff([shot.time for shot in found]), steps[:-1] / 15360, atol=1e-6)
    assert [shot.number for shot in found if shot.image is None] == []
    slow = list(open_images(path, fps=240))
    assert np.allclose([shot.time for shot in slow], np.arange(40) / 240)


def test_times_that_stand_still_or_go_back_ascend(tmp_path, monkeypatch):
    path = write_video(tmp_path / 'a.avi', numbered_frames(20), codec='MJPG')

    real = cv2.VideoCapture

    class Broken:
        def __init__(self, name):
            self.real, self.count = real(name), 0

        def __getattr__(self, name):
            return getattr(self.real, name)

        def get(self, key):
            if key != cv2.CAP_PROP_POS_MSEC:
                return self.real.get(key)
            self.count += 1
            return 0.0 if self.count < 8 else -1000 + 33.3 * self.count

    monkeypatch.setattr(cv2, 'VideoCapture', Broken)
    assert (np.diff([shot.time for shot in open_images(path)]) > 0.03).all()


@pytest.mark.parametrize('width, height', [(1, 1), (33, 17), (641, 479)])
def test_odd_sizes(tmp_path, width, height):
    path = tmp_path / 'odd.png'
    cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))
    assert next(iter(open_images(path))).image.shape == (height, width, 3)
    if width > 1:  # pictures end to end: OpenCV writes even sizes only. It tells no times
        frames = [cv2.imencode('.jpg', frame)[1].tobytes() for frame in numbered_frames(9, width, height)]
        (tmp_path / 'odd.mjpeg').write_bytes(b''.join(frames))
        found = list(open_images(tmp_path / 'odd.mjpeg'))
        assert [shot.image.shape for shot in found] == [(height, width, 3)] * 9
        assert (np.diff([shot.time for shot in found]) > 0.02).all()


def test_lost_frames_keep_their_places(tmp_path):
    path = write_video(tmp_path / 'a.mkv', numbered_frames(40), codec='MJPG')
    content = bytearray(path.read_bytes())
    begin, end = int(0.45 * len(content)), int(0.51 * len(content))
    content[begin:end] = bytes(end - begin)
    path.write_bytes(content)
    source = open_images(path)
    found = list(source)
    lost = [shot.number for shot in found if shot.image is None]
    assert 2 <= len(lost) <= 10 and source.report['lost'] == len(lost)
    assert [number_in(shot.image) for shot in found if shot.image is not None] == [
        number for number in range(40) if number not in lost]
    assert np.allclose([shot.time for shot in found], np.arange(40) / 30, atol=0.002)


def test_a_cut_off_video_gives_what_is_there(tmp_path, caplog):
    path = write_video(tmp_path / 'a.mkv', numbered_frames(40), codec='MJPG')
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    source = open_images(path)
    logger = logging.getLogger('mmengine')
    with caplog.at_level(logging.WARNING):
        count = sum(shot.image is not None for shot in source)
    assert 15 <= count <= 22 and source.report['read'] == count
    assert source.report['promised but not there'] == 40 - count, logger.handlers


def test_what_is_no_video_is_one_line(tmp_path):
    path = write_video(tmp_path / 'a.mp4', numbered_frames(20))
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])  # the index of an mp4 stands at its end
    (tmp_path / 'text.mov').write_text('no video')
    (tmp_path / 'empty.avi').write_bytes(b'')
    for name in ('a.mp4', 'text.mov', 'empty.avi'):
        with pytest.raises(BadFile, match=f'{name} cannot be opened as a video') as error:
            open_images(tmp_path / name)
        assert '\n' not in str(error.value)
    with pytest.raises(FileNotFoundError, match='nowhere.mp4'):
        open_images(tmp_path / 'nowhere.mp4')


def test_only_the_picture_at_hand_is_in_memory(tmp_path):
    source = open_images(write_video(tmp_path / 'a.avi', numbered_frames(60), codec='MJPG'))
    seen, most = [], 0
    for shot in source:
        seen.append(weakref.ref(shot.image))
        most = max(most, sum(ref() is not None for ref in seen))
    assert len(seen) == 60 and most <= 2


def test_a_folder_is_in_natural_order(tmp_path):
    for number, frame in enumerate(numbered_frames(12)):
        cv2.imwrite(str(tmp_path / f'frame{number}.png'), frame[..., ::-1])
    (tmp_path / '.frame3.png').write_bytes(b'what a file browser leaves')
    (tmp_path / 'notes.txt').write_text('no picture')
    source = open_images(tmp_path, fps=10)
    assert [number_in(shot.image) for shot in source] == list(range(12))
    assert [shot.time for shot in source] == pytest.approx(np.arange(12) / 10)
    assert natural_key('a') < natural_key('b2') < natural_key('b10') < natural_key('c1')


def test_pictures_come_upright(tmp_path):
    image = numbered_frames(1, 80, 48)[0]
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise
    Image.fromarray(image).save(tmp_path / 'phone.png', exif=exif)
    assert np.array_equal(next(iter(open_images(tmp_path / 'phone.png'))).image, np.rot90(image, -1))


def test_a_damaged_picture_keeps_its_place(tmp_path):
    for number, frame in enumerate(numbered_frames(3)):
        cv2.imwrite(str(tmp_path / f'{number}.png'), frame[..., ::-1])
    (tmp_path / '1.png').write_bytes(b'')
    source = open_images(tmp_path)
    assert [shot.image is None for shot in source] == [False, True, False]
    assert source.report == {'read': 2, 'cannot be read': 1}


def test_arrays_are_pictures():
    frames = numbered_frames(3)
    assert len(list(open_images(frames[0]))) == 1
    assert len(list(open_images(np.stack(frames)))) == 3
    source = PictureFiles(frames)
    assert open_images(source) is source
    for wrong in (frames[0][..., 0], frames[0] / 255.0, [frames[0], 3]):
        with pytest.raises(ValueError, match='RGB'):
            open_images(wrong)


def test_a_folder_without_pictures_says_so(tmp_path):
    with pytest.raises(BadFile, match='holds no picture'):
        open_images(tmp_path)
    with pytest.raises(ValueError, match='fps=0'):
        open_images([tmp_path / 'a.png'], fps=0)
