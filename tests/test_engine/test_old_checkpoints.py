"""Checkpoints of before: their weights load under the names of today."""
import re

import pytest
import torch
from helpers.engine_toy import toy_runner

import mmegopose.models  # noqa: F401
from mmegopose.engine import CheckpointError, load_state
from mmegopose.models.weights.renames import rename_old_keys
from mmegopose.registry import MODELS

C = 16
SMALL = dict(embed_dim=C, depth=2, num_heads=2)
STEM, PATCHES = (dict(type=kind, img_size=(64, 48)) for kind in ('ConvStem', 'PatchEmbed'))
IMAGES = dict(arch='tiny', embed_dim=32, depth=2, num_heads=2)
MESH = dict(type='MeshDecoderHead', embed_dim=32, decoder_dim=16, depth=1, num_heads=2, head_dim=8, mlp_dim=16)
BRANCH = dict(backbone=dict(type='ViT', embed=dict(type='TrajectoryEmbed', in_dim=3), **SMALL),
              head=dict(type='JointHead', embed_dim=C))
MODELS_OF_BEFORE = {
    'lifter': dict(backbone=dict(type='JointEmbed', in_dim=2, embed_dim=C), neck=dict(type='MixSTE', **SMALL),
                   head=dict(type='JointHead', embed_dim=C, hidden_dims=(8,), per_joint=True)),
    'dual stream': dict(backbone=dict(type='JointEmbed', in_dim=2, embed_dim=C), neck=dict(type='DSTformer', **SMALL),
                        head=dict(type='JointHead', embed_dim=C, hidden_dims=(), per_joint=True)),
    'head track': BRANCH,
    'hands': dict(backbone=dict(type='ControlNetViT', embed=dict(STEM), **IMAGES), head=MESH),
    'ExtPose': dict(backbone=dict(type='ExtPose', embed=dict(PATCHES), **IMAGES), head=MESH),
    'branches': dict(branches=dict(main=BRANCH, fine=BRANCH),
                     fusion=dict(type='WeightedFusion', weights=dict(main=0.5, fine=0.5)))}


def build(name):
    torch.manual_seed(0)
    return MODELS.build(dict(type='PoseEstimator', **MODELS_OF_BEFORE[name]))


def of_before(state):
    """A state dict of today under the names that it had: of models of one branch, feed-forward networks, image
    transformers and the attention of decoders."""
    old = {}
    for key, value in state.items():
        images = 'backbone.embed.layers.0.weight' in state or 'backbone.embed.proj.weight' in state and \
            state['backbone.embed.proj.weight'].ndim == 4
        if images:
            key = re.sub(r'^backbone\.(control\.)?embed\.', r'backbone.\1patch_embed.', key)
            key = re.sub(r'^backbone\.norm\.', 'backbone.last_norm.', key)
        key = re.sub(r'^backbone\.', 'branches.main.backbone.', key)
        key = re.sub(r'\.fc([12])\.', lambda found: f'.layers.{int(found[1]) - 1}.', key)
        if '.self_attn.qkv.' in key:
            old[key.replace('.qkv.', '.q.')], old[key.replace('.qkv.', '.kv.')] = value.tensor_split([len(value) // 3])
        else:
            old[key] = value
    return old


@pytest.mark.parametrize('name', MODELS_OF_BEFORE)
def test_weights_of_before_load(name, monkeypatch):
    lines = []
    monkeypatch.setattr('mmegopose.engine.checkpoint.print_log', lambda text, *_: lines.append(text))
    first = build(name)
    for parameter in first.parameters():
        torch.nn.init.normal_(parameter)
    state, second = first.state_dict(), build(name)
    old = of_before(state)
    changed = [key for key in old if key not in state]
    assert changed and load_state(second, old, 'old.pth') == len(changed)
    assert all(torch.equal(value, state[key]) for key, value in second.state_dict().items())
    assert f'old.pth is of an earlier version: {len(changed)} weights are renamed, e.g. {changed[0]} to ' in lines[0]
    assert load_state(second, state, 'new.pth') == 0 and len(lines) == 1


def test_names_of_before():
    """As they stand in files."""
    old = {'head.mlp.layers.0.bias': 1, 'branches.main.backbone.proj.weight': 2,
           'neck.token_blocks.1.mlp.layers.0.weight': 3, 'neck.frame_blocks.0.mlp.layers.1.bias': 4}
    renamed, pairs = rename_old_keys(old, set(build('lifter').state_dict()))
    assert renamed == {'head.mlp.layers.0.bias': 1, 'backbone.proj.weight': 2,
                       'neck.token_blocks.1.mlp.fc1.weight': 3, 'neck.frame_blocks.0.mlp.fc2.bias': 4}
    assert pairs[0] == ('branches.main.backbone.proj.weight', 'backbone.proj.weight') and len(pairs) == 3
    old = {'branches.main.backbone.last_norm.bias': 1, 'branches.main.backbone.control.patch_embed.proj.weight': 2}
    renamed, _ = rename_old_keys(old, set(build('hands').state_dict()))
    assert renamed == {'backbone.norm.bias': 1, 'backbone.control.embed.proj.weight': 2}


def test_what_no_model_has_keeps_its_name():
    with pytest.raises(CheckpointError, match=r'1 unexpected: branches.main.backbone.cls_token'):
        load_state(build('ExtPose'), of_before(build('ExtPose').state_dict()) | {
            'branches.main.backbone.cls_token': torch.zeros(1)}, 'old.pth')


@pytest.mark.parametrize('prefix', ['backbone.', 'branches.main.backbone.'])
@pytest.mark.parametrize('old', [True, False])
def test_a_part_of_a_checkpoint_of_before(tmp_path, old, prefix):
    first = build('ExtPose')
    state = of_before(first.state_dict()) if old else first.state_dict()
    torch.save(dict(state_dict=state), tmp_path / 'weights.pth')
    config = dict(MODELS_OF_BEFORE['ExtPose'], backbone=dict(MODELS_OF_BEFORE['ExtPose']['backbone'], init_cfg=dict(
        type='PretrainedPart', checkpoint=str(tmp_path / 'weights.pth'), prefix=prefix)))
    second = MODELS.build(dict(type='PoseEstimator', **config))
    second.init_weights()
    assert all(torch.equal(value, first.backbone.state_dict()[key])
               for key, value in second.backbone.state_dict().items())


def test_training_does_not_resume_from_before(tmp_path):
    runner = toy_runner(tmp_path)
    runner.train()
    path = tmp_path / 'work/iter_4.pth'
    checkpoint = torch.load(path, weights_only=False)
    checkpoint['state_dict'] = {f'branches.main.{key}': value for key, value in checkpoint['state_dict'].items()}
    torch.save(checkpoint, path)
    with pytest.raises(CheckpointError, match='from which training cannot resume. To start from its weights use load'):
        toy_runner(tmp_path, resume=True).train()
    other = toy_runner(tmp_path, 'other', load_from=str(path))
    other.load_or_resume()
    assert torch.equal(other.model.state_dict()['first.weight'], runner.model.state_dict()['first.weight'])
