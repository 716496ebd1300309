import time

import numpy as np
import pytest
import torch
from helpers.body_fixtures import mano_arrays, random_input, smpl_arrays, tiny_body

from mmegopose.body_models import BodyArrays, SkinnedModel
from mmegopose.body_models.skinning import pointer_jumps
from mmegopose.geometry.rotations import so3_exp
from mmegopose.registry import BODY_MODELS


def mano(**options):
    arrays, _ = mano_arrays()
    arrays.pop('hands_mean')
    return SkinnedModel(BodyArrays('mano', **arrays), **options)


def rest_input(model, batch=1):
    eye = torch.eye(3).expand(batch, model.num_joints, 3, 3)
    return eye[:, :1], eye[:, 1:], torch.zeros(batch, model.num_betas)


def assert_near(found, wanted, atol):
    np.testing.assert_allclose(found.detach().numpy(), wanted, atol=atol, rtol=0)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_equals_smplx_lbs(dtype):
    body, data = tiny_body()
    rotation = so3_exp(torch.from_numpy(data['pose_aa']).to(dtype).unflatten(1, (6, 3)))
    found = SkinnedModel(body).to(dtype)(rotation[:, :1], rotation[:, 1:], torch.from_numpy(data['betas']))
    assert found['vertices'].dtype == dtype
    assert_near(found['vertices'], data['verts'], 1e-6)
    assert_near(found['joints'], data['joints'], 1e-6)


def test_equals_the_mano_of_hamer():
    _, data = mano_arrays()
    rotation = torch.from_numpy(data['rotmats'])
    found = mano(joint_order='openpose')(rotation[:, :1], rotation[:, 1:], torch.from_numpy(data['betas']))
    assert_near(found['vertices'], data['verts'], 1e-6)
    assert_near(found['joints'], data['joints'], 1e-6)


def test_rest_pose_is_the_template():
    body, _ = tiny_body()
    model = SkinnedModel(body)
    found = model(*rest_input(model, 2))
    assert_near(found['vertices'], np.stack(2 * [body.v_template]), 1e-6)
    assert_near(found['joints'], np.stack(2 * [body.J_regressor @ body.v_template]), 1e-6)


def test_shape_moves_the_rest_vertices():
    body, _ = tiny_body()
    model = SkinnedModel(body)
    global_orient, pose, _ = rest_input(model)
    found = model(global_orient, pose, torch.tensor([[0, 2., 0, 0]]))
    assert_near(found['vertices'][0], body.v_template + 2 * body.shapedirs[..., 1], 1e-6)


@pytest.mark.parametrize('joint_order', ['model', 'openpose'])
def test_global_orient_turns_everything_about_the_root(joint_order):
    model = mano(joint_order=joint_order)
    global_orient, pose, betas = random_input(model)
    before = model(torch.eye(3).expand(2, 1, 3, 3), pose, betas)
    after = model(global_orient, pose, betas)
    root = before['joints'][:, :1]
    for key, value in before.items():
        torch.testing.assert_close(after[key], (value - root) @ global_orient[:, 0].mT + root, atol=1e-6, rtol=0)


def test_translation_moves_everything():
    model = SkinnedModel('open_body', joint_order='coco17')
    transl = torch.tensor([[1., 2, 3], [0, 0, -1]])
    before, after = model(*random_input(model)), model(*random_input(model), transl)
    for key, value in before.items():
        torch.testing.assert_close(after[key], value + transl[:, None], atol=1e-6, rtol=0)


def test_a_joint_moves_only_what_hangs_on_it():
    model = SkinnedModel('open_hand')
    global_orient, pose, betas = rest_input(model)
    bent = pose.clone()
    bent[:, 1] = so3_exp(torch.tensor([0, 0, 1.]))  # joint 2, the middle of the index finger
    moved = (model(global_orient, bent, betas)['joints'] - model(global_orient, pose, betas)['joints']).norm(dim=-1)[0]
    assert (moved > 1e-3).nonzero().flatten().tolist() == [3]


@pytest.mark.parametrize('joint_regressor', [False, True])
def test_gradients(joint_regressor, tmp_path):
    body, _ = tiny_body()
    if joint_regressor:
        np.save(tmp_path / 'extra.npy', np.random.default_rng(0).random((2, 30)))
    model = SkinnedModel(body, joint_regressor=tmp_path / 'extra.npy' if joint_regressor else None).double()
    inputs = [value.clone().requires_grad_() for value in random_input(model, dtype=torch.float64)]
    transl = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *args: tuple(model(*args).values()), (*inputs, transl))


def test_autocast_and_half_inputs_compute_in_float32():
    model = mano(joint_order='openpose')
    inputs = random_input(model)
    wanted = model(*inputs)
    with torch.autocast('cpu', torch.bfloat16):
        found = model(*inputs)
        half = model(*(value.bfloat16() for value in inputs))
    for key, value in wanted.items():
        assert torch.equal(found[key], value)
        assert half[key].dtype == torch.float32


def test_adds_nothing_to_a_checkpoint():
    assert not SkinnedModel('open_hand').state_dict()
    assert not list(SkinnedModel('open_hand').parameters())


@pytest.mark.parametrize('parents', [[-1], [-1, 0], [-1, 0, 1, 2, 3, 4, 5, 6, 7], [-1, 0, 0, 1, 1, 3]])
def test_pointer_jumps_cover_every_chain_once(parents):
    covered = [{joint} for joint in range(len(parents))]
    for step in pointer_jumps(np.array(parents)):
        above = [covered[joint] if joint < len(parents) else set() for joint in step]
        assert all(not a & c for a, c in zip(above, covered))
        covered = [a | c for a, c in zip(above, covered)]
    for joint, parent in enumerate(parents):
        assert covered[joint] == {joint} | (covered[parent] if parent >= 0 else set())


def test_any_batch_size():
    model = SkinnedModel('open_hand', joint_order='openpose')
    found = model(*random_input(model, 3))
    for index in range(3):
        one = model(*(value[index:index + 1] for value in random_input(model, 3)))
        torch.testing.assert_close(one['joints'][0], found['joints'][index], atol=1e-6, rtol=0)
    assert model(*(value[:0] for value in random_input(model)))['vertices'].shape == (0, 1609, 3)


def test_64_hands_take_a_fraction_of_a_second():
    model = SkinnedModel('open_hand', joint_order='openpose')
    inputs = random_input(model, 64)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        model(*inputs)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.1


@pytest.mark.parametrize('num_joints', [24, 52])
def test_smpl_joint_orders(num_joints, tmp_path):
    body = BodyArrays('smpl', **smpl_arrays(num_joints))
    extra = np.random.default_rng(1).dirichlet(np.full(6890, 0.01), 19)
    np.save(tmp_path / 'extra.npy', extra)
    orders = {order: SkinnedModel(body, order, tmp_path / 'extra.npy') for order in ('model', 'openpose', 'coco17')}
    model = orders['openpose']
    found = {order: model(*random_input(model)) for order, model in orders.items()}
    assert model.num_keypoints == 44 and model.num_betas == 10
    vertices, tree, joints = found['model']['vertices'], found['model']['joints'], found['openpose']['joints']
    nose, right_wrist, mid_hip, left_ankle, right_heel = joints[:, [0, 4, 8, 14, 24]].unbind(1)
    assert torch.equal(nose, vertices[:, 332]) and torch.equal(right_heel, vertices[:, 6787])
    assert torch.equal(right_wrist, tree[:, 21]) and torch.equal(mid_hip, tree[:, 0])
    assert torch.equal(left_ankle, tree[:, 7])
    assert_near(joints[:, 25:], extra @ vertices.double().numpy(), 1e-5)
    left_ear, left_wrist, right_hip = found['coco17']['joints'][:, [3, 9, 12]].unbind(1)
    assert torch.equal(left_ear, vertices[:, 583])
    assert torch.equal(left_wrist, tree[:, 20]) and torch.equal(right_hip, tree[:, 2])


def test_mistakes():
    model = SkinnedModel('open_hand')
    global_orient, pose, betas = random_input(model)
    with pytest.raises(ValueError, match=r'pose has shape \(2, 14, 3, 3\) and should have \(B, 15, 3, 3\)'):
        model(global_orient, pose[:, 1:], betas)
    with pytest.raises(ValueError, match=r'betas has shape \(2, 9\) and should have \(B, 10'):
        model(global_orient, pose, betas[:, 1:])
    with pytest.raises(ValueError, match=r"joint_order='coco17'.*open_hand_right.npz; it has \['model', 'openpose'\]"):
        SkinnedModel('open_hand', joint_order='coco17')


def test_builds_from_a_config():
    model = BODY_MODELS.build(dict(type='SkinnedModel', source='open_hand', joint_order='openpose', num_betas=4))
    assert (model.num_joints, model.num_betas, model.num_keypoints) == (16, 4, 21)
