import numpy as np
import pytest
import torch

from mmegopose.body_models import SkinnedModel, read_body_model
from mmegopose.structures import get_skeleton

PARENTS = dict(
    open_hand=[-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14],
    open_body=[-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21])


def at_rest(name, joint_order='model', betas=None):
    model = SkinnedModel(name, joint_order=joint_order)
    eye = torch.eye(3).expand(1, model.num_joints, 3, 3)
    betas = torch.zeros(1, model.num_betas) if betas is None else betas
    found = model(eye[:, :1], eye[:, 1:], betas)
    return found['vertices'][0], found['joints'][0]


@pytest.mark.parametrize('name', PARENTS)
def test_layout(name):
    body = read_body_model(name)
    assert body.parents.tolist() == PARENTS[name]
    assert body.shapedirs.shape[-1] == 10
    np.testing.assert_allclose(body.weights.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(body.J_regressor.sum(1), 1, atol=1e-5)
    assert body.weights.min() >= 0 and body.f.min() == 0 and body.f.max() == len(body.v_template) - 1


def test_hand_is_a_right_hand_of_human_size():
    vertices, joints = at_rest('open_hand', 'openpose')
    assert 0.16 < np.ptp(vertices[:, 0].numpy()) < 0.24  # with a part of the wrist
    wrist, thumb, index, middle, ring, little = joints[[0, 4, 8, 12, 16, 20]]
    assert wrist.norm() < 0.005
    assert 0.15 < (middle - wrist).norm() < 0.21
    assert middle[0] < -0.15 and thumb[2] > index[2] > middle[2] > ring[2] > little[2]  # fingers -x, thumb +z


def test_openpose_fingers_run_from_the_wrist_to_the_tip():
    _, joints = at_rest('open_hand', 'openpose')
    for finger in range(5):
        bones = joints[[0, *range(4 * finger + 1, 4 * finger + 5)]].diff(dim=0)
        lengths = bones.norm(dim=-1)
        assert (lengths[1:] > 0.01).all() and (lengths < 0.12).all()
        assert ((bones[1:-1] * bones[2:]).sum(-1) > 0).all()


def test_body_stands_upright_and_has_human_size():
    vertices, joints = at_rest('open_body')
    assert 1.5 < np.ptp(vertices[:, 1].numpy()) < 1.9  # y up
    assert joints[0].norm() < 0.02
    assert joints[15, 1] > joints[12, 1] > joints[9, 1] > 0 > joints[4, 1] > joints[7, 1]  # head, neck, ..., ankle
    assert joints[10, 2] > joints[7, 2]  # toes ahead of the ankle: facing +z
    left, right = joints[[1, 4, 7, 13, 16, 18, 20]], joints[[2, 5, 8, 14, 17, 19, 21]]
    assert (left[:, 0] > 0.02).all()
    torch.testing.assert_close(left * torch.tensor([-1., 1, 1]), right, atol=0.01, rtol=0)


def test_body_has_the_joints_of_coco():
    _, tree = at_rest('open_body')
    _, joints = at_rest('open_body', 'coco17')
    names = get_skeleton('coco17').joints
    assert len(joints) == 17
    smpl = {'shoulder': 16, 'elbow': 18, 'wrist': 20, 'hip': 1, 'knee': 4, 'ankle': 7}
    for part, joint in smpl.items():
        for side in (0, 1):
            near = joints[names.index(f'{("left", "right")[side]}-{part}')]
            assert (near - tree[joint + side]).norm() < 0.08, part
    assert joints[names.index('nose'), 2] > joints[names.index('left-ear'), 2]
    assert joints[names.index('left-eye'), 0] > 0


@pytest.mark.parametrize('name, low, high', [('open_hand', 0.0005, 0.03), ('open_body', 0.0005, 0.2)])
def test_shape_coefficients_have_unit_scale(name, low, high):
    vertices, _ = at_rest(name)
    for index in range(10):
        moved = (at_rest(name, betas=torch.eye(10)[index:index + 1])[0] - vertices).norm(dim=-1).mean()
        assert moved < high and (index > 0 or moved > low)
