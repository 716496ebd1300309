from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import center_of_mass

from mmegopose.datasets.random import KeyedRandom
from mmegopose.datasets.transforms import crop_augment as augment
from mmegopose.models.heads.heatmap import encode_heatmaps
from mmegopose.rendering.skeleton_images import draw_heatmaps, draw_skeletons, pose_array
from mmegopose.structures import get_skeleton

CROP = np.load(Path(__file__).parents[1] / 'data' / 'crop_aug.npz')
HAND, COCO, HAND21 = get_skeleton('hand21').style, get_skeleton('coco17'), get_skeleton('hand21')


def hands(count=3, size=256):
    """Open hands with the wrist at the bottom; fingers do not touch."""
    angle = np.linspace(-0.6, 0.6, 5)[:, None, None]
    reach = np.linspace(0.3, 0.75, 4)[:, None] * size
    fingers = np.concatenate([np.sin(angle) * reach, -np.cos(angle) * reach], -1)  # (5, 4, 2)
    hand = np.concatenate([np.zeros((1, 2)), fingers.reshape(20, 2)]) + [size / 2, size * 0.9]
    return np.repeat(hand[None], count, 0), np.ones((count, 21))


def test_hand21_is_the_order_of_openpose():
    assert HAND21.joints[:6] == ('wrist', 'thumb-1', 'thumb-2', 'thumb-3', 'thumb-4', 'index-1')
    assert HAND21.edges[:6] == ((0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6)) and len(HAND21.edges) == 20
    assert HAND21.flip == tuple(range(21))


def test_joints_and_bones_are_drawn_where_they_are():
    keypoints, confidence = hands()
    keypoints += [0.3, -0.2]
    image = draw_skeletons(keypoints, confidence, HAND)[0]
    assert image.shape == (256, 256, 3) and image.dtype == np.uint8
    for joint, color in zip(keypoints[0], HAND.joint_colors, strict=True):
        x, y = np.round(joint).astype(int)
        assert image[y, x].tolist() == list(color)
    for (a, b), color in zip(HAND.edges, HAND.edge_colors, strict=True):
        x, y = np.round(keypoints[0, [a, b]].mean(0)).astype(int)
        assert image[y, x].tolist() == list(color)


def test_places_have_parts_of_a_pixel():
    keypoints = np.array([[[50.25, 60.5]]])
    style = type(HAND)(edges=(), edge_colors=(), joint_colors=((255, 255, 255),), radius=1 / 50)
    image = draw_skeletons(keypoints, np.ones((1, 1)), style)[0, ..., 0]
    np.testing.assert_allclose(center_of_mass(image), [60.5, 50.25], atol=0.1)


def test_missing_joints_and_their_bones_are_not_drawn():
    keypoints, confidence = hands()
    confidence[0, 5:9] = 0.05
    confidence[1] = 0
    keypoints[2, 5:9] = np.nan
    one, none, broken = draw_skeletons(keypoints, confidence, HAND)
    x, y = keypoints[0, 5:9].round().astype(int).T
    assert (one[y, x] == 0).all() and (draw_skeletons(*hands(1), HAND)[0][y, x] > 0).any(-1).all()
    np.testing.assert_array_equal(one, broken)
    assert (none == 0).all()


def test_thickness_follows_the_person():
    keypoints, confidence = hands(2)
    keypoints[1] = keypoints[1] * 0.4 + 70
    areas = (draw_skeletons(keypoints, confidence, HAND, size=256) > 0).any(-1).sum((1, 2))
    assert areas[0] > 2 * areas[1]
    keypoints, confidence = hands(1, size=1024)
    disc = draw_skeletons(keypoints, confidence * (np.arange(21) % 20 == 0), HAND, size=1024)[0]
    extent = np.ptp(keypoints[0, [0, 20]], axis=0).max()
    x, y = np.round(keypoints[0, 20]).astype(int)
    # To the right of the tip there is no bone.
    assert np.flatnonzero(disc[y, x:].any(-1)).max() == pytest.approx(extent / 50, abs=1.5)


def test_joints_may_be_far_outside_of_the_image():
    keypoints, confidence = hands(1)
    keypoints[0, 4] = [1e9, -1e9]
    assert draw_skeletons(keypoints, confidence, HAND).any()


@pytest.mark.parametrize('name', ['coco17', 'h36m17'])
def test_every_body_has_a_style(name):
    style = get_skeleton(name).style
    assert len(style.joint_colors) == get_skeleton(name).num_joints
    assert len(set(style.edge_colors)) == len(style.edges)
    (a, _), color = style.edges[0], style.edge_colors[0]
    assert style.joint_colors[a] == color
    keypoints = np.random.default_rng(0).uniform(20, 200, (2, len(style.joint_colors), 2))
    assert draw_skeletons(keypoints, np.ones(keypoints.shape[:2]), style).any((1, 2, 3)).all()


def test_another_skeleton_is_told():
    with pytest.raises(ValueError, match=r'21 joints, got keypoints \(3, 17, 2\)'):
        draw_skeletons(np.zeros((3, 17, 2)), np.ones((3, 17)), HAND)


def test_heatmaps_have_their_peak_at_the_joint():
    keypoints, confidence = (torch.from_numpy(a) for a in hands(2))
    confidence[1] = 0.5
    confidence[0, 3] = 0
    heatmaps = draw_heatmaps(keypoints, confidence, (64, 48))
    assert heatmaps.shape == (2, 21, 64, 48) and heatmaps.dtype == torch.float32
    assert (heatmaps[0, 3] == 0).all()
    scaled = keypoints * torch.tensor([47, 63]) / 255
    wanted = encode_heatmaps(scaled, (64, 48)).float() * confidence[..., None, None]
    torch.testing.assert_close(heatmaps, wanted.float(), atol=1e-5, rtol=0)


def test_pose_array_is_in_crop_units():
    keypoints = torch.tensor([[[128., 128], [0, 256], [5, 5], [torch.nan, 0]]])
    array = pose_array(keypoints, torch.tensor([[0.9, 1, 0.05, 1]]))
    assert array.dtype == torch.float32
    torch.testing.assert_close(array[0], torch.tensor([[0, 0, 0.9], [-0.5, 0.5, 1], [0, 0, 0], [0, 0, 0]]))


def official(key):
    return torch.from_numpy(CROP[key])


def test_mirrored_and_turned_parameters_equal_the_official_ones():
    orient, pose, joints = official('mano_global_orient'), official('mano_hand_pose'), official('kp3d')[:, :3]
    turn = torch.deg2rad(official('rot_deg'))

    def check(ours, key):
        torch.testing.assert_close(ours, official(key)[..., :3] if 'kp3d' in key else official(key), atol=1e-6, rtol=0,
                                   check_dtype=False)

    check(augment.mirror_pose(orient[None])[0], 'example/r0_mano_global_orient')
    check(augment.mirror_pose(pose.view(15, 3)).flatten(), 'example/r0_mano_hand_pose')
    check(augment.mirror_joints(joints), 'example/r0_kp3d')
    check(augment.turn_orientation(orient, turn), 'rot_aa')
    check(augment.turn_joints(augment.mirror_joints(joints), turn), 'kp3d_rot_flip')
    check(orient, 'example/r1_mano_global_orient')
    check(pose, 'example/r1_mano_hand_pose')
    check(joints, 'example/r1_kp3d')
    for side in (0, 1):   # nothing of a crop changes the shape of the hand
        check(official('mano_betas'), f'example/r{side}_mano_betas')


def test_the_mirrored_body_swaps_its_sides():
    pose = torch.arange(24.)[:, None].expand(24, 3)
    mirrored = augment.mirror_pose(pose, get_skeleton('smpl24').flip)
    assert mirrored[1].tolist() == [2, -2, -2] and mirrored[23].tolist() == [22, -22, -22]
    assert torch.equal(augment.mirror_pose(mirrored, get_skeleton('smpl24').flip), pose)


def test_random_crops_have_the_published_distributions():
    crop = augment.random_crop(KeyedRandom(range(20000)), flip_prob=0.5)
    assert crop.scale.min() == pytest.approx(0.7) and crop.scale.max() == pytest.approx(1.3)
    assert (crop.scale == crop.scale.max()).float().mean().item() == pytest.approx(0.159, abs=0.01)
    assert (crop.rotation != 0).float().mean().item() == pytest.approx(0.6, abs=0.015)
    assert crop.rotation.abs().max().item() == pytest.approx(np.deg2rad(60))
    assert crop.shift.abs().max().item() == pytest.approx(0.02)
    assert crop.color.min() >= 0.8 and crop.color.max() < 1.2 and crop.color.std(1).min() > 0
    assert crop.color.mean().item() == pytest.approx(1, abs=0.005)
    assert crop.flip.float().mean().item() == pytest.approx(0.5, abs=0.015)
    assert not augment.random_crop(KeyedRandom(range(100))).flip.any()
    alone = augment.random_crop(KeyedRandom([7]), flip_prob=0.5)
    assert all(torch.equal(getattr(alone, name)[0], getattr(crop, name)[7]) for name in vars(crop))


def test_extreme_crops_leave_the_upper_body():
    confidence = torch.ones(3000, 17)
    confidence[1500:, 13:] = 0   # no legs
    kept = augment.extreme_crop(KeyedRandom(range(3000)), confidence, COCO, prob=1)
    counts = {(tuple(row)): n for row, n in zip(*(v.tolist() for v in kept.unique(dim=0, return_counts=True)))}
    head, hips = (1.,) * 5 + (0.,) * 12, (1.,) * 13 + (0.,) * 4
    shoulders = (1.,) * 7 + (0.,) * 10
    assert set(counts) == {head, hips, shoulders}
    assert counts[hips] == pytest.approx(1050, abs=80) and counts[shoulders] == pytest.approx(1650, abs=80)
    assert not (kept[1500:, 11:] > 0).any(-1).any()
    some = augment.extreme_crop(KeyedRandom(range(3000)), confidence, COCO, prob=0.1)
    assert (some != confidence).any(-1)[:1500].float().mean().item() == pytest.approx(0.1, abs=0.03)
    only_legs = torch.tensor([[0.] * 13 + [1] * 4])
    assert torch.equal(augment.extreme_crop(KeyedRandom([0]), only_legs, COCO, prob=1), only_legs)
