"""Batches of images: crops, their targets and 2D poses; pictures that cannot be used."""
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers import image_fixture as fixture
from mmengine.registry import DefaultScope
from PIL import Image

from mmegopose.body_models import SkinnedModel
from mmegopose.datasets import ImageMeshDataset, batch_collate
from mmegopose.datasets.readers.images import read_hamer_npz
from mmegopose.datasets.readers.images.image_rows import image_store
from mmegopose.engine import load_config
from mmegopose.files import BadFile
from mmegopose.geometry.rotations import so3_exp
from mmegopose.registry import DATASETS

CONFIGS = Path(__file__).parents[2] / 'configs'
close = dict(rtol=1e-5, atol=1e-5)


def same(actual, expected, **kwargs):
    np.testing.assert_allclose(actual, expected, **(close | kwargs))


def rotations(vectors):
    return so3_exp(torch.as_tensor(np.array(vectors), dtype=torch.float64).reshape(-1, 3)).numpy()


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmegopose'):
        yield


@pytest.fixture
def freihand(tmp_path):
    fixture.write_freihand(tmp_path)
    return dict(data_root=tmp_path, reader=dict(type='freihand', mano=tmp_path / 'MANO_RIGHT.pkl'))


def test_batch_in_test_mode(freihand):
    data = ImageMeshDataset(**freihand, split='evaluation', test_mode=True)
    batch, store = data.__getitems__([2, 0]), data.store
    assert {name: tuple(value.shape) for name, value in batch['inputs'].items()} == dict(
        image=(2, 1, 3, 256, 192), valid=(2, 1), pose_image=(2, 1, 3, 256, 192), pose_detected=(2, 1))
    sample = batch['data_samples']
    assert sample.index.tolist() == [2, 0] and sample.scored.all() and sample.right.all()
    side = 2 * store.frames['box'][2, 2:].max()
    same(sample.box_size[0], side)
    pixels = sample.keypoints[0, 0].numpy() * side + store.frames['box'][2, :2]
    same(pixels, store.frames['keypoints'][2, :, :2], atol=1e-3)
    same(sample.joints[0, 0], store.frames['joints'][2, :, :3])
    same(sample.vertices[1, 0], store.frames['vertices'][0])
    same(sample.body_pose[0, 0], rotations(store.frames['pose'][2, 1:]), atol=1e-4)
    assert data.metainfo['sequences'][0]['frame_ids'].tolist() == [0, 1, 2] and data.metainfo['skeleton'] == 'hand21'
    image = cv2.imread(str(freihand['data_root'] / store.frames['file'][2]))[..., ::-1]
    center = batch['inputs']['image'][0, 0, :, 128, 96].numpy() * [0.229, 0.224, 0.225] + [0.485, 0.456, 0.406]
    x, y = np.floor(store.frames['box'][2, :2]).astype(int)
    assert np.abs(center * 255 - image[y:y + 2, x:x + 2].mean((0, 1))).max() < 12


@pytest.mark.parametrize('form, stream, shape', [('heatmap', 'pose_heatmap', (21, 64, 48)),
                                                 ('array', 'pose_array', (21, 3)), (None, None, None)])
def test_forms_of_the_2d_pose(freihand, form, stream, shape):
    data = ImageMeshDataset(**freihand, pose_form=form, augment=False, corruption=False)
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
    data = ImageMeshDataset(**freihand)
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
    turned = ImageMeshDataset(**freihand, augment=dict(rotate_prob=1.0), corruption=False)
    plain = ImageMeshDataset(**freihand, augment=False, corruption=False)
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
    store = read_hamer_npz(tmp_path, 'hands.npz')
    batch = ImageMeshDataset(reader=store, augment=False, corruption=False).__getitems__([1])
    sample, frames = batch['data_samples'], store.frames
    assert not sample.right.item()
    same(sample.joints[0, 0], frames['joints'][1, :, :3] * [-1, 1, 1])
    mirror = np.diag([-1.0, 1, 1])
    same(torch.cat([sample.global_orient, sample.body_pose], 2)[0, 0], mirror @ rotations(frames['pose'][1]) @ mirror,
         atol=1e-4)
    pixels = sample.keypoints[0, 0].numpy() * sample.box_size.item() * [-1, 1] + frames['box'][1, :2]
    same(pixels, frames['keypoints'][1, :, :2], atol=1e-3)
    flipped = tmp_path / 'flipped.jpg'
    cv2.imwrite(str(flipped), cv2.imread(str(tmp_path / frames['file'][1]))[:, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])
    center = frames['box'][1] * [-1, 1, 1, 1] + [319, 0, 0, 0]
    single = image_store('hand', tmp_path, 'x', file=['flipped.jpg'], box=center[None], clean=False)
    other = ImageMeshDataset(reader=single, augment=False)[0]
    assert (other['inputs']['image'] - batch['inputs']['image']).abs().mean() < 0.02


@pytest.fixture
def broken(freihand):
    """FreiHAND whose pictures 1, 2 and 3 cannot be read: missing, no picture, empty."""
    folder = freihand['data_root'] / 'training/rgb'
    (folder / '00000001.jpg').unlink()
    (folder / '00000002.jpg').write_bytes(b'no image')
    (folder / '00000003.jpg').write_bytes(b'')
    return freihand


def rows_of(batch):
    return {name: value for part in batch.values() for name, value in part.items()}


def test_in_training_pictures_that_cannot_be_read_stay_and_do_not_count(broken):
    data = ImageMeshDataset(**broken)
    batch = data.__getitems__([0, 1, 2, 3, 4])
    sample, valid = batch['data_samples'], batch['inputs']['valid'][:, 0]
    assert valid.tolist() == [True, False, False, False, True] and sample.index.tolist() == [0, 1, 2, 3, 4]
    assert 'skipped' not in sample and data.skipped == {'image cannot be read': 3}
    for name in ('scored', 'visible', 'has_pose', 'has_betas', 'keypoint_conf'):
        assert not sample.get(name)[~valid].any() and sample.get(name)[valid].all()
    for name, value in rows_of(data[4]).items():
        torch.testing.assert_close(rows_of(batch)[name][4:], value, rtol=0, atol=0)
    alone = data.__getitems__([1, 2])
    assert len(alone['inputs']['image']) == 2 and not alone['inputs']['valid'].any()
    assert all(value.isfinite().all() for value in rows_of(alone).values())


def test_in_tests_pictures_that_cannot_be_read_are_dropped_and_named(broken):
    data = ImageMeshDataset(**broken, test_mode=True)
    batch = data.__getitems__([0, 1, 2, 3, 4])
    assert batch['data_samples'].index.tolist() == [0, 4] and batch['inputs']['valid'].all()
    assert batch['data_samples'].skipped == [[0, 1], [0, 2], [0, 3]]  # sequence and frame
    torch.testing.assert_close(data[4]['inputs']['image'], batch['inputs']['image'][1:], rtol=0, atol=0)
    for keys in ([1], [3, 2, 1]):  # batches without any picture
        empty = data.__getitems__(keys)
        assert {len(value) for value in rows_of(empty).values()} == {0}
        assert sorted(empty['data_samples'].skipped) == [[0, key] for key in sorted(keys)]
        assert empty['inputs']['image'].shape[1:] == batch['inputs']['image'].shape[1:]
    loader = torch.utils.data.DataLoader(data, batch_size=1, num_workers=1, collate_fn=batch_collate)
    sizes = [len(item['data_samples'].index) for item in loader]
    assert sizes == [1, 0, 0, 0] + [1] * 8


def write_labelled(root, size=(120, 160)):
    """COCO with one picture three times: as it is, stored on its side with the orientation in EXIF, and smaller."""
    width, height = size
    angle = np.linspace(0, 6, 21)
    points = np.stack([30 + 20 * np.cos(angle), 110 + 20 * np.sin(angle)], 1)
    image = np.zeros((height, width, 3), np.uint8)
    for x, y in points.round().astype(int):
        image[y - 2:y + 3, x - 2:x + 3] = 255  # white dots at the joints
    folder = root / 'train2017'
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise
    Image.fromarray(np.rot90(image).copy()).save(folder / 'phone.jpg', quality=98, exif=exif.tobytes())
    Image.fromarray(image).save(folder / 'plain.jpg', quality=98)
    Image.fromarray(image).resize((96, 128)).save(folder / 'small.jpg', quality=98)
    names, low, extent = ('plain', 'phone', 'small'), points.min(0), np.ptp(points, axis=0)
    hand = dict(lefthand_valid=False, righthand_valid=True, righthand_box=[*low, *extent],
                righthand_kpts=np.c_[points, np.ones(21)].ravel())
    fixture.write_json(root / 'annotations/coco_wholebody_train_v1.0.json', dict(
        images=[dict(id=i, file_name=f'{name}.jpg', width=width, height=height) for i, name in enumerate(names)],
        annotations=[dict(hand, id=i, image_id=i) for i in range(3)]))
    return points


def test_pictures_are_compared_with_the_size_of_their_labels(tmp_path):
    write_labelled(tmp_path)
    data = ImageMeshDataset(tmp_path, dict(type='coco_wholebody_hand'), crop=dict(rescale=1.5, size=96, width=96),
                            pose_form=None, test_mode=True)
    batch = data.__getitems__([0, 1, 2])
    assert batch['data_samples'].index.tolist() == [0, 1] and batch['data_samples'].skipped == [[0, 2]]
    assert data.skipped == {'image has not the size that its labels are for': 1}
    assert batch['data_samples'].image_size.tolist() == [[[120, 160]]] * 2
    for image, points in zip(batch['inputs']['image'][:, 0, 0], batch['data_samples'].keypoints[:, 0]):
        x, y = ((points + 0.5) * 96).round().long().T
        assert image[y, x].mean() > 2  # white, on black


def test_labels_of_unknown_size_are_for_the_picture_as_it_is_stored(tmp_path):
    write_labelled(tmp_path)
    store = image_store('hand', tmp_path, 'x', file=['train2017/phone.jpg'], box=[[80, 60, 100, 100]], clean=False)
    sample = ImageMeshDataset(reader=store, test_mode=True)[0]['data_samples']
    assert sample.image_size.tolist() == [[[160, 120]]]


def test_box_outside_an_image_of_unknown_size(tmp_path):
    fixture.write_hamer_npz(tmp_path)
    boxes = [[100, 100, 50, 50], [2000, 100, 50, 50]]
    store = image_store('hand', tmp_path, 'x', file=['images/0000.jpg'] * 2, box=boxes, clean=False)
    data = ImageMeshDataset(reader=store, augment=False)
    assert data.__getitems__([0, 1])['inputs']['valid'].tolist() == [[True], [False]]
    assert data.skipped == {'box outside the image': 1}
    assert not data[0]['inputs']['pose_detected'].any()


def test_detections(freihand, tmp_path):
    plain = ImageMeshDataset(**freihand, pose_form='array', test_mode=True)
    store = plain.store
    moved = store.frames['keypoints'][:2] + [3, -2, -0.25]
    np.savez(tmp_path / 'found.npz', image=store.frames['file'][[1, 0]], keypoints=moved[::-1], right=[True, True])
    rows = [dict(image=str(store.frames['file'][row]), keypoints=moved[row]) for row in (0, 1)]
    rows.append(dict(rows[0], right=False))
    fixture.write_json(tmp_path / 'found.json', rows)
    for name in ('found.npz', 'found.json'):
        data = ImageMeshDataset(**freihand, pose_form='array', detections=tmp_path / name, test_mode=True)
        inputs, sample = data.__getitems__([0, 2]).values()
        assert inputs['pose_detected'].tolist() == [[True], [False]]
        side = sample.box_size[0].item()
        same(inputs['pose_array'][0, 0, :, :2] * side, sample.keypoints[0, 0] * side + torch.tensor([3, -2]), atol=1e-3)
        same(inputs['pose_array'][0, 0, :, 2], 0.75)
    (tmp_path / 'found.json').write_text(json.dumps([dict(rows[0], image='x.jpg', keypoints=moved[0].tolist())]))
    with pytest.raises(BadFile, match='named like.*x.jpg'):
        ImageMeshDataset(**freihand, detections=tmp_path / 'found.json')
    (tmp_path / 'found.json').write_text('[{"image": "x"}]')
    with pytest.raises(BadFile, match='no file of detections'):
        ImageMeshDataset(**freihand, detections=tmp_path / 'found.json')
    with pytest.raises(FileNotFoundError, match='detections should be'):
        ImageMeshDataset(**freihand, detections=tmp_path / 'none.npz')


def test_windows_of_videos(tmp_path):
    fixture.write_pw3d(tmp_path)
    data = ImageMeshDataset(tmp_path, dict(type='pw3d'), num_frames=3, test_mode=True)
    batch = data.__getitems__(range(len(data)))
    sample = batch['data_samples']
    assert [ids[valid].tolist() for ids, valid in zip(sample.frame_ids, batch['inputs']['valid'])] == [
        [0, 1, 2], [3, 4], [0, 1], [3, 4]]
    assert torch.equal(sample.scored, batch['inputs']['valid']) and sample.sequence.tolist() == [0, 0, 1, 1]
    assert not sample.visible[~sample.scored].any() and not sample.has_pose[~sample.scored].any()
    assert data.sequence_bounds.tolist() == [0, 2, 4]
    assert [list(s['frame_ids']) for s in data.metainfo['sequences']] == [[0, 1, 2, 3, 4], [0, 1, 3, 4]]
    dense = ImageMeshDataset(tmp_path, dict(type='pw3d'), num_frames=2, window_stride=1)
    assert len(dense) == 9 and (~dense.windows.rows(np.arange(9), None).valid).sum() == 3
    (tmp_path / 'imageFiles/downtown_x_00/image_00001.jpg').unlink()
    batch = data.__getitems__([0, 1])
    assert batch['inputs']['valid'].tolist() == [[True, False, True], [True, True, False]]
    assert not batch['data_samples'].visible[0, 1].any()


def test_windows_follow_time_where_the_list_does_not(tmp_path):
    fixture.write_ho3d(tmp_path)
    data = ImageMeshDataset(tmp_path, dict(type='ho3d'), num_frames=4, augment=False)
    sample = data.__getitems__([0, 1])['data_samples']
    assert sample.frame_ids.tolist() == [[0, 1, 2, 3]] * 2 and sample.sequence.tolist() == [0, 1]
    rows = data.store.frames['joints'][data.windows.rows(np.array([0]), None).rows[0], 0, :3]
    same(sample.joints[0, :, 0], rows)
    frames = ImageMeshDataset(tmp_path, dict(type='ho3d'))
    files = frames.store.frames['file'][frames.windows.rows(np.arange(8), None).rows[:, 0]]
    listed = (tmp_path / 'train.txt').read_text().split()
    assert files.tolist() == [f'train/{name[:-5]}/rgb/{name[-4:]}.jpg' for name in listed]
    with pytest.raises(ValueError, match='not in the order of its sequences'):
        _ = frames.sequence_bounds


def test_true_bodies_come_from_the_models_of_the_user(tmp_path):
    fixture.write_pw3d(tmp_path)
    reader = dict(type='pw3d', data_root=tmp_path, body_models=dict(male='open_body', female='open_body'))
    data = ImageMeshDataset(reader=reader, test_mode=True)
    sample, store = data.__getitems__([0, 7])['data_samples'], data.store
    assert sample.vertices.shape == (2, 1, 1229, 3) and sample.visible.all()
    same(sample.joints[:, 0, 0], store.frames['joints'][[0, 7], 0, :3], atol=1e-4)
    pose = so3_exp(torch.from_numpy(store.frames['pose'][[7]]))
    model = SkinnedModel('open_body')(pose[:, :1], pose[:, 1:], torch.from_numpy(store.frames['betas'][[7]]))
    same((sample.vertices - sample.joints[:, :, :1])[1, 0], (model['vertices'] - model['joints'][:, :1])[0], atol=1e-5)
    with pytest.raises(KeyError, match="no model for 'female'"):
        ImageMeshDataset(reader=dict(reader, body_models=dict(male='open_body')), test_mode=True).__getitems__([7])


def test_mirrored_bodies(tmp_path):
    fixture.write_pw3d(tmp_path)
    reader, still = dict(type='pw3d', data_root=tmp_path), dict(scale=0, rotation=0, shift=0, color=0)
    plain, mirrored = (ImageMeshDataset(reader=reader, augment=dict(still, flip_prob=p), corruption=False)[0]
                       for p in (0, 1))
    left, right = plain['data_samples'], mirrored['data_samples']
    swap = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22]
    same(right.joints[0, 0], left.joints[0, 0, swap] * torch.tensor([-1, 1, 1]))
    same(right.keypoints[0, 0], left.keypoints[0, 0, swap] * torch.tensor([-1, 1]), atol=1e-4)
    mirror = torch.diag(torch.tensor([-1.0, 1, 1]))
    same(right.global_orient[0, 0], mirror @ left.global_orient[0, 0] @ mirror, atol=1e-5)


def test_options_that_do_not_fit(freihand):
    with pytest.raises(ValueError, match='frames=2 needs a data set of videos'):
        ImageMeshDataset(**freihand, num_frames=2)
    with pytest.raises(ValueError, match='pose_form'):
        ImageMeshDataset(**freihand, pose_form='skeleton')
    with pytest.raises(ValueError, match='flip_prob'):
        ImageMeshDataset(**freihand, augment=dict(flip_prob=0.5))
    with pytest.raises(ValueError, match='width=300'):
        ImageMeshDataset(**freihand, crop=dict(width=300))
    with pytest.raises(KeyError, match='freihand'):
        ImageMeshDataset('.', dict(type='FreiHand'))


def test_mask_of_occlusion(tmp_path):
    fixture.write_hint(tmp_path)
    data = ImageMeshDataset(tmp_path, dict(type='hint', subsets=('newdays_img',)), test_mode=True)
    sample = data.__getitems__([2, 1])['data_samples']
    assert sample.keypoint_visible[:, 0].tolist() == data.store.frames['keypoint_visible'][[2, 1]].tolist()
    assert not sample.visible.any() and (sample.keypoint_conf == 1).all()


def test_loader_with_workers(freihand):
    data = ImageMeshDataset(**freihand)
    loader = torch.utils.data.DataLoader(data, batch_size=4, num_workers=1, collate_fn=batch_collate)
    for step, batch in enumerate(loader):
        here = data.__getitems__(range(4 * step, 4 * step + 4))
        torch.testing.assert_close(batch['inputs'], here['inputs'], rtol=0, atol=0)
        torch.testing.assert_close(batch['data_samples'].joints, here['data_samples'].joints, rtol=0, atol=0)


@pytest.mark.parametrize('config', ['freihand', 'hint', '3dpw-video'])
def test_a_data_root_reaches_the_reader(config):
    cfg = load_config(CONFIGS / f'mesh/extpose-huge_{config}.py', {'data_root': 'my data'})
    for part in ('train', 'val', 'test'):
        with pytest.raises(FileNotFoundError, match='my data is missing: data_root should be'):
            DATASETS.build(cfg[f'{part}_dataloader'].dataset)


def test_the_data_set_and_its_reader_agree(tmp_path):
    with pytest.raises(ValueError, match=r"disagree on \{'split': \('training', 'evaluation'\)\}"):
        ImageMeshDataset(tmp_path, dict(type='freihand', split='evaluation'), split='training')
    with pytest.raises(ValueError, match='reader=None should be the config of a reader'):
        ImageMeshDataset(tmp_path)
