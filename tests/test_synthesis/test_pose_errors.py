import pytest
import torch

from mmegopose.datasets.random import KeyedRandom
from mmegopose.structures import get_skeleton
from mmegopose.synthesis.pose_errors import PoseErrors, person_size

COCO, HAND21 = get_skeleton('coco17'), get_skeleton('hand21')
NOTHING = dict(jitter=0, drop=0, swap=0, shift=0, whole=0)
ALL = dict(jitter=0.02, drop=0.2, swap=0.5, shift=0.5, whole=0.3)


def poses(count, joints, *frames):
    generator = torch.Generator().manual_seed(0)
    return 200 * torch.rand(count, *frames, joints, 2, generator=generator), torch.ones(count, *frames, joints)


def corrupt(skeleton, count=2000, **kwargs):
    keypoints, confidence = poses(count, skeleton.num_joints)
    errors = PoseErrors(skeleton=skeleton, **NOTHING | kwargs)
    moved, kept = errors.disturb(keypoints, confidence, KeyedRandom(range(count)))
    return (moved - keypoints) / person_size(keypoints, confidence)[:, None, None], kept


@pytest.mark.parametrize('skeleton', [HAND21, COCO], ids=lambda s: s.name)
def test_nothing_happens_without_reason(skeleton):
    error, confidence = corrupt(skeleton)
    assert (error == 0).all() and (confidence == 1).all()


def test_jitter_is_relative_to_the_person():
    error, _ = corrupt(HAND21, jitter=0.03)
    assert error.std().item() == pytest.approx(0.03, rel=0.02)
    assert error.mean().abs() < 1e-3


def test_shares_of_lost_joints_and_poses():
    _, confidence = corrupt(COCO, drop=0.2)
    assert (confidence == 0).float().mean().item() == pytest.approx(0.2, abs=0.01)
    _, confidence = corrupt(COCO, whole=0.1)
    missing = confidence == 0
    assert (missing.any(-1) == missing.all(-1)).all()
    assert missing.all(-1).float().mean().item() == pytest.approx(0.1, abs=0.02)


def test_the_end_of_a_finger_moves_as_one():
    error, _ = corrupt(HAND21, shift=0.3, shift_size=0.1)
    assert (error[:, 0] == 0).all()
    fingers = error[:, 1:].unflatten(1, (5, 4))  # (B, 5, 4, 2)
    moved = (fingers.abs() > 1e-6).any(-1)
    assert moved[..., -1].float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert (moved[..., 1:] >= moved[..., :-1]).all()
    assert {count.item() for count in moved.sum(-1).unique()} == {0, 1, 2, 3, 4}
    assert (fingers - fingers[..., -1:, :])[moved].abs().max() < 1e-5
    assert fingers[..., -1, :][moved[..., -1]].std().item() == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize('name', ['coco17', 'h36m17', 'h36m32', 'mpi_inf_3dhp17', 'humaneva15'])
def test_arms_and_legs_of_every_body_are_chains(name):
    skeleton = get_skeleton(name)
    error, _ = corrupt(skeleton, count=200, shift=1)
    still = {joint for joint, e in zip(skeleton.joints, error.abs().amax((0, 2)), strict=True) if e == 0}
    limbs = {joint for joint in skeleton.joints if joint.startswith(('left', 'right'))
             and not joint.endswith(('eye', 'ear', 'collar'))}
    assert still == set(skeleton.joints) - limbs
    ends = [i for i, joint in enumerate(skeleton.joints) if joint.endswith(('wrist', 'ankle'))]
    assert (error[:, ends].abs().amax(-1) > 0).float().mean() > 0.5


def test_limbs_exchange_left_and_right_with_their_confidence():
    keypoints, confidence = poses(1000, 17)
    confidence = torch.arange(17.).expand_as(confidence) + 1
    errors = PoseErrors(skeleton=COCO, **NOTHING | dict(swap=0.5))
    moved, order = errors.disturb(keypoints, confidence, KeyedRandom(range(1000)))
    source = order.long() - 1
    assert (moved == keypoints.gather(1, source[..., None].expand(-1, -1, 2))).all()
    assert {tuple(row) for row in source[:, :5].tolist()} == {(0, 1, 2, 3, 4)}
    arms, legs = source[:, 5] == 6, source[:, 11] == 12
    assert (source[arms, 5:11] == torch.tensor([6, 5, 8, 7, 10, 9])).all()
    assert (source[~legs, 11:] == torch.arange(11, 17)).all()
    assert arms.float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert (arms & legs).float().mean().item() == pytest.approx(0.25, abs=0.05)


def test_a_sample_depends_on_its_own_key_only():
    keypoints, confidence = poses(6, 17, 3)
    errors = PoseErrors(skeleton=COCO, **ALL)
    together = errors.disturb(keypoints, confidence, KeyedRandom(range(6)))
    for rows in ([4], [5, 0, 2]):
        alone = errors.disturb(keypoints[rows], confidence[rows], KeyedRandom(rows))
        assert all(torch.equal(a, b[rows]) for a, b in zip(alone, together, strict=True))
    other = errors.disturb(keypoints, confidence, KeyedRandom(range(6), seed=1))
    assert not torch.equal(other[0], together[0])
    assert not torch.equal(together[0][:, 0] - keypoints[:, 0], together[0][:, 1] - keypoints[:, 1])


def test_missing_joints_do_not_change_the_size():
    keypoints, confidence = poses(4, 21)
    size = person_size(keypoints, confidence)
    keypoints[:, 3] = 1e6
    confidence[:, 3] = 0
    assert (person_size(keypoints, confidence) <= size).all()
    moved, kept = PoseErrors(skeleton=HAND21, **ALL).disturb(keypoints, torch.zeros(4, 21), KeyedRandom(range(4)))
    assert torch.equal(moved, keypoints) and (kept == 0).all()


def test_mistakes_are_told():
    with pytest.raises(ValueError, match=r"\{'drop': 5\}"):
        PoseErrors(drop=5)
    with pytest.raises(ValueError, match='jitter=-1'):
        PoseErrors(jitter=-1)
