"""Human3.6M and HumanEva."""
import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.lifting_fixture import H36M, h36m, humaneva, write_cameras, write_h36m, write_humaneva

from mmegopose.datasets import Human36MDataset, HumanEvaDataset
from mmegopose.datasets.readers.lifting import keypoint_sequences as clips
from mmegopose.datasets.readers.lifting.videopose3d import read_cameras
from mmegopose.files import BadFile
from mmegopose.geometry.cameras import screen_normalize
from mmegopose.registry import DATASETS
from mmegopose.structures import convert_joints

CAMERA_PARITY = np.load(Path(__file__).parents[1] / 'data' / 'lifting_camera.npz')


@pytest.fixture
def data(tmp_path):
    """Contents of a tiny Human3.6M, to be spoilt and written to ``tmp_path``."""
    return h36m(tmp_path)


def open_h36m(root, split='test', **kwargs):
    return Human36MDataset(str(root), split, keypoints='gt', num_frames=9, cache_dir=str(root / 'cache'), **kwargs)


def uids(dataset):
    return [s['uid'] for s in dataset.store.sequences]


def test_h36m_clips_in_camera_axes(tmp_path, data):
    world, points, _ = data
    dataset = open_h36m(write_h36m(tmp_path, *data))
    assert isinstance(DATASETS.build(dict(type='Human36MDataset', data_root=str(tmp_path), keypoints='gt')),
                      Human36MDataset)
    assert uids(dataset) == [f'{s}/{clip}/{camera}' for s in ('S9', 'S11') for clip in H36M[s]
                             for camera in ('54138969', '55011271')]
    assert dataset.store.sequences[2] == dict(
        uid='S9/Sitting/54138969', name='S9 Sitting 54138969', subject='S9', action='Sitting', camera='54138969',
        fps=50.0, image_size=[1000, 1002])
    assert dataset.store.report == {'frames of keypoints after the end of the 3D, not used': 4,
                                    'subjects without 3D, not used': 2}
    cameras = read_cameras(tmp_path / 'cameras_h36m.json')
    for i, info in enumerate(dataset.store.sequences):
        begin, end = dataset.store.offsets[i:i + 2]
        subject, clip, name = info['uid'].split('/')
        camera = next(c for c in cameras[subject] if c.name == name)
        index = cameras[subject].index(camera)
        joints17 = convert_joints(world[subject][clip], 'h36m32', 'h36m17').astype(np.float64)
        pose = camera.T_world_camera.numpy()
        expected = (joints17 - pose[:3, 3]) @ pose[:3, :3]
        frames = {key: values[begin:end] for key, values in dataset.store.frames.items()}
        np.testing.assert_allclose(frames['root'], expected[:, 0], atol=1e-6)
        np.testing.assert_allclose(frames['joints'], expected - expected[:, :1], atol=1e-6)
        assert (frames['joints'][:, 0] == 0).all() and all(v.dtype == np.float32 for v in frames.values())
        pixels = torch.from_numpy(points[subject][clip][index][:end - begin])
        normalized = screen_normalize(pixels, camera.width, camera.height)
        np.testing.assert_allclose(frames['keypoints'], normalized, atol=1e-6)


@pytest.mark.parametrize('subject', ['S1', 'S9'])
def test_h36m_equals_the_official_preprocessing(tmp_path, subject):
    """World joints and pixels of 5 frames to camera axes and screen coordinates, four cameras."""
    names, views = list('0123'), [f'{subject}/{c}/' for c in range(4)]
    entries = {name: dict(
        width=int(CAMERA_PARITY[view + 'res'][0]), height=int(CAMERA_PARITY[view + 'res'][1]), intrinsics=[1.0] * 9,
        orientation=CAMERA_PARITY[view + 'orientation'].tolist(),
        translation=CAMERA_PARITY[view + 'translation_m'].tolist()) for name, view in zip(names, views)}
    (tmp_path / 'cameras_h36m.json').write_text(json.dumps({subject: entries}))
    points = {subject: {'Walking': [CAMERA_PARITY[view + 'pixel'].astype(np.float32) for view in views]}}
    write_h36m(tmp_path, {subject: {'Walking': CAMERA_PARITY['world32']}}, points, h36m_metadata())
    frames = open_h36m(tmp_path, subjects=(subject,)).store.frames
    for c, view in enumerate(views):
        own = slice(5 * c, 5 * c + 5)
        expected = CAMERA_PARITY[view + 'cam3d']
        np.testing.assert_allclose(frames['root'][own], expected[:, 0], atol=2e-6)
        np.testing.assert_allclose(frames['joints'][own], expected - expected[:, :1], atol=2e-6)
        np.testing.assert_allclose(frames['keypoints'][own], CAMERA_PARITY[view + 'norm2d'], atol=2e-6)


def h36m_metadata():
    return dict(num_joints=17, keypoints_symmetry=[[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]])


def test_h36m_options(tmp_path, data):
    write_h36m(tmp_path, *data)
    train = open_h36m(tmp_path, 'train', mirror=True)
    assert {uid.split('/')[0] for uid in uids(train)} == {'S1', 'S5', 'S6', 'S7', 'S8'}
    assert 'S6/Photo 1/54138969' in uids(train)  # TakingPhoto
    single = train.__getitems__([train.sequence_bounds[2]])['data_samples']  # a clip of one frame
    assert uids(train)[2] == 'S1/Sitting 1/54138969' and (single.frame_ids == 0).all()
    assert {uid.split('/')[1] for uid in uids(open_h36m(tmp_path, actions=('Sitting',)))} == {'Sitting'}
    assert {uid.split('/')[1] for uid in uids(open_h36m(tmp_path, actions=('SittingDown 2', 'Walking')))} == {
        'SittingDown 2', 'Walking', 'Walking 1'}
    half, full = open_h36m(tmp_path, subsample=2), open_h36m(tmp_path)
    assert half.store.sequences[0]['fps'] == 25 and np.diff(half.store.offsets).tolist() == [
        -(-n // 2) for n in np.diff(full.store.offsets)]
    second = full.store.offsets[3]
    np.testing.assert_array_equal(half.store.frames['joints'][half.store.offsets[3]:half.store.offsets[4]],
                                  full.store.frames['joints'][second:second + 21:2])
    assert set(uids(open_h36m(tmp_path, split='mine', subjects=('S8',)))) == {
        'S8/Eating 1/54138969', 'S8/Eating 1/55011271'}


def test_h36m_confidence(tmp_path, data):
    world, points, metadata = data
    for clips_of in points.values():
        for clip, views in clips_of.items():
            clips_of[clip] = [np.concatenate([v, np.full_like(v[..., :1], 0.25)], -1) for v in views]
    dataset = open_h36m(write_h36m(tmp_path, *data), confidence=True)
    assert (dataset.store.frames['keypoints'][..., 2] == 0.25).all()
    assert dataset[0]['inputs']['keypoints'].shape == (1, 9, 17, 3)
    points['S9']['Walking'][0] = points['S9']['Walking'][0][..., :2]
    write_h36m(tmp_path, *data)
    with pytest.raises(BadFile, match=r"S9 Walking 55011271 has the arrays .*keypoints.: \(17, 3\).*clips before it "
                                      r"have.*keypoints.: \(17, 2\).*should be alike"):
        open_h36m(tmp_path)


def test_the_cache_is_reused_and_renewed(tmp_path, data, monkeypatch):
    write_h36m(tmp_path, *data)
    first = open_h36m(tmp_path)
    assert isinstance(first.store.frames['joints'], np.memmap)
    with monkeypatch.context() as patch:
        patch.setattr(clips, 'assemble', None)
        patch.setattr('mmegopose.datasets.readers.lifting.h36m.VideoPose3DReader', None)
        again = open_h36m(tmp_path)
    np.testing.assert_array_equal(first.store.frames['joints'], again.store.frames['joints'])
    open_h36m(tmp_path, subsample=2)
    cache = tmp_path / 'cache'
    assert len(list(cache.iterdir())) == 2
    data[0]['S9']['Walking'] += 0.5
    write_h36m(tmp_path, *data)
    changed = open_h36m(tmp_path)
    assert len(list(cache.iterdir())) == 2  # the old store of the same options is gone
    np.testing.assert_allclose(np.linalg.norm(changed.store.frames['root'][0] - again.store.frames['root'][0]),
                               0.5 * 3 ** 0.5, rtol=1e-4)


def replace(content, path, value):
    for key in path[:-1]:
        content = content[key]
    content[path[-1]] = value(content[path[-1]])


def nan(values):
    values = values.copy()
    values[3, 2] = np.nan
    return values


@pytest.mark.parametrize('part, path, value, message', [
    (1, ('S9', 'Walking'), lambda v: v[:1], r"data_2d_h36m_gt.npz: subject S9, clip 'Walking' has keypoints of 1 "
                                            r"cameras, but 2 are described: \['54138969', '55011271'\]"),
    (1, ('S9', 'Walking', 1), lambda v: v[:-1], "data_2d_h36m_gt.npz: subject S9, clip 'Walking', camera 55011271 has "
                                                '39 frames of keypoints for 40 of 3D joints'),
    (1, ('S9', 'Walking', 0), lambda v: v[:, :16], r'camera 54138969: keypoints should be \(frames, 17, 2\), got '
                                                   r'\(40, 16, 2\): they are of other joints'),
    (1, ('S9', 'Walking', 0), lambda v: 'x', r'camera 54138969: keypoints should be \(frames, 17, 2\), got \(\)'),
    (1, ('S9', 'Walking', 0), nan, 'camera 54138969: keypoints are not finite in 1 frames, the first is 3; repair'),
    (1, ('S9', 'Walking', 0), lambda v: v / 500 - 1, 'camera 54138969: keypoints should be pixels, but none is beyond '
                                                     '4: they look screen-normalised; store them in pixels'),
    (0, ('S9', 'Walking'), nan, "data_3d_h36m.npz: subject S9, clip 'Walking': 3D joints are not finite in 1 frames, "
                                'the first is 3'),
    (0, ('S9', 'Walking'), lambda v: v * 1000, "data_3d_h36m.npz: subject S9, clip 'Walking': 3D joints should be in "
                                               'm, but are typically .* which looks like mm; convert them'),
    (0, ('S9', 'Walking'), lambda v: v[:, :20], r"data_3d_h36m.npz: subject S9, clip 'Walking' should be \(frames, 32 "
                                                r'or 17, 3\), got \(40, 20, 3\)'),
    (0, ('S9', 'Walking'), lambda v: v[:0], "clip 'Walking': 3D joints have no frame; leave the clip out of the file"),
    (0, ('S9',), lambda v: [1], "data_3d_h36m.npz: 'positions_3d' should hold {subject: {clip: ...}}"),
    (1, ('S9',), lambda v: {k: v[k] for k in v if k != 'Sitting'},
     "data_2d_h36m_gt.npz lacks subject S9, clip 'Sitting', which .*data_3d_h36m.npz has"),
    (2, ('keypoints_symmetry',), lambda v: [[1, 3, 5], [2, 4, 6]],
     r"data_2d_h36m_gt.npz: its left joints \[1, 3, 5\] and right joints \[2, 4, 6\] are not those of h36m17 \(layout "
     r"'h36m'\): it is of a detector of other joints; choose other keypoints")])
def test_bad_h36m_files_are_told(tmp_path, data, part, path, value, message):
    data = copy.deepcopy(data)
    replace(data[part], path, value)
    write_h36m(tmp_path, *data)
    with pytest.raises(BadFile, match=message):
        open_h36m(tmp_path)
    assert not list(tmp_path.glob('cache/*'))


def test_missing_h36m_parts_are_told(tmp_path, data):
    world, points, metadata = data
    with pytest.raises(FileNotFoundError, match='data_3d_h36m.npz is missing: see docs/lifting.md'):
        open_h36m(tmp_path)
    write_h36m(tmp_path, *data)
    with pytest.raises(FileNotFoundError, match=r"data_2d_h36m_cpn.npz is missing: keypoints='cpn' should be one of "
                                                r"those in the folder, \['gt'\]"):
        Human36MDataset(str(tmp_path), keypoints='cpn')
    with pytest.raises(FileNotFoundError, match='none.json is missing: tools/dataset_converters/h36m_cameras.py'):
        open_h36m(tmp_path, cameras='none.json')
    with pytest.raises(ValueError, match=r"split='val' should be one of \['train', 'test'\], or name the subjects"):
        open_h36m(tmp_path, 'val')
    with pytest.raises(ValueError, match=r"has no actions \['Sit'\] of these subjects, only \['Sitting', "
                                         r"'SittingDown', 'Walking'\]"):
        open_h36m(tmp_path, actions=('Sitting', 'Sit'))
    with pytest.raises(ValueError, match=r"data_3d_h36m.npz has no subjects \['S2'\], only \['S1', 'S11'"):
        open_h36m(tmp_path, subjects=('S2',))
    write_cameras(tmp_path / 'few.json', ['S1'])
    with pytest.raises(ValueError, match=r"cameras of subjects \['S9', 'S11'\] are not known, only those of \['S1'\]"):
        open_h36m(tmp_path, cameras='few.json')
    np.savez(tmp_path / 'data_2d_h36m_gt.npz', positions_2d=points, metadata={})
    with pytest.raises(BadFile, match="'metadata' should be a dict with 'keypoints_symmetry'; is it a VideoPose3D"):
        open_h36m(tmp_path)
    np.savez(tmp_path / 'data_3d_h36m.npz', positions=world)
    with pytest.raises(BadFile, match=r"data_3d_h36m.npz has no 'positions_3d', only \['positions'\]"):
        open_h36m(tmp_path)


def open_humaneva(root, split='test', **kwargs):
    return HumanEvaDataset(str(root), split, subjects=('S1', 'S2'), num_frames=5, cache_dir=str(root / 'cache'),
                           **kwargs)


def test_humaneva(tmp_path):
    data = humaneva(tmp_path)
    dataset = open_humaneva(write_humaneva(tmp_path, *data), test_mode=True)
    assert uids(dataset)[:3] == ['Validate/S1/Walking 1 chunk0/C1', 'Validate/S1/Walking 1 chunk0/C2',
                                 'Validate/S1/Walking 1 chunk2/C1']
    assert {s['action'] for s in dataset.store.sequences} == {'Walking', 'Jog'} and len(uids(dataset)) == 16
    assert dataset.store.sequences[0]['fps'] == 60 and dataset.store.sequences[0]['image_size'] == [640, 480]
    pose = read_cameras(tmp_path / 'cameras_humaneva.json')['S1'][1].T_world_camera.numpy()
    joints = (data[0]['Validate/S1']['Walking 1 chunk0'] - pose[:3, 3]) @ pose[:3, :3]
    np.testing.assert_allclose(dataset.store.frames['joints'][6:12], joints - joints[:, :1], atol=1e-6)
    assert dataset[0]['data_samples'].joints.shape == (1, 5, 15, 3)
    train = open_humaneva(tmp_path, 'train', actions=None, mirror=True)
    assert len(uids(train)) == 24 and all(uid.startswith('Train/') for uid in uids(train))
    with pytest.raises(ValueError, match=r"split='val' should be one of \['train', 'test'\]"):
        open_humaneva(tmp_path, 'val')
    with pytest.raises(FileNotFoundError, match=r"humaneva15_cpn.npz is missing: keypoints='cpn' .*\['gt'\]"):
        open_humaneva(tmp_path, keypoints='cpn')
