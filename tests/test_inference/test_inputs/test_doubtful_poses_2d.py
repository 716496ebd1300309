"""Numbers that cannot be pixels of a person, and files whose entries are of the wrong kind."""
import json

import numpy as np
import pytest
from helpers import pose_files as files
from helpers.pose_files import SIZE, people
from test_inference.test_inputs.test_poses_2d import FOR, READ

from mmegopose.files import BadFile
from mmegopose.inference.inputs.poses_2d import collect_frames, read_npz, read_openpose, read_poses_2d
from mmegopose.structures import get_skeleton

K, S, THERE, SEEN = people()
ONE = K[:, :1]  # (N,1,17,2), without confidence
FLAT = np.c_[K[0, 0], S[0, 0]].ravel().tolist()


def notes(poses):
    return ' '.join(poses.facts['notes'])


def test_zeros_are_nobody_and_a_joint_at_zero_is_not_there(tmp_path):
    points = ONE.copy()
    points[3], points[4, 0, 7] = 0, 0
    np.savez(tmp_path / 'a.npz', keypoints=points)
    for poses in (collect_frames(points), read_npz(tmp_path / 'a.npz')):
        assert 3 not in poses.frame and np.flatnonzero(~poses.detected.all(1)).tolist() == [3]
        assert np.flatnonzero(~poses.detected[3]).tolist() == [7]
        assert '1 joints at exactly (0, 0) count as not there' in notes(poses)
    assert len(collect_frames(points * 0, image_size=SIZE)) == 0


@pytest.mark.parametrize('size', [None, SIZE])
@pytest.mark.parametrize('value', [1e6, -1e9, 1e30, 1e300, np.inf])
def test_one_wild_number_costs_one_joint(value, size):
    points, good = ONE.copy(), collect_frames(ONE, image_size=size)
    points[4, 0, 7, 1] = value
    poses = collect_frames(points, image_size=size)
    np.testing.assert_array_equal(np.argwhere(~poses.detected), [[4, 7]])
    np.testing.assert_array_equal(poses.keypoints[good.frame != 4], good.keypoints[good.frame != 4])
    assert np.abs(poses.box).max() < 2000
    assert np.isinf(value) or '1 joints far outside of the image count as not there' in notes(poses)
    shares = ONE / SIZE
    shares[4, 0, 7, 1] = value
    np.testing.assert_array_equal(np.argwhere(~collect_frames(shares, image_size=SIZE).detected), [[4, 7]])


def test_shares_that_are_said_to_be_pixels():
    shares = ONE / SIZE
    shares[4] = 300
    with pytest.raises(ValueError, match='should be pixels of an image of 1280 x 720: for shares .* normalized=True'):
        collect_frames(shares, image_size=SIZE, normalized=False)


@pytest.mark.parametrize('points, message', [
    (ONE / SIZE * 100, 'upper left 100 x 100 pixels .* per cent'), (ONE / 20 + 500, 'cover less than 3 %'),
    (ONE * [1, 3] - [0, 800], 'taller or wider than the image'), (ONE - [500, 380], 'joints lie outside')])
def test_doubts_about_pixels_are_told(points, message):
    with pytest.warns(UserWarning, match=message):
        poses = collect_frames(points, image_size=SIZE)
    assert len(poses.facts['notes']) == 1


def test_who_stands_upside_down_all_the_time_is_told(recwarn):
    standing = ONE.copy()
    for part, height in (('ankle', 600), ('hip', 400), ('shoulder', 250)):
        for number, name in enumerate(get_skeleton('coco17').joints):
            if name.endswith(part):
                standing[:, :, number, 1] = height
    for half in (0, len(ONE) // 2):  # a handstand, half of the time, is none
        handstand = standing.copy()
        handstand[:half, ..., 1] = SIZE[1] - standing[:half, ..., 1]
        assert collect_frames(handstand, image_size=SIZE).facts['notes'] == []
    assert not recwarn.list
    standing[..., 1] = SIZE[1] - standing[..., 1]
    with pytest.warns(UserWarning, match='keypoints: nearly everybody stands upside down: does y point up'):
        poses = collect_frames(standing, image_size=SIZE)
    assert len(poses.facts['notes']) == 1


def test_no_doubt_about_pixels(recwarn):
    collect_frames(ONE, image_size=SIZE)
    collect_frames(ONE / SIZE, image_size=SIZE)
    assert not recwarn.list


@pytest.mark.parametrize('option, values', [
    ('fps', (0, -30, np.nan, np.inf, 1e-300, '30', [25, 25])), ('num_frames', (-1, 10 ** 12, 2.5)),
    ('image_size', (5, (5,), (0, 5), ('a', 'b'), (np.nan, 5), (1e30, 1e30), (200_000, 5)))])
def test_options_that_cannot_be(option, values, tmp_path):
    path = files.write_mmpose(tmp_path / 'a.json', K, S, THERE, SEEN)
    for value in values:
        with pytest.raises(ValueError, match=f'{option}.* should be') as error:
            collect_frames(ONE, **{option: value})
        with pytest.raises(ValueError, match=f'{option}.* should be') as error:
            read_poses_2d(path, **{option: value})
        assert not isinstance(error.value, BadFile)
    with pytest.raises(TypeError, match="no options ..preset"):
        read_poses_2d(path, preset='x')
    with pytest.raises(KeyError, match='unknown skeleton'):
        read_poses_2d(path, skeleton='x')


KP = K[0, 0].tolist()
WRONG = [
    ('mmpose', [dict(frame_id=None, instances=[])]), ('mmpose', [dict(frame_id='x', instances=[])]),
    ('mmpose', [dict(frame_id=1, instances=5)]), ('alphapose', {'a1.jpg': {'people': [5]}}),
    ('alphapose', {'a1.jpg': {'people': {'x': 1}}}), ('alphapose', [dict(image_id='\u00b2', keypoints=FLAT)]),
    ('alphapose', [dict(image_id='1' * 5000, keypoints=FLAT)]), ('coco', dict(images=5, annotations=[])),
    ('coco', dict(images=[dict(id=[1])], annotations=[])), ('coco', dict(images=[dict(id=1, width='x', height=3)],
                                                                          annotations=[])),
    ('coco', [dict(image_id=1, keypoints=FLAT), 5]), ('openpose', dict(people=[5]))]
COUNTED = [
    ('mmpose', [dict(frame_id=0, instances=[dict(keypoints=KP, track_id='a')])], 'identities'),
    ('mmpose', [dict(frame_id=0, instances=[dict(keypoints=KP, bbox=['a', 1, 2, 3])])], 'boxes'),
    ('mmpose', [dict(frame_id=0, instances=[dict(keypoints=KP, bbox=dict(a=1))])], 'boxes'),
    ('mmpose', [dict(frame_id=0, instances=[dict(keypoints=KP, bbox_score='hi')])], 'scores'),
    ('alphapose', [dict(image_id='1.jpg', keypoints=FLAT, idx='a')], 'identities'),
    ('alphapose', [dict(image_id='1.jpg', keypoints=FLAT, score=[1])], 'scores'),
    ('alphapose', [dict(image_id='1.jpg', keypoints=FLAT, box=['a', 'b', 'c', 'd'])], 'boxes'),
    ('openpose', dict(people=[dict(pose_keypoints_2d=FLAT, person_id=['x'])]), 'identities')]


@pytest.mark.parametrize('name, content', WRONG)
def test_entries_of_the_wrong_kind(name, content, tmp_path):
    (tmp_path / 'a_1.json').write_text(json.dumps(content))
    with pytest.raises(BadFile, match='a_1.json: '):
        read_poses_2d(tmp_path / 'a_1.json', name)


@pytest.mark.parametrize('name, content, what', COUNTED)
def test_what_a_person_can_do_without_is_left_out_and_counted(name, content, what, tmp_path):
    (tmp_path / 'a_1.json').write_text(json.dumps(content))
    poses = read_poses_2d(tmp_path / 'a_1.json', name)
    assert len(poses) == 1 and f'1 {what} that are no numbers' in notes(poses) and not poses.has_identities
    np.testing.assert_allclose(poses.box[0], [*K[0, 0].min(0), *K[0, 0].max(0)], atol=1e-3)


@pytest.mark.parametrize('arrays', [dict(fps=np.nan), dict(fps=[1, 2]), dict(fps=-5), dict(image_size=5), dict(
    image_size=['a', 'b']), dict(ids=['a'] * len(K)), dict(scores=np.full(K[:, 0].shape[:2], 'x'))])
def test_arrays_of_the_wrong_kind(arrays, tmp_path):
    np.savez(tmp_path / 'a.npz', keypoints=K[:, 0], **arrays)
    with pytest.raises(BadFile, match='a.npz: '):
        read_poses_2d(tmp_path / 'a.npz')


@pytest.mark.parametrize('name', [name for name, (_, options, _) in READ.items() if name not in ('npz', 'videopose3d')])
def test_any_entry_may_be_anything(name, tmp_path):
    """Each value of a file in turn is replaced; a reader reads on or says BadFile."""
    write, options, _ = READ[name]
    path = write(tmp_path)
    file = sorted(path.iterdir())[0] if path.is_dir() else path
    if file.suffix != '.json':
        pytest.skip('no JSON')
    content = json.loads(file.read_text())
    content = content[:2] if isinstance(content, list) else content
    read = 0
    for place in list(places(content))[:60]:
        for value in (None, 'x', {}, [], [[1]], 10 ** 30, -1, True):
            file.write_text(json.dumps(replaced(content, place, value)))
            try:
                read += read_poses_2d(path, name, **{**options, 'image_size': SIZE}) is not None
            except BadFile as error:
                assert str(tmp_path) in str(error)
            except ValueError as error:  # an option is needed, or another skeleton
                assert str(error).startswith(str(path))
    assert read > 20


def places(value, before=()):
    for key in (value if isinstance(value, dict) else range(min(len(value), 2)) if isinstance(value, list) else ()):
        yield *before, key
        yield from places(value[key], (*before, key))


def replaced(content, place, value):
    copy = json.loads(json.dumps(content))
    at = copy
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    return copy


def test_folders_with_two_videos_or_folders_in_them_and_a_byte_order_mark(tmp_path):
    folder = files.write_openpose(tmp_path / 'op', *FOR['openpose'])
    (folder / 'x_3.json').mkdir()
    first = sorted(folder.glob('video*'))[0]
    first.write_bytes(b'\xef\xbb\xbf' + first.read_bytes())
    assert len(read_openpose(folder)) == THERE.sum()
    (folder / 'b_000000000000_keypoints.json').write_text('{"people": []}')
    with pytest.raises(BadFile, match="'b_0+_keypoints.json' and 'video_0+_keypoints.json' are both frame 0: .* two "):
        read_openpose(folder)
