"""The reader of Ego-Exo4D's hands, and the crops that it becomes."""
import json

import cv2
import numpy as np
import pytest
import torch
from helpers.egoexo_hand_fixture import project, write_egoexo_hands

from mmegopose.datasets import EgoExo4DHandDataset
from mmegopose.datasets.readers.hand_pose import read_egoexo4d_hand
from mmegopose.datasets.readers.head_pose.hand_poses import read_hands_in_camera
from mmegopose.files import BadFile


@pytest.fixture(scope='module')
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp('hands')
    return root, write_egoexo_hands(root)


def test_rows_are_the_hands_of_the_file(prepared):
    root, truth = prepared
    store = read_egoexo4d_hand(root, 'train')
    assert store.num_rows == len(truth['train']) == 15 and len(store) == 4
    assert store.info['mirror_axis'] == 'y' and store.info['skeleton'] == 'hand21'
    rows = store.frames
    for row, sequence in enumerate(store.sequence_of(np.arange(15))):
        facts = store.sequences[sequence]
        frame, side = int(rows['frame'][row]), facts['side']
        joints = truth['train'][facts['take_uid'], frame, side]
        assert rows['right'][row] == (side == 'right') and facts['uid'] == f'{facts["take_uid"]}/{side}'
        assert rows['file'][row] == f'image/undistorted/train/{facts["name"]}/{frame:06d}.jpg'
        visible = rows['joints'][row, :, 3] > 0
        assert visible[0] == (frame != 9) and 10 < visible.sum() <= 21
        np.testing.assert_allclose(rows['joints'][row, visible, :3], (joints - joints[0])[visible], atol=1e-6)
        assert (rows['joints'][row, 0, :3] == 0).all()
        np.testing.assert_allclose(rows['keypoints'][row, visible, :2], project(joints)[visible], atol=1e-3)
        assert (rows['keypoints'][row, ~visible, 2] == 0).all()


def test_the_test_split_has_the_hands_of_the_template(prepared, tmp_path):
    root, truth = prepared
    store = read_egoexo4d_hand(root, 'test', labels='auto')  # one file for both
    assert store.num_rows == len(truth['test']) and not (store.frames['joints'][..., 3] > 0).any()
    assert not store.info['labelled']
    template = root / 'annotation/manual/ego_pose_gt_anno_test_public.json'
    content = json.loads(template.read_text())
    del content['test-uid-1']
    (tmp_path / 'mine.json').write_text(json.dumps(content))
    assert read_egoexo4d_hand(root, 'test', template=str(tmp_path / 'mine.json')).num_rows == 8
    with pytest.raises(FileNotFoundError, match='nowhere.json.*github.com/EGO4D'):
        read_egoexo4d_hand(root, 'test', template='nowhere.json')


def test_labels_by_hand_win_over_automatic_ones(tmp_path):
    write_egoexo_hands(tmp_path, splits=('train',))
    path = tmp_path / 'annotation/auto/ego_pose_gt_anno_train_public.json'
    path.parent.mkdir()
    content = json.loads((tmp_path / 'annotation/manual' / path.name).read_text())
    for take in content.values():
        take['21'] = take['12'] | dict(metadata=take['12']['metadata'] | dict(frame_number=21))
        for frame in ('6', '21'):
            take[frame]['right_hand_bbox'] = [1.0, 2.0, 31.0, 42.0]
    path.write_text(json.dumps(content))
    store = read_egoexo4d_hand(tmp_path, 'train', labels='both')
    automatic = store.frames['box'][:, 0] == 16
    assert store.num_rows == 15 + 4 and store.frames['frame'][automatic].tolist() == [21, 21]


def test_what_is_wrong_is_left_out_and_counted(tmp_path):
    write_egoexo_hands(tmp_path, splits=('val',))
    path = tmp_path / 'annotation/manual/ego_pose_gt_anno_val_public.json'
    take = json.loads(path.read_text())['val-uid-0']
    take['6']['right_hand_3d'] = take['6']['right_hand_3d'][:20]
    take['6']['left_hand_3d'][0] = [float('nan')] * 3
    take['9']['right_hand_bbox'] = [30.0, 30.0, 30.0, 30.0]
    take['9']['left_hand_valid_3d'] = [False] * 21
    take['12']['metadata']['take_name'] = '../../secret'
    take['15'] = 3
    path.write_text(json.dumps({'val-uid-0': take}))
    with pytest.raises(ValueError, match='no usable sample'):
        read_egoexo4d_hand(tmp_path, 'val')
    take['18'] = dict(take['9'], right_hand_bbox=[30.0, 30.0, 60.0, 60.0],
                      metadata=dict(take['9']['metadata'], frame_number=18))
    path.write_text(json.dumps({'val-uid-0': take}))
    store = read_egoexo4d_hand(tmp_path, 'val')
    assert store.num_rows == 1 and store.frames['frame'].tolist() == [18]
    assert store.report == {'annotation not in the official layout': 4, 'annotation cannot be read': 2,
                            'no valid joint': 2, 'empty box': 1}
    path.write_text('{')
    with pytest.raises(BadFile, match='not readable JSON'):
        read_egoexo4d_hand(tmp_path, 'val')
    with pytest.raises(FileNotFoundError, match='prepare egoexo4d-hand'):
        read_egoexo4d_hand(tmp_path / 'elsewhere', 'val')
    with pytest.raises(ValueError, match="split='validation'"):
        read_egoexo4d_hand(tmp_path, 'validation')


def crops(root, **options):
    data = EgoExo4DHandDataset(root, 'val', pose_form=None, crop=dict(rescale=1.25, size=96, width=96), **options)
    batch = data.__getitems__(range(len(data)))
    return batch['inputs']['image'][:, 0], batch['data_samples']


def test_left_hands_become_right_ones_upside_down(prepared):
    root, _ = prepared
    test = dict(test_mode=True)
    (kept, as_they_are), (turned, mirrored) = crops(root, mirror_left=False, **test), crops(root, **test)
    left = ~as_they_are.right[:, 0]
    assert torch.equal(mirrored.crop_mirrored[:, 0], left) and not as_they_are.crop_mirrored.any()
    sign = torch.tensor([1.0, -1, 1])
    assert torch.equal(mirrored.joints[left], as_they_are.joints[left] * sign)
    assert torch.equal(mirrored.joints[~left], as_they_are.joints[~left])
    torch.testing.assert_close(mirrored.keypoints[left] * sign[:2], as_they_are.keypoints[left], atol=2e-2, rtol=0)
    for image, sample in ((kept, as_they_are), (turned, mirrored)):  # the dots are where the labels say
        points = ((sample.keypoints[:, 0] + 0.5) * 96).round().long().clamp(0, 95)
        on = image[torch.arange(len(image))[:, None], 0, points[..., 1], points[..., 0]]
        seen = sample.keypoint_conf[:, 0] > 0
        assert (on[seen] > image[:, 0].mean() + 0.5).float().mean() > 0.95
    palm = mirrored.joints[:, 0, 17, 1] - mirrored.joints[:, 0, 5, 1]  # every hand is a right one
    seen = mirrored.visible[:, 0, 17] & mirrored.visible[:, 0, 5]
    assert (palm[seen] > 0).all() or (palm[seen] < 0).all()


def test_mirroring_as_augmentation_needs_hands_of_both_sides(prepared):
    root, _ = prepared
    plain = dict(scale=0.0, rotation=0.0, rotate_prob=0.0, shift=0.0, color=0.0)
    image, sample = crops(root, mirror_left=False, augment=dict(plain, flip_prob=1.0))
    other, truth = crops(root, mirror_left=False, augment=False)
    assert sample.crop_mirrored.all()
    assert torch.equal(sample.joints, truth.joints * torch.tensor([1.0, -1, 1]))
    with pytest.raises(ValueError, match='a mirrored right hand is a left one'):
        crops(root, augment=dict(flip_prob=0.5))


def test_windows_of_one_hand_over_time(prepared):
    root, _ = prepared
    data = EgoExo4DHandDataset(root, 'val', num_frames=2, pose_form=None, test_mode=True)
    assert len(data) == 15  # labels are three frames apart: nothing is next to anything


@pytest.mark.parametrize('spoil', [
    lambda take: take['6'].update(right_hand_valid_3d=['False'] * 21),
    lambda take: take['6'].update(right_hand_valid_3d=[float('nan')] * 21),
    lambda take: take.update({'9' * 30: dict(take['6'], left_hand_bbox=[])}),
    lambda take: take['6'].update(metadata=dict(take_name='a\0'), left_hand_bbox=[]),
    lambda take: take.update({' 7 ': dict(take['6'], left_hand_bbox=[])}),
    lambda take: take.update({'1_0': dict(take['6'], left_hand_bbox=[])}),
    lambda take: take.update({'06': dict(take['6'], left_hand_bbox=[])}),
    lambda take: take['6'].update(metadata=dict(take['6']['metadata'], frame_number=9), left_hand_bbox=[]),
    lambda take: take['6'].update(right_hand_bbox=[float('inf'), 0., float('-inf'), 9.]),
    lambda take: take['6']['right_hand_3d'].__setitem__(0, [1e300, 0., 1.])])
def test_what_could_be_taken_for_another_label_is_left_out(tmp_path, spoil):
    write_egoexo_hands(tmp_path, splits=('val',))
    path = tmp_path / 'annotation/manual/ego_pose_gt_anno_val_public.json'
    takes = json.loads(path.read_text())
    spoil(takes['val-uid-0'])
    path.write_text(json.dumps(takes))
    assert sum(read_egoexo4d_hand(tmp_path, 'val').report.values()) in (1, 2)  # a frame is left out with both hands


@pytest.mark.filterwarnings('error::RuntimeWarning')
def test_numbers_that_no_place_has_are_not_there(tmp_path):
    write_egoexo_hands(tmp_path, splits=('val',))
    path = tmp_path / 'annotation/manual/ego_pose_gt_anno_val_public.json'
    takes = json.loads(path.read_text())
    hand = takes['val-uid-0']['6']
    hand['right_hand_valid_3d'], hand['right_hand_3d'][3] = [True] * 21, [1e39, float('-inf'), 0.4]
    hand['right_hand_2d'][4] = [float('inf'), 1e300]
    path.write_text(json.dumps(takes))
    store = read_egoexo4d_hand(tmp_path, 'val')
    row = np.flatnonzero((store.frames['frame'] == 6) & store.frames['right'])[0]
    assert store.num_rows == 15 and store.frames['joints'][row, [2, 3], 3].tolist() == [1, 0]
    assert store.frames['keypoints'][row, [3, 4], 2].tolist() == [1, 0]
    joints = read_hands_in_camera(path)['val-uid-0'][1][0, 1]
    assert np.isfinite(joints).all(1).sum() < 21 and not np.isfinite(joints[3, :2]).any()


def test_pictures_of_another_size_are_told_at_the_start(tmp_path):
    write_egoexo_hands(tmp_path, splits=('val',))
    for path in tmp_path.rglob('*.jpg'):
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (256, 256)))
    with pytest.raises(BadFile, match=r'000006.jpg: it has 256 x 256 pixels, .* 512 x 512.*needs --size 512'):
        read_egoexo4d_hand(tmp_path, 'val')
