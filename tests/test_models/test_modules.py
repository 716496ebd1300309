"""Contracts of every registered module: a new module is tested by an entry in ``CASES``."""
import copy

import pytest
import torch

import mmegopose.models  # noqa: F401
from mmegopose.registry import MODELS
from mmegopose.structures import PoseDataSample

B, T, J, C = 3, 6, 17, 16
SMALL = dict(embed_dim=C, depth=2, num_heads=4)
TRAJECTORY = dict(type='TrajectoryEmbed', in_dim=5)
JOINTS = dict(type='JointEmbed', in_dim=2)
HEAD = dict(type='JointHead', embed_dim=C, hidden_dims=(8,))
MPJPE = dict(mpjpe=dict(type='MPJPELoss'))


def two_branches(fusion, **kwargs):
    branch = dict(backbone=dict(type='ViT', **SMALL), head=HEAD)
    return dict(type='PoseEstimator', embed=TRAJECTORY | dict(embed_dim=C), losses=MPJPE, fusion=fusion,
                branches=dict(coarse=copy.deepcopy(branch), fine=copy.deepcopy(branch)), **kwargs)


CASES = {
    'pre-norm': dict(type='PoseEstimator', backbone=dict(type='ViT', embed=TRAJECTORY, **SMALL), head=HEAD,
                     losses=MPJPE),
    'post-norm': dict(type='PoseEstimator', losses=dict(l1=dict(type='L1Loss')), head=HEAD, backbone=dict(
        type='ViT', embed=TRAJECTORY, norm_first=False, pos_embed=None, act='relu', **SMALL)),
    'causal sequence': dict(
        type='PoseEstimator', backbone=dict(type='ViT', embed=TRAJECTORY, causal=True, **SMALL),
        head=HEAD | dict(output='all'), losses=MPJPE | dict(
            velocity=dict(type='VelocityLoss'), bones=dict(type='BoneLengthLoss'))),
    'joints': dict(type='PoseEstimator', backbone=dict(type='ViT', embed=JOINTS, scope='all', **SMALL),
                   head=HEAD | dict(per_joint=True, output='all'), losses=MPJPE),
    'deep': dict(type='PoseEstimator', backbone=dict(type='HugeViT', embed=TRAJECTORY, drop_path_rate=0.1, **SMALL),
                 head=HEAD, losses=MPJPE),
    'MixSTE': dict(type='PoseEstimator', backbone=JOINTS | dict(embed_dim=C), losses=MPJPE,
                   neck=dict(type='MixSTE', num_frames=T, resample_frames=True, **SMALL),
                   head=HEAD | dict(per_joint=True, output='all', norm=True)),
    'STC': dict(type='PoseEstimator', backbone=JOINTS | dict(embed_dim=C, bias=False, act='gelu'), losses=MPJPE,
                neck=dict(type='STC', part_drop_rate=0.0, parts='coco17', **SMALL | dict(num_heads=2)),
                head=HEAD | dict(per_joint=True, output='all', bias=False)),
    'DSTformer': dict(type='PoseEstimator', backbone=JOINTS | dict(embed_dim=C), losses=MPJPE,
                      neck=dict(type='DSTformer', num_frames=T, **SMALL), head=HEAD | dict(
                          per_joint=True, output='all', norm=True, act='tanh')),
    'masked': dict(type='PoseEstimator', backbone=JOINTS | dict(embed_dim=C), losses=MPJPE | dict(
        smooth=dict(type='TemporalConsistencyLoss'), scaled=dict(type='NMPJPELoss')),
                   neck=dict(type='STC', part_drop_rate=0.0, **SMALL | dict(num_heads=2)),
                   head=HEAD | dict(per_joint=True, output='all', scale=0.1)),
    'weighted': two_branches(dict(type='WeightedFusion', weights=dict(coarse=0.1, fine=0.9)), branch_loss_weight=0.5),
    'cross-attention': two_branches(dict(type='CrossAttentionFusion', prior=dict(coarse=0.1, fine=0.9), embed_dim=C)),
    'concat': dict(
        type='PoseEstimator', head=HEAD, losses=MPJPE,
        fusion=dict(type='ConcatFusion', in_dims=dict(a=C, b=C), embed_dim=C),
        branches={name: dict(backbone=dict(type='ViT', embed=TRAJECTORY, **SMALL)) for name in 'ab'}),
}


def batch(size=B, frames=T, targets=T, seed=0, masked=False):
    generator = torch.Generator().manual_seed(seed)
    inputs = dict(head_pose=torch.randn(size, frames, 5, generator=generator),
                  keypoints=torch.randn(size, frames, J, 2, generator=generator))
    if masked:
        inputs['detected'] = torch.rand(size, frames, J, generator=generator) >= 0.2
        inputs['valid'] = (torch.arange(frames) != 4)[None].repeat(size, 1)
    sample = PoseDataSample()
    sample.joints = torch.randn(size, targets, J, 3, generator=generator)
    sample.visible = torch.rand(size, targets, J, generator=generator) > 0.3
    sample.frame_ids = torch.arange(targets)[None].repeat(size, 1) * 3
    return inputs, sample


def build(name):
    torch.manual_seed(0)
    return MODELS.build(copy.deepcopy(CASES[name]))


@pytest.mark.parametrize('name', CASES)
def test_every_parameter_gets_a_gradient(name):
    model = build(name)
    for parameter in model.parameters():  # zero-initialised residuals hide gradients
        torch.nn.init.normal_(parameter, std=0.2)
    losses = model(*batch(masked=name == 'masked'), mode='loss')
    sum(losses.values()).backward()
    silent = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent


@pytest.mark.parametrize('name', CASES)
@pytest.mark.parametrize('size, frames', [(1, 1), (1, T), (2, 3)])
def test_any_batch_and_length(name, size, frames):
    model = build(name).eval()
    inputs, sample = batch(size, frames, frames, masked=name == 'masked')
    predicted = model(inputs, sample, mode='predict')[0]
    assert predicted.pred_joints.shape == predicted.joints.shape
    assert predicted.pred_joints.shape[1] in (1, frames)


@pytest.mark.parametrize('name', CASES)
def test_state_dict_round_trip(name):
    first, second = build(name).eval(), MODELS.build(copy.deepcopy(CASES[name])).eval()
    second.load_state_dict(first.state_dict())
    inputs, _ = batch(masked=name == 'masked')
    assert torch.equal(first(inputs)['joints'], second(inputs)['joints'])


@pytest.mark.parametrize('name', CASES)
def test_bf16_is_close_to_fp32(name):
    model = build(name).eval()
    inputs, _ = batch(masked=name == 'masked')
    exact = model(inputs)['joints']
    with torch.autocast('cpu', torch.bfloat16):
        rough = model(inputs)['joints'].float()
    assert (rough - exact).norm() < 0.03 * exact.norm()


@pytest.mark.parametrize('name', CASES)
def test_samples_do_not_influence_each_other(name):
    model = build(name).eval()
    inputs, _ = batch(masked=name == 'masked')
    alone = {key: value[1:2] for key, value in inputs.items()}
    torch.testing.assert_close(model(inputs)['joints'][1:2], model(alone)['joints'], atol=1e-5, rtol=0)


def test_output_longer_than_the_targets_is_cut():
    model = build('causal sequence').eval()
    inputs, sample = batch(targets=1)
    predicted = model(inputs, sample, mode='predict')[0]
    torch.testing.assert_close(predicted.pred_joints, model(inputs)['joints'][:, -1:])


def test_compiled_networks_keep_their_keys():
    model = build('weighted')
    keys = list(model.state_dict())
    model.compile_networks(backend='eager')
    assert list(model.state_dict()) == keys
    assert model(batch()[0])['joints'].shape == (B, 1, J, 3)


@pytest.mark.parametrize('config, message', [
    (dict(type='PoseEstimator', head=HEAD), 'backbone and head, or branches and fusion'),
    (dict(type='PoseEstimator', backbone=dict(type='ViT', embed=TRAJECTORY)), 'needs a head'),
    (dict(type='ViT', embed_dim=10, num_heads=4), 'not a multiple of num_heads'),
    (dict(type='HugeViT', arch='giant'), "arch should be one of"),
    (dict(type='WeightedFusion', weights=dict(a=0.5, b=0.6)), 'sum to 1'),
    (dict(type='JointHead', output='first'), "'last' or 'all'"),
    (dict(type='ViT', scope='tokens', causal=True), "needs scope='frames'")])
def test_wrong_arguments_say_what_is_right(config, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(config)


def test_registry_answers_mistakes_with_the_nearest_names():
    with pytest.raises(KeyError, match="type='HugeVit'.*HugeViT"):
        MODELS.build(dict(type='HugeVit'))
    with pytest.raises(TypeError, match="ViT has no argument 'dept' .*depth"):
        MODELS.build(dict(type='ViT', dept=3))
    with pytest.raises(TypeError, match="HugeViT has no argument 'heads'"):
        MODELS.build(dict(type='HugeViT', heads=3))


def test_wrong_stream_is_named():
    model = build('pre-norm')
    with pytest.raises(KeyError, match="reads the stream 'head_pose'.*keypoints"):
        model(dict(keypoints=torch.zeros(1, 2, 17, 2)))
    with pytest.raises(ValueError, match='has 7 numbers per token.*in_dim=5'):
        model(dict(head_pose=torch.zeros(1, 2, 7)))
