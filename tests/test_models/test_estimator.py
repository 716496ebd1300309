"""What the estimator promises to heads, losses, fusions and streams that it does not know."""
import copy

import pytest
import torch
from mmengine.model import BaseModule
from torch import nn

import mmegopose.models  # noqa: F401
from mmegopose.models.layers import token_mask
from mmegopose.registry import MODELS, STREAMS
from mmegopose.structures import PoseDataSample, Stream, register_stream

B, T, J, C = 2, 5, 17, 16
TRAJECTORY = dict(type='TrajectoryEmbed', in_dim=5, embed_dim=C)
HEAD = dict(type='JointHead', embed_dim=C, output='all')
MPJPE = dict(mpjpe=dict(type='MPJPELoss'))


def batch(frames=T):
    generator = torch.Generator().manual_seed(0)
    sample = PoseDataSample()
    sample.joints = torch.randn(B, frames, J, 3, generator=generator)
    sample.visible = torch.ones(B, frames, J, dtype=torch.bool)
    return dict(head_pose=torch.randn(B, T, 5, generator=generator)), sample


def build(**config):
    torch.manual_seed(0)
    return MODELS.build(copy.deepcopy(dict(type='PoseEstimator', **config)))


def branches(level, **config):
    fusion = dict(type='ConcatFusion', in_dims=dict(a=C, b=C), embed_dim=C) if level == 'tokens' else \
        dict(type='WeightedFusion', weights=dict(a=0.1, b=0.9))
    branch = dict(backbone=TRAJECTORY, head=HEAD)
    return build(**dict(dict(branches=dict(a=branch, b=branch), fusion=fusion, losses=MPJPE,
                             head=HEAD if level == 'tokens' else None), **config))


class DiffusionHead(BaseModule):
    """A toy: it learns to take noise off the true joints, and predicts by taking it off pure noise in a few steps."""

    def __init__(self, embed_dim, steps=4):
        super().__init__()
        self.steps, self.calls = steps, []
        self.denoise = nn.Linear(embed_dim + 3 * J + 1, 3 * J)

    def clean(self, tokens, noisy, level):
        given = torch.cat([tokens[:, :, 0], noisy.flatten(2), level.expand(*noisy.shape[:2], 1)], -1)
        return self.denoise(given).unflatten(-1, (J, 3))

    def forward(self, tokens):
        self.calls.append('forward')
        return self.sample(tokens, 1)

    def loss(self, tokens, data_samples):
        self.calls.append('loss')
        target = data_samples.joints
        level = torch.rand(len(target), 1, 1)
        noisy = (1 - level[..., None]) * target + level[..., None] * torch.randn_like(target)
        return dict(noise=(self.clean(tokens, noisy, level) - target).square().mean())

    def predict(self, tokens):
        self.calls.append('predict')
        return self.sample(tokens, self.steps) | dict(spread=tokens.new_ones(tokens.shape[:2]))

    def sample(self, tokens, steps):
        noisy = torch.zeros(*tokens.shape[:2], J, 3)
        for step in range(steps):
            noisy = self.clean(tokens, noisy, tokens.new_tensor([[[1 - step / steps]]]))
        return dict(joints=noisy)


def test_a_head_with_a_loss_of_its_own_needs_no_other_estimator():
    model = build(backbone=TRAJECTORY, head=dict(type=DiffusionHead, embed_dim=C))
    inputs, sample = batch()
    losses = model(inputs, sample, mode='loss')
    assert list(losses) == ['loss_head.noise'] and model.head.calls == ['loss']
    model.parse_losses(losses)[0].backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())
    predicted = model(inputs, sample, mode='predict')[0]
    assert predicted.pred_joints.shape == (B, T, J, 3) and predicted.pred_spread.shape == (B, T)
    assert model.head.calls == ['loss', 'predict']
    assert model(inputs)['joints'].shape == (B, T, J, 3) and model.head.calls[-1] == 'forward'


def test_losses_of_the_config_join_the_loss_of_the_head():
    model = build(backbone=TRAJECTORY, head=dict(type=DiffusionHead, embed_dim=C), losses=MPJPE)
    assert list(model(*batch(), mode='loss')) == ['loss_head.noise', 'loss_mpjpe']
    with pytest.raises(ValueError, match="whose name is 'head'"):
        build(backbone=TRAJECTORY, head=dict(type=DiffusionHead, embed_dim=C), losses=dict(head=MPJPE['mpjpe']))


class SpeedLoss(nn.Module):
    def forward(self, outputs, samples, inputs):
        return (outputs['joints'].mean() - inputs['head_pose'].mean()).square()


def test_a_loss_may_see_the_inputs():
    model = build(backbone=TRAJECTORY, head=HEAD, losses=MPJPE | dict(speed=dict(type=SpeedLoss)))
    inputs, sample = batch()
    losses = model(inputs, sample, mode='loss')
    wanted = (model(inputs)['joints'].mean() - inputs['head_pose'].mean()).square()
    torch.testing.assert_close(losses['loss_speed'], wanted)
    assert 'loss_mpjpe' in losses


def test_branches_are_supervised_under_a_fusion_of_tokens():
    model = branches('tokens', branch_loss_weight=0.5)
    inputs, sample = batch()
    losses = model(inputs, sample, mode='loss')
    assert list(losses) == ['loss_mpjpe', 'a.loss_mpjpe', 'b.loss_mpjpe']
    model.parse_losses(losses)[0].backward()
    heads = [p for branch in model.branches.values() for p in branch.head.parameters()]
    assert len(heads) == 8 and all(p.grad.abs().sum() > 0 for p in heads)
    own = model.branches['a'].head(model.branches['a'](inputs))
    torch.testing.assert_close(losses['a.loss_mpjpe'], 0.5 * model.losses['mpjpe'](own, sample))
    model.branches['a'].head = None  # nobody needs it but the loss
    assert model(inputs)['joints'].shape == (B, T, J, 3)


def test_the_weight_of_branches_weighs_the_own_loss_of_their_heads():
    branch = dict(backbone=TRAJECTORY, head=dict(type=DiffusionHead, embed_dim=C))
    both = dict(a=branch, b=dict(backbone=TRAJECTORY, head=HEAD))
    losses = branches('outputs', branches=both, branch_loss_weight=0.5)(*batch(), mode='loss')
    assert list(losses) == ['loss_mpjpe', 'a.loss_head.noise', 'a.loss_mpjpe', 'b.loss_mpjpe']
    with pytest.raises(ValueError, match="head of the branch 'a' owns its loss, which counts by branch_loss_weight"):
        branches('outputs', branches=both)


BRANCH = dict(backbone=TRAJECTORY, head=HEAD)


@pytest.mark.parametrize('level, config, message', [
    ('tokens', {}, "nothing would train the head of the branch 'a'.*Set branch_loss_weight"),
    ('outputs', dict(branches=dict(a=BRANCH, b=BRANCH, c=BRANCH)), "nothing would train the branch 'c'"),
    ('outputs', dict(branches=dict(a=BRANCH, fine=BRANCH)), r"WeightedFusion names the branches \['b'\], the model has "
                                                            r"\['a', 'fine'\]"),
    ('tokens', dict(branches=dict(a=dict(backbone=TRAJECTORY), b=dict(backbone=TRAJECTORY)), branch_loss_weight=0.5),
     'branch_loss_weight=0.5 weighs the losses of heads in branches, of which there is none'),
    ('outputs', dict(head=HEAD), 'a head in every branch and none of its own'),
    ('outputs', dict(branches=dict(a=BRANCH, b=dict(neck=HEAD))), r"branch 'b' has \['neck'\]; it takes a backbone"),
    ('outputs', dict(branches=dict(a=BRANCH, b=BRANCH | dict(loss=HEAD))), "it takes a backbone, perhaps a neck")])
def test_parts_that_do_not_go_together(level, config, message):
    with pytest.raises(ValueError, match=message):
        branches(level, **config)


class OldFusion(nn.Module):
    level = 'estimates'


def test_levels_of_fusions():
    with pytest.raises(ValueError, match="OldFusion.level='estimates' should be 'tokens' or 'outputs'"):
        build(branches=dict(a=BRANCH), fusion=dict(type=OldFusion))


# A plugin's stream, with a mask of its own: two trackers at the ankles, of which one may be lost, and a motion sensor.
class TrackerEmbed(nn.Module):
    stream, scope = 'trackers', 'tokens'

    def __init__(self, embed_dim):
        super().__init__()
        self.proj = nn.Linear(3, embed_dim)

    def forward(self, inputs):
        return self.proj(inputs['trackers'])


class TrackerHead(nn.Module):
    def __init__(self, embed_dim):
        super().__init__()
        self.proj = nn.Linear(embed_dim, 3)

    def forward(self, tokens):
        return dict(joints=self.proj(tokens))


@pytest.fixture
def trackers():
    """Declared for one test."""
    before = dict(STREAMS.module_dict)
    register_stream(Stream('trackers', ('B', 'T', 2, 3), 'trackers_detected',
                           lambda points, flip: points.flip(2) * points.new_tensor([-1, 1, 1])))
    register_stream(Stream('trackers_detected', ('B', 'T', 2), mirror=lambda detected, flip: detected.flip(2)))
    yield
    STREAMS.module_dict.clear()
    STREAMS.module_dict.update(before)


def tracker_batch():
    generator = torch.Generator().manual_seed(0)
    detected = torch.rand(B, T, 2, generator=generator) > 0.3
    detected[:, 0] = True
    sample = PoseDataSample()
    sample.joints, sample.visible = torch.zeros(B, T, 2, 3), detected
    return dict(trackers=torch.randn(B, T, 2, 3, generator=generator), trackers_detected=detected), sample


@pytest.mark.parametrize('parts', [
    dict(backbone=dict(type=TrackerEmbed, embed_dim=C),
         neck=dict(type='MixSTE', embed_dim=C, depth=1, num_heads=2, num_tokens=2, num_frames=T)),
    dict(backbone=dict(type='ViT', embed=dict(type=TrackerEmbed), embed_dim=C, depth=1, num_heads=2, scope='all',
                       zero_init_residual=False))])
def test_the_mask_of_a_new_stream_reaches_necks_and_attention(trackers, parts):
    model = build(**parts, head=dict(type=TrackerHead, embed_dim=C)).eval()
    inputs, _ = tracker_batch()
    seen = inputs['trackers_detected']
    other = dict(inputs, trackers=torch.where(seen[..., None], inputs['trackers'], 9.0))
    torch.testing.assert_close(model(other)['joints'][seen], model(inputs)['joints'][seen], atol=1e-6, rtol=0)
    for given in (inputs, other):
        del given['trackers_detected']
    assert (model(other)['joints'] - model(inputs)['joints'])[seen].abs().max() > 1e-4


def test_a_new_stream_is_mirrored(trackers, monkeypatch):
    model = build(backbone=dict(type=TrackerEmbed, embed_dim=C), head=dict(type=TrackerHead, embed_dim=C),
                  test_cfg=dict(flip='coco17'))
    doubled = model.flip.double(tracker_batch()[0])
    inputs = tracker_batch()[0]
    assert torch.equal(doubled['trackers_detected'][B:], inputs['trackers_detected'].flip(2))
    torch.testing.assert_close(doubled['trackers'][B:, :, 0, 0], -inputs['trackers'][:, :, 1, 0])
    with pytest.raises(ValueError, match="mirror image of the stream 'pressure' is not known"):
        model.flip.double(dict(inputs, pressure=torch.zeros(B, T, 3)))


def test_masks_of_frames_count_for_the_streams_of_the_tokens():
    valid, pose = torch.ones(B, T, dtype=torch.bool), torch.ones(B, T, dtype=torch.bool)
    valid[0, 4], pose[1, 2] = False, False
    inputs = dict(image=None, pose_array=None, valid=valid, pose_detected=pose, image_valid=~pose)
    assert torch.equal(token_mask(inputs, 1)[..., 0], valid)  # whose tokens they are is not known
    assert torch.equal(token_mask(inputs, 1, ('pose_array',))[..., 0], valid & pose)
    assert torch.equal(token_mask(inputs, 1, ('image', 'pose_array'))[..., 0], valid)  # one of both is there
    assert torch.equal(token_mask(inputs, 1, ('image', 'pose_array', 'head_pose'))[..., 0], valid)
    detected = torch.rand(B, T, 3) > 0.5
    assert token_mask(dict(keypoints=None, detected=detected), 3, ('head_pose',)) is None
    assert torch.equal(token_mask(dict(imu=None, imu_valid=pose), 4, ('imu',))[..., 3], pose)  # nobody declared it


class NeckWithoutMask(nn.Module):
    def forward(self, tokens):
        return 2 * tokens


def test_whether_a_neck_takes_a_mask_is_decided_once(monkeypatch):
    model = build(backbone=TRAJECTORY, neck=dict(type=NeckWithoutMask), head=HEAD)
    monkeypatch.setattr('inspect.signature', None)
    inputs, _ = batch()
    assert model(inputs)['joints'].shape == (B, T, J, 3)
    with pytest.raises(TypeError, match='neck NeckWithoutMask cannot leave out'):
        model(dict(inputs, valid=torch.ones(B, T, dtype=torch.bool)))


def test_flip_needs_joints():
    model = build(backbone=dict(type='JointEmbed', in_dim=2, embed_dim=C), test_cfg=dict(flip='coco17'),
                  head=dict(type='MeshDecoderHead', embed_dim=C, decoder_dim=8, depth=1, num_heads=1, head_dim=8))
    sample = PoseDataSample()
    sample.joints = torch.zeros(B, T, J, 3)
    with pytest.raises(ValueError, match=r"averages joints, the head returns \['betas', 'body_pose', 'camera'"):
        model(dict(keypoints=torch.zeros(B, T, J, 2)), sample, mode='predict')


@pytest.mark.parametrize('neck', [
    dict(type='MixSTE', num_tokens=1, num_frames=T), dict(type='STC', parts=None), dict(type='DSTformer', num_tokens=1),
    None])
def test_parts_of_different_widths_are_told_apart(neck):
    part = neck['type'] if neck else 'JointHead'
    neck = neck and dict(neck, embed_dim=32, depth=1, num_heads=4)
    model = build(backbone=TRAJECTORY, neck=neck, head=dict(type='JointHead', embed_dim=32), losses=MPJPE)
    for mode in ('tensor', 'loss', 'predict'):
        with pytest.raises(ValueError, match=rf'^{part} takes tokens of 32 channels, but gets .*, which have {C}: '):
            model(*batch(), mode=mode)
