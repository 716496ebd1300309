"""Nothing inside a mask depends on what is outside."""
import numpy as np
import pytest
import torch

import mmegopose.models  # noqa: F401
from mmegopose.geometry.crops import normalize_image
from mmegopose.models.layers import attention_mask, read_stream, token_mask
from mmegopose.registry import MODELS

B, T, J, C = 3, 7, 17, 16
SIZE = dict(embed_dim=C, depth=2, num_heads=4)
NECKS = {'MixSTE': dict(type='MixSTE', num_frames=T, resample_frames=True, **SIZE),
         'STC': dict(type='STC', part_scale=1.0, **SIZE), 'DSTformer': dict(type='DSTformer', num_frames=T, **SIZE)}


def build(name):
    torch.manual_seed(0)
    neck = MODELS.build(NECKS[name]).eval()
    for parameter in neck.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return neck


def random_mask():
    mask = torch.rand(B, T, J, generator=torch.Generator().manual_seed(1)) > 0.3
    mask[0, 5:] = False  # padded frames
    mask[1, :, 4] = False  # a joint that is never seen
    mask[2] = False  # nothing at all
    return mask


@pytest.mark.parametrize('value', [1e4, float('nan'), float('inf')])
@pytest.mark.parametrize('name', NECKS)
def test_inside_does_not_depend_on_outside(name, value):
    neck, mask, x = build(name), random_mask(), torch.randn(B, T, J, C)
    with torch.no_grad():
        before = neck(x, mask)
        after = neck(x.masked_fill(~mask[..., None], value), mask)
        inside = x.clone()
        inside[0, 0, int(mask[0, 0].nonzero()[0])] = torch.randn(C)
        moved = neck(inside, mask)
    assert torch.isfinite(after).all()
    assert torch.equal(before[mask], after[mask])
    assert (moved - before)[0, 3].abs().max() > 1e-3


@pytest.mark.parametrize('name', NECKS)
def test_a_full_mask_changes_nothing(name):
    neck, x = build(name), torch.randn(B, T, J, C)
    torch.testing.assert_close(neck(x, torch.ones(B, T, 1, dtype=torch.bool)), neck(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('name', ['STC', 'DSTformer'])
def test_padded_window_equals_the_short_one(name):
    neck, x = build(name), torch.randn(B, T, J, C)
    mask = (torch.arange(T) < 4)[:, None].expand(T, J)
    torch.testing.assert_close(neck(x, mask)[:, :4], neck(x[:, :4]), atol=1e-5, rtol=1e-5)


def test_masked_gradients_are_finite_and_zero_outside():
    for name in NECKS:
        neck, mask, x = build(name), random_mask(), torch.randn(B, T, J, C, requires_grad=True)
        neck(x, mask)[mask].square().sum().backward()
        assert torch.isfinite(x.grad).all()
        assert (x.grad[~mask] == 0).all() and (x.grad[mask].abs().sum(-1) > 0).all()


def test_attention_mask_shows_every_token_itself():
    keys = torch.tensor([[True, False, True]])
    assert attention_mask(None, True) == (None, True)
    mask, is_causal = attention_mask(keys)
    assert mask.tolist() == [[[[True, False, True], [True, True, True], [True, False, True]]]] and not is_causal
    assert attention_mask(keys, True)[0].tolist() == [[[[True, False, False], [True, True, False],
                                                        [True, False, True]]]]


def test_token_mask_joins_the_streams():
    valid, detected = torch.ones(B, T, dtype=torch.bool), torch.ones(B, T, J, dtype=torch.bool)
    valid[0, 0], detected[1, 2, 3] = False, False
    assert token_mask(dict(keypoints=None), J) is None
    assert token_mask(dict(detected=detected), 1) is None  # tokens of a trajectory
    assert torch.equal(token_mask(dict(valid=valid), J), valid[..., None].expand(B, T, J))
    both = token_mask(dict(valid=valid, detected=detected), J)
    assert both.shape == (B, T, J) and (~both).sum() == J + 1
    assert torch.equal(token_mask(dict(valid=valid, detected=detected), 1)[..., 0], valid)


def test_a_frame_is_there_if_one_of_the_streams_is():
    image, detected = torch.tensor([[True, False, False]]), torch.zeros(1, 3, 2, dtype=torch.bool)
    detected[0, 1, 1] = True
    inputs = dict(image_valid=image, detected=detected, valid=torch.tensor([[True, True, True]]))
    assert token_mask(inputs, 1, ('image', 'keypoints'))[0, :, 0].tolist() == [True, True, False]
    assert token_mask(inputs, 1, ('image', 'keypoints', 'head_pose')).all()  # which is always there
    assert token_mask(inputs, 1, ('keypoints',))[0, :, 0].tolist() == [False, True, False]
    assert torch.equal(token_mask(inputs, 2, ('keypoints',)), detected)


def test_a_stream_is_blank_where_it_is_not_there():
    detected = torch.tensor([[[True, False], [False, False]]])
    inputs = dict(keypoints=torch.full((1, 2, 2, 2), float('nan')), detected=detected, head_pose=torch.ones(1, 2, 5))
    inputs['keypoints'][0, 0, 0] = 3
    assert read_stream(inputs, 'keypoints').tolist() == [[[[3, 3], [0, 0]], [[0, 0], [0, 0]]]]
    assert read_stream(inputs, 'head_pose', 5) is inputs['head_pose']
    drawing = dict(pose_image=torch.randn(1, 2, 3, 4, 4), pose_detected=torch.tensor([[True, False]]))
    black = torch.from_numpy(normalize_image(np.zeros((4, 4, 3), np.uint8)))
    assert torch.equal(read_stream(drawing, 'pose_image')[0], torch.stack([drawing['pose_image'][0, 0], black]))
    tokens = dict(odd=torch.ones(1, 2, 6), odd_valid=detected)  # two tokens per frame, which the numbers are not yet
    assert read_stream(tokens, 'odd').sum(-1).tolist() == [[6, 0]]


def streams():
    return dict(keypoints=torch.randn(B, T, J, 2), head_pose=torch.randn(B, T, 5),
                valid=(torch.arange(T) <= 4)[None].repeat(B, 1), detected=torch.rand(B, T, J) >= 0.2)


def estimator(**kwargs):
    torch.manual_seed(0)
    return MODELS.build(dict(type='PoseEstimator', head=dict(type='JointHead', embed_dim=C, per_joint=True,
                                                             output='all'), **kwargs)).eval()


JOINTS = dict(type='JointEmbed', in_dim=2, embed_dim=C)
MODELS_WITH_MASKS = {
    'neck': dict(backbone=JOINTS, neck=NECKS['STC']),
    'branch neck': dict(branches=dict(a=dict(backbone=JOINTS, neck=NECKS['MixSTE']), b=dict(backbone=JOINTS)),
                        fusion=dict(type='ConcatFusion', in_dims=dict(a=C, b=C), embed_dim=C)),
    'after a fusion': dict(branches=dict(a=dict(backbone=JOINTS), b=dict(backbone=JOINTS)), neck=NECKS['DSTformer'],
                           fusion=dict(type='ConcatFusion', in_dims=dict(a=C, b=C), embed_dim=C)),
    'ViT': dict(backbone=dict(type='ViT', embed=JOINTS, scope='all', zero_init_residual=False, **SIZE))}


@pytest.mark.parametrize('name', MODELS_WITH_MASKS)
def test_estimator_masks_by_the_streams(name):
    model, inputs = estimator(**MODELS_WITH_MASKS[name]), streams()
    inside = token_mask(inputs, J)
    other = dict(inputs, keypoints=torch.where(inside[..., None], inputs['keypoints'], 9.0))
    torch.testing.assert_close(model(other)['joints'][inside], model(inputs)['joints'][inside], atol=1e-6, rtol=0)
    free = [{k: v for k, v in given.items() if k not in ('valid', 'detected')} for given in (inputs, other)]
    assert (model(free[0])['joints'] - model(free[1])['joints'])[inside].abs().max() > 1e-4


def test_a_trajectory_branch_has_no_missing_joints():
    model = MODELS.build(dict(
        type='PoseEstimator', backbone=dict(type='TrajectoryEmbed', in_dim=5, embed_dim=C),
        neck=dict(type='STC', parts=None, **SIZE), head=dict(type='JointHead', embed_dim=C, output='all'))).eval()
    inputs = streams()
    changed = dict(inputs, detected=~inputs['detected'])
    assert torch.equal(model(inputs)['joints'], model(changed)['joints'])
    changed = dict(inputs, head_pose=inputs['head_pose'].masked_fill(~inputs['valid'][..., None], 7))
    assert torch.equal(model(inputs)['joints'][:, :5], model(changed)['joints'][:, :5])


@pytest.mark.parametrize('fusion', [dict(type='WeightedFusion', weights=dict(joints=0.9, image=0.1)), dict(
    type='CrossAttentionFusion', prior=dict(joints=0.9, image=0.1), embed_dim=C)])
def test_a_branch_that_sees_nothing_has_no_weight_in_a_fusion_of_outputs(fusion):
    torch.manual_seed(0)
    head = dict(type='JointHead', embed_dim=C, output='all')
    model = MODELS.build(dict(type='PoseEstimator', fusion=fusion, branches=dict(
        joints=dict(backbone=dict(type='TrajectoryEmbed', in_dim=5, embed_dim=C), head=head),
        image=dict(backbone=dict(type='TrajectoryEmbed', in_dim=5, embed_dim=C, stream='gaze'), head=head)))).eval()
    inputs = dict(head_pose=torch.randn(B, T, 5), gaze=torch.randn(B, T, 5), gaze_valid=torch.rand(B, T) > 0.5)
    both, seen = model({key: inputs[key] for key in ('head_pose', 'gaze')})['joints'], inputs['gaze_valid']
    fused, branch = model(inputs)['joints'], model.branches['joints']
    alone = branch.head(branch(inputs))['joints']
    torch.testing.assert_close(fused[~seen], alone[~seen], atol=1e-6, rtol=0)
    torch.testing.assert_close(fused[seen], both[seen], atol=1e-6, rtol=0)
    assert (both - alone)[~seen].abs().max() > 1e-3
    everything = model(dict(inputs, gaze_valid=torch.ones(B, T, dtype=torch.bool)))['joints']
    torch.testing.assert_close(everything, both, atol=1e-6, rtol=0)


class Plain(torch.nn.Module):
    def forward(self, tokens):
        return 2 * tokens


class Asking(torch.nn.Module):
    def forward(self, tokens, mask):
        return tokens if mask is None else tokens * mask[..., None]


def test_neck_without_masks_serves_data_without_masks():
    model = estimator(backbone=JOINTS, neck=dict(type=Plain))
    inputs = streams()
    assert model(dict(keypoints=inputs['keypoints']))['joints'].shape == (B, T, J, 3)
    asking = estimator(backbone=JOINTS, neck=dict(type=Asking))
    assert asking(dict(keypoints=inputs['keypoints']))['joints'].shape == asking(inputs)['joints'].shape
    with pytest.raises(TypeError, match='the neck Plain cannot leave out: give Plain.forward an argument mask'):
        model(inputs)
