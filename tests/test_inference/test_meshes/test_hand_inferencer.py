"""Joints of hands from pictures: placed where they are seen, whichever way the pictures lie."""
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers.egoexo_hand_fixture import CAMERA, hand_in_camera, project

from mmegopose.cli import main
from mmegopose.datasets.readers.head_pose.hand_poses import read_hands_in_camera
from mmegopose.engine.config import load_config
from mmegopose.inference import HandInferencer, load_inferencer
from mmegopose.inference.inputs.hands import write_hand_predictions
from mmegopose.inference.inputs.poses_2d import collect_frames
from mmegopose.inference.meshes.hand_inferencer import place_hands
from mmegopose.registry import MODELS

CONFIG = Path(__file__).parents[3] / 'configs/ego_hand/hp-vit-base_egoexo4d-hand.py'
SMALL = f"""
_base_ = '{CONFIG}'
model = dict(backbone=dict(arch='tiny', depth=1, init_cfg=None), head=dict(embed_dim=96, decoder_dim=64, depth=1))
"""
LENS = dict(intrinsics=(150, 150, 255.5, 255.5))
UP = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])  # from the camera on its side to the upright one


def build(folder, mirror_left):
    path = folder / 'config.py'
    path.write_text(SMALL + f'val_dataloader = dict(dataset=dict(mirror_left={mirror_left}))\n'
                            'test_dataloader = val_dataloader\n')
    torch.manual_seed(0)
    model = MODELS.build(load_config(path).model)
    torch.nn.init.normal_(model.head.readout.weight, std=0.05)  # so that a prediction depends on the picture
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    return load_inferencer(path, folder / 'model.pth', device='cpu', progress=False)


@pytest.fixture(scope='module', params=[True, False], ids=['right hands only', 'both sides'])
def hands(request, tmp_path_factory):
    return build(tmp_path_factory.mktemp('hand_model'), request.param)


@pytest.fixture(scope='module')
def picture():
    """A picture without any symmetry, on its side, and a left hand in it."""
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 255, (16, 16, 3)), np.ones((32, 32, 1))).astype(np.uint8)
    joints = hand_in_camera(rng, 'left')
    return image, joints, project(joints)


def poses(points, size=512):
    return collect_frames([(points[None], np.ones((1, 21)))], skeleton='hand21', image_size=(size, size),
                          normalized=False)


def test_upright_pictures_give_the_same_hand_upright(hands, picture):
    image, _, points = picture
    assert type(hands) is HandInferencer and hands.skeleton == 'hand21'
    lying, = hands([image], poses=dict(left_hand=poses(points)), upright=False, **LENS)
    upright_points = np.stack([511 - points[:, 1], points[:, 0]], -1)
    upright, = hands([np.rot90(image, -1).copy()], poses=dict(left_hand=poses(upright_points)), **LENS)
    assert lying.frame == 'camera' and lying.mesh is None and lying.provenance['side'] == 'left' and lying.valid.all()
    assert np.linalg.norm(np.ptp(lying.joints[0], axis=0)) > 0.01
    np.testing.assert_allclose(upright.joints, lying.joints @ UP.T, atol=2e-3 * lying.joints[..., 2].max())


def test_the_wearers_other_hand_in_the_mirrored_picture(hands, picture):
    image, _, points = picture
    left, = hands([image], poses=dict(left_hand=poses(points)), upright=False, **LENS)
    mirrored = dict(right_hand=poses(points * [1, -1] + [0, 511]))
    right, = hands([image[::-1].copy()], poses=mirrored, upright=False, **LENS)
    same = np.abs(left.joints * [1, -1, 1] - right.joints).max() < 2e-3 * left.joints[..., 2].max()
    assert same == (hands.dataset.get('mirror_left', True) is True)


def test_true_joints_are_placed_where_they_are(picture):
    _, joints, points = picture
    relative, camera = (joints - joints[0])[None], np.array([[150, 150, 255.5, 255.5]])
    keypoints = np.c_[points, np.ones(21)][None]
    low, high = points.min(0), points.max(0)
    box = np.r_[(low + high) / 2, high - low][None]
    assert CAMERA[0, 0] == camera[0, 0]
    np.testing.assert_allclose(place_hands(relative, keypoints, box, camera)[0], joints[0], atol=1e-6)
    few = np.where(np.arange(21)[:, None] < 5, keypoints, 0)
    by_box = place_hands(relative, few, box, camera)[0]
    np.testing.assert_allclose(by_box / by_box[2], joints[0] / joints[0][2], atol=0.1)  # its direction
    assert by_box[2] == pytest.approx(joints[0][2], rel=0.3)


@pytest.mark.parametrize('upright', [False, True])
@pytest.mark.parametrize('side', ['left', 'right'])
def test_the_model_sees_where_a_hand_is(hands, picture, monkeypatch, tmp_path, upright, side):
    """True joints and their places in the crop in the place of what the model says: the hand is where it is."""
    image, joints, points = picture
    seen, predict = points, hands.predict
    if upright:
        image, joints = np.rot90(image, -1).copy(), joints @ UP.T
        seen = np.stack([511 - points[:, 1], points[:, 0]], -1)

    def knows(batch):
        sample = predict(batch)
        center = sample.box_center[0, 0].numpy()
        center = center if not upright else np.array([center[1], 511 - center[0]])
        crop = (points - center) / sample.box_size[0, 0].numpy()
        mirror = np.array([1, -1, 1]) if sample.crop_mirrored[0, 0] else np.ones(3)
        lying = picture[1] - picture[1][0]
        sample.pred_joints = torch.tensor(lying * mirror)[None, None]
        sample.pred_keypoints = torch.tensor(crop * mirror[:2])[None, None]
        return sample

    monkeypatch.setattr(hands, 'predict', knows)
    box = np.r_[seen.min(0) - 9, seen.max(0) + 30]
    motion, = hands([image], boxes=box, right=side == 'right', upright=upright, **LENS)
    np.testing.assert_allclose(motion.joints[0], joints, atol=1e-5)
    assert write_hand_predictions([motion], tmp_path / 'hands.json') == 1
    (frames, found), = read_hands_in_camera(tmp_path / 'hands.json').values()
    assert frames.tolist() == [0] and not np.isfinite(found[0, int(side == 'left')]).any()
    np.testing.assert_allclose(found[0, int(side == 'right')], picture[1], atol=1e-5)  # as the camera on its side
    for other, told in ((hands([image], boxes=box, right=True, upright=upright), 'only a known camera tells'),
                        ([motion.to_root()], 'not Motion')):
        with pytest.raises(ValueError, match=told):
            write_hand_predictions(other, tmp_path / 'hands.json')


def test_boxes_alone_and_frames_of_reference(hands, picture):
    image, _, points = picture
    box = np.r_[points.min(0), points.max(0)]
    motion, = hands([image], boxes=box, right=False, upright=False, **LENS)
    pixels = project(motion.joints[0])
    assert np.abs(pixels.mean(0) - (box[:2] + box[2:]) / 2).max() < (box[2:] - box[:2]).max() / 2
    root, = hands([image], boxes=box, right=False, upright=False, frame='root', **LENS)
    np.testing.assert_allclose(root.joints, motion.joints - motion.joints[:, :1], atol=1e-6)
    pose = np.eye(4)
    pose[:3, 3] = [1, 2, 3]
    np.testing.assert_allclose(motion.to_world(pose).joints, motion.joints + [1, 2, 3], atol=1e-5)


def test_hands_of_all_pictures_in_one_file(hands, picture, tmp_path, monkeypatch, capsys):
    """As ``mmegopose predict ... --wrists`` reads it; another model has no such file."""
    cv2.imwrite(str(tmp_path / 'hand.png'), picture[0])
    monkeypatch.setattr('mmegopose.inference.load_inferencer', lambda *args, **options: hands)
    box = map(str, [*picture[2].min(0), *picture[2].max(0)])
    command = ['predict', str(tmp_path / 'hand.png'), '--out', str(tmp_path / 'a.json'), '--model', 'any',
               '--hand', 'left']
    assert main([*command, '--box', *box, '--field-of-view', '120', '--options', 'upright=False']) == 0
    assert '1 hands in the camera, for mmegopose predict TRACK --wrists' in capsys.readouterr().out
    written = json.loads((tmp_path / 'a.json').read_text())['recording']['0']
    assert np.shape(written['left_hand_3d']) == (21, 3) and written['right_hand_3d'] == []
    monkeypatch.setattr('mmegopose.inference.load_inferencer', lambda *args, **options: None)
    with pytest.raises(SystemExit):
        main([*command, '--overwrite'])
    assert 'is for models of hands' in capsys.readouterr().err


@pytest.mark.parametrize('options, told', [
    (dict(right='left'), "right='left' should be True"), (dict(right=[True, False, True]), 'each of the 1 boxes'),
    (dict(upright='no'), "upright='no'"), (dict(mesh=True), 'tell joints only'),
    (dict(batch_size=1.5), 'batch_size=1.5'),
    (dict(intrinsics=None, field_of_view='90'), "field_of_view='90'"), (dict(intrinsics='x'), 'fx, fy, cx, cy'),
    (dict(intrinsics=(float('nan'),) * 4), 'fx, fy, cx, cy')])
def test_options_that_mean_nothing_are_told(hands, picture, options, told):
    with pytest.raises(ValueError, match=told):
        hands([picture[0]], **dict(dict(LENS, boxes=(100, 100, 300, 300), right=True, upright=False) | options))


def test_boxes_beside_the_picture_are_counted(hands, picture):
    boxes = [(-500, -500, -10, -10), (600, 10, 700, 90), (300, 300, 100, 100), (100, 100, 300, 300)]
    motions = hands([picture[0]], boxes=boxes, right=True, upright=False, **LENS)
    assert [motion.valid.all() for motion in motions] == [False, False, False, True]
    assert motions[0].provenance['skipped'] == {'box outside the image': 2, 'empty box': 1}
    assert hands([picture[0]], boxes=[], right=True, upright=False, **LENS) == []
    with pytest.raises(ValueError, match='no hand could be reconstructed'):
        write_hand_predictions(motions[:3], 'hands.json')
