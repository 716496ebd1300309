"""Weights of other code bases: those of the Ego-Exo4D baseline, and of a plugin."""
import numpy as np
import pytest
import torch
from helpers.lifting_parity import lifter, recorded
from torch import nn

from mmegopose.engine import CheckpointError, load_from_local, load_state
from mmegopose.engine.official_checkpoints import code, convert_checkpoint, told_to_convert
from mmegopose.models.weights import OfficialWeights, map_keys
from mmegopose.registry import MODELS, OFFICIAL_WEIGHTS

C, J = 16, 17
MODEL = dict(type='PoseEstimator', backbone=dict(type='JointEmbed', in_dim=2, embed_dim=C),
             head=dict(type='JointHead', embed_dim=C, hidden_dims=(), per_joint=True, output='all'))


class LinearLifterWeights(OfficialWeights):
    """Of a plugin: one option, and a model that the weights do not tell."""

    pattern = r'lift\.embed\.weight'

    def __init__(self, millimetres=False):
        self.scale = 1000 if millimetres else 1

    def state(self, weights):
        state = map_keys(weights, [(r'lift\.embed\.(.*)', r'backbone.proj.\1'),
                                   (r'lift\.out\.(.*)', r'head.mlp.layers.0.\1')])
        return {key: value / self.scale if key.startswith('head') else value for key, value in state.items()}


@pytest.fixture
def plugin():
    before = dict(OFFICIAL_WEIGHTS.module_dict)
    OFFICIAL_WEIGHTS.register_module(name='linear_lifter', module=LinearLifterWeights)
    yield
    OFFICIAL_WEIGHTS.module_dict.clear()
    OFFICIAL_WEIGHTS.module_dict.update(before)


def saved(folder, layers, **others):
    weights = nn.ModuleDict(dict(lift=nn.ModuleDict(layers))).state_dict()
    torch.save(dict(model=dict(weights, **others)), folder / 'official.pth')
    return str(folder / 'official.pth')


def test_a_plugin_brings_its_key_map(plugin, tmp_path):
    layers = dict(embed=nn.Linear(2, C), out=nn.Linear(C, 3))
    source = saved(tmp_path, layers)
    with pytest.raises(CheckpointError, match='weights of linear_lifter do not tell their model: give its config'):
        convert_checkpoint(source)
    config, state = convert_checkpoint(source, model=MODEL, millimetres=True)
    model = MODELS.build(config).eval()
    load_state(model, state, source)
    keypoints = torch.randn(2, 3, J, 2)
    torch.testing.assert_close(model(dict(keypoints=keypoints))['joints'],
                               layers['out'](layers['embed'](keypoints)) / 1000)
    with pytest.raises(TypeError, match="linear_lifter has no argument 'metres' .nearest: millimetres"):
        convert_checkpoint(source, model=MODEL, metres=True)
    with pytest.raises(CheckpointError, match=r'keys of wrong shape: backbone.proj.weight \(16, 2\) \(model: \(8, 2'):
        convert_checkpoint(source, model=dict(MODEL, backbone=dict(MODEL['backbone'], embed_dim=8)))
    with pytest.raises(CheckpointError, match='no weights of mixste; its keys are lift.embed.weight'):
        convert_checkpoint(source, 'mixste')
    with pytest.raises(CheckpointError, match="name the plugin's config with --config, or install the plugin"):
        convert_checkpoint(source, 'mixste')
    strange = saved(tmp_path, layers, stranger=torch.ones(1))
    with pytest.raises(CheckpointError, match=r"official.pth: 1 keys are not of this model: .'stranger'"):
        convert_checkpoint(strange, 'linear_lifter', model=MODEL)
    with pytest.raises(KeyError, match="type='mixsti' is not a registered origin of weights; nearest: mixste"):
        convert_checkpoint(source, 'mixsti')


def test_two_origins_are_not_guessed(plugin, tmp_path):
    source = saved(tmp_path, dict(embed=nn.Linear(2, C)), **{'blocks_st.0.norm1_s.weight': torch.ones(C)})
    with pytest.raises(CheckpointError, match='may hold weights of motionbert or linear_lifter: name the origin'):
        convert_checkpoint(source)


def test_the_baseline_of_egoexo4d(tmp_path):
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 8, 64), 2)
    parts = dict(linear_embedding=nn.Linear(3, 32), transformer_encoder=encoder, stabilizer=nn.Sequential(
        nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 51)))
    weights = {f'{name}.{key}': value for name, part in parts.items() for key, value in part.state_dict().items()}
    torch.save(weights, tmp_path / 'official.pth')
    config, state = convert_checkpoint(str(tmp_path / 'official.pth'))
    model = MODELS.build(config).eval()
    load_state(model, state, 'official.pth')
    x = torch.randn(4, 9, 3)
    tokens = parts['transformer_encoder'].eval()(parts['linear_embedding'](x).transpose(0, 1))
    torch.testing.assert_close(model(dict(head_pose=x))['joints'][:, 0].flatten(1), parts['stabilizer'](tokens[-1]),
                               atol=1e-5, rtol=0)
    assert code(config['head']) == "dict(type='JointHead', embed_dim=32, hidden_dims=(32,))"


@pytest.mark.parametrize('name, more', [('stcformer', {}), ('mixste', dict(random_state=np.random.RandomState(0)))])
def test_an_official_file_is_answered_with_the_command_that_converts_it(tmp_path, name, more):
    """That of MixSTE holds objects besides the weights, for which torch would advise to trust it."""
    path = tmp_path / f'{name}.bin'
    weights, _, _ = recorded(f'{name}_small')
    torch.save(dict(model_pos={f'module.{key}': value for key, value in weights.items()}, **more) if more else weights,
               path)
    with pytest.raises(CheckpointError, match=rf'official weights \({name}\).* Convert them: python tools/model_convert'
                                              rf'ers/official.py .*{name}.bin {name}_converted.pth$'), \
            told_to_convert(str(path)):
        load_state(lifter(dict(type='STC', embed_dim=48, depth=1), {}, {}), load_from_local(str(path)), str(path))


def test_other_files_keep_their_own_message(tmp_path):
    model = lifter(dict(type='STC', embed_dim=48, depth=1), {}, {})
    path = str(tmp_path / 'ours.pth')
    torch.save(dict(state_dict=lifter(dict(type='STC', embed_dim=32, depth=1), {}, {}).state_dict()), path)
    with pytest.raises(CheckpointError, match='does not match|shape|model:'), told_to_convert(path):
        load_state(model, load_from_local(path)['state_dict'], path)
