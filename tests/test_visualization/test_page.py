"""The page of motions: what it holds, how exactly, and what is refused. That it works in a browser is tested beside."""
import base64
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from helpers.page_motions import film, turning_hand, walking
from helpers.page_values import read_page, read_points

from mmegopose.motion import Mesh, Motion
from mmegopose.visualization.page import page_pictures, write_page


def test_joints_are_exact_to_a_tenth_of_a_millimetre_wherever_they_are(tmp_path):
    for far in (0.0, 5000.0):
        motion = walking(60, start=far)
        facts = write_page(motion, tmp_path / 'p.html', truth=walking(60, start=far + 0.1))
        person, data = read_page(tmp_path / 'p.html')['people'][0], read_page(tmp_path / 'p.html')
        joints, centers = read_points(person['joints'], (60, -1, 3)), read_points(person['centers'], (60, 1, 3))
        origin = float(re.search(r'x = (-?\d+)', data['notes'][0])[1]) if far else 0
        assert np.abs(joints + centers + [origin, 0, 0] - motion.joints).max() < (1e-3 if far else 1e-4)
        assert facts['mean_errors']['Ana'] == pytest.approx(0.1, abs=1e-3 if far else 1e-6)
        np.testing.assert_allclose(read_points(person['error'], (60,)), 10, atol=0.1)
    assert facts['bytes'] == os.path.getsize(tmp_path / 'p.html')


def test_half_a_minute_is_small(tmp_path):
    assert write_page(walking(900), tmp_path / 'p.html')['bytes'] < 400_000


def test_joints_that_are_not_valid_are_not_in_the_page(tmp_path):
    valid = np.ones((20, 17), bool)
    valid[3], valid[7, 5] = False, False
    write_page(replace(walking(20), valid=valid), tmp_path / 'p.html')
    joints = read_points(read_page(tmp_path / 'p.html')['people'][0]['joints'], (20, 17, 3))
    np.testing.assert_array_equal(np.isfinite(joints).all(-1), valid)


class Elements(HTMLParser):
    """Names of all elements."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [tag, *(name for name, _ in attrs if name.startswith('on'))]


def test_words_of_a_file_are_never_markup(tmp_path):
    evil = '</script><img src=x onerror=alert(1)><!--\u2028@@script@@'
    motion = walking(5)
    write_page(motion, tmp_path / 'plain.html', names=['Ana'])
    motion = replace(motion, person=evil, provenance={evil: evil, 'nested': {'list': [evil]}})
    write_page(motion, tmp_path / 'evil.html', title=evil, notes=[evil], source=evil)
    texts = [(tmp_path / f'{name}.html').read_text() for name in ('plain', 'evil')]
    plain, found = (Elements(text).found for text in texts)
    assert found == plain and '<img' not in texts[1] and 'alert(1)><' not in texts[1]
    data = read_page(tmp_path / 'evil.html')
    assert data['title'] == evil and data['people'][0]['name'] == evil and [evil, evil] in data['facts'][0]['rows']


def test_paths_are_not_handed_on(tmp_path):
    motion = replace(walking(5), provenance=dict(recording='/home/ana/secret/walk.csv', model='m', note='a/b'))
    write_page(motion, tmp_path / 'p.html')
    rows = dict(map(tuple, read_page(tmp_path / 'p.html')['facts'][0]['rows']))
    assert rows['recording'] == 'walk.csv' and rows['note'] == 'a/b'
    assert 'secret' not in (tmp_path / 'p.html').read_text()


@pytest.mark.parametrize('motions, options, message', [
    ([], {}, 'no motion'), ([replace(walking(3), valid=np.zeros((3, 17), bool))], {}, 'no valid pose.*no frame of Ana'),
    ([walking(3), walking(3)[:0]], {}, 'has no frame'),
    ([walking(3), replace(walking(3), frame='camera')], {}, 'relative to the world, .* to the camera'),
    ([walking(3), replace(walking(3), time=1.7e9 + np.arange(3))], {}, 'clocks differ'),
    ([walking(3)], dict(truth=replace(walking(3), frame='root')), 'the truth is relative to the root'),
    ([walking(3)], dict(truth=replace(walking(3), time=np.arange(9.0, 12))), 'no time in common'),
    ([walking(3)], dict(truth=walking(3)[:0]), 'the truth is empty'),
    ([walking(3)], dict(truth=[None, None]), 'a name and a truth')])
def test_what_cannot_be_shown_is_told_in_one_line(tmp_path, motions, options, message):
    with pytest.raises(ValueError, match=message) as error:
        write_page(motions, tmp_path / 'p.html', **options)
    assert '\n' not in str(error.value) and not list(tmp_path.iterdir())


def test_a_truth_of_another_skeleton(tmp_path):
    with pytest.raises(KeyError, match='no conversion'):
        write_page(walking(3), tmp_path / 'p.html', truth=replace(turning_hand(3), frame='world'))
    write_page(walking(9).convert('h36m17'), tmp_path / 'p.html', truth=walking(9))  # this one is converted
    assert 'truth' in read_page(tmp_path / 'p.html')['people'][0]


def test_somebody_without_a_pose_does_not_hide_the_others(tmp_path):
    write_page([walking(5), replace(walking(5), person='Ben', joints=np.full((5, 17, 3), np.nan))], tmp_path / 'p.html')
    people = read_page(tmp_path / 'p.html')['people']
    assert [person['name'] for person in people] == ['Ana', 'Ben']
    assert not np.isfinite(read_points(people[1]['joints'], (5, 17, 3))).any()


def test_an_hour_keeps_its_length_and_loses_frames(tmp_path):
    hour = walking(108_000)
    facts = write_page(hour, tmp_path / 'p.html')
    assert facts['bytes'] < 14e6 and '1 of 2 frames' in facts['notes'][0]
    time = read_points(read_page(tmp_path / 'p.html')['people'][0]['time'], (-1,))
    assert len(time) == 54_000 and time[-1] == pytest.approx(hour.time[-2])


def test_forty_people_have_colours_of_their_own(tmp_path):
    facts = write_page([replace(walking(90, start=k), person=f'p{k}') for k in range(40)], tmp_path / 'p.html')
    assert len({tuple(person['colour']) for person in read_page(tmp_path / 'p.html')['people']}) == 40
    assert facts['bytes'] < 1.5e6


def test_a_large_mesh_comes_at_a_lower_rate(tmp_path):
    body = walking(300)
    vertices = np.repeat(body.joints, 406, 1)[:, :6890] + np.float32(0.01)
    faces = np.random.default_rng(0).integers(0, 6890, (13776, 3))
    facts = write_page(replace(body, mesh=Mesh(vertices, faces)), tmp_path / 'p.html')
    assert facts['bytes'] < 10e6 and 'mesh of 1 of 2 poses' in facts['notes'][0]
    mesh = read_page(tmp_path / 'p.html')['people'][0]['mesh']
    rows = read_points(mesh['rows'], (-1,)).astype(int)
    around = read_points(read_page(tmp_path / 'p.html')['people'][0]['centers'], (300, 1, 3))[rows]
    assert rows.tolist() == list(range(0, 300, 2))
    assert np.abs(read_points(mesh['vertices'], (len(rows), -1, 3)) + around - vertices[rows]).max() < 1e-4
    big = Mesh(np.zeros((3, 2_000_000, 3), np.float32), np.zeros((1, 3), int))
    facts = write_page(replace(walking(3), mesh=big), tmp_path / 'p.html')
    assert facts['bytes'] < 100_000 and 'left out' in facts['notes'][0]


def test_people_of_unknown_places_stand_side_by_side(tmp_path):
    two = [replace(walking(5), frame='root', person=name) for name in 'ab']
    facts = write_page([*two, two[1]], tmp_path / 'p.html')
    shifts = [person['shift'][0] for person in read_page(tmp_path / 'p.html')['people']]
    assert shifts[0] < -0.5 and shifts[1] == shifts[2] > 0.5 and 'side by side' in facts['notes'][0]


def test_pictures_are_bounded_and_keep_their_times(tmp_path, monkeypatch):
    keypoints = np.full((60, 17, 2), 40.0)
    keypoints[:, :8] = 100
    keypoints[9] = np.nan
    motion = replace(walking(60), keypoints=keypoints, image_size=(160, 120))
    write_page(motion, tmp_path / 'p.html', pictures=film(90))
    data = read_page(tmp_path / 'p.html')
    times = read_points(data['picture']['times'], (-1,))
    assert np.diff(times).min() >= 1 / 15 - 1e-3 and times[-1] <= motion.time[-1] and len(times) == 30
    (left, top), (width, height) = data['picture']['corner'], data['picture']['size']
    assert 0 < left < 40 < 100 < left + width < 160 and top < 40 and height > 60
    there = np.isfinite(read_points(data['people'][0]['keypoints'], (60, 17, 2))).all(-1)
    assert not there[9].any() and there.sum() == 59 * 17
    monkeypatch.setattr(page_pictures, 'MAX_BYTES', 40_000)
    write_page(motion, tmp_path / 'q.html', pictures=film(90))
    few = read_page(tmp_path / 'q.html')['picture']
    assert sum(map(len, few['frames'])) <= 40_000 and 1 < len(few['frames']) < 30


def test_pictures_of_another_size_are_cut_alike_and_those_of_another_shape_refused(tmp_path):
    keypoints = np.tile(np.linspace(100, 120, 17)[:, None], (9, 1, 2))
    motion = replace(walking(9), keypoints=keypoints, image_size=(320, 240))
    write_page(motion, tmp_path / 'p.html', pictures=film(9))     # half as large
    picture = read_page(tmp_path / 'p.html')['picture']
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(picture['frames'][0]), np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape[1::-1] == pytest.approx(np.array(picture['size']) / 2, abs=1)
    with pytest.raises(ValueError, match='160 x 100 pixels.*320 x 240.*another video'):
        write_page(motion, tmp_path / 'p.html', pictures=film(9, size=(160, 100)))


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'fsync', lambda _: (_ for _ in ()).throw(OSError(28, 'No space left on device')))
    with pytest.raises(OSError, match='No space left'):
        write_page(walking(3), tmp_path / 'p.html')
    assert not list(tmp_path.iterdir())


def test_the_page_is_valid_json_without_numbers_that_json_does_not_know(tmp_path):
    joints = walking(4).joints.copy()
    joints[1] = np.nan
    write_page(Motion(np.arange(4.0), joints, 'coco17', provenance=dict(loss=float('nan'))), tmp_path / 'p.html')
    json.dumps(read_page(tmp_path / 'p.html'), allow_nan=False)
