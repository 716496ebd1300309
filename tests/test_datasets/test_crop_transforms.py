"""Augmentation of crops, what it does to labels, and the 2D pose in a crop."""
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmegopose.datasets.random import KeyedRandom
from mmegopose.datasets.transforms import DegradeImage
from mmegopose.datasets.transforms import crop_augment as augment
from mmegopose.datasets.transforms import mesh_targets as targets
from mmegopose.datasets.transforms.draw_pose import pose_array
from mmegopose.geometry.crops import crop_units, denormalize_image, normalize_image
from mmegopose.structures import get_skeleton

CROP = np.load(Path(__file__).parents[1] / 'data' / 'crop_aug.npz')
COCO = get_skeleton('coco17')


def test_pose_array_is_in_crop_units():
    keypoints = torch.tensor([[[128., 128], [0, 256], [5, 5], [torch.nan, 0]]])
    array = pose_array(crop_units(keypoints), torch.tensor([[0.9, 1, 0.05, 1]]))
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

    check(targets.mirror_pose(orient[None])[0], 'example/r0_mano_global_orient')
    check(targets.mirror_pose(pose.view(15, 3)).flatten(), 'example/r0_mano_hand_pose')
    check(targets.mirror_joints(joints), 'example/r0_kp3d')
    check(targets.turn_orientation(orient, turn), 'rot_aa')
    check(targets.turn_joints(targets.mirror_joints(joints), turn), 'kp3d_rot_flip')
    check(orient, 'example/r1_mano_global_orient')
    check(pose, 'example/r1_mano_hand_pose')
    check(joints, 'example/r1_kp3d')
    for side in (0, 1):   # nothing of a crop changes the shape of the hand
        check(official('mano_betas'), f'example/r{side}_mano_betas')


def test_the_mirrored_body_swaps_its_sides():
    pose = torch.arange(24.)[:, None].expand(24, 3)
    mirrored = targets.mirror_pose(pose, get_skeleton('smpl24').flip)
    assert mirrored[1].tolist() == [2, -2, -2] and mirrored[23].tolist() == [22, -22, -22]
    assert torch.equal(targets.mirror_pose(mirrored, get_skeleton('smpl24').flip), pose)


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


def picture_batch(count, size=(64, 48)):
    rng = np.random.default_rng(0)
    image = normalize_image(rng.integers(0, 255, (count, 2, *size, 3)).astype(np.uint8))
    valid = torch.ones(count, 2, dtype=torch.bool)
    valid[0, 1] = False
    return dict(inputs=dict(image=torch.from_numpy(image)), random=KeyedRandom(range(count)), valid=valid)


def test_holes_have_the_published_sizes_and_are_black():
    degrade, batch = DegradeImage(blur_prob=0, median_prob=0, jitter=(0, 0, 0)), picture_batch(400)
    before = batch['inputs']['image'].clone()
    after = degrade(batch)['inputs']['image']
    assert torch.equal(after[0, 1], before[0, 1])  # not valid
    changed = (after != before).any(2)[1:]  # (n,T,H,W)
    assert denormalize_image(after.numpy())[1:][changed.numpy()].max() == 0
    assert torch.equal(changed[:, 0], changed[:, 1])  # frames of a window alike
    for side, size in ((2, 64), (1, 48)):
        extent = changed[:, 0].any(side).sum(1)  # rows, columns
        assert extent.min() == round(0.2 * size) and extent.max() == round(0.4 * size)
        covered = changed[:, 0].any(side).float().mean(0)
        assert covered[0] > 0 and covered[-1] > 0 and covered.argmax() not in (0, size - 1)


def test_a_tenth_is_blurred_and_filtered_as_by_opencv():
    batch = picture_batch(2000, (32, 24))
    image = denormalize_image(batch['inputs']['image'][:, 0].numpy())
    before = batch['inputs']['image'].clone()
    found = dict(blur=0, median=0)
    for name, options in (('blur', dict(median_prob=0)), ('median', dict(blur_prob=0))):
        batch['inputs']['image'], batch['random'] = before.clone(), KeyedRandom(range(2000))
        after = DegradeImage(hole_prob=0, jitter=(0, 0, 0), **options)(batch)['inputs']['image'][:, 0]
        rows = (after != before[:, 0]).flatten(1).any(1).nonzero().flatten().tolist()
        sides = []
        for row in rows:
            wanted = [normalize_image(cv2.medianBlur(image[row], side)) if name == 'median' else np.moveaxis(cv2.blur(
                np.moveaxis(before[row, 0].numpy(), 0, -1), (side, side)), -1, 0) for side in (3, 5, 7)]
            sides += [side for side, one in zip((3, 5, 7), wanted) if np.abs(after[row].numpy() - one).max() < 1e-5]
        assert len(sides) == len(rows) and min(map(sides.count, (3, 5, 7))) > 40
        found[name] = len(rows) / 2000
    assert found == pytest.approx(dict(blur=0.1, median=0.1), abs=0.02)
    for options in (dict(hole_prob=2), dict(hole_size=(0.4, 0.2)), dict(jitter=(5, 30)), dict(jitter=(5, -1, 30))):
        with pytest.raises(ValueError, match='should be'):
            DegradeImage(**options)


def test_colours_change_by_the_published_amounts_each_in_half_of_the_pictures():
    """Hue, saturation and value of flat pictures, of which 8 bits keep what they were within two levels."""
    batch, colour = picture_batch(1000, (2, 2)), cv2.cvtColor(np.uint8([[[90, 128, 255]]]), cv2.COLOR_HSV2RGB)
    batch['inputs']['image'][:] = torch.from_numpy(normalize_image(colour))
    before = batch['inputs']['image'].clone()
    after = DegradeImage(blur_prob=0, median_prob=0, hole_prob=0)(batch)['inputs']['image']
    assert torch.equal(after[0, 1], before[0, 1])  # not valid
    assert torch.equal(after[1:, 0], after[1:, 1])  # frames of a window alike
    rgb = denormalize_image(after[:, 0].numpy())  # (B,2,2,3)
    change = np.stack([cv2.cvtColor(one, cv2.COLOR_RGB2HSV)[0, 0] for one in rgb]).astype(int) - (90, 128, 255)
    assert np.abs(change).max(0) == pytest.approx((5, 30, 30), abs=2) and change[:, 2].max() == 0  # clipped
    assert change[:, :2].min(0) == pytest.approx((-4, -29), abs=1) and change[:, :2].max(0) == pytest.approx(
        (4, 29), abs=1)
    assert (np.abs(change) > (1, 2, 0)).mean(0) == pytest.approx((0.6 / 2, 27 / 30 / 2, 29 / 30 / 4), abs=0.05)
    assert np.abs(np.corrcoef((change != 0).T)[0, 1:]).max() < 0.2  # each on its own


def test_hue_goes_around():
    red = np.uint8([[[255, 0, 0]]])
    batch = picture_batch(50, (1, 1))
    batch['inputs']['image'][:] = torch.from_numpy(normalize_image(red))
    image = DegradeImage(blur_prob=0, median_prob=0, hole_prob=0, jitter=(5, 0, 0))(batch)['inputs']['image'][:, 0]
    red, green, blue = denormalize_image(image.numpy()).reshape(50, 3).astype(int).T
    assert (red == 255).all() and (green * blue == 0).all() and green.max() > 20 and blue.max() > 20
