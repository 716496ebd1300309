"""Readers of image data sets, on tiny data sets in the official formats."""
import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from helpers import image_fixture as fixture

from mmegopose.body_models import OPEN_MODELS, SkinnedModel
from mmegopose.datasets import ImageMeshDataset
from mmegopose.datasets.image_files import read_picture
from mmegopose.datasets.readers.images import (
    freihand,
    hamer_npz,
    read_coco_wholebody_hands,
    read_emdb,
    read_freihand,
    read_hamer_npz,
    read_hamer_tar,
    read_hint,
    read_ho3d,
    read_pw3d,
)
from mmegopose.datasets.readers.images.image_rows import image_store
from mmegopose.files import BadFile
from mmegopose.geometry.rotations import so3_exp

close = dict(rtol=1e-5, atol=1e-5)


def same(actual, expected, **kwargs):
    np.testing.assert_allclose(actual, expected, **(close | kwargs))


def rotations(vectors):
    return so3_exp(torch.as_tensor(np.array(vectors), dtype=torch.float64).reshape(-1, 3)).numpy()


def test_freihand_training(tmp_path):
    truth = fixture.write_freihand(tmp_path)
    store, written = read_freihand(tmp_path, mano=tmp_path / 'MANO_RIGHT.pkl'), truth['training']
    frames = store.frames
    assert store.num_rows == 12 and frames['right'].all() and not store.info['video']
    assert frames['file'][4] == 'training/rgb/00000004.jpg'  # the second hand before the second background
    same(frames['joints'][4], np.c_[written['xyz'][1], np.ones(21)])
    pixels = fixture.project(written['xyz'][1], written['K'][1])
    same(frames['keypoints'][4], np.c_[pixels, np.ones(21)], atol=1e-3)
    same(frames['box'][4], np.r_[(pixels.min(0) + pixels.max(0)) / 2, np.ptp(pixels, 0)], atol=1e-3)
    same(frames['pose'][4].ravel(), written['mano'][1, 0, :48] + np.r_[np.zeros(3), truth['hands_mean']])
    same(frames['betas'][4], written['mano'][1, 0, 48:58])
    assert frames['has_pose'].all() and frames['has_betas'].all() and (frames['image_size'] == 224).all()
    chosen = read_freihand(tmp_path, backgrounds=('auto',))
    assert chosen.frames['file'].tolist() == [f'training/rgb/{i:08d}.jpg' for i in (9, 10, 11)]
    assert not chosen.frames['has_pose'].any()


def test_freihand_evaluation(tmp_path):
    truth = fixture.write_freihand(tmp_path)
    store = read_freihand(tmp_path, 'evaluation')
    same(store.frames['vertices'], truth['evaluation']['verts'])
    for name in ('xyz', 'mano', 'verts'):
        (tmp_path / f'evaluation_{name}.json').unlink()
    bare = read_freihand(tmp_path, 'evaluation')
    assert bare.num_rows == 3 and 'vertices' not in bare.frames and not bare.frames['joints'].any()
    same(bare.frames['box'], [[112, 112, 224, 224]] * 3)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_ho3d_training(tmp_path, suffix):
    truth = fixture.write_ho3d(tmp_path, suffix=suffix)
    store = read_ho3d(tmp_path)
    listed = np.argsort(store.frames['listed'])
    rows = {name: values[listed] for name, values in store.frames.items()}  # as in train.txt
    assert rows['file'][0] == f'train/ABF2/rgb/0003{suffix}' and rows['frame'].tolist() == [3, 3, 2, 2, 1, 1, 0, 0]
    assert [store.sequences[i]['name'] for i in store.sequence_of(listed)[[0, -1]]] == ['ABF2', 'MC1']
    assert store.frames['frame'].tolist() == [0, 1, 2, 3] * 2
    written = truth['ABF2/0003']
    same(rows['joints'][0, :, :3], written['joints'])
    assert (rows['joints'][..., 2] > 0).all()
    same(rows['keypoints'][0, :, :2], written['keypoints'], atol=1e-3)
    same(rows['betas'][0], written['betas'])
    same(rows['pose'][0, 1:].ravel(), written['pose'][3:])
    same(rotations(rows['pose'][0, 0])[0], np.diag([1, -1, -1]) @ rotations(written['pose'][:3])[0])


def test_ho3d_evaluation(tmp_path):
    truth = fixture.write_ho3d(tmp_path)
    store, written = read_ho3d(tmp_path, 'evaluation'), truth['SM1/0000']
    frames = store.frames
    same(frames['box'][0], [320, 240, 240, 180])
    assert frames['joints'][0, :, 3].tolist() == [1] + [0] * 20 and not frames['has_pose'].any()
    same(frames['joints'][0, 0, :3], written['joints'][0])
    vertices = fixture.write_ho3d_truth(tmp_path, truth)
    frames = read_ho3d(tmp_path, 'evaluation').frames
    same(frames['joints'][0, :, :3], written['joints'])
    same(frames['keypoints'][0, :, :2], written['keypoints'], atol=1e-3)
    same(frames['vertices'], vertices * fixture.FLIP_YZ)
    same(frames['box'][0], [320, 240, 240, 180])


def test_hint(tmp_path):
    truth = fixture.write_hint(tmp_path)
    store = read_hint(tmp_path, subsets=('newdays_img',))
    frames = store.frames
    assert frames['right'].tolist() == [False, True, False]
    for row, (name, written) in enumerate(truth.items()):
        assert frames['file'][row] == f'TEST_newdays_img/{name}.jpg'
        same(frames['keypoints'][row], np.c_[written['keypoints'], np.ones(21)])
        assert (~frames['keypoint_visible'][row]).tolist() == (written['occlusion'] == 1).tolist()
    same(frames['box'][0], [130, 130, 160, 150])


@pytest.mark.parametrize('objects', [False, True])
def test_hamer_npz(tmp_path, objects):
    rows = fixture.write_hamer_npz(tmp_path, objects)
    store = read_hamer_npz(tmp_path, 'hands.npz')
    frames = store.frames
    assert frames['file'].tolist() == rows['imgname'] and frames['right'].tolist() == [True, False, True, False]
    same(frames['box'], np.c_[rows['center'], rows['scale']])
    same(frames['keypoints'], rows['hand_keypoints_2d'], atol=1e-3)
    same(frames['joints'], rows['hand_keypoints_3d'])
    assert frames['has_pose'].tolist() == [True, True, False, True] and not frames['pose'][2].any()
    same(frames['pose'][3].ravel(), rows['hand_pose'][3])


def test_hamer_npz_without_labels(tmp_path):
    np.savez(tmp_path / 'list.npz', imgname=['a.jpg', 'b.jpg'], center=[[5, 6], [7, 8]], scale=[20, 30])
    store = read_hamer_npz(tmp_path, tmp_path / 'list.npz')
    same(store.frames['box'], [[5, 6, 20, 20], [7, 8, 30, 30]])
    assert store.frames['right'].all() and not store.frames['has_pose'].any()


def test_hamer_tar(tmp_path):
    rows, images = fixture.write_hamer_tar(tmp_path)
    store = read_hamer_tar(tmp_path)
    frames = store.frames
    assert frames['file'].tolist() == ['000000.tar/a/0001'] * 2 + ['000000.tar/a/0002', '000001.tar/b.x/0003']
    pictures = [read_picture(tmp_path, frames['file'][row], frames['span'][row]) for row in (0, 2, 3)]
    assert pictures == images
    same(frames['box'], np.c_[rows['center'], rows['scale']])
    same(frames['joints'], rows['hand_keypoints_3d'])
    same(frames['betas'][[0, 1, 3]], rows['betas'][[0, 1, 3]])
    assert not store.info['tight'] and frames['has_pose'].tolist() == [True, True, False, True]
    batch = ImageMeshDataset(reader=store, augment=False).__getitems__([3])
    same(batch['data_samples'].box_size.item(), 110)


def test_hamer_tar_filters(tmp_path):
    rows, _ = fixture.write_hamer_tar(tmp_path)
    strict = read_hamer_tar(tmp_path, max_beta=float(np.abs(rows['betas'][0]).max()) - 1e-6)
    assert not strict.frames['has_pose'][0] and not strict.frames['has_betas'][0]
    with pytest.raises(ValueError, match="'bad fit': 4"):
        read_hamer_tar(tmp_path, max_fitting_loss=10)


def test_pw3d(tmp_path):
    truth = fixture.write_pw3d(tmp_path)
    store = read_pw3d(tmp_path)
    frames = store.frames
    assert frames['frame'].tolist() == [0, 1, 2, 3, 4, 0, 1, 3, 4] and np.diff(store.offsets).tolist() == [5, 4]
    assert store.report == {'camera not aligned': 1} and frames['gender'][[0, -1]].tolist() == ['male', 'female']
    camera = truth['cam_poses'][3]
    joints = truth['jointPositions'][1][3].reshape(24, 3) @ camera[:3, :3].T + camera[:3, 3]
    same(frames['joints'][7], np.c_[joints, np.ones(24)])
    same(frames['keypoints'][7, :, :2], fixture.project(joints, truth['cam_intrinsics']), atol=1e-3)
    same(rotations(frames['pose'][7, 0])[0], camera[:3, :3] @ rotations(truth['poses'][1][3, :3])[0])
    same(frames['pose'][7, 1:].ravel(), truth['poses'][1][3, 3:])
    assert frames['file'][7] == 'imageFiles/downtown_x_00/image_00003.jpg'


def test_emdb_joints_are_those_of_the_body_in_the_world(tmp_path):
    truth = fixture.write_emdb(tmp_path)
    assert not read_emdb(tmp_path).frames['joints'].any()
    store = read_emdb(tmp_path, body_models=dict(female='open_body'))
    assert store.frames['frame'].tolist() == [0, 2, 4]
    assert store.report == {'frame marked as bad': 1, 'frame without box': 1}
    same(store.frames['box'], [[200, 450, 200, 500]] * 3)
    same(store.frames['keypoints'][1, :, :2], truth['kp2d'][2], atol=1e-3)
    smpl, camera = truth['smpl'], truth['camera']['extrinsics'][2]
    pose = so3_exp(torch.from_numpy(np.r_[smpl['poses_root'][2], smpl['poses_body'][2]]).reshape(1, 24, 3)).float()
    betas, shift = (torch.from_numpy(smpl[name].reshape(-1, n)[-1 if name == 'betas' else 2])[None].float()
                    for name, n in (('betas', 10), ('trans', 3)))
    world = SkinnedModel('open_body')(pose[:, :1], pose[:, 1:], betas, shift)['joints'][0].numpy()
    same(store.frames['joints'][1, :, :3], world @ camera[:3, :3].T + camera[:3, 3])
    with pytest.raises(ValueError, match='no usable'):
        read_emdb(tmp_path, 'emdb2')


def test_coco_wholebody(tmp_path):
    people = fixture.write_coco_wholebody(tmp_path)
    store = read_coco_wholebody_hands(tmp_path)
    frames = store.frames
    assert frames['right'].tolist() == [False, True, True] and frames['image_size'][0].tolist() == [320, 240]
    points = people[1]['righthand_kpts'].reshape(21, 3)
    same(frames['keypoints'][2], np.c_[points[:, :2], points[:, 2].clip(0, 1)])
    same(frames['box'][2], [120, 120.5, 90, 85])
    assert frames['image_id'].tolist() == [10, 10, 11] and 'area' not in frames


# ---- bad input


def test_missing_files_name_the_path_and_the_remedy(tmp_path):
    for read in (read_freihand, read_ho3d, read_hint, read_hamer_tar, read_pw3d, read_emdb, read_coco_wholebody_hands):
        with pytest.raises(FileNotFoundError, match='nowhere.* should be the folder'):
            read(tmp_path / 'nowhere')
    fixture.write_freihand(tmp_path)
    (tmp_path / 'training_xyz.json').unlink()
    with pytest.raises(FileNotFoundError, match='training_xyz.json is missing: data_root should be'):
        read_freihand(tmp_path)


@pytest.mark.parametrize('read, option', [
    (read_freihand, dict(split='test')), (read_freihand, dict(backgrounds=('green',))), (read_ho3d, dict(split='val')),
    (read_hint, dict(split='train')), (read_hint, dict(subsets=('newdays',))), (read_pw3d, dict(split='val')),
    (read_emdb, dict(split='emdb3')), (read_coco_wholebody_hands, dict(split='test'))])
def test_unknown_options(tmp_path, read, option):
    with pytest.raises(ValueError, match=str(next(iter(option)))):
        read(tmp_path, **option)


def test_truncated_json(tmp_path):
    fixture.write_freihand(tmp_path)
    path = tmp_path / 'training_K.json'
    path.write_text(path.read_text()[:-20])
    with pytest.raises(BadFile, match='training_K.json is not readable JSON'):
        read_freihand(tmp_path)
    path.write_text('[[1, 2], [3]]')
    with pytest.raises(BadFile, match='should hold'):
        read_freihand(tmp_path)


def test_hint_leaves_bad_samples_out(tmp_path):
    truth = fixture.write_hint(tmp_path, count=7)
    folder, names = tmp_path / 'TEST_newdays_img', list(truth)
    path = folder / f'{names[0]}.json'
    path.write_text(path.read_text()[:50])
    (folder / f'{names[1]}.jpg').unlink()
    fixture.write_json(folder / f'{names[2]}.json', [dict(keypoints=[[1, 2]], occlusion=[0], bbox=[[0, 0, 1, 1]])])
    hand = dict(keypoints=np.full((21, 2), 70.0), occlusion=np.zeros(21), bbox=[[70, 70, 70, 70]])
    fixture.write_json(folder / f'{names[3]}.json', [hand])
    fixture.write_json(folder / f'{names[4]}.json', [dict(hand, keypoints=np.full((21, 2), np.nan))])
    shutil.move(folder / f'{names[5]}.json', folder / 'sideless.json')
    shutil.move(folder / f'{names[5]}.jpg', folder / 'sideless.jpg')
    store = read_hint(tmp_path, subsets=('newdays_img',))
    assert store.frames['file'].tolist() == [f'TEST_newdays_img/{names[6]}.jpg']
    assert store.frames['keypoint_visible'].shape == (1, 21)
    assert store.report == {'annotation cannot be read': 1, 'image missing': 1, 'empty box': 1, 'no valid joint': 1,
                            'annotation not in the official layout': 2}


def test_cleaned_store():
    keypoints = np.ones((4, 21, 3)) * [[[50]], [[50]], [[50]], [[50]]]
    keypoints[2, :, 2] = 0
    keypoints[3, 0, 0] = np.nan
    boxes = [[50, 50, 20, 20], [-30, 50, 40, 40], [50, 50, 20, 20], [50, 50, 20, 20]]
    store = image_store('hand', '.', 'x', file=list('abcd'), box=boxes, keypoints=keypoints, image_size=(100, 100))
    frames = store.frames
    assert frames['file'].tolist() == ['a', 'd'] and store.report == {'box outside the image': 1, 'no valid joint': 1}
    assert frames['keypoints'][1, 0].tolist() == [0, 0, 0] and (frames['keypoints'][1, 1:, 2] == 1).all()
    with pytest.raises(ValueError, match='no usable sample.*no valid joint'):
        image_store('hand', '.', 'x', file=['a'], keypoints=np.zeros((1, 21, 3)))
    with pytest.raises(ValueError, match='shape'):
        image_store('hand', '.', 'x', file=['a'], keypoints=np.zeros((1, 20, 3)))


def test_parameters_that_are_absent_or_not_finite():
    pose = np.zeros((2, 16, 3))
    pose[1, 3, 0] = np.inf
    store = image_store('hand', '.', 'x', file=['a', 'b'], box=np.ones((2, 4)), pose=pose, clean=False)
    frames = store.frames
    assert frames['has_pose'].tolist() == [True, False] and not frames['has_betas'].any() and not frames['pose'].any()


def test_malicious_pickles_are_blocked(tmp_path):
    mark = tmp_path / 'owned'
    fixture.write_ho3d(tmp_path / 'ho3d')
    fixture.write_pickle(tmp_path / 'ho3d/train/MC1/meta/0001.pkl', dict(camMat=fixture.Malicious(mark)))
    (tmp_path / 'ho3d/train/MC1/meta/0002.pkl').write_bytes(b'\x80\x02}q')
    store = read_ho3d(tmp_path / 'ho3d')
    assert store.num_rows == 6 and store.report == {
        'annotation refused: a pickle that asks to run code': 1, 'annotation cannot be read': 1}
    fixture.write_hamer_tar(tmp_path / 'tar')
    fixture.write_tar(tmp_path / 'tar/2.tar', [('x.jpg', b'1'), ('x.data.pyd', pickle.dumps(fixture.Malicious(mark)))])
    assert read_hamer_tar(tmp_path / 'tar').report == {'annotation refused: a pickle that asks to run code': 1}
    for name in ('pw3d/sequenceFiles/test/a.pkl', 'emdb/P0/a/P0_a_data.pkl'):
        fixture.write_pickle(tmp_path / name, dict(poses=fixture.Malicious(mark)))
    (tmp_path / 'pw3d/imageFiles').mkdir()
    for read, root in ((read_pw3d, 'pw3d'), (read_emdb, 'emdb')):
        with pytest.raises(ValueError, match='refused'):
            read(tmp_path / root)
    np.savez(tmp_path / 'evil.npz', imgname=np.array([fixture.Malicious(mark)], object), center=[[1, 1]], scale=[1])
    with pytest.raises(BadFile, match='evil.npz'):
        read_hamer_npz(tmp_path, 'evil.npz')
    assert not mark.exists()


def test_shard_that_is_cut_off(tmp_path):
    fixture.write_hamer_tar(tmp_path)
    path = tmp_path / '000000.tar'
    path.write_bytes(path.read_bytes()[:6000])
    store = read_hamer_tar(tmp_path)
    assert store.num_rows == 1 and store.report['shard cut off or damaged (its rest is lost)'] == 1


# ---- cache


def test_stores_are_parsed_once_and_memory_mapped(tmp_path, monkeypatch):
    truth = fixture.write_freihand(tmp_path)
    options = dict(mano=tmp_path / 'MANO_RIGHT.pkl', cache_dir=tmp_path / 'cache')
    first = read_freihand(tmp_path, **options)
    with monkeypatch.context() as patch:
        patch.setattr(freihand, 'read_json', None)
        again = read_freihand(tmp_path, **options)
    assert all(isinstance(values, np.memmap) for values in again.frames.values())
    assert first.info == again.info and first.sequences == again.sequences
    for name, values in first.frames.items():
        np.testing.assert_array_equal(values, again.frames[name])
    fixture.write_pickle(tmp_path / 'MANO_RIGHT.pkl', dict(hands_mean=truth['hands_mean'] + 0.5))
    moved = read_freihand(tmp_path, **options)
    same(moved.frames['pose'][:, 1:], first.frames['pose'][:, 1:] + 0.5)
    assert not read_freihand(tmp_path, cache_dir=tmp_path / 'cache').frames['has_pose'].any()


def test_a_body_model_is_a_source(tmp_path):
    fixture.write_emdb(tmp_path)
    models = dict(female=dict(source=str(tmp_path / 'model.npz')))
    heights = []
    for scale in (1.0, 0.5):
        arrays = dict(np.load(OPEN_MODELS['open_body']))
        arrays |= {name: scale * arrays[name] for name in ('v_template', 'shapedirs')}
        np.savez(tmp_path / 'model.npz', **arrays)
        joints = read_emdb(tmp_path, body_models=models).frames['joints']
        heights.append(np.linalg.norm(joints[0, 15, :3] - joints[0, 10, :3]))  # head and foot
    assert heights[1] == pytest.approx(heights[0] / 2, rel=1e-4)


def test_pictures_that_come_later_are_found(tmp_path):
    truth = fixture.write_hint(tmp_path)
    path = tmp_path / 'TEST_newdays_img' / f'{list(truth)[0]}.jpg'
    path.rename(tmp_path / 'elsewhere.jpg')
    assert read_hint(tmp_path, subsets=('newdays_img',)).num_rows == 2
    (tmp_path / 'elsewhere.jpg').rename(path)
    assert read_hint(tmp_path, subsets=('newdays_img',)).num_rows == 3


def test_lists_of_one_folder_do_not_take_the_place_of_each_other(tmp_path, monkeypatch):
    fixture.write_hamer_npz(tmp_path)
    (tmp_path / 'again.npz').write_bytes((tmp_path / 'hands.npz').read_bytes())
    cache = dict(cache_dir=tmp_path / 'cache')
    for name in ('hands.npz', 'again.npz'):
        read_hamer_npz(tmp_path, name, **cache)
    monkeypatch.setattr(hamer_npz, 'read_object', None)
    assert {read_hamer_npz(tmp_path, name, **cache).num_rows for name in ('hands.npz', 'again.npz')} == {4}


@pytest.mark.parametrize('key, bad', [
    ('lefthand_kpts', [10 ** 400] * 63), ('lefthand_kpts', [[1], [2, 3]] + [0] * 61), ('lefthand_kpts', ['a'] * 63),
    ('lefthand_box', [1, 2, 10 ** 400, 3]), ('lefthand_box', None), ('image_id', {}), ('area', 10 ** 400)])
def test_one_bad_annotation_of_coco_costs_that_hand(tmp_path, key, bad):
    fixture.write_coco_wholebody(tmp_path)
    whole, path = read_coco_wholebody_hands(tmp_path), tmp_path / 'annotations/coco_wholebody_train_v1.0.json'
    content = json.loads(path.read_text())
    content['annotations'].append(dict(content['annotations'][0], id=99, **{key: bad}))
    content['annotations'].append('no person')
    content['images'].append(dict(id=10 ** 400, file_name='a', width='b'))
    path.write_text(json.dumps(content))
    rest = read_coco_wholebody_hands(tmp_path)
    sides = 1 if key.startswith('left') else 0  # its right hand is good
    assert rest.num_rows == whole.num_rows + sides
    assert rest.report['annotation not in the official layout'] >= 2
    assert rest.report['image not in the official layout'] == 1
    kept = [row for row in range(rest.num_rows) if row != rest.num_rows - 1 or not sides]
    for name in ('keypoints', 'box', 'image_size'):
        np.testing.assert_array_equal(rest.frames[name][kept], whole.frames[name])
