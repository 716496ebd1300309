"""Official checkpoints of HaMeR, HMR2.0, ViTPose and MAE become checkpoints of this package."""
import re
from collections import defaultdict
from pathlib import Path

import pytest
import torch
from helpers.commands import completed
from helpers.lifting_parity import recorded, shapes
from helpers.official_keys import official_keys

from mmegopose.engine import official_checkpoints as converter
from mmegopose.engine.checkpoint import CheckpointError, load_from_local, load_state
from mmegopose.models.backbones.vit import ARCHS
from mmegopose.registry import MODELS

SIZE = (64, 48)


@pytest.fixture(autouse=True)
def recorded_size(monkeypatch):
    """The recorded models are of a size that nobody published."""
    monkeypatch.setitem(ARCHS, 'recorded', dict(ARCHS['tiny'], embed_dim=32, depth=2))


class CfgNode(dict):
    """Configs in the checkpoints of HaMeR are objects of this kind, which those of HMR2.0 are not."""


class DictConfig:
    def __init__(self, **content):
        self.content, self.kind = content, DictConfig


def saved(folder, weights, **others):
    torch.save(dict(state_dict=weights, **others), folder / 'official.ckpt')
    return str(folder / 'official.ckpt')


def hamer(name='HaMeR'):
    keys = official_keys('ViT backbone') | official_keys('HaMeR head', blocks=6)
    if name == 'HMR2':
        keys = {key.replace('mano', 'smpl'): value for key, value in keys.items() if 'init_hand' not in key}
        keys |= official_keys('HMR2 head')
    body = {f'{"smpl" if name == "HMR2" else "mano"}.{key}': torch.empty(0) for key in ('v_template', 'faces_tensor')}
    return keys | official_keys(f'{name} disc', blocks=15) | body | dict(initialized=torch.ones(()))


def full_size(monkeypatch, weights, **options):
    monkeypatch.setattr(converter, 'read_weights', lambda source: weights)
    return converter.convert_checkpoint('official.ckpt', **options)


@pytest.mark.parametrize('decoder', ['classic', 'simple'])
def test_converted_weights_give_the_official_output(tmp_path, decoder):
    weights, images, heatmaps = recorded(f'vitpose_tiny_{decoder}')
    source = saved(tmp_path, weights, hyper_parameters=[
        CfgNode(LR=1e-5, MODEL=CfgNode(IMAGE_SIZE=256)), DictConfig(lr=1e-5), Path('x'), defaultdict(list, a=[1])])
    with pytest.raises(CheckpointError, match='holds more than weights'):
        load_from_local(source)
    config, state = converter.convert_checkpoint(source, img_size=SIZE)
    assert not any('Skipped' in str(allowed) for allowed in torch.serialization.get_safe_globals())
    model = MODELS.build(config).eval()
    load_state(model, state, source)
    torch.testing.assert_close(model(dict(image=images[:, None]))['heatmaps'][:, 0], heatmaps, atol=1e-5, rtol=0)


@pytest.mark.parametrize('name, joints', [('HaMeR', 16), ('HMR2', 24)])
def test_published_mesh_models(monkeypatch, name, joints):
    """Nothing of the body model gets into the checkpoint; ExtPose takes the same weights."""
    config, state = full_size(monkeypatch, hamer(name))
    assert config['backbone'] == dict(type='ViT', arch='huge', embed=dict(type='PatchEmbed', img_size=(256, 192)))
    config['backbone']['type'] = 'ExtPose'
    assert config['head']['num_joints'] == joints
    with torch.device('meta'):
        model = MODELS.build(config)
    assert shapes(model.state_dict()) == shapes(state)


def test_discriminator_comes_along_on_request(monkeypatch):
    config, state = full_size(monkeypatch, hamer(), discriminator=True)
    assert config['losses'] == dict(adversarial=dict(type='AdversarialLoss', num_joints=15))
    with torch.device('meta'):
        assert shapes(MODELS.build(config).state_dict()) == shapes(state)
    with pytest.raises(ValueError, match='discriminator=True: these weights have none'):
        full_size(monkeypatch, {key: value for key, value in hamer().items() if 'disc' not in key}, discriminator=True)


def test_bare_backbone(monkeypatch):
    weights = {key.removeprefix('backbone.'): value for key, value in official_keys('ViT backbone').items()}
    config, state = full_size(monkeypatch, weights)
    assert 'head' not in config and all(key.startswith('backbone.') for key in state)


def test_masked_autoencoder(tmp_path):
    weights = {key.removeprefix('backbone.').replace('last_norm', 'norm'): value
               for key, value in recorded('vit_tiny')[0].items()}
    weights |= dict(cls_token=torch.zeros(1, 1, 32), pos_embed=torch.randn(1, 1 + 25, 32))
    config, state = converter.convert_checkpoint(saved(tmp_path, weights), img_size=SIZE)
    assert config['backbone'] == dict(type='ViT', arch='recorded', embed=dict(type='PatchEmbed', img_size=SIZE))
    assert state['backbone.pos_embed'].shape == (1, 1 + 12, 32)


def test_every_key_that_does_not_fit_is_listed(tmp_path):
    weights = dict(recorded('vitpose_tiny_classic')[0])
    del weights['backbone.blocks.1.norm2.bias'], weights['keypoint_head.deconv_layers.4.weight']
    with pytest.raises(CheckpointError) as error:
        converter.convert_checkpoint(saved(tmp_path, weights), img_size=SIZE)
    assert '2 keys missing: backbone.blocks.1.norm2.bias, head.deconv_layers.4.weight' in str(error.value)
    with pytest.raises(CheckpointError, match=r'1 keys of wrong shape: backbone.pos_embed \(1, 13, 32\)'):
        converter.convert_checkpoint(saved(tmp_path, recorded('vitpose_tiny_classic')[0]), img_size=(64, 64))
    weights = dict(recorded('vitpose_tiny_classic')[0], extra=torch.zeros(1))
    with pytest.raises(ValueError, match=r"1 keys are not of this model: \['extra'\]"):
        converter.convert_checkpoint(saved(tmp_path, weights), img_size=SIZE)


def test_other_weights_say_so(tmp_path):
    with pytest.raises(CheckpointError, match='no weights of egoexo4d_.* or vitpose; its keys are conv.weight'):
        converter.convert_checkpoint(saved(tmp_path, {'conv.weight': torch.zeros(1)}))
    with pytest.raises(CheckpointError, match='keys are those of PoseEstimator already'):
        converter.convert_checkpoint(saved(tmp_path, {'branches.main.backbone.pos_embed': torch.zeros(1)}))
    with pytest.raises(CheckpointError, match='lacks the weights that become .head.final_layer.weight'):
        weights = {key: value for key, value in recorded('vitpose_tiny_simple')[0].items() if 'final' not in key}
        converter.convert_checkpoint(saved(tmp_path, weights | {'keypoint_head.final_layer.bias': torch.zeros(5)}))


def test_command(tmp_path):
    done = completed('model_converters/official.py', 'none.ckpt', 'out.pth', cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith('error: there is no checkpoint')
    small = MODELS.build(dict(type='ViT', arch='small', embed=dict(type='PatchEmbed')))
    source = saved(tmp_path, {re.sub(r'^norm', 'last_norm', re.sub(r'^embed', 'patch_embed', key)): value
                              for key, value in small.state_dict().items()})
    done = completed('model_converters/official.py', source, 'out.pth', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "backbone=dict(type='ViT', arch='small', embed=dict(type='PatchEmbed', img_size=(256, 192)))" in done.stdout
    assert 'PretrainedPart' in done.stdout
    model = MODELS.build(dict(type='PoseEstimator', head=dict(type='HeatmapHead', embed_dim=384), backbone=dict(
        type='ExtPose', arch='small', init_cfg=dict(type='PretrainedPart', checkpoint=str(tmp_path / 'out.pth'),
                                                    prefix='backbone.'))))
    model.init_weights()
    torch.testing.assert_close(model.backbone.state_dict(), small.state_dict())
