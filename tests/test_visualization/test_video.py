import errno
import sys
from itertools import count
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from helpers.standing_motions import head_of, standing
from PIL import Image

from mmegopose.body_models import read_body_model
from mmegopose.motion import Mesh, Motion
from mmegopose.rendering import film_files
from mmegopose.structures import get_skeleton
from mmegopose.visualization import write_video
from mmegopose.visualization.films.motion_pictures import AT_ONCE, MotionPictures, nearest_rows
from mmegopose.visualization.films.motion_views import facing

SIZE = 320, 240


def read(path):
    capture, images = cv2.VideoCapture(str(path)), []
    while True:
        good, image = capture.read()
        if not good:
            return images, capture.get(cv2.CAP_PROP_FPS)
        images.append(image[..., ::-1].astype(int))


def colored(image, color, tolerance=40):
    return int((np.abs(image - color).max(-1) <= tolerance).sum())


def test_mp4_has_every_frame_and_plays_in_browsers(tmp_path):
    av = pytest.importorskip('av')
    motion = standing(20)
    write_video(motion, tmp_path / 'a.mp4', truth=standing(20, shift=(0.3, 0, 0)), size=SIZE)
    images, fps = read(tmp_path / 'a.mp4')
    assert len(images) == 20 and fps == pytest.approx(30, abs=0.01) and images[0].shape == (240, 320, 3)
    with av.open(str(tmp_path / 'a.mp4')) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == 'h264' and stream.codec_context.pix_fmt == 'yuv420p'
    assert [path.name for path in tmp_path.iterdir()] == ['a.mp4']
    drawn = images[10]
    assert colored(drawn, (31, 119, 180)) > 50 and colored(drawn, (214, 39, 40)) > 15  # left and right
    assert colored(drawn, (176, 178, 184), 10) > 100                                    # the truth


def test_without_pyav_another_codec_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'av', None)
    with pytest.warns(UserWarning, match=r'browsers and phones do not: pip install "mmegopose\[video\]"'):
        write_video(standing(8), tmp_path / 'a.mp4', size=SIZE)
    assert len(read(tmp_path / 'a.mp4')[0]) == 8


def test_gif_runs_for_ever_with_times_that_add_up(tmp_path):
    write_video(standing(60), tmp_path / 'a.gif', size=SIZE)
    with Image.open(tmp_path / 'a.gif') as image:
        assert image.n_frames == 30 and image.size == SIZE and image.info['loop'] == 0
        delays = []
        for number in range(image.n_frames):
            image.seek(number)
            delays.append(image.info['duration'])
        assert sum(delays) == pytest.approx(2000, abs=10) and set(delays) <= {60, 70}
        last = np.asarray(image.convert('RGB')).astype(int)
    *_, expected = MotionPictures([standing(60)], [None], np.arange(30) / 15, 15.0, SIZE)
    assert np.abs(last - expected).mean() < 2 and np.abs(last - expected).max() < 60


def pictures_of(motions, truths=None, fps=30.0, **kwargs):
    motions = [motion.upright() for motion in (motions if isinstance(motions, list) else [motions])]
    time = np.arange(round(motions[0].duration * fps) + 1) / fps
    return MotionPictures(motions, truths or [None] * len(motions), time, fps, SIZE, **kwargs)


def test_joints_are_drawn_where_the_view_projects_them():
    motion = standing(3)
    pictures = pictures_of(motion)
    image = next(iter(pictures)).astype(int)
    edges = np.array(get_skeleton('coco17').edges)
    middle = motion.joints[0, edges].mean(1)[None]
    (pixels,), _ = pictures.view.project(middle, np.array([0]))
    names = get_skeleton('coco17').joints
    for (a, b), (x, y) in zip(edges, pixels.round().astype(int)):
        if names[a] == 'left-knee' and names[b] == 'left-hip':
            assert np.abs(image[y, x] - (31, 119, 180)).max() < 30
        assert 0 <= x < 320 and pictures.top <= y < 240 - pictures.bottom and image[y, x].min() < 200


def test_view_looks_at_the_face():
    assert facing(standing(5)) == pytest.approx(0, abs=1e-6)
    nose, ear = (pictures_of(standing(2)).view.to_camera(standing(2).joints[:1, joints].mean(1), np.array([0]))[0, 2]
                 for joints in ([0], [3, 4]))
    assert nose < ear  # nearer to the camera
    assert facing(Motion(np.zeros(1), np.random.default_rng(0).normal(size=(1, 21, 3)), 'hand21')) is None


def test_view_follows_who_goes_far_and_turns():
    near, far = standing(90), standing(90)
    object.__setattr__(far, 'joints', far.joints + np.linspace(0, 40, 90)[:, None, None] * [1.0, 0, 0])
    assert pictures_of(near).view.still and not pictures_of(far).view.still
    view = pictures_of(far).view
    (pixels,) = view.project(far.joints.mean(1)[45:46], np.array([45]))[:1]
    assert np.abs(pixels[0, 0] - 160) < 40
    turning = pictures_of(near, turn=10.0)
    assert np.degrees(turning.view.azimuths[60] - turning.view.azimuths[0]) == pytest.approx(20)
    first, *_, last = (image.copy() for image in turning)
    assert (first[60:150] != last[60:150]).mean() > 0.02


def test_pictures_of_all_chunks_are_those_of_each_alone():
    motion = standing(AT_ONCE + 5)
    pictures = pictures_of(motion)
    late = [image.copy() for image in pictures][AT_ONCE + 2]
    ends = pictures._bones(np.array([AT_ONCE + 2]))[0]
    assert len(ends) == len(get_skeleton('coco17').edges)
    (start, _), color, _ = ends[-1]
    x, y = np.array(start) // 16
    assert np.abs(late[y - 1:y + 2, x - 1:x + 2].astype(int) - color).max(-1).min() < 60


def test_holes_are_told_and_not_bridged():
    valid = np.ones((30, 17), bool)
    valid[10:20] = False
    motion = standing(30, valid=valid)
    images = [image.copy().astype(int) for image in pictures_of(motion)]
    for number, image in enumerate(images):
        upper = image[:240 - pictures_of(motion).bottom]
        hole = 10 <= number < 20
        assert (colored(upper, (31, 119, 180)) == 0) == hole and (colored(upper, (190, 40, 60), 20) > 20) == hole
    assert colored(images[0], (248, 222, 226), 4) > 150  # rose in the strip


def test_error_stands_in_the_corner(monkeypatch):
    from mmegopose.visualization.films import motion_pictures
    written = []
    monkeypatch.setattr(motion_pictures, 'draw_text', lambda image, text, *args, **kw: written.append(text) or 10)
    motion = standing(4, person='wearer')
    list(pictures_of(motion, [standing(4, shift=(0.03, 0.04, 0))]))
    assert written.count('5.0 cm') == 4 and '0.03 s' in written and 'truth' in written
    written.clear()
    filled = standing(4, filled=np.ones(4, bool))
    list(pictures_of([motion, filled], [None, None]))
    assert 'wearer' in written and 'person 1' in written and '2 of 2 people, input filled in' in written
    assert not any(text.endswith(' cm') for text in written)


def test_head_track_is_drawn_with_its_path_and_without_poses(tmp_path):
    motion = standing(30)
    alone = Motion(motion.time, motion.joints, 'coco17', valid=np.zeros((30, 17), bool), head_pose=head_of(motion),
                   head_valid=np.arange(30) < 20)
    images = [image.copy().astype(int) for image in pictures_of(alone)]
    above = 240 - pictures_of(alone).bottom
    orange = [colored(image[:above], (235, 140, 0)) for image in images]
    assert min(orange[:20]) > 10 and max(orange[20:]) == 0
    assert colored(images[15][:above], (245, 200, 140), 12) > 3


def test_mesh_is_drawn_where_there_is_one():
    body = read_body_model('open_hand')
    vertices = np.tile(np.float32(body.v_template), (3, 1, 1))
    joints = np.zeros((3, 21, 3)) + vertices.mean(1, keepdims=True)
    joints = joints + np.random.default_rng(0).normal(0, 0.03, (1, 21, 3))
    valid = np.ones((3, 21), bool)
    valid[1] = False
    motion = Motion(np.arange(3) / 30, joints, 'hand21', frame='camera', valid=valid,
                    mesh=Mesh(vertices, body.f))
    first, hole, _ = (image.copy().astype(int) for image in pictures_of(motion))
    bluish = [(image[..., 2] - image[..., 0] > 25).mean() for image in (first, hole)]
    assert bluish[0] > 0.03 and bluish[1] < 0.2 * bluish[0]


def test_pictures_of_the_camera_stand_beside(tmp_path):
    images = [SimpleNamespace(time=k / 30, image=np.full((100, 80, 3), 30 * k, np.uint8) if k != 3 else None)
              for k in range(6)]
    keypoints = np.full((6, 17, 2), np.nan)
    keypoints[5, [5, 7]] = [[20, 100], [140, 100]]  # an arm, in a video that was twice as large
    motion = standing(6, keypoints=keypoints, image_size=(160, 200))
    write_video(motion, tmp_path / 'a.mp4', size=SIZE, video=images)
    frames, _ = read(tmp_path / 'a.mp4')
    assert frames[0].shape == (240, 192 + 320, 3)
    assert [round(frame[20:200, 40:150].mean()) for frame in frames[:3]] == pytest.approx([0, 30, 60], abs=6)
    assert frames[3][:100, :190].mean() == pytest.approx(40, abs=6)  # no picture
    assert colored(frames[5][:, :192], (31, 119, 180)) > 100 and colored(frames[4][:, :192], (31, 119, 180)) == 0


def test_people_are_shown_by_their_own_times():
    assert nearest_rows(np.arange(5) / 10, np.arange(13) / 30, 30.0).tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4]
    assert nearest_rows(np.array([0.0, 1.0, 5.0]), np.array([0.1, 3.0, 5.2, 9.0]), 2.0).tolist() == [0, -1, 2, -1]
    assert nearest_rows(np.zeros(0), np.arange(3), 1.0).tolist() == [-1] * 3


def test_forty_people_and_one_frame(tmp_path):
    crowd = [standing(3, shift=(k % 8, k // 8, 0)) for k in range(40)]
    write_video(crowd, tmp_path / 'crowd.gif', size=SIZE)
    with Image.open(tmp_path / 'crowd.gif') as image:
        assert image.n_frames == 2
    write_video(standing(1), tmp_path / 'one.mp4', size=SIZE)
    assert len(read(tmp_path / 'one.mp4')[0]) == 1


def test_an_hour_streams(tmp_path, monkeypatch):
    """Pictures are asked for one by one, and hold nothing of those before."""
    hour = standing(108000)
    pictures, seen = pictures_of(hour), []
    for number, image in zip(count(), pictures):
        seen.append(id(image))
        if number == 2 * AT_ONCE:
            break
    assert len(set(seen)) == 1 and len(pictures.time) == 108000


@pytest.mark.parametrize(('change', 'message'), [
    (dict(path='a.avi'), 'should end in .mp4 or .gif'),
    (dict(size=(321, 240)), 'even numbers of pixels'),
    (dict(fps=0), 'fps=0 should be from 0.1 to 120'),
    (dict(motions=[]), 'no motion to show'),
    (dict(motions=standing(5)[:0]), 'no frame to show'),
    (dict(motions=Motion(np.arange(3.0), np.full((3, 17, 3), np.nan), 'coco17')), 'no valid pose to show'),
    (dict(motions=[standing(3), standing(3).to_root()]), 'relative to root and world cannot be shown in one picture'),
    (dict(truth=[standing(3)] * 2), 'there are 1 motions, but the truth of 2'),
    (dict(truth=standing(3).to_root()), "the truth is in the frame 'root'"),
    (dict(truth=np.zeros((3, 17, 3))), 'should be a Motion, which knows its times'),
    (dict(motions=Motion(np.array([0.0, 1e6]), np.zeros((2, 17, 3)), 'coco17')), 'lasts 278 hours'),
])
def test_mistakes_are_one_line(tmp_path, change, message):
    options = dict(motions=standing(3), path='a.mp4', size=SIZE) | change
    with pytest.raises(ValueError, match=message):
        write_video(options.pop('motions'), tmp_path / options.pop('path'), **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', ['a.mp4', 'a.gif'])
def test_full_disk_leaves_what_was_there(tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(b'old')

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(film_files, '_gif_blocks', full)
    monkeypatch.setattr('av.VideoFrame.from_ndarray' if name == 'a.mp4' else 'os.fsync', full)
    with pytest.raises(OSError, match=f'No space left.*{name}'):
        write_video(standing(3), tmp_path / name, size=SIZE)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b'old']
