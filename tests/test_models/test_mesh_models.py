"""Training of mesh models: the ways to use a drawn 2D pose, starts from pretrained parts, predictions."""
import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.lifting_parity import DATA
from mmengine.optim import build_optim_wrapper

from mmegopose.engine import CheckpointError, load_config
from mmegopose.geometry.heatmaps import crop_to_heatmap, encode_heatmaps
from mmegopose.registry import MODELS
from mmegopose.structures import PoseDataSample
from mmegopose.synthesis import SyntheticMeshDataset

ROOT = Path(__file__).parents[2]
PATCHES, STEM = (dict(type=kind, img_size=(64, 48)) for kind in ('PatchEmbed', 'ConvStem'))
VIT = dict(arch='tiny', embed_dim=32, depth=2, num_heads=4, embed=PATCHES)
HEAD = dict(type='MeshDecoderHead', embed_dim=32, decoder_dim=24, depth=2, num_heads=2, head_dim=12, mlp_dim=32,
            camera_scale=5.0, body_model=dict(type='SkinnedModel', source='open_hand', joint_order='openpose'))
LOSSES = dict(
    joints=dict(type='RootRelativeLoss'), keypoints=dict(type='KeypointLoss'),
    global_orient=dict(type='ParameterLoss', name='global_orient'),
    body_pose=dict(type='ParameterLoss', name='body_pose'), betas=dict(type='ParameterLoss', name='betas'),
    adversarial=dict(type='AdversarialLoss', num_joints=15))
BOTH = dict(VIT, type='ExtPose', streams=('image', 'pose_image'))
FUSIONS = {
    'image': dict(VIT, type='ViT'), 'stem': dict(VIT, type='ViT', embed=STEM),
    'pose': dict(VIT, type='ViT', embed=dict(PATCHES, stream='pose_image')),
    'late': dict(BOTH, modality='self', frames='none', output='all'),
    'late mean': dict(BOTH, modality='self', frames='none', output='mean'),
    'concat': dict(VIT, type='ConcatViT'), 'concat stem': dict(VIT, type='ConcatViT', embed=STEM),
    'controlnet': dict(VIT, type='ControlNetViT'), 'extpose': BOTH}


def build(name, **kwargs):
    torch.manual_seed(0)
    return MODELS.build(copy.deepcopy(dict(type='PoseEstimator', backbone=FUSIONS[name], head=HEAD, losses=LOSSES)
                                      | kwargs))


def batch(B=2, T=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(2, B, T, 3, 64, 48, generator=generator)
    inputs = dict(image=images[0], pose_image=images[1], pose_detected=torch.ones(B, T, dtype=torch.bool),
                  valid=torch.ones(B, T, dtype=torch.bool))
    shapes = dict(joints=(21, 3), keypoints=(21, 2), global_orient=(1, 3, 3), body_pose=(15, 3, 3), betas=(10,))
    fields = {name: torch.randn(B, T, *shape, generator=generator) for name, shape in shapes.items()}
    everything = torch.ones(B, T, dtype=torch.bool)
    sample = PoseDataSample()
    sample.set_data(fields | dict(
        keypoint_conf=torch.ones(B, T, 21), visible=everything[..., None].expand(-1, -1, 21), has_pose=everything,
        has_betas=everything, scored=everything, index=torch.arange(B)))
    return inputs, sample


@pytest.mark.parametrize('name', ['late', 'late mean', 'extpose'])
def test_fusions_without_new_weights(name):
    assert build(name).state_dict().keys() == build('image').state_dict().keys()


def test_late_fusion_is_two_passes_of_one_model():
    inputs, _ = batch()
    models = [build(name).eval().backbone for name in ('image', 'late', 'late mean')]
    for model in models[1:]:
        model.load_state_dict(models[0].state_dict())
    image, pose = models[0](inputs), models[0](dict(image=inputs['pose_image']))
    torch.testing.assert_close(models[1](inputs), torch.cat([image, pose], 2))
    torch.testing.assert_close(models[2](inputs), (image + pose) / 2)
    inputs['pose_detected'][0] = False
    torch.testing.assert_close(models[2](inputs)[0], image[0])
    torch.testing.assert_close(models[2](inputs)[1], ((image + pose) / 2)[1])


def saved(folder, model):
    torch.save(dict(state_dict=model.state_dict()), folder / 'pretrained.pth')
    return str(folder / 'pretrained.pth')


def started(name, checkpoint, new=(), prefix='backbone.'):
    init = dict(type='PretrainedPart', checkpoint=checkpoint, prefix=prefix, new=new)
    model = build(name, backbone=dict(FUSIONS[name], init_cfg=init))
    model.init_weights()
    return model.eval()


NEW = {'concat': (r'embed\.proj\.pose',), 'controlnet': (r'control\..*', r'zero\..*')}


@pytest.mark.parametrize('name', NEW)
def test_new_weights_start_without_effect(tmp_path, name):
    """Started from a model of images, the fusions give its features until they are trained."""
    base = build('image')
    for parameter in base.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    model = started(name, saved(tmp_path, base), NEW[name])
    inputs, _ = batch()
    tokens = base.eval().backbone(inputs)
    backbone = model.backbone
    torch.testing.assert_close(backbone(inputs), tokens)
    if name == 'controlnet':
        torch.testing.assert_close(backbone.control.blocks[1].state_dict(), backbone.blocks[1].state_dict())
        torch.testing.assert_close(backbone.control.pos_embed, base.backbone.pos_embed)
    for key, parameter in backbone.named_parameters():
        if key.startswith(('zero', 'embed.proj.pose')):
            torch.nn.init.normal_(parameter, std=0.1)
    assert (backbone(inputs) - tokens).abs().max() > 1e-2


def test_concatenation_is_a_convolution_of_six_channels():
    model = build('concat').backbone
    torch.nn.init.normal_(model.embed.proj.pose)
    conv = model.embed.proj
    images = torch.randn(2, 6, 64, 48)
    six = torch.nn.functional.conv2d(images, torch.cat([conv.weight, conv.pose], 1), conv.bias, conv.stride,
                                     conv.padding)
    torch.testing.assert_close(conv(images), six, atol=1e-4, rtol=1e-4)


def test_a_frozen_transformer_with_a_trained_control():
    model = build('controlnet', backbone=dict(FUSIONS['controlnet'], trainable='none'))
    backbone = model.backbone
    assert all(p.requires_grad for part in (backbone.control, backbone.zero) for p in part.parameters())
    assert not any(p.requires_grad for part in (backbone.blocks, backbone.embed) for p in part.parameters())


def test_pretrained_parts_are_strict(tmp_path):
    source = saved(tmp_path, build('image'))
    started('extpose', source)
    with pytest.raises(CheckpointError, match='has no weights neck.*; it has backbone.blocks.0, '):
        started('extpose', source, prefix='neck.')
    with pytest.raises(CheckpointError, match='does not fit ConcatViT; 1 missing: embed.proj.pose'):
        started('concat', source)
    with pytest.raises(CheckpointError, match='unexpected: control.pos_embed'):
        started('image', saved(tmp_path, build('controlnet')))
    with pytest.raises(CheckpointError, match='of wrong shape: embed.proj.weight'):
        started('stem', source)
    with pytest.raises(FileNotFoundError, match='there is no checkpoint'):
        started('extpose', str(tmp_path / 'none.pth'))


def test_camera_is_the_official_one():
    data = {key: torch.from_numpy(value) for key, value in np.load(DATA / 'camera.npz').items() if key != 'config'}
    head = build('image').head
    head.readout = torch.nn.Linear(24, 109)
    torch.nn.init.zeros_(head.readout.weight)
    for camera, translation in zip(data['pred_cam'], data['pred_cam_t']):
        with torch.no_grad():
            head.readout.bias.zero_()
            head.readout.bias[-3:] = camera - head.mean[0, -3:]
        output = head(torch.zeros(1, 1, 12, 32))
        torch.testing.assert_close(output['camera'][0, 0], camera)
        torch.testing.assert_close(output['translation'][0, 0], translation)
        moved = output['joints'][0, 0] + translation
        torch.testing.assert_close(output['keypoints'][0, 0], 5000 / 256 * moved[:, :2] / moved[:, 2:])


def test_all_outputs_become_predictions():
    model = build('extpose').eval()
    inputs, sample = batch()
    outputs, predicted = model(inputs), model(inputs, sample, mode='predict')[0]
    fields = set(predicted.keys())
    assert fields - set(sample.keys()) == {f'pred_{key}' for key in outputs}
    assert {'pred_joints', 'pred_vertices', 'pred_keypoints', 'pred_body_pose', 'pred_betas', 'pred_camera',
            'pred_translation'} <= fields
    for key, value in outputs.items():
        assert torch.equal(predicted.get(f'pred_{key}'), value) and value.shape[:2] == (2, 2)
    assert torch.equal(predicted.index, sample.index) and 'pred_joints' not in sample
    short = sample.last_frames(1)
    assert model(inputs, short, mode='predict')[0].pred_vertices.shape[:2] == (2, 1)
    assert short.body_pose.shape[:2] == (2, 1) and torch.equal(short.index, sample.index)


@pytest.mark.parametrize('softmax, loss', [(False, 'HeatmapLoss'), (True, 'HeatmapCrossEntropyLoss')])
def test_heatmaps_alone(softmax, loss):
    model = build('image', losses=dict(heatmap=dict(type=loss)), head=dict(
        type='HeatmapHead', embed_dim=32, num_joints=21, img_size=(64, 48), deconv_dim=8, softmax=softmax))
    inputs, sample = batch()
    sample.keypoints = sample.keypoints.clamp(-1, 1) / 8  # away from the border
    model(inputs, sample, mode='loss')['loss_heatmap'].backward()
    assert model.backbone.pos_embed.grad.abs().sum() > 0
    predicted = model.eval()(inputs, sample, mode='predict')[0]
    assert predicted.pred_keypoints.shape == (2, 2, 21, 2) and predicted.pred_scores.shape == (2, 2, 21)
    maps = encode_heatmaps(crop_to_heatmap(sample.keypoints, (16, 12)), (16, 12), 1.0)
    if softmax:
        maps = (maps / maps.sum((-2, -1), keepdim=True)).log()
    found = model.head.decode(maps)['keypoints']
    torch.testing.assert_close(found, sample.keypoints, atol=0.02, rtol=0)


def test_layer_decay():
    model = build('controlnet')
    optimizer = dict(type='AdamW', lr=1e-3, weight_decay=0.1)
    config = dict(type='OptimWrapper', constructor='mmegopose.LayerDecayOptimWrapperConstructor', optimizer=optimizer,
                  paramwise_cfg=dict(decay_rate=0.5))
    groups = build_optim_wrapper(model, config).optimizer.param_groups
    found = {id(p): (group['lr'], group['weight_decay']) for group in groups for p in group['params']}
    assert len(found) == len(list(model.parameters()))
    rate = {name.removeprefix('backbone.'): found[id(p)] for name, p in model.named_parameters()}
    assert rate['pos_embed'] == (1e-3 / 8, 0) and rate['embed.proj.weight'] == (1e-3 / 8, 0.1)
    assert rate['blocks.0.attn.qkv.weight'] == (1e-3 / 4, 0.1) and rate['blocks.1.norm1.bias'] == (1e-3 / 2, 0)
    assert rate['norm.weight'] == (1e-3, 0) and rate['head.readout.weight'] == (1e-3, 0.1)
    assert rate['zero.0.weight'] == rate['control.blocks.0.attn.qkv.weight'] == (1e-3, 0.1)
    with pytest.raises(ValueError, match='no part of MeshDecoderHead has layer_id'):
        build_optim_wrapper(model.head, config)
    with pytest.raises(ValueError, match=r'needs paramwise_cfg=dict\(decay_rate=...\), got {}'):
        build_optim_wrapper(model, config | dict(paramwise_cfg={}))


@pytest.mark.parametrize('path', sorted((ROOT / 'configs/mesh').glob('*.py')), ids=lambda path: path.stem)
def test_configs_build(path):
    cfg = load_config(path)
    model = cfg.model
    if 'huge' in path.stem:  # the user's files
        model.head.body_model.source = 'open_hand' if 'hint' in path.stem or 'freihand' in path.stem else 'open_body'
        if 'adversarial' in model.losses:
            model.losses.adversarial.poses = None
    with torch.device('meta'):
        estimator = MODELS.build(model)
    assert cfg.train_dataloader.dataset.type in ('SyntheticMeshDataset', 'ImageMeshDataset')
    assert sum(p.numel() for p in estimator.parameters()) > 5e5


@pytest.mark.parametrize('kind', ['image', 'extpose'])
def test_a_test_batch_without_windows_has_predictions_without_windows(kind):
    cfg = load_config(ROOT / f'configs/mesh/{kind}-tiny_synthetic-hand.py').model
    del cfg.backbone['init_cfg']
    model = MODELS.build(cfg).eval()
    drawn = SyntheticMeshDataset(2, (96, 96)).__getitems__([0, 1])
    with torch.no_grad():
        full, = model(**drawn, mode='predict')
        sample = PoseDataSample()
        sample.set_data({name: value[:0] for name, value in drawn['data_samples'].items()})
        empty, = model({name: stream[:0] for name, stream in drawn['inputs'].items()}, sample, mode='predict')
    shapes = {name: value.shape[1:] for name, value in full.items() if name.startswith('pred_')}
    assert shapes and {name: empty.get(name).shape for name in shapes} == {n: (0, *s) for n, s in shapes.items()}


@pytest.mark.slow
def test_a_small_model_learns_64_hands_by_heart():
    cfg = load_config(ROOT / 'configs/mesh/pose-tiny_synthetic-hand.py').model  # the quickest to learn
    del cfg.backbone['init_cfg']
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    data = SyntheticMeshDataset(64, (96, 96), rotation='limited', fixed=True, cache=64, corruption=False)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, 300)
    values = []
    for step in range(300):
        drawn = data.__getitems__(range(step % 2 * 32, step % 2 * 32 + 32))
        loss = sum(model(**drawn, mode='loss').values())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        values.append(loss.item())
    assert np.mean(values[-10:]) < 0.25 * values[0]
