import json

import numpy as np
import pytest
import torch
from helpers.lifting_parity import DATA, shapes
from helpers.official_keys import official_keys
from torch import nn

from mmegopose.models.heads import JointQueryHead, MeshDecoderHead
from mmegopose.models.weights.hamer import mesh_head_from_hamer
from mmegopose.registry import MODELS

TINY = dict(embed_dim=32, decoder_dim=24, depth=2, num_heads=2, head_dim=16, mlp_dim=48)


def mesh_head(**kwargs):
    torch.manual_seed(0)
    return MeshDecoderHead(**TINY | kwargs).eval()


@pytest.mark.parametrize('name, pose', [('mano_head_tiny', 'hand_pose'), ('mano_head_tiny_ief3', 'hand_pose'),
                                        ('smpl_head_tiny', 'body_pose')])
def test_official_weights_give_the_official_output(name, pose):
    data = np.load(DATA / f'{name}.npz')
    config = json.loads(str(data['config']))
    weights = {key[3:]: torch.from_numpy(data[key]) for key in data.files if key.startswith('sd/')}
    model = mesh_head(num_joints=config['num_joints'], num_iters=config['ief_iters'],
                      feedback=config['transformer_input'] == 'mean_shape')
    model.load_state_dict(mesh_head_from_hamer(weights), strict=True)
    tokens = torch.from_numpy(data['input']).flatten(2).mT[:, None]  # (B, 1, N, C)
    output = model(tokens)
    for ours, theirs in dict(global_orient='global_orient', body_pose=pose, betas='betas', camera='cam').items():
        wanted = torch.from_numpy(data[f'output/{theirs}'])
        torch.testing.assert_close(output[ours][:, 0], wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize('name, joints', [('HaMeR', 16), ('HMR2', 24)])
def test_default_is_the_published_head(name, joints):
    keys = official_keys('HaMeR head', blocks=6)
    if name == 'HMR2':
        keys = {key.replace('mano', 'smpl'): value for key, value in keys.items() if 'init' not in key}
        keys |= official_keys('HMR2 head')
    with torch.device('meta'):
        model = MODELS.build(dict(type='MeshDecoderHead', num_joints=joints))
    others = official_keys('ViT backbone') | official_keys(f'{name} disc') | dict(initialized=None)
    assert shapes(mesh_head_from_hamer(keys | others)) == shapes(model.state_dict())


def test_training_starts_near_the_mean():
    output = mesh_head(camera_scale=4.0)(torch.randn(2, 3, 12, 32))
    identity = torch.eye(3).expand(2, 3, 15, 3, 3)
    torch.testing.assert_close(output['body_pose'], identity, atol=0.05, rtol=0)
    torch.testing.assert_close(output['camera'], torch.tensor([4., 0, 0]).expand(2, 3, 3), atol=0.05, rtol=0)


def test_frames_are_independent_and_any_number_of_tokens_fits():
    model, tokens = mesh_head(), torch.randn(2, 3, 12, 32)
    nn.init.normal_(model.readout.weight)
    together, single = model(tokens), model(tokens[:, 1:2])
    for key, value in single.items():
        torch.testing.assert_close(together[key][:, 1:2], value)
    torch.testing.assert_close(model(tokens.repeat(1, 1, 2, 1))['body_pose'], together['body_pose'])  # an average


def test_a_body_model_adds_joints_and_vertices():
    model = mesh_head(body_model='open_hand')
    output = model(torch.randn(2, 3, 12, 32))
    assert output['joints'].shape == (2, 3, 16, 3) and output['vertices'].shape[:2] == (2, 3)
    assert not any('body_model' in key for key in model.state_dict())
    body = model.body_model
    flat = [output[key].flatten(0, 1) for key in ('global_orient', 'body_pose', 'betas')]
    torch.testing.assert_close(output['joints'].flatten(0, 1), body(*flat)['joints'])
    named = mesh_head(body_model=dict(type='SkinnedModel', source='open_hand', joint_order='openpose'))
    assert named(torch.randn(1, 1, 4, 32))['joints'].shape == (1, 1, 21, 3)


@pytest.mark.parametrize('kwargs', [{}, dict(feedback=True, num_iters=2, drop_rate=0.1)])
def test_every_parameter_gets_a_gradient(kwargs):
    model = mesh_head(num_joints=3, **kwargs).train()
    nn.init.normal_(model.readout.weight)
    sum((value * torch.randn_like(value)).sum() for value in model(torch.randn(2, 2, 12, 32)).values()).backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]


class OfficialQueries(nn.Module):
    """The official per-joint head, written with torch's own decoder."""

    def __init__(self, embed_dim, dim, depth):
        super().__init__()
        layer = nn.TransformerDecoderLayer(dim, dim // 64, dim * 4, norm_first=True, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, depth)
        self.feature_mapping = nn.Linear(embed_dim, dim)
        self.embedding = nn.Parameter(torch.randn(21, dim))
        self.pose_r_head = nn.Linear(dim, 3)

    def forward(self, tokens):
        return self.pose_r_head(self.decoder(self.embedding.expand(len(tokens), -1, -1), self.feature_mapping(tokens)))


def test_joint_queries_equal_torch_decoder():
    torch.manual_seed(0)
    official, model = OfficialQueries(32, 128, 2).eval(), JointQueryHead(32, decoder_dim=128, depth=2).eval()
    weights = {'query': official.embedding[None]}
    for ours, module in (('proj', official.feature_mapping), ('readout', official.pose_r_head)):
        weights |= {f'{ours}.{key}': value for key, value in module.state_dict().items()}
    for i, layer in enumerate(official.decoder.layers):
        parts = {'norm1': layer.norm1, 'norm2': layer.norm2, 'norm3': layer.norm3, 'mlp.fc1': layer.linear1,
                 'mlp.fc2': layer.linear2, 'self_attn.proj': layer.self_attn.out_proj,
                 'cross_attn.proj': layer.multihead_attn.out_proj}
        for ours, module in parts.items():
            weights |= {f'layers.{i}.{ours}.{key}': value for key, value in module.state_dict().items()}
        for kind in ('weight', 'bias'):
            q, k, v = getattr(layer.multihead_attn, f'in_proj_{kind}').chunk(3)
            weights |= {f'layers.{i}.self_attn.qkv.{kind}': getattr(layer.self_attn, f'in_proj_{kind}'),
                        f'layers.{i}.cross_attn.q.{kind}': q, f'layers.{i}.cross_attn.kv.{kind}': torch.cat([k, v])}
    model.load_state_dict(weights, strict=True)
    tokens = torch.randn(2, 3, 12, 32)
    joints = model(tokens)['joints']
    assert joints.shape == (2, 3, 21, 3)
    torch.testing.assert_close(joints.flatten(0, 1), official(tokens.flatten(0, 1)), atol=1e-5, rtol=0)


def test_mistakes_say_what_is_right():
    with pytest.raises(ValueError, match='decoder_dim should be a multiple of 64'):
        JointQueryHead(32, decoder_dim=100)
    with pytest.raises(ValueError, match=r"1 keys are not of this model: \['mano_head.decpose2.bias'\]"):
        mesh_head_from_hamer({'mano_head.decpose2.bias': torch.zeros(1)})
