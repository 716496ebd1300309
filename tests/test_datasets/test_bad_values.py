"""One bad value costs a joint or a frame, not a recording; units and values that cannot be true are told."""
import io
import json
import shutil
import zipfile
from collections import Counter

import numpy as np
import pytest
from helpers.lifting_fixture import mpi_inf_3dhp, write_3dhp

from mmegopose.datasets.readers.head_pose import read_egoexo4d_body
from mmegopose.datasets.readers.head_pose.egoexo4d_files import read_body, read_takes, read_track
from mmegopose.datasets.readers.images import read_hamer_npz
from mmegopose.datasets.readers.images.image_rows import image_store
from mmegopose.datasets.readers.images.smpl_people import read_extrinsics
from mmegopose.datasets.readers.lifting import read_mpi_inf_3dhp
from mmegopose.datasets.transforms.crop_augment import CropAugment
from mmegopose.datasets.transforms.world_augment import FrameDrops, Mirror
from mmegopose.datasets.windows import StridedWindows
from mmegopose.files import BadFile, as_floats, read_json
from mmegopose.pickles import read_object

NOSE = dict(x=0.1, y=0.2, z=1.5)


def labels(tmp_path, frames):
    path = tmp_path / 'labels.json'
    path.write_text(json.dumps({key: [{'annotation3D': joints}] for key, joints in frames.items()}))
    counts = Counter()
    return *read_body(path, counts), {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize('bad, reason', [
    (None, 'joints without three numbers'), ('a', 'joints without three numbers'),
    (True, 'joints without three numbers'),
    (int('9' * 400), 'joints without three numbers'), (float('inf'), 'joints that are not finite'),
    (float('nan'), 'joints that are not finite'), (1e30, 'joints farther than 10 km from the origin'),
    (1e300, 'joints farther than 10 km from the origin')])
def test_one_bad_joint_costs_that_joint(tmp_path, bad, reason):
    frames, joints, views, counts = labels(tmp_path, {'7': {'nose': NOSE, 'left-eye': dict(NOSE, x=bad)}})
    assert frames.tolist() == [7] and views[0].tolist() == [2] + [0] * 16 and counts == {reason: 1}
    np.testing.assert_allclose(joints[0, 0], [0.1, 0.2, 1.5], rtol=1e-6)
    assert not joints[0, 1:].any()


@pytest.mark.parametrize('views', [None, float('nan'), float('inf'), 'many'])
def test_a_number_of_views_that_is_none_costs_that_joint(tmp_path, views):
    *_, found, counts = labels(tmp_path, {'7': {'nose': NOSE, 'left-eye': dict(NOSE, num_views_for_3d=views)}})
    assert found.sum() == 2 and counts == {'joints without three numbers': 1}


@pytest.mark.parametrize('key', ['9' * 400, '4294967296', '\u00b2', '-3'])
def test_an_absurd_frame_number_costs_that_frame(tmp_path, key):
    frames, *_, counts = labels(tmp_path, {'7': {'nose': NOSE}, key: {'nose': NOSE}})
    assert frames.tolist() == [7] and counts == {'label frames without a number that a video can have': 1}


def test_a_frame_that_is_labelled_twice_counts_once(tmp_path):
    frames, joints, _, counts = labels(tmp_path, {'7': {'nose': NOSE}, '0007': {'nose': dict(NOSE, x=5)}})
    assert frames.tolist() == [7] and joints[0, 0, 0] < 1 and counts == {'label frames that are there twice': 1}


def test_a_key_that_is_there_twice_is_counted(tmp_path):
    path, counts = tmp_path / 'labels.json', Counter()
    entry = json.dumps([{'annotation3D': {'nose': NOSE}}])
    path.write_text(f'{{"7": {entry}, "9": {entry}, "7": {entry}}}')
    assert read_body(path, counts)[0].tolist() == [7, 9] and counts['keys that a file holds twice'] == 1
    with pytest.warns(UserWarning, match="labels.json holds '7' twice .1 keys in all.; the last one counts"):
        read_json(path)


@pytest.mark.parametrize('bad', [True, '1', [1, 2], 10 ** 400])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(ValueError, match='number|sequence|large'):
        as_floats([[1, 2], [bad, 4]])
    np.testing.assert_array_equal(as_floats([[1, None], None, [], np.ma.masked_array([1, 2], [True, False])]),
                                  [[1, np.nan], [np.nan] * 2, [np.nan] * 2, [np.nan, 2]])


def track(tmp_path, change, scale=1.0):
    path, counts = tmp_path / 'camera.json', Counter()
    poses = {str(f): np.c_[np.eye(3), [scale * 0.01 * f, 0, 0]].tolist() for f in range(60)}
    change(poses)
    path.write_text(json.dumps({'aria01': {'camera_extrinsics': poses}}))
    name, first, pose, _ = read_track(path, 30, counts)
    return first, pose, {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize('key, value, reason', [
    ('9' * 30, None, 'camera frames without a number that a video can have'),
    (str(10 ** 12), None, 'camera frames without a number that a video can have'),
    ('100000', None, 'camera frames with a number far from all others'),
    ('00007', None, 'camera frames that are there twice'),
    ('60', [[None] * 4] * 3, 'camera frames with NaN or non-orthonormal extrinsics'),
    ('60', [['a'] * 4] * 3, 'camera frames without a 3x4 matrix of numbers'),
    ('60', [[int('9' * 400)] * 4] * 3, 'camera frames without a 3x4 matrix of numbers'),
    ('60', [[1, 0, 0, 0]], 'camera frames without a 3x4 matrix of numbers'),
    ('60', np.c_[np.eye(3), [1e30, 0, 0]].tolist(), 'camera frames farther than 10 km from the origin')])
def test_one_bad_camera_frame_costs_that_frame(tmp_path, key, value, reason):
    moved = np.c_[np.eye(3), [50, 0, 0]].tolist()
    first, pose, counts = track(tmp_path, lambda poses: poses.update({key: value or moved}))
    assert first == 0 and len(pose) == 60 and counts == {reason: 1}
    assert np.abs(pose[:, 0, 3]).max() < 1


def test_a_track_in_millimetres_is_told(tmp_path):
    with pytest.raises(BadFile, match='camera.json: the camera typically moves 10 m per frame, .*millimetres'):
        track(tmp_path, lambda poses: None, 1000)


@pytest.fixture
def copy(egoexo, tmp_path):
    """A copy of the data set that a test may damage."""
    return shutil.copytree(egoexo, tmp_path / 'data')


def edited(root, folder, change, every=True):
    for path in sorted((root / 'annotations/ego_pose/train' / folder).glob('*.json'))[:None if every else 1]:
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))


def each_joint(change):
    def edit(content):
        for raters in content.values():
            for rater in raters:
                for joint in rater['annotation3D'].values():
                    change(joint)
    return edit


def read(root, tmp_path):
    return read_egoexo4d_body(root, 'train', cache_dir=tmp_path / 'cache', num_parsers=1)


def test_labels_in_millimetres_are_told(copy, tmp_path):
    edited(copy, 'body/annotation', each_joint(lambda joint: joint.update({a: 1000 * joint[a] for a in 'xyz'})))
    with pytest.raises(ValueError, match=r'body/annotation/.*: the labelled joints are typically .* millimetres'):
        read(copy, tmp_path)


def test_labels_without_any_number_are_told_as_such(copy, tmp_path):
    edited(copy, 'body/annotation', each_joint(lambda joint: joint.update(x=float('nan'))))
    with pytest.raises(ValueError, match="no label of a joint that can be used; left out: .*'joints that are not fin"):
        read(copy, tmp_path)


def test_a_label_path_that_cannot_be_opened_costs_its_take(copy, tmp_path):
    whole = len(read(copy, tmp_path))
    path = sorted((copy / 'annotations/ego_pose/train/body/annotation').glob('*.json'))[0]
    path.unlink()
    path.mkdir()
    store = read(copy, tmp_path)
    assert len(store) == whole - 1 and store.report['takes with a file that cannot be opened'] == 1


def test_takes_without_a_text_as_uid_are_left_out(tmp_path):
    (tmp_path / 'takes.json').write_text('[{"take_uid": [1]}, {"take_uid": null}, {"take_uid": "a"}, 3]')
    assert list(read_takes(tmp_path)) == ['a']


HANDS = dict(imgname=np.array(['a.jpg', 'b.jpg']), center=np.full((2, 2), 100.0), scale=np.full((2, 1), 50.0),
             hand_keypoints_3d=np.concatenate([np.random.default_rng(0).normal(
                 size=(2, 21, 3)) * 0.03 + [0, 0, 0.7], np.ones((2, 21, 1))], 2))


@pytest.mark.parametrize('change, message', [
    (dict(imgname=np.array('a.jpg')), 'imgname should list'), (dict(imgname=np.array([])), 'imgname should list'),
    (dict(imgname=np.array([['a', 'b']])), 'imgname should list'), (dict(scale=np.ones((2, 3))), 'one or two numbers'),
    (dict(scale=np.zeros((0, 1))), 'one or two numbers'), (dict(scale=np.ones(3)), 'scale should hold'),
    (dict(center=np.full((2, 2), 'x')), 'center should hold'), (dict(center=np.ones((3, 2))), 'center should hold'),
    (dict(hand_keypoints_3d=HANDS['hand_keypoints_3d'] * [1000, 1000, 1000, 1]), 'should be in metres.*millimetres')])
def test_bad_hamer_lists_name_the_file(tmp_path, change, message):
    np.savez(tmp_path / 'hands.npz', **HANDS | change)
    with pytest.raises(BadFile, match=message) as error:
        read_hamer_npz(tmp_path, 'hands.npz', cache_dir=tmp_path / 'cache')
    assert str(tmp_path) in str(error.value)


def test_values_that_cannot_be_true_are_unknown():
    joints, keypoints, betas = HANDS['hand_keypoints_3d'].copy(), np.ones((3, 21, 3)), np.zeros((3, 10))
    joints = np.concatenate([joints, joints[:1]])
    joints[0, 3, 0], joints[1, 4, 2], keypoints[0, 5, 1], betas[1, 2] = 1e30, 1e5, 1e9, 1e30
    box = np.array([[50, 50, 20, 20], [50, 50, 20, 20], [1e30, 50, 20, 20]])
    store = image_store('hand', '.', 'x', file=list('abc'), joints=joints, keypoints=keypoints, betas=betas, box=box)
    assert store.report == {'box beyond a million pixels': 1} and store.frames['has_betas'].tolist() == [True, False]
    assert np.argwhere(store.frames['joints'][..., 3] == 0).tolist() == [[0, 3], [1, 4]]
    assert np.argwhere(store.frames['keypoints'][..., 2] == 0).tolist() == [[0, 5]]


@pytest.mark.parametrize('split, spoil, message', [
    ('test', lambda d: d.update({3: d.pop('TS1')}), 'by names such as .* got 3'),
    ('test', lambda d: d['TS1'].update(data_3d=d['TS1']['data_3d'].astype(str)), 'should be numbers, got the type'),
    ('test', lambda d: d['TS1'].update(data_2d=d['TS1']['data_2d'] * 1e30), 'beyond 1e.06'),
    ('test', lambda d: d['TS1']['data_3d'].__setitem__((1, 1, 1), 1e30), 'beyond 1e.07'),
    ('test', lambda d: d['TS1'].update(valid=d['TS1']['valid'].astype(str)), "'valid' should be numbers"),
    ('train', lambda d: d['S1 Seq1'].__setitem__(1, 'fast'), "S1 Seq1.*'fast' should be frames per second"),
    ('train', lambda d: d['S1 Seq1'].__setitem__(1, float('nan')), 'nan should be frames per second')])
def test_bad_values_of_3dhp_name_the_file(tmp_path, split, spoil, message):
    train, test = mpi_inf_3dhp()
    spoil(dict(train=train, test=test)[split])
    root = write_3dhp(tmp_path, train, test)
    with pytest.raises(BadFile, match=message) as error:
        read_mpi_inf_3dhp(root, split, cache_dir=tmp_path / 'cache')
    assert f'data_{split}_3dhp.npz' in str(error.value)


def test_valid_frames_of_3dhp_that_are_nan_are_not_valid(tmp_path):
    train, test = mpi_inf_3dhp()
    test['TS1']['valid'] = test['TS1']['valid'].astype(float)
    test['TS1']['valid'][:2] = [np.nan, 1]
    store = read_mpi_inf_3dhp(write_3dhp(tmp_path, train, test), 'test', cache_dir=tmp_path / 'cache')
    index = [info['subject'] for info in store.sequences].index('TS1')
    assert store.frames['visible'][store.offsets[index]:][:2].tolist() == [False, True]


def test_transposed_matrices_are_refused_in_tracks_and_annotations(tmp_path):
    pose = np.eye(4)
    pose[:3, 3] = 5, -3, 1.6
    path = tmp_path / 'camera.json'

    def write(matrix):
        path.write_text(json.dumps({'aria01': {'camera_extrinsics': {str(f): matrix.tolist() for f in range(3)}}}))
        return read_track(path, 30, Counter())[2][0, :3, 3].tolist()

    assert write(pose) == write(pose[:3]) == [-5, 3, -1.6]
    with pytest.raises(BadFile, match='camera.json .*last row should be 0 0 0 1; are they transposed'):
        write(pose.T)
    assert read_extrinsics(pose[None]).shape == (1, 4, 4)
    with pytest.raises(ValueError, match='transposed'):
        read_extrinsics(pose.T[None])


def test_an_npz_that_claims_more_than_the_bound_is_refused_unread(tmp_path):
    with zipfile.ZipFile(tmp_path / 'bomb.npz', 'w', zipfile.ZIP_DEFLATED) as archive:
        content = io.BytesIO()
        np.save(content, np.zeros(100_000))
        archive.writestr('data.npy', content.getvalue())
    assert read_object(tmp_path / 'bomb.npz', 'data').shape == (100_000,)
    with pytest.raises(BadFile, match="bomb.npz: 'data' would fill .* GB .* more than the limit"):
        read_object(tmp_path / 'bomb.npz', 'data', max_bytes=100_000)


@pytest.mark.parametrize('make, message', [
    (lambda: StridedWindows(tempo=(2, 1)), r'tempo=\(2, 1\) should be two speeds'),
    (lambda: StridedWindows(tempo=(0, 1)), 'tempo'), (lambda: StridedWindows(tempo=1.5), 'tempo=1.5'),
    (lambda: StridedWindows(tempo=(1, float('nan'))), 'tempo'), (lambda: Mirror(7), 'prob=7 should be a share'),
    (lambda: FrameDrops(-0.1), 'prob=-0.1'), (lambda: Mirror(float('nan')), 'prob=nan'),
    (lambda: CropAugment(extreme_prob=2), 'extreme_prob=2'), (lambda: CropAugment(flip_prob=2), 'flip_prob=2')])
def test_options_of_augmentation_that_cannot_be_true(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    assert StridedWindows(tempo=[0.8, 1.25]).tempo == [0.8, 1.25] and Mirror(0).prob == 0
