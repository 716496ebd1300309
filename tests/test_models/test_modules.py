"""Every registered module keeps its promises: ``mmegopose.testing`` checks the modules of ``CASES``.

A module that is registered must stand in ``CASES``, alone or as a part of another, or in ``ELSEWHERE`` with a reason.
"""
import copy
import functools

import pytest
import torch

import mmegopose.models  # noqa: F401
from mmegopose.registry import MODELS
from mmegopose.structures import PoseDataSample
from mmegopose.testing import CHECKS, make_case

B, T, J, C = 3, 6, 17, 16
SMALL = dict(embed_dim=C, depth=2, num_heads=4)
TRAJECTORY = dict(type='TrajectoryEmbed', in_dim=5)
JOINTS = dict(type='JointEmbed', in_dim=2)
POSE_TOKEN = dict(type='PoseEmbed')
HEAD = dict(type='JointHead', embed_dim=C, hidden_dims=(8,))
MPJPE = dict(mpjpe=dict(type='MPJPELoss'))
PATCHES, STEM = (dict(type=kind, img_size=(64, 48)) for kind in ('PatchEmbed', 'ConvStem'))
IMAGES = dict(arch='tiny', embed_dim=32, depth=2, num_heads=4, embed=PATCHES)
EXTPOSE = dict(IMAGES, type='ExtPose', streams=('image', 'pose_image'))
VIEW = dict(type='FrameEmbed', encoder=STEM | dict(stream='view', embed_dim=32), in_dim=32, token_dim=4)
THREE = dict(head=C, view=C, imu=C)
MESH_HEAD = dict(
    type='MeshDecoderHead', embed_dim=32, decoder_dim=24, depth=2, num_heads=2, head_dim=12, mlp_dim=32,
    camera_scale=5.0, body_model=dict(type='SkinnedModel', source='open_hand', joint_order='openpose'))
MESH_LOSSES = dict(
    joints=dict(type='RootRelativeLoss'), keypoints=dict(type='KeypointLoss'),
    global_orient=dict(type='ParameterLoss', name='global_orient'),
    body_pose=dict(type='ParameterLoss', name='body_pose'), betas=dict(type='ParameterLoss', name='betas'),
    adversarial=dict(type='AdversarialLoss', num_joints=15))
POSE = ('global_orient', 'body_pose', 'betas')


def two_branches(fusion, **kwargs):
    branch = dict(backbone=dict(type='ViT', **SMALL), head=HEAD)
    return dict(type='PoseEstimator', embed=TRAJECTORY | dict(embed_dim=C), losses=MPJPE, fusion=fusion,
                branches=dict(coarse=copy.deepcopy(branch), fine=copy.deepcopy(branch)), **kwargs)


ESTIMATORS = {
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
    **{f'{fusion["type"]} of streams': dict(
        type='PoseEstimator', losses=MPJPE, fusion=fusion, head=HEAD | dict(type='WristHead'), branches={
            name: dict(backbone=dict(type='ViT', embed=embed, **SMALL)) for name, embed in dict(
                head=dict(type='WristEmbed', in_dim=5), view=TRAJECTORY | dict(stream='view_features'),
                imu=TRAJECTORY | dict(stream='imu')).items()})
       for fusion in (dict(type='ConcatFusion', in_dims=THREE, embed_dim=C, hidden_dims=(8,)),
                      dict(type='GatedFusion', in_dims=THREE), dict(type='BranchAttention', in_dims=THREE))},
}

MESH = dict(
    streams=('image', 'pose_image'), masks=('valid', 'pose_detected'), tolerance=0.06,
    targets=('joints', 'visible', 'keypoints', 'keypoint_conf', *POSE, 'has_pose', 'has_betas', 'scored', 'index'),
    sizes=dict(B=2, T=2, J=21, N=12, body_pose=dict(J=15)))
CASES = {
    'trajectory embedding': (TRAJECTORY | dict(embed_dim=C), {}),
    'embedding of head and wrists': (dict(type='WristEmbed', in_dim=5, embed_dim=C), {}),
    'joint embedding': (JOINTS | dict(embed_dim=C, bias=False, act='gelu'), {}),
    'pose embedding': (POSE_TOKEN | dict(embed_dim=C), dict(sizes=dict(D=3, N=1), masks=('valid', 'detected'))),
    'patches of images': (PATCHES | dict(embed_dim=C), {}),
    'stem of images': (STEM | dict(embed_dim=32), {}),
    'pictures of frames': (VIEW | dict(embed_dim=C), {}),
    'frozen pictures': (dict(type='ViT', embed=VIEW | dict(encoder=IMAGES | dict(type='ViT', embed=PATCHES | dict(
        stream='view')), trainable=False), **SMALL), dict(masks=('valid',))),
    'ViT of a trajectory': (dict(type='ViT', embed=TRAJECTORY, **SMALL), dict(masks=('valid',))),
    'ViT of head and wrists': (
        dict(type='ViT', embed=dict(type='WristEmbed', in_dim=5), **SMALL), dict(masks=('valid', 'wrists_detected'))),
    'ViT of poses': (dict(type='ViT', embed=POSE_TOKEN, **SMALL), dict(
        sizes=dict(D=3), masks=('valid', 'detected'))),
    'causal ViT': (dict(type='ViT', embed=TRAJECTORY, causal=True, **SMALL), dict(masks=('valid',))),
    'ViT of joints': (dict(type='ViT', embed=JOINTS, **SMALL), dict(masks=('valid', 'detected'))),
    'ViT of all tokens': (dict(type='ViT', embed=JOINTS, scope='all', **SMALL), dict(masks=('valid', 'detected'))),
    'deep ViT': (dict(type='HugeViT', embed=TRAJECTORY, drop_path_rate=0.1, **SMALL), {}),
    'MixSTE': (dict(type='MixSTE', num_frames=T, **SMALL), {}),
    'resampled MixSTE': (dict(type='MixSTE', num_frames=T, resample_frames=True, **SMALL), {}),
    'STC': (dict(type='STC', part_drop_rate=0.0, **SMALL | dict(num_heads=2)), {}),
    'STC of coco17': (dict(type='STC', part_drop_rate=0.0, parts='coco17', **SMALL | dict(num_heads=2)), {}),
    'DSTformer': (dict(type='DSTformer', num_frames=T, **SMALL), {}),
    'weighted fusion': (dict(type='WeightedFusion', weights=dict(a=0.1, b=0.9)), {}),
    'cross-attention fusion': (dict(type='CrossAttentionFusion', prior=dict(a=0.1, b=0.9), embed_dim=C), {}),
    'concatenation': (dict(type='ConcatFusion', in_dims=dict(a=C, b=C), embed_dim=C), {}),
    'MLP of branches': (dict(type='ConcatFusion', in_dims=dict(a=C, b=C), embed_dim=C, hidden_dims=(8,)), {}),
    'gated branches': (dict(type='GatedFusion', in_dims=dict(a=C, b=C, c=C)), {}),
    'gated branches, of which the first learns alone': (
        dict(type='GatedFusion', in_dims=dict(a=C, b=C), detach_first=True), {}),
    'attention to branches': (dict(type='BranchAttention', in_dims=dict(a=C, b=C, c=C), depth=2), {}),
    'head of a frame': (HEAD, dict(sizes=dict(N=1))),
    'head of wrists': (HEAD | dict(type='WristHead'), dict(sizes=dict(N=1))),
    'head of joints': (HEAD | dict(per_joint=True, output='all', norm=True, act='tanh'), {}),
    'head of queries': (dict(type='JointQueryHead', embed_dim=C, decoder_dim=64, depth=2, num_joints=J), {}),
    'head of queries that tells deviations': (dict(
        type='JointQueryHead', embed_dim=C, decoder_dim=64, depth=1, num_joints=J, deviations=True), {}),
    'mesh head': (MESH_HEAD, MESH),
    'head of volumes': (dict(type='VolumeJointHead', embed_dim=32, num_joints=J, img_size=(64, 48), conv_dim=8,
                             mlp_dim=16), dict(sizes=dict(N=12))),
    # In bfloat16 another pixel of a random heatmap can be the highest.
    'heatmap head': (dict(type='HeatmapHead', embed_dim=32, num_joints=J, img_size=(64, 48), deconv_dim=8),
                     dict(sizes=dict(N=12), skip=('bf16',))),
    'image transformer': (dict(IMAGES, type='ViT'), dict(masks=('valid',))),
    'image transformer with a stem': (dict(IMAGES, type='ViT', embed=STEM), {}),
    'concatenated images': (dict(IMAGES, type='ConcatViT'), {}),
    'concatenated images with a stem': (dict(IMAGES, type='ConcatViT', embed=STEM), {}),
    'control': (dict(IMAGES, type='ControlNetViT'), {}),
    'ExtPose': (EXTPOSE, dict(masks=('valid', 'pose_detected'))),
    'late images': (dict(EXTPOSE, modality='self', frames='none', output='all'), {}),
    'mean of late images': (dict(EXTPOSE, modality='self', frames='none', output='mean'), {}),
    **{name: (dict(type=name), {}) for name in (
        'MPJPELoss', 'NMPJPELoss', 'L1Loss', 'BoneLengthLoss', 'RootRelativeLoss', 'RootRelativeVelocityLoss')},
    **{name: (dict(type=name), dict(min_frames=2)) for name in ('VelocityLoss', 'TemporalConsistencyLoss')},
    'KeypointLoss': (dict(type='KeypointLoss'), dict(outputs=('keypoints',), targets=('keypoints', 'keypoint_conf'))),
    'ParameterLoss': (dict(type='ParameterLoss', name='betas'), dict(
        outputs=('betas',), targets=('betas', 'has_betas'))),
    **{name: (dict(type=name), dict(
        outputs=dict(heatmaps=('B', 'T', 'J', 'h', 'w')), targets=('keypoints', 'keypoint_conf')))
        for name in ('HeatmapLoss', 'HeatmapCrossEntropyLoss')},
    'ResidualLikelihoodLoss': (dict(type='ResidualLikelihoodLoss', mlp_dim=8), dict(
        outputs=('joints', 'log_deviation'))),
    'AdversarialLoss': (MESH_LOSSES['adversarial'], dict(
        outputs=('body_pose', 'betas'), targets=('body_pose', 'betas', 'has_pose', 'has_betas'), sizes=dict(J=15))),
    **{f'estimator, {name}': (config, dict(
        masks=('valid', 'detected') if name == 'masked' else ())) for name, config in ESTIMATORS.items()},
    **{f'estimator, {name}': (dict(
        type='PoseEstimator', backbone=backbone, head=MESH_HEAD, losses=MESH_LOSSES), MESH) for name, backbone in dict(
            image=dict(IMAGES, type='ViT'), concat=dict(IMAGES, type='ConcatViT'),
            control=dict(IMAGES, type='ControlNetViT'), late=dict(EXTPOSE, modality='self', frames='none'),
            extpose=EXTPOSE).items()},
}
ELSEWHERE = {}


@functools.cache
def case(name):
    config, options = CASES[name]
    return make_case(config, **{key: value for key, value in options.items() if key != 'skip'})


@pytest.mark.parametrize('check', CHECKS)
@pytest.mark.parametrize('name', CASES)
def test_promise(name, check):
    if check not in CASES[name][1].get('skip', ()):
        CHECKS[check](case(name))


def types(config):
    """All types in a config."""
    if isinstance(config, dict):
        return {config['type']}.union(*map(types, config.values())) if 'type' in config else \
            set().union(*map(types, config.values()))
    return set()


def test_every_registered_module_has_a_case():
    used = {MODELS.get(name) for config, _ in CASES.values() for name in types(config)}
    registered = {name: cls for name, cls in MODELS.module_dict.items() if cls.__module__.startswith('mmegopose.')}
    left = {name for name, cls in registered.items() if cls not in used and name not in ELSEWHERE}
    assert not left, f'give {sorted(left)} a case in CASES, or a reason in ELSEWHERE'
    assert set(ELSEWHERE) <= set(registered)


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
    return MODELS.build(copy.deepcopy(ESTIMATORS[name]))


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
    (dict(type='WeightedFusion', weights=dict(coarse=0.1, fine=0.9, coars=0.3)),
     "sum is 1.3; 'coars' is much like 'coarse'"),
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
