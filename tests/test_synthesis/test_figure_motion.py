"""Real motion for the synthetic bodies."""
import pytest
import torch
from torch.nn.functional import cosine_similarity

from mmegopose.body_models import SkinnedModel
from mmegopose.synthesis import SyntheticMeshDataset
from mmegopose.synthesis.figure_motion import SMPL, SOURCE, Y_UP, SampleMotion, body_rotations

LIMBS = [(f'{side}-{a}', f'{side}-{b}') for side in ('left', 'right')
         for a, b in (('hip', 'knee'), ('knee', 'ankle'), ('shoulder', 'elbow'), ('elbow', 'wrist'))]


def posed(joints):
    """Joints ``(F,24,3)`` of the open body in the poses of ``joints (F,17,3)``."""
    model = SkinnedModel('open_body').double()
    rotations = body_rotations(joints, model.rest.unflatten(0, (-1, 3)))
    return rotations, model(rotations[:, :1], rotations[:, 1:], torch.zeros(len(joints), 10).double())['joints']


def test_limbs_point_where_they_pointed():
    joints = SampleMotion('train', 1).joints[::7]
    rotations, body = posed(joints)
    eye = torch.eye(3, dtype=torch.float64).expand_as(rotations)
    torch.testing.assert_close(rotations.mT @ rotations, eye, atol=1e-9, rtol=0)
    seen = joints[..., Y_UP]
    for start, end in LIMBS:
        pointed = seen[:, SOURCE[end]] - seen[:, SOURCE[start]]
        points = body[:, SMPL[end]] - body[:, SMPL[start]]
        torch.testing.assert_close(cosine_similarity(points, pointed, dim=-1), torch.ones(len(joints)).double(),
                                   atol=1e-6, rtol=0)
    across = body[:, SMPL['left-hip']] - body[:, SMPL['right-hip']]
    hips = seen[:, SOURCE['left-hip']] - seen[:, SOURCE['right-hip']]
    assert cosine_similarity(across, hips, dim=-1).min() > 0.99


def test_a_body_at_rest_turns_nothing():
    model = SkinnedModel('open_body').double()
    rest = model.rest.unflatten(0, (-1, 3))
    names = dict(spine='spine-2', thorax='neck') | {'neck-nose': 'head', 'head-top': 'head'}
    joints = torch.stack([rest[SMPL[names.get(name, name)]] for name in SOURCE])[None, :, [2, 0, 1]]  # z up
    eye = torch.eye(3, dtype=torch.float64).expand(1, 24, 3, 3)
    torch.testing.assert_close(body_rotations(joints, rest), eye, atol=1e-6, rtol=0)


def test_clips_are_stretches_of_the_sample():
    train, val = SampleMotion('train', 60), SampleMotion('val', 60)
    assert len(val.starts) == 576 - 60 + 1 and val.starts[-1] == 516
    assert train(torch.tensor([0.0, 0.999999])).shape == (2, 60, 17, 3)
    assert torch.equal(val(torch.tensor([0.999999]))[0, -1], val.joints[-1])
    steps = train(torch.linspace(0, 0.999, 200)).diff(dim=1).norm(dim=-1).amax()
    assert steps < 0.5  # no stretch crosses clips: half a metre in a frame is a kick, not a jump


def test_bodies_move_by_the_sample():
    data = SyntheticMeshDataset(4, (64, 48), body='open_body', num_frames=5, motion='sample', split='val')
    batch = data.__getitems__([1, 2])
    assert batch['inputs']['image'].shape == (2, 5, 3, 64, 48)
    again = data[2]['data_samples']
    torch.testing.assert_close(batch['data_samples'].body_pose[1:], again.body_pose, atol=0, rtol=0)
    plain = SyntheticMeshDataset(4, (64, 48), body='open_body', num_frames=5, split='val')[2]['data_samples']
    assert (plain.body_pose - again.body_pose).abs().max() > 0.1


def test_what_cannot_move_is_told():
    with pytest.raises(ValueError, match="is a hand, but the embedded motion is of bodies; use motion='random'"):
        SyntheticMeshDataset(4, motion='sample')
    with pytest.raises(ValueError, match='num_frames=900: no sequence of the embedded motion is longer than 753'):
        SyntheticMeshDataset(4, body='open_body', motion='sample', num_frames=900)
    with pytest.raises(ValueError, match="motion='walk' should be one of"):
        SyntheticMeshDataset(4, motion='walk')
