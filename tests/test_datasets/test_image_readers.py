"""Readers of image data sets, on tiny data sets in the official formats, and the batches made of them."""
import json
import pickle
import shutil

import cv2
import numpy as np
import pytest
import torch
from helpers import image_fixture as fixture
from mmengine.registry import DefaultScope

from mmegopose.body_models import load_body_model
from mmegopose.datasets import batch_collate
from mmegopose.datasets.image_dataset import ImageMeshDataset
from mmegopose.datasets.image_store import ImageStore
from mmegopose.datasets.readers.images import (
    read_coco_wholebody_hands,
    read_emdb,
    read_freihand,
    read_hamer_npz,
    read_hamer_tar,
    read_hint,
    read_ho3d,
    read_pw3d,
)
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
    assert len(store) == 12 and store.right.all() and not store.video
    assert store.files[4] == 'training/rgb/00000004.jpg'  # the second hand before the second background
    same(store.joints[4], np.c_[written['xyz'][1], np.ones(21)])
    pixels = fixture.project(written['xyz'][1], written['K'][1])
    same(store.keypoints[4], np.c_[pixels, np.ones(21)], atol=1e-3)
    same(store.boxes[4], np.r_[(pixels.min(0) + pixels.max(0)) / 2, np.ptp(pixels, 0)], atol=1e-3)
    same(store.pose[4].ravel(), written['mano'][1, 0, :48] + np.r_[np.zeros(3), truth['hands_mean']])
    same(store.betas[4], written['mano'][1, 0, 48:58])
    assert store.has_pose.all() and store.has_betas.all() and (store.image_size == 224).all()
    chosen = read_freihand(tmp_path, backgrounds=('auto',))
    assert chosen.files.tolist() == [f'training/rgb/{i:08d}.jpg' for i in (9, 10, 11)] and not chosen.has_pose.any()


def test_freihand_evaluation(tmp_path):
    truth = fixture.write_freihand(tmp_path)
    store = read_freihand(tmp_path, 'evaluation')
    same(store.vertices, truth['evaluation']['verts'])
    for name in ('xyz', 'mano', 'verts'):
        (tmp_path / f'evaluation_{name}.json').unlink()
    bare = read_freihand(tmp_path, 'evaluation')
    assert len(bare) == 3 and bare.vertices is None and not bare.joints.any()
    same(bare.boxes, [[112, 112, 224, 224]] * 3)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_ho3d_training(tmp_path, suffix):
    truth = fixture.write_ho3d(tmp_path, suffix=suffix)
    store = read_ho3d(tmp_path)
    assert store.files[0] == f'train/ABF2/rgb/0003{suffix}' and store.frame.tolist() == [3, 3, 2, 2, 1, 1, 0, 0]
    assert [store.sequences[i]['name'] for i in store.sequence[[0, -1]]] == ['ABF2', 'MC1']
    written = truth['ABF2/0003']
    same(store.joints[0, :, :3], written['joints'])
    assert (store.joints[..., 2] > 0).all()
    same(store.keypoints[0, :, :2], written['keypoints'], atol=1e-3)
    same(store.betas[0], written['betas'])
    same(store.pose[0, 1:].ravel(), written['pose'][3:])
    same(rotations(store.pose[0, 0])[0], np.diag([1, -1, -1]) @ rotations(written['pose'][:3])[0])


def test_ho3d_evaluation(tmp_path):
    truth = fixture.write_ho3d(tmp_path)
    store, written = read_ho3d(tmp_path, 'evaluation'), truth['SM1/0000']
    same(store.boxes[0], [320, 240, 240, 180])
    assert store.joints[0, :, 3].tolist() == [1] + [0] * 20 and not store.has_pose.any()
    same(store.joints[0, 0, :3], written['joints'][0])
    vertices = fixture.write_ho3d_truth(tmp_path, truth)
    store = read_ho3d(tmp_path, 'evaluation')
    same(store.joints[0, :, :3], written['joints'])
    same(store.keypoints[0, :, :2], written['keypoints'], atol=1e-3)
    same(store.vertices, vertices * fixture.FLIP_YZ)
    same(store.boxes[0], [320, 240, 240, 180])


def test_hint(tmp_path):
    truth = fixture.write_hint(tmp_path)
    store = read_hint(tmp_path, subsets=('newdays_img',))
    assert store.right.tolist() == [False, True, False]
    for row, (name, written) in enumerate(truth.items()):
        assert store.files[row] == f'TEST_newdays_img/{name}.jpg'
        same(store.keypoints[row], np.c_[written['keypoints'], np.ones(21)])
        assert store.occluded[row].tolist() == (written['occlusion'] == 1).tolist()
    same(store.boxes[0], [130, 130, 160, 150])


@pytest.mark.parametrize('objects', [False, True])
def test_hamer_npz(tmp_path, objects):
    rows = fixture.write_hamer_npz(tmp_path, objects)
    store = read_hamer_npz(tmp_path / 'hands.npz', tmp_path)
    assert store.files.tolist() == rows['imgname'] and store.right.tolist() == [True, False, True, False]
    same(store.boxes, np.c_[rows['center'], rows['scale']])
    same(store.keypoints, rows['hand_keypoints_2d'], atol=1e-3)
    same(store.joints, rows['hand_keypoints_3d'])
    assert store.has_pose.tolist() == [True, True, False, True] and not store.pose[2].any()
    same(store.pose[3].ravel(), rows['hand_pose'][3])


def test_hamer_npz_without_labels(tmp_path):
    np.savez(tmp_path / 'list.npz', imgname=['a.jpg', 'b.jpg'], center=[[5, 6], [7, 8]], scale=[20, 30])
    store = read_hamer_npz(tmp_path / 'list.npz', tmp_path)
    same(store.boxes, [[5, 6, 20, 20], [7, 8, 30, 30]])
    assert store.right.all() and not store.has_pose.any()


def test_hamer_tar(tmp_path):
    rows, images = fixture.write_hamer_tar(tmp_path)
    store = read_hamer_tar(tmp_path)
    assert store.files.tolist() == ['000000.tar/a/0001'] * 2 + ['000000.tar/a/0002', '000001.tar/b.x/0003']
    assert [store.read(row) for row in (0, 2, 3)] == images
    same(store.boxes, np.c_[rows['center'], rows['scale']])
    same(store.joints, rows['hand_keypoints_3d'])
    same(store.betas[[0, 1, 3]], rows['betas'][[0, 1, 3]])
    assert not store.tight and store.has_pose.tolist() == [True, True, False, True]
    batch = ImageMeshDataset(store, augment=False).__getitems__([3])
    same(batch['data_samples'].box_size.item(), 110)


def test_hamer_tar_filters(tmp_path):
    rows, _ = fixture.write_hamer_tar(tmp_path)
    strict = read_hamer_tar(tmp_path, max_beta=float(np.abs(rows['betas'][0]).max()) - 1e-6)
    assert not strict.has_pose[0] and not strict.has_betas[0]
    with pytest.raises(ValueError, match="'bad fit': 4"):
        read_hamer_tar(tmp_path, max_fitting_loss=10)


def test_pw3d(tmp_path):
    truth = fixture.write_pw3d(tmp_path)
    store = read_pw3d(tmp_path)
    assert store.frame.tolist() == [0, 1, 2, 3, 4, 0, 1, 3, 4] and store.sequence.tolist() == [0] * 5 + [1] * 4
    assert store.report == {'camera not aligned': 1} and store.gender[[0, -1]].tolist() == ['male', 'female']
    camera = truth['cam_poses'][3]
    joints = truth['jointPositions'][1][3].reshape(24, 3) @ camera[:3, :3].T + camera[:3, 3]
    same(store.joints[7], np.c_[joints, np.ones(24)])
    same(store.keypoints[7, :, :2], fixture.project(joints, truth['cam_intrinsics']), atol=1e-3)
    same(rotations(store.pose[7, 0])[0], camera[:3, :3] @ rotations(truth['poses'][1][3, :3])[0])
    same(store.pose[7, 1:].ravel(), truth['poses'][1][3, 3:])
    assert store.files[7] == 'imageFiles/downtown_x_00/image_00003.jpg'


def test_emdb_joints_are_those_of_the_body_in_the_world(tmp_path):
    truth = fixture.write_emdb(tmp_path)
    assert not read_emdb(tmp_path).joints.any()
    store = read_emdb(tmp_path, body_models=dict(female='open_body'))
    assert store.frame.tolist() == [0, 2, 4]
    assert store.report == {'frame marked as bad': 1, 'frame without box': 1}
    same(store.boxes, [[200, 450, 200, 500]] * 3)
    same(store.keypoints[1, :, :2], truth['kp2d'][2], atol=1e-3)
    smpl, camera = truth['smpl'], truth['camera']['extrinsics'][2]
    pose = so3_exp(torch.from_numpy(np.r_[smpl['poses_root'][2], smpl['poses_body'][2]]).reshape(1, 24, 3)).float()
    betas, shift = (torch.from_numpy(smpl[name].reshape(-1, n)[-1 if name == 'betas' else 2])[None].float()
                    for name, n in (('betas', 10), ('trans', 3)))
    world = load_body_model('open_body')(pose[:, :1], pose[:, 1:], betas, shift)['joints'][0].numpy()
    same(store.joints[1, :, :3], world @ camera[:3, :3].T + camera[:3, 3])
    with pytest.raises(ValueError, match='no usable'):
        read_emdb(tmp_path, 'emdb2')


def test_coco_wholebody(tmp_path):
    people = fixture.write_coco_wholebody(tmp_path)
    store = read_coco_wholebody_hands(tmp_path)
    assert store.right.tolist() == [False, True, True] and store.image_size[0].tolist() == [320, 240]
    points = people[1]['righthand_kpts'].reshape(21, 3)
    same(store.keypoints[2], np.c_[points[:, :2], points[:, 2].clip(0, 1)])
    same(store.boxes[2], [120, 120.5, 90, 85])


# ---- bad input


def test_missing_files_name_the_path_and_the_remedy(tmp_path):
    for read in (read_freihand, read_ho3d, read_hint, read_hamer_tar, read_pw3d, read_emdb, read_coco_wholebody_hands):
        with pytest.raises(FileNotFoundError, match='nowhere.* should be the folder'):
            read(tmp_path / 'nowhere')
    fixture.write_freihand(tmp_path)
    (tmp_path / 'training_xyz.json').unlink()
    with pytest.raises(FileNotFoundError, match='training_xyz.json is missing: root should be'):
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
    assert store.files.tolist() == [f'TEST_newdays_img/{names[6]}.jpg'] and store.occluded.shape == (1, 21)
    assert store.report == {'annotation cannot be read': 1, 'image missing': 1, 'empty box': 1, 'no valid joint': 1,
                            'annotation not in the official layout': 2}


def test_cleaned_store():
    keypoints = np.ones((4, 21, 3)) * [[[50]], [[50]], [[50]], [[50]]]
    keypoints[2, :, 2] = 0
    keypoints[3, 0, 0] = np.nan
    boxes = [[50, 50, 20, 20], [-30, 50, 40, 40], [50, 50, 20, 20], [50, 50, 20, 20]]
    store = ImageStore('hand', '.', list('abcd'), boxes, keypoints, image_size=(100, 100)).cleaned()
    assert store.files.tolist() == ['a', 'd'] and store.report == {'box outside the image': 1, 'no valid joint': 1}
    assert store.keypoints[1, 0].tolist() == [0, 0, 0] and (store.keypoints[1, 1:, 2] == 1).all()
    with pytest.raises(ValueError, match='no usable sample.*no valid joint'):
        ImageStore('hand', '.', ['a'], keypoints=np.zeros((1, 21, 3))).cleaned()
    with pytest.raises(ValueError, match='shape'):
        ImageStore('hand', '.', ['a'], keypoints=np.zeros((1, 20, 3)))


def test_parameters_that_are_absent_or_not_finite():
    pose = np.zeros((2, 16, 3))
    pose[1, 3, 0] = np.inf
    store = ImageStore('hand', '.', ['a', 'b'], np.ones((2, 4)), pose=pose)
    assert store.has_pose.tolist() == [True, False] and not store.has_betas.any() and not store.pose.any()


def test_malicious_pickles_are_blocked(tmp_path):
    mark = tmp_path / 'owned'
    fixture.write_ho3d(tmp_path / 'ho3d')
    fixture.write_pickle(tmp_path / 'ho3d/train/MC1/meta/0001.pkl', dict(camMat=fixture.Malicious(mark)))
    (tmp_path / 'ho3d/train/MC1/meta/0002.pkl').write_bytes(b'\x80\x02}q')
    store = read_ho3d(tmp_path / 'ho3d')
    assert len(store) == 6 and store.report == {
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
        read_hamer_npz(tmp_path / 'evil.npz', tmp_path)
    assert not mark.exists()


def test_shard_that_is_cut_off(tmp_path):
    fixture.write_hamer_tar(tmp_path)
    path = tmp_path / '000000.tar'
    path.write_bytes(path.read_bytes()[:6000])
    store = read_hamer_tar(tmp_path)
    assert len(store) == 1 and store.report['shard cut off or damaged (its rest is lost)'] == 1


# ---- batches


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmegopose'):
        yield


@pytest.fixture
def freihand(tmp_path):
    fixture.write_freihand(tmp_path)
    return dict(type='FreiHAND', root=tmp_path, mano=tmp_path / 'MANO_RIGHT.pkl')


def test_batch_in_test_mode(freihand):
    data = ImageMeshDataset(dict(freihand, split='evaluation'), test_mode=True)
    batch, store = data.__getitems__([2, 0]), data.store
    assert {name: tuple(value.shape) for name, value in batch['inputs'].items()} == dict(
        image=(2, 1, 3, 256, 192), valid=(2, 1), pose_image=(2, 1, 3, 256, 192), pose_detected=(2, 1))
    sample = batch['data_samples']
    assert sample.index.tolist() == [2, 0] and sample.scored.all() and sample.right.all()
    side = 2 * store.boxes[2, 2:].max()
    same(sample.box_size[0], side)
    pixels = sample.keypoints[0, 0].numpy() * side + store.boxes[2, :2]
    same(pixels, store.keypoints[2, :, :2], atol=1e-3)
    same(sample.joints[0, 0], store.joints[2, :, :3])
    same(sample.vertices[1, 0], store.vertices[0])
    same(sample.body_pose[0, 0], rotations(store.pose[2, 1:]), atol=1e-4)
    assert data.metainfo['sequences'][0]['frame_ids'].tolist() == [0, 1, 2] and data.metainfo['skeleton'] == 'hand21'
    image = cv2.imread(str(store.root / store.files[2]))[..., ::-1]
    center = batch['inputs']['image'][0, 0, :, 128, 96].numpy() * [0.229, 0.224, 0.225] + [0.485, 0.456, 0.406]
    x, y = np.floor(store.boxes[2, :2]).astype(int)
    assert np.abs(center * 255 - image[y:y + 2, x:x + 2].mean((0, 1))).max() < 12


@pytest.mark.parametrize('form, stream, shape', [('heatmap', 'pose_heatmap', (21, 64, 48)),
                                                 ('array', 'pose_array', (21, 3)), (None, None, None)])
def test_forms_of_the_2d_pose(freihand, form, stream, shape):
    data = ImageMeshDataset(freihand, pose_form=form, augment=False, corruption=False)
    inputs, sample = data[1].values()
    if form is None:
        assert set(inputs) == {'image', 'valid'}
        return
    assert inputs[stream].shape == (1, 1, *shape) and inputs['pose_detected'].all()
    if form == 'array':
        same(inputs[stream][0, 0, :, :2], sample.keypoints[0, 0])
    else:
        peak = inputs[stream][0, 0, 5].flatten().argmax().item()
        place = (sample.keypoints[0, 0, 5].numpy() + 0.5) * 256 * 63 / 255
        assert abs(peak % 48 + 8 - place[0]) <= 1 and abs(peak // 48 - place[1]) <= 1


def test_augmentation_depends_on_seed_and_key_only(freihand):
    data = ImageMeshDataset(freihand)
    one, many = data.__getitems__([17]), data.__getitems__([3, 17, 40])
    for name, value in one['inputs'].items():
        torch.testing.assert_close(many['inputs'][name][1:2], value, rtol=0, atol=0)
    for name, value in one['data_samples'].items():
        torch.testing.assert_close(many['data_samples'].get(name)[1:2], value, rtol=0, atol=0)
    again = data.__getitems__([17 + len(data)])
    assert again['data_samples'].index == one['data_samples'].index
    assert not torch.equal(again['inputs']['image'], one['inputs']['image'])


def test_augmented_targets_follow_the_image(freihand):
    """2D keypoints, joints and the root turn by one angle; the keypoints turn about the centre of the box."""
    turned = ImageMeshDataset(freihand, augment=dict(rotate_prob=1.0), corruption=False)
    plain = ImageMeshDataset(freihand, augment=False, corruption=False)
    for key in range(4):
        new, old = turned[key]['data_samples'], plain[key]['data_samples']
        turn = torch.linalg.lstsq(old.joints[0, 0], new.joints[0, 0]).solution.T
        same(turn[2], [0, 0, 1], atol=1e-4)
        assert abs(turn[0, 1]) > 1e-3
        same(new.global_orient[0, 0, 0], turn @ old.global_orient[0, 0, 0], atol=1e-4)
        old_pixels, new_pixels = (sample.keypoints[0, 0] * sample.box_size.item() for sample in (old, new))
        shift = (new.box_center - old.box_center)[0]
        same(new_pixels, (old_pixels - shift) @ turn[:2, :2].T, atol=1e-2)
        same(new.body_pose, old.body_pose)
        torch.testing.assert_close(new.betas, old.betas)


def test_left_hands_are_mirrored(tmp_path):
    fixture.write_hamer_npz(tmp_path)
    store = read_hamer_npz(tmp_path / 'hands.npz', tmp_path)
    batch = ImageMeshDataset(store, augment=False, corruption=False).__getitems__([1])
    sample = batch['data_samples']
    assert not sample.right.item()
    same(sample.joints[0, 0], store.joints[1, :, :3] * [-1, 1, 1])
    mirror = np.diag([-1.0, 1, 1])
    same(torch.cat([sample.global_orient, sample.body_pose], 2)[0, 0], mirror @ rotations(store.pose[1]) @ mirror,
         atol=1e-4)
    pixels = sample.keypoints[0, 0].numpy() * sample.box_size.item() * [-1, 1] + store.boxes[1, :2]
    same(pixels, store.keypoints[1, :, :2], atol=1e-3)
    flipped = tmp_path / 'flipped.jpg'
    cv2.imwrite(str(flipped), cv2.imread(str(tmp_path / store.files[1]))[:, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])
    center = store.boxes[1] * [-1, 1, 1, 1] + [319, 0, 0, 0]
    other = ImageMeshDataset(ImageStore('hand', tmp_path, ['flipped.jpg'], center[None]), augment=False)[0]
    assert (other['inputs']['image'] - batch['inputs']['image']).abs().mean() < 0.02


def test_images_that_cannot_be_read_are_skipped(freihand):
    data = ImageMeshDataset(freihand)
    root, files = data.store.root, data.store.files
    (root / files[1]).unlink()
    (root / files[2]).write_bytes(b'no image')
    (root / files[3]).write_bytes(b'')
    batch = data.__getitems__([0, 1, 2, 3, 4])
    assert batch['data_samples'].index.tolist() == [0, 4] and batch['inputs']['image'].shape[0] == 2
    torch.testing.assert_close(data[4]['inputs']['image'], batch['inputs']['image'][1:], rtol=0, atol=0)
    assert data.crop.skipped == {'image cannot be read': 3}
    with pytest.raises(ValueError, match='no image of a batch'):
        data.__getitems__([1, 2])


def test_box_outside_an_image_of_unknown_size(tmp_path):
    fixture.write_hamer_npz(tmp_path)
    boxes = [[100, 100, 50, 50], [2000, 100, 50, 50]]
    store = ImageStore('hand', tmp_path, ['images/0000.jpg'] * 2, boxes)
    data = ImageMeshDataset(store, augment=False)
    assert data.__getitems__([0, 1])['data_samples'].index.tolist() == [0]
    assert data.crop.skipped == {'box outside the image': 1}
    assert not data[0]['inputs']['pose_detected'].any()


def test_detections(freihand, tmp_path):
    plain = ImageMeshDataset(freihand, pose_form='array', test_mode=True)
    store = plain.store
    moved = store.keypoints[:2] + [3, -2, -0.25]
    np.savez(tmp_path / 'found.npz', image=store.files[[1, 0]], keypoints=moved[::-1], right=[True, True])
    rows = [dict(image=str(store.files[row]), keypoints=moved[row]) for row in (0, 1)]
    rows.append(dict(rows[0], right=False))
    fixture.write_json(tmp_path / 'found.json', rows)
    for name in ('found.npz', 'found.json'):
        data = ImageMeshDataset(freihand, pose_form='array', detections=tmp_path / name, test_mode=True)
        inputs, sample = data.__getitems__([0, 2]).values()
        assert inputs['pose_detected'].tolist() == [[True], [False]]
        side = sample.box_size[0].item()
        same(inputs['pose_array'][0, 0, :, :2] * side, sample.keypoints[0, 0] * side + torch.tensor([3, -2]), atol=1e-3)
        same(inputs['pose_array'][0, 0, :, 2], 0.75)
    (tmp_path / 'found.json').write_text(json.dumps([dict(rows[0], image='x.jpg', keypoints=moved[0].tolist())]))
    with pytest.raises(BadFile, match='named like.*x.jpg'):
        ImageMeshDataset(freihand, detections=tmp_path / 'found.json')
    (tmp_path / 'found.json').write_text('[{"image": "x"}]')
    with pytest.raises(BadFile, match='no file of detections'):
        ImageMeshDataset(freihand, detections=tmp_path / 'found.json')
    with pytest.raises(FileNotFoundError, match='detections should be'):
        ImageMeshDataset(freihand, detections=tmp_path / 'none.npz')


def test_clips_of_videos(tmp_path):
    fixture.write_pw3d(tmp_path)
    data = ImageMeshDataset(dict(type='PW3D', root=tmp_path), frames=3, test_mode=True)
    batch = data.__getitems__(range(len(data)))
    sample = batch['data_samples']
    assert [ids[valid].tolist() for ids, valid in zip(sample.frame_ids, batch['inputs']['valid'])] == [
        [0, 1, 2], [3, 4], [0, 1], [3, 4]]
    assert torch.equal(sample.scored, batch['inputs']['valid']) and sample.sequence.tolist() == [0, 0, 1, 1]
    assert not sample.visible[~sample.scored].any() and not sample.has_pose[~sample.scored].any()
    assert data.sequence_bounds.tolist() == [0, 2, 4]
    assert [list(s['frame_ids']) for s in data.metainfo['sequences']] == [[0, 1, 2, 3, 4], [0, 1, 3, 4]]
    dense = ImageMeshDataset(dict(type='PW3D', root=tmp_path), frames=2, stride=1)
    assert len(dense) == 9 and dense.padded.sum() == 3
    (tmp_path / 'imageFiles/downtown_x_00/image_00001.jpg').unlink()
    batch = data.__getitems__([0, 1])
    assert batch['inputs']['valid'].tolist() == [[True, False, True], [True, True, False]]
    assert not batch['data_samples'].visible[0, 1].any()


def test_clips_follow_time_where_rows_do_not(tmp_path):
    fixture.write_ho3d(tmp_path)
    data = ImageMeshDataset(dict(type='HO3D', root=tmp_path), frames=4, augment=False)
    sample = data.__getitems__([0, 1])['data_samples']
    assert sample.frame_ids.tolist() == [[0, 1, 2, 3]] * 2 and sample.sequence.tolist() == [0, 1]
    rows = data.store.joints[data.rows[0], 0, :3]
    same(sample.joints[0, :, 0], rows)
    frames = ImageMeshDataset(dict(type='HO3D', root=tmp_path))
    assert frames.rows[:, 0].tolist() == list(range(8))
    with pytest.raises(ValueError, match='not in the order of its videos'):
        _ = frames.sequence_bounds


def test_true_bodies_come_from_the_models_of_the_user(tmp_path):
    fixture.write_pw3d(tmp_path)
    reader = dict(type='PW3D', root=tmp_path, body_models=dict(male='open_body', female='open_body'))
    data = ImageMeshDataset(reader, test_mode=True)
    sample, store = data.__getitems__([0, 7])['data_samples'], data.store
    assert sample.vertices.shape == (2, 1, 1229, 3) and sample.visible.all()
    same(sample.joints[:, 0, 0], store.joints[[0, 7], 0, :3], atol=1e-4)
    pose = so3_exp(torch.from_numpy(store.pose[7:8]))
    model = load_body_model('open_body')(pose[:, :1], pose[:, 1:], torch.from_numpy(store.betas[7:8]))
    same((sample.vertices - sample.joints[:, :, :1])[1, 0], (model['vertices'] - model['joints'][:, :1])[0], atol=1e-5)
    with pytest.raises(KeyError, match="no model for 'female'"):
        ImageMeshDataset(dict(reader, body_models=dict(male='open_body')), test_mode=True).__getitems__([7])


def test_mirrored_bodies(tmp_path):
    fixture.write_pw3d(tmp_path)
    reader, still = dict(type='PW3D', root=tmp_path), dict(scale=0, rotation=0, shift=0, color=0)
    plain, mirrored = (ImageMeshDataset(reader, augment=dict(still, flip_prob=p), corruption=False)[0] for p in (0, 1))
    left, right = plain['data_samples'], mirrored['data_samples']
    swap = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22]
    same(right.joints[0, 0], left.joints[0, 0, swap] * torch.tensor([-1, 1, 1]))
    same(right.keypoints[0, 0], left.keypoints[0, 0, swap] * torch.tensor([-1, 1]), atol=1e-4)
    mirror = torch.diag(torch.tensor([-1.0, 1, 1]))
    same(right.global_orient[0, 0], mirror @ left.global_orient[0, 0] @ mirror, atol=1e-5)


def test_options_that_do_not_fit(freihand):
    with pytest.raises(ValueError, match='frames=2 needs a data set of videos'):
        ImageMeshDataset(freihand, frames=2)
    with pytest.raises(ValueError, match='pose_form'):
        ImageMeshDataset(freihand, pose_form='skeleton')
    with pytest.raises(ValueError, match='flip_prob'):
        ImageMeshDataset(freihand, augment=dict(flip_prob=0.5))
    with pytest.raises(ValueError, match='width=300'):
        ImageMeshDataset(freihand, crop=dict(width=300))
    with pytest.raises(KeyError, match='FreiHAND'):
        ImageMeshDataset(dict(type='FreiHand', root='.'))


def test_mask_of_occlusion(tmp_path):
    fixture.write_hint(tmp_path)
    data = ImageMeshDataset(dict(type='HInt', root=tmp_path, subsets=('newdays_img',)), test_mode=True)
    sample = data.__getitems__([2, 1])['data_samples']
    assert sample.keypoint_visible[:, 0].tolist() == (~data.store.occluded[[2, 1]]).tolist()
    assert not sample.visible.any() and (sample.keypoint_conf == 1).all()


def test_loader_with_workers(freihand):
    data = ImageMeshDataset(freihand)
    loader = torch.utils.data.DataLoader(data, batch_size=4, num_workers=1, collate_fn=batch_collate)
    for step, batch in enumerate(loader):
        here = data.__getitems__(range(4 * step, 4 * step + 4))
        torch.testing.assert_close(batch['inputs'], here['inputs'], rtol=0, atol=0)
        torch.testing.assert_close(batch['data_samples'].joints, here['data_samples'].joints, rtol=0, atol=0)
