"""The checks of ``mmegopose.testing`` find what they are for."""
import re

import pytest
import torch
from torch import nn

import mmegopose.models  # noqa: F401
from mmegopose.models.layers import read_stream
from mmegopose.models.losses import where_labelled
from mmegopose.registry import BACKBONES, EMBEDDINGS, HEADS, LOSSES, MODELS, NECKS, STREAMS
from mmegopose.structures import PoseDataSample, Stream, register_stream
from mmegopose.testing import CHECKS, check_module, make_case, make_streams, make_targets


class Mixing(nn.Module):
    """A right neck, which the wrong ones below derive from."""

    def __init__(self, embed_dim=16):
        super().__init__()
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, tokens):
        return tokens + self.proj(tokens).mean(1, keepdim=True)


class Idle(Mixing):
    def __init__(self, embed_dim=16):
        super().__init__(embed_dim)
        self.unused = nn.Linear(2, 2)


class Leaking(Mixing):
    def forward(self, tokens):
        return super().forward(tokens) + tokens.mean(0)


class Restless(Mixing):
    def forward(self, tokens):
        return super().forward(tokens) * (1 + torch.rand(1).item() * self.training) + self.calls()

    def calls(self):
        self.count = getattr(self, 'count', 0) + 1
        return 1e-3 * self.count


class Fixed(Mixing):
    num_frames = 4

    def forward(self, tokens):
        if tokens.shape[1] != self.num_frames:
            raise ValueError(f'I take {self.num_frames} frames')
        return super().forward(tokens)


class Honest(Fixed):
    any_length = False


class Forgetful(Mixing):
    """Holds something that the state dict does not."""
    made = 0

    def __init__(self, embed_dim=16):
        super().__init__(embed_dim)
        Forgetful.made += 1
        self.secret = Forgetful.made

    def forward(self, tokens):
        return super().forward(tokens) * self.secret


class Rough(Mixing):
    def forward(self, tokens):
        return (1e3 * self.proj(tokens)).sin() + tokens


class Unmasked(Mixing):
    def forward(self, tokens, mask=None):
        return super().forward(tokens)


class Masked(Mixing):
    def forward(self, tokens, mask=None):
        if mask is None:
            return super().forward(tokens)
        weight = mask[..., None].float()
        return tokens + (self.proj(tokens) * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp(min=1)


class Flat(Mixing):
    def forward(self, tokens):
        return super().forward(tokens).mean(2)


class Endless(Mixing):
    def forward(self, tokens):
        return super().forward(tokens) / (tokens.shape[1] - 1)


@pytest.fixture(autouse=True)
def registered():
    """The modules of this file are registered, as long as its tests run."""
    known = set(MODELS.module_dict)
    for cls in (Mixing, Idle, Leaking, Restless, Fixed, Honest, Forgetful, Rough, Unmasked, Masked, Flat, Endless):
        NECKS.register_module(f'Test{cls.__name__}', force=True, module=cls)
    yield
    for name in set(MODELS.module_dict) - known:
        del MODELS.module_dict[name]


@pytest.mark.parametrize('name', ['Mixing', 'Honest', 'Masked'])
def test_right_necks_pass(name):
    check_module(dict(type=f'Test{name}'))


@pytest.mark.parametrize('name, check, message', [
    ('Idle', 'gradients', r'neck TestIdle: no gradient reaches unused.weight, unused.bias'),
    ('Leaking', 'samples', "neck TestLeaking: 'tokens' depends on the other samples, by"),
    ('Restless', 'outputs', "'tokens' changes from call to call"),
    ('Forgetful', 'state_dict', "'tokens' is another one after load_state_dict"),
    ('Rough', 'bf16', "'tokens' is off by .*% in bfloat16"),
    ('Unmasked', 'masks', "'tokens' depends on what a mask hides, by .* where mask is False"),
    ('Flat', 'outputs', r"'tokens' is \(3, 6, 16\), not \(B,T,N,C\)"),
    ('Endless', 'lengths', "'tokens' is not finite for 1 windows of 1 frames")])
def test_broken_promises_are_told(name, check, message):
    config = dict(type=f'Test{name}')
    with pytest.raises(AssertionError, match=message):
        CHECKS[check](make_case(config))
    with pytest.raises(AssertionError, match=message):
        check_module(config, skip=() if name != 'Restless' else ('state_dict',))


def test_a_neck_of_one_length_has_to_say_so():
    with pytest.raises(ValueError, match='I take 4 frames'):
        check_module(dict(type='TestFixed'))
    check_module(dict(type='TestFixed'), sizes=dict(T=4), skip=('lengths',))


def test_parts_can_be_excused():
    check_module(dict(type='TestIdle'), idle='unused')
    check_module(dict(type='TestRough'), tolerance=10)
    with pytest.raises(KeyError, match=r"skip=\['sample'\]: there are the checks .*'samples'"):
        check_module(dict(type='TestLeaking'), skip=('sample',))
    with pytest.raises(AssertionError, match=r"neck TestIdle: idle='unsed' matches none of its parameters, which are "
                                             r'proj.weight, proj.bias, unused.weight, unused.bias'):
        check_module(dict(type='TestIdle'), idle='unsed')
    for kind, page in (('BodyPoseMetric', 'metric'), ('HeadPoseFeatures', 'transform'), ('egoexo4d_body', 'data_set')):
        with pytest.raises(KeyError, match=f"type='{kind}' is a .*; check_module checks modules of models only: "
                                           f'docs/contracts/{page}.md'):
            check_module(dict(type=kind))
    with pytest.raises(KeyError, match="type='TestMixin' is not registered; nearest: .*TestMixing"):
        check_module(dict(type='TestMixin'))


def test_a_loss_that_counts_hidden_joints_is_found():
    @LOSSES.register_module('TestGreedyLoss', force=True)
    class GreedyLoss(nn.Module):
        def forward(self, outputs, samples, inputs):
            return dict(all=(outputs['joints'] - samples.joints).abs().mean() + 0 * inputs['head_pose'].sum())

    with pytest.raises(AssertionError, match="loss TestGreedyLoss: 'all' depends on what a mask hides"):
        check_module(dict(type='TestGreedyLoss'), streams=('head_pose',))


@pytest.mark.parametrize('read, option', [
    (lambda outputs, samples, inputs: inputs['head_pose'], "streams=('head_pose', ...)"),
    (lambda outputs, samples, inputs: outputs['vertices'], "outputs=('vertices', ...)"),
    (lambda outputs, samples, inputs: samples.betas, "targets=('betas', ...)")])
def test_what_a_loss_lacks_is_told_by_the_option_that_gives_it(read, option):
    @LOSSES.register_module('TestReadingLoss', force=True)
    class ReadingLoss(nn.Module):
        def forward(self, outputs, samples, inputs):
            return read(outputs, samples, inputs).sum() + outputs['joints'].sum()

    with pytest.raises(KeyError, match=re.escape(f'check_module(..., {option})')):
        check_module(dict(type='TestReadingLoss'))


def test_a_loss_that_reads_where_there_is_no_label_is_found():
    @LOSSES.register_module('TestProductLoss', force=True)
    class ProductLoss(nn.Module):
        def forward(self, outputs, samples):
            distance = (outputs['joints'] - samples.joints).norm(dim=-1)
            return (distance * samples.visible).sum()

    with pytest.raises(AssertionError, match='TestProductLoss: the loss or its gradient depends on 1e.30 where there '
                                             'is no label, in joints: read them with models.losses.where_labelled'):
        check_module(dict(type='TestProductLoss'))

    @LOSSES.register_module('TestMeanLoss', force=True)
    class MeanLoss(nn.Module):
        def forward(self, outputs, samples):
            error = (outputs['joints'] - where_labelled(samples.joints, samples.visible)).abs().sum(-1)
            return (error * samples.visible).sum() / samples.visible.sum()

    with pytest.raises(AssertionError, match='TestMeanLoss: the loss or its gradient is not finite without any label'):
        check_module(dict(type='TestMeanLoss'))


def test_a_head_with_a_loss_of_its_own():
    @HEADS.register_module('TestOwnHead', force=True)
    class OwnHead(nn.Module):
        def __init__(self, embed_dim=16):
            super().__init__()
            self.proj, self.only_in_training = nn.Linear(embed_dim, 51), nn.Linear(51, 51)

        def forward(self, tokens):
            return dict(joints=self.proj(tokens.mean(2)).unflatten(-1, (17, 3)))

        def loss(self, tokens, data_samples):
            joints = self.forward(tokens)['joints']
            return dict(first=(joints - data_samples.joints).abs().mean(),
                        second=self.only_in_training(joints.flatten(2)).square().mean())

        def predict(self, tokens):
            return self.forward(tokens) | dict(spread=tokens.new_ones(tokens.shape[:2]))

    check_module(dict(type='TestOwnHead'))
    assert set(make_case(dict(type='TestOwnHead')).values(OwnHead())) == {
        'joints', 'predicted joints', 'predicted spread'}


def test_streams_and_targets_follow_their_declarations():
    register_stream(Stream('test_hands', ('B', 'T', 2, 3), 'test_hands_seen'))
    register_stream(Stream('test_hands_seen', ('B', 'T', 2)))
    streams = make_streams(('test_hands', 'test_hands_seen', 'valid'), dict(B=2, T=5))
    assert streams['test_hands'].shape == (2, 5, 2, 3) and streams['test_hands_seen'].dtype == torch.bool
    assert streams['valid'].shape == (2, 5) and streams['valid'][:, -1].all()
    with pytest.raises(KeyError, match="stream 'undeclared' is not declared: register_stream"):
        make_streams(('undeclared',))
    sample = make_targets(('joints', 'body_pose', 'has_pose', 'sequence'), dict(J=21, body_pose=dict(J=15)))
    assert isinstance(sample, PoseDataSample) and sample.joints.shape == (3, 6, 21, 3)
    assert sample.body_pose.shape == (3, 6, 15, 3, 3) and sample.has_pose.dtype == torch.bool
    with pytest.raises(KeyError, match="field 'undeclared' is not declared: register_field"):
        make_targets(('undeclared',))


@pytest.fixture
def tilt():
    """A stream with a mask of frames."""
    register_stream(Stream('test_tilt', ('B', 'T', 3), 'test_tilt_valid'))
    register_stream(Stream('test_tilt_valid', ('B', 'T')))
    for cls in (TiltEmbed, RawTiltEmbed, ProductTiltEmbed):
        EMBEDDINGS.register_module(cls.__name__, force=True, module=cls)
    BACKBONES.register_module('AllFrames', force=True, module=AllFrames)
    yield
    for name in ('test_tilt', 'test_tilt_valid'):
        del STREAMS.module_dict[name]


class TiltEmbed(nn.Module):
    """The head track and the tilt, in one token."""

    streams, scope = ('head_pose', 'test_tilt'), 'frames'

    def __init__(self, embed_dim):
        super().__init__()
        self.track, self.tilt = nn.Linear(5, embed_dim), nn.Linear(3, embed_dim)

    def read(self, inputs):
        return read_stream(inputs, 'test_tilt')

    def forward(self, inputs):
        return (self.track(inputs['head_pose']) + self.tilt(self.read(inputs))).unsqueeze(2)


class RawTiltEmbed(TiltEmbed):
    def read(self, inputs):
        return inputs['test_tilt']


class ProductTiltEmbed(TiltEmbed):
    def read(self, inputs):  # zero, but for NaN
        return inputs['test_tilt'] * inputs.get('test_tilt_valid', torch.ones(()))[..., None]


class AllFrames(nn.Module):
    streams = ('head_pose',)

    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(5, 16)

    def forward(self, inputs):
        x = self.proj(inputs['head_pose'])
        return (x + x.mean(1, keepdim=True)).unsqueeze(2)


def vit(embed):
    return dict(type='ViT', embed=dict(type=embed), embed_dim=16, depth=1, num_heads=2)


def test_a_stream_beside_another_is_read_through_its_mask(tilt):
    check_module(dict(type='TiltEmbed', embed_dim=16))
    check_module(vit('TiltEmbed'))


@pytest.mark.parametrize('config, message', [
    (dict(type='RawTiltEmbed', embed_dim=16), 'when test_tilt changes where test_tilt_valid is False: read it'),
    (vit('RawTiltEmbed'), 'when test_tilt changes where test_tilt_valid is False: read it with models.layers'),
    (vit('ProductTiltEmbed'), 'by nan, when test_tilt changes where test_tilt_valid is False'),
    (dict(type='AllFrames'), 'when head_pose changes where valid is False: leave these frames out')])
def test_a_module_that_ignores_a_mask_is_found(tilt, config, message):
    with pytest.raises(AssertionError, match=f"'tokens' depends on what a mask hides, .*{message}"):
        check_module(config)
