"""Adapters of 2D detectors, and from a video to 2D poses."""
import sys

import numpy as np
import pytest
from helpers.fake_detectors import fake_mediapipe, fake_rtmlib
from helpers.video_files import number_in, numbered_frames, write_video

from mmegopose.inference import track_people
from mmegopose.inference.detectors import build_detector, hands_of_video, poses_of_video
from mmegopose.registry import DETECTORS

STEPS = np.linspace(-0.5, 0.5, 33)
PERSON = np.stack([0.04 * np.sin(9 * STEPS), 0.3 * STEPS], -1)  # about its middle, shares of the picture


def moving_frames(count=60, width=200, height=200):
    return [np.full((height, width, 3), 100, np.uint8) for _ in range(count)]


class Dots:
    """A detector of one's own: a person at the bright squares of :func:`numbered_frames`."""
    skeleton = 'coco17'

    def __call__(self, image, time):
        number = number_in(image)
        if number % 5 == 4:
            return None
        points = np.stack([np.full(17, 10.0 + number), np.linspace(10, 40, 17)], -1)
        confidence = np.full(17, 0.7)
        confidence[3], points[4] = 0, np.nan
        return [(points, confidence)]


def test_a_video_and_a_callable_give_poses(tmp_path):
    path = write_video(tmp_path / 'a.mp4', numbered_frames(20), 25.0)
    poses = poses_of_video(path, Dots())
    assert (poses.num_frames, poses.image_size, poses.skeleton) == (20, (64, 48), 'coco17')
    assert poses.fps == pytest.approx(25)
    assert poses.frame.tolist() == [number for number in range(20) if number % 5 != 4]
    assert np.allclose(poses.keypoints[:, 0, 0], 10 + poses.frame)
    assert (poses.detected == [joint not in (3, 4) for joint in range(17)]).all()
    assert poses.facts['pictures'] == dict(read=20) and poses.facts['source'] == str(path)
    track, = track_people(poses)
    assert len(track) == 19 and track.filled_frames.sum() == 3


def test_damaged_pictures_are_frames_without_anybody(tmp_path):
    import cv2
    for number, frame in enumerate(numbered_frames(4)):
        cv2.imwrite(str(tmp_path / f'{number}.png'), frame[..., ::-1])
    (tmp_path / '2.png').write_bytes(b'nothing')
    poses = poses_of_video(tmp_path, Dots(), fps=30)
    assert poses.frame.tolist() == [0, 1, 3] and poses.num_frames == 4
    assert poses.facts['pictures'] == {'read': 3, 'cannot be read': 1}


def test_pictures_of_one_video_have_one_size():
    frames = [*numbered_frames(2), *numbered_frames(1, 80, 48)]
    with pytest.raises(ValueError, match='80 x 48 pixels, the pictures before 64 x 48'):
        poses_of_video(frames, Dots())


def test_what_a_detector_returns_is_checked():
    frames = numbered_frames(2)
    for wrong in ([np.zeros((17, 2))], [(np.zeros((16, 2)), np.zeros(16))], [(np.zeros((17, 2)), np.zeros(3))], 3):
        with pytest.raises((ValueError, TypeError)):
            poses_of_video(frames, lambda image, time, wrong=wrong: wrong, skeleton='coco17')
    with pytest.raises(ValueError, match='set its attribute skeleton'):
        poses_of_video(frames, lambda image, time: [])
    empty = poses_of_video(frames, lambda image, time: [], skeleton='coco17')
    assert len(empty) == 0 and empty.num_frames == 2 and track_people(empty) == []


def test_detectors_have_names():
    assert {'mediapipe', 'mediapipe_hands', 'rtmlib'} <= set(DETECTORS.names())
    with pytest.raises(KeyError, match='mediapipe'):
        build_detector('mediapip')
    with pytest.raises(ValueError, match='should be a name'):
        build_detector(3)


@pytest.mark.parametrize('name, package', [('mediapipe', 'mediapipe'), ('mediapipe_hands', 'mediapipe'),
                                           ('rtmlib', 'rtmlib')])
def test_a_detector_that_is_not_installed_says_how_to_get_it(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=f'pip install .*{package}') as error:
        build_detector(name)
    assert '\n' not in str(error.value)


def test_rtmlib_sees_bgr_and_nobody_is_nobody(monkeypatch):
    calls = []
    monkeypatch.setitem(sys.modules, 'rtmlib', fake_rtmlib(calls))
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, 100:200, 2] = 255  # blue in RGB
    detector = build_detector(dict(type='rtmlib', mode='lightweight', device='cpu'))
    found = detector(image, 0.0)
    assert calls[0] == ('options', dict(mode='lightweight', device='cpu', det=None))
    assert calls[1][1][50, 150].tolist() == [255, 0, 0]
    assert len(found) == 1 and found[0].keypoints.shape == (17, 2) and detector.skeleton == 'coco17'
    assert found[0].keypoints[0] == pytest.approx([100 + 9.9, 9.9])
    assert detector(np.zeros((100, 300, 3), np.uint8), 0.0) == []


@pytest.mark.parametrize('kind, skeleton, sides', [
    ('body_with_feet', 'halpe26', [None, None]), ('wholebody', 'coco17', [None, None]),
    ('hand', 'hand21', [None, None]),
    ('wholebody_hands', 'hand21', [True, True])])
def test_kinds_of_rtmlib(monkeypatch, kind, skeleton, sides):
    monkeypatch.setitem(sys.modules, 'rtmlib', fake_rtmlib([]))
    image = np.full((100, 200, 3), 255, np.uint8)
    detector = build_detector(dict(type='rtmlib', kind=kind))
    found = detector(image, 0.0)
    assert [hand.right for hand in found] == sides and detector.skeleton == skeleton
    poses = poses_of_video(image, detector)
    assert poses.keypoints.shape[1] == {'halpe26': 26, 'coco17': 17, 'hand21': 21}[skeleton]
    with pytest.raises(ValueError, match="kind='feet'"):
        build_detector(dict(type='rtmlib', kind='feet'))


def test_mediapipe_hands_know_left_and_right(monkeypatch):
    hand = np.stack([np.linspace(0.4, 0.6, 21), np.linspace(0.3, 0.5, 21)], -1)
    log = []
    monkeypatch.setitem(sys.modules, 'mediapipe', fake_mediapipe(
        lambda image, call: [(hand, 'Left'), (hand + 0.2, 'Right')][:2 - call % 2], log))
    found = hands_of_video(moving_frames(4), 'mediapipe_hands')
    # MediaPipe means the mirror image: its left hand is a right one.
    assert found['right_hand'].frame.tolist() == [0, 1, 2, 3] and found['left_hand'].frame.tolist() == [0, 2]
    assert len(found['body']) == 0
    assert found['right_hand'].keypoints[0, 0] == pytest.approx([80, 60]) and found['right_hand'].skeleton == 'hand21'
    assert found['right_hand'].confidence == pytest.approx(0.8)
    mirrored = hands_of_video(moving_frames(1), dict(type='mediapipe_hands', mirrored=True))
    assert len(mirrored['left_hand']) == len(mirrored['right_hand']) == 1
    assert mirrored['left_hand'].keypoints[0, 0] == pytest.approx([80, 60])
    both = poses_of_video(moving_frames(4), 'mediapipe_hands')
    assert both.frame.tolist() == [0, 0, 1, 2, 2, 3]


def seen(image, points):
    """Whether the middle of somebody is not painted over: the test's pictures are white where somebody is."""
    x, y = (points.mean(0) * image.shape[1::-1]).astype(int)
    return 0 <= x < image.shape[1] and 0 <= y < image.shape[0] and image[y, x].min() > 200


def two_people(gone=(), count=90):
    """Pictures in which the first person walks right and the second comes in from the right; and where they are."""
    first = [PERSON + [0.2 + 0.002 * t, 0.4] for t in range(count)]
    second = [PERSON + [1.1 - 0.004 * t, 0.6] for t in range(count)]
    frames = moving_frames(count)
    for t, frame in enumerate(frames):
        for points, there in ((first[t], t not in gone), (second[t], True)):
            if there:
                low, high = ((points.min(0), points.max(0)) * np.array([200, 200])).clip(0, 200).astype(int)
                frame[low[1]:high[1], low[0]:high[0]] = 255
    return frames, first, second


def test_mediapipe_keeps_to_the_person_it_began_with(monkeypatch):
    gone = range(40, 58)
    frames, first, second = two_people(gone)

    def people(image, call):  # whoever is not painted over; the newcomer first
        return [points for points, there in ((second[call], call > 20), (first[call], call not in gone))
                if there and seen(image, points)]

    log = []
    monkeypatch.setitem(sys.modules, 'mediapipe', fake_mediapipe(people, log))
    jumping = poses_of_video(frames, dict(type='mediapipe', follow=False), fps=30)
    assert np.abs(np.diff(jumping.keypoints[:, 16, 0])).max() > 50, 'this is what has to be prevented'
    poses = poses_of_video(frames, 'mediapipe', fps=30)
    assert set(poses.person) == {0}
    assert poses.frame.tolist() == [number for number in range(90) if number not in gone]
    assert np.allclose(poses.keypoints[:, 16], 200 * np.array(first)[poses.frame, 16], atol=1e-3)


def test_whoever_comes_after_a_long_absence_is_somebody_else(monkeypatch):
    frames, first, second = two_people(range(40, 90))
    monkeypatch.setitem(sys.modules, 'mediapipe', fake_mediapipe(
        lambda image, call: [points for points, there in ((second[call], call > 20), (first[call], call < 40))
                             if there and seen(image, points)], []))
    poses = poses_of_video(frames, dict(type='mediapipe', max_absence=0.5), fps=30)
    assert poses.frame[poses.person == 0].max() == 39 and poses.frame[poses.person == 1].min() == 55
    assert np.allclose(poses.keypoints[poses.person == 1][:, 16], 200 * np.array(second)[55:, 16], atol=1e-3)
    assert [track.person for track in track_people(poses)] == ['0', '1']


def test_a_jump_of_the_network_is_no_jump_of_the_person(monkeypatch):
    """Where both are close to each other nothing is painted over, and what is too far away is not taken."""
    log, jumps = [], (30, 31, 32)
    monkeypatch.setitem(sys.modules, 'mediapipe', fake_mediapipe(
        lambda image, call: [PERSON + [0.8 if call in jumps else 0.3, 0.5]], log))
    poses = poses_of_video(moving_frames(), 'mediapipe', fps=30)
    assert poses.frame.tolist() == [number for number in range(60) if number not in jumps]
    assert sum(isinstance(entry, str) for entry in log) == 3


def test_mediapipe_itself_finds_hands():
    pytest.importorskip('mediapipe')
    from mmegopose.synthesis import SyntheticMeshDataset
    pictures, labels = SyntheticMeshDataset(
        20, image_size=(256, 256), occlusion=0.0, rotation='limited').render(np.arange(20))
    detector, errors, sides = build_detector(dict(type='mediapipe_hands', single=True, min_confidence=0.2)), [], []
    for picture, points in zip(pictures[:, 0], labels['keypoints'][:, 0].numpy()):
        for hand in detector(np.pad(picture, ((100, 100), (100, 100), (0, 0)), 'edge'), 0.0):
            errors.append(np.linalg.norm(hand.keypoints - (points + 0.5) * 256 - 100, axis=1).mean())
            sides.append(hand.right)
    assert len(errors) >= 5 and np.median(errors) < 15 and np.mean(sides) > 0.6
