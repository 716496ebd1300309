import pytest
import torch
from torch import nn

import mmegopose.models  # noqa: F401
from mmegopose.engine.config import load_config
from mmegopose.models.fusions import CrossAttentionFusion, WeightedFusion
from mmegopose.models.weights.egoexo4d_baseline import egoexo4d_baseline_from_official
from mmegopose.registry import MODELS

CONFIGS = {'head_pose/levelwise_vit_submission.py': 46_212_710, 'head_pose/egoexo4d_baseline.py': 4_025_139,
           'head_pose/levelwise_vit_coarse_only.py': None, 'head_pose/levelwise_vit_fine_only.py': None,
           'head_pose/levelwise_vit_cross_attention.py': None, 'levelwise_vit.py': None}


class OfficialBaseline(nn.Module):
    """The official model written with torch's own encoder, under the official names."""

    def __init__(self):
        super().__init__()
        self.linear_embedding = nn.Linear(3, 256)
        layer = nn.TransformerEncoderLayer(256, 8)
        self.transformer_encoder = nn.TransformerEncoder(layer, 3)
        self.stabilizer = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 51))
        self.joint_rotation_decoder = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 126))

    def forward(self, x, padded=None):
        x = self.linear_embedding(x).transpose(0, 1)
        return self.stabilizer(self.transformer_encoder(x, src_key_padding_mask=padded)[-1]).unflatten(-1, (17, 3))


def config(name):
    from pathlib import Path
    return load_config(str(Path(__file__).parents[2] / 'configs' / name))


@pytest.mark.parametrize('name', CONFIGS)
def test_config_builds_with_the_published_size(name):
    model = MODELS.build(config(name).model)
    if CONFIGS[name]:
        assert sum(p.numel() for p in model.parameters()) == CONFIGS[name]


def test_huge_is_of_the_632_million_class():
    with torch.device('meta'):
        model = MODELS.build(dict(type='HugeViT', arch='huge'))
    assert sum(p.numel() for p in model.parameters()) == 32 * (12 * 1280 ** 2 + 13 * 1280) + 2 * 1280


def test_official_baseline_weights_give_its_outputs():
    torch.manual_seed(0)
    official = OfficialBaseline().eval()
    for parameter in official.parameters():
        nn.init.normal_(parameter, std=0.1)
    state = official.state_dict()
    assert sum(v.numel() for v in state.values()) == 4_123_313
    model = MODELS.build(config('head_pose/egoexo4d_baseline.py').model).eval()
    for wrapped in (state, {f'module.{k}': v for k, v in state.items()}, dict(state_dict=state)):
        model.load_state_dict(egoexo4d_baseline_from_official(wrapped), strict=True)
    x = torch.randn(4, 21, 3)
    torch.testing.assert_close(model(dict(head_pose=x))['joints'][:, 0], official(x), atol=1e-5, rtol=0)
    padded = torch.arange(21)[None] < torch.tensor([[0], [3], [20], [11]])  # a take that began a moment ago
    expected = torch.cat([official(x[i:i + 1, int(padded[i].sum()):]) for i in range(4)])
    torch.testing.assert_close(model(dict(head_pose=x, valid=~padded))['joints'][:, 0], expected, atol=1e-5, rtol=0)


def test_key_map_lists_foreign_keys():
    with pytest.raises(ValueError, match=r"1 keys are not of this model: \['encoder.weight'\]"):
        egoexo4d_baseline_from_official({'encoder.weight': torch.zeros(1), 'linear_embedding.bias': torch.zeros(1)})


def test_causal_frames_see_no_future():
    model = MODELS.build(dict(type='ViT', embed_dim=16, num_heads=4, causal=True, zero_init_residual=False)).eval()
    x = torch.randn(2, 8, 1, 16)
    changed = x.clone()
    changed[:, 5:] = torch.randn(2, 3, 1, 16)
    torch.testing.assert_close(model(x)[:, :5], model(changed)[:, :5], atol=1e-6, rtol=0)
    assert (model(x)[:, 5:] - model(changed)[:, 5:]).abs().max() > 0.1


def test_code_of_the_last_frame_does_not_depend_on_the_length():
    model = MODELS.build(dict(type='ViT', embed_dim=16, num_heads=4, depth=1)).eval()
    with torch.no_grad():
        model.blocks[0].attn.proj.weight.zero_()
    x = torch.randn(1, 9, 1, 16)
    torch.testing.assert_close(model(x)[:, -1], model(x[:, 4:])[:, -1], atol=1e-6, rtol=0)


def small(**kwargs):
    torch.manual_seed(0)
    return MODELS.build(dict(type='ViT', embed_dim=16, depth=2, num_heads=2, zero_init_residual=False) | kwargs).eval()


def test_the_embedding_suggests_scope_and_position():
    track, joints, images = (small(embed=embed) for embed in (
        dict(type='TrajectoryEmbed', in_dim=5), dict(type='JointEmbed', in_dim=2),
        dict(type='PatchEmbed', img_size=(64, 48))))
    assert [model.scope for model in (track, joints, images)] == ['frames', 'tokens', 'tokens']
    assert track.sincos and joints.sincos and not images.sincos
    assert images.pos_embed.shape == (1, 13, 16) and track.pos_embed is None
    assert small(embed=dict(type='PatchEmbed'), pos_embed=None, scope='all').scope == 'all'
    with pytest.raises(ValueError, match="pos_embed='learned' needs .* num_tokens, such as PatchEmbed, got JointEmbed"):
        small(embed=dict(type='JointEmbed', in_dim=2), pos_embed='learned')


def test_one_class_attends_over_images_in_time():
    """Patches of one place over frames, with a learned position: a config, no class."""
    model = small(embed=dict(type='PatchEmbed', img_size=(32, 16)), scope='frames')
    images = torch.randn(1, 4, 3, 32, 16)
    changed = images.clone()
    changed[:, 0, :, :13] = 0  # within the upper patch, which reaches from row -2 to 13
    moved = (model(dict(image=images)) - model(dict(image=changed))).abs().amax((0, 3)) > 1e-5  # (T, N)
    assert moved[:, 0].all() and not moved[:, 1].any()
    valid = torch.tensor([[False, True, True, True]])
    torch.testing.assert_close(model(dict(image=images, valid=valid))[:, 1:],
                               model(dict(image=changed, valid=valid))[:, 1:])


def test_padding_says_nothing_within_a_frame():
    model = small(embed=dict(type='PatchEmbed', img_size=(32, 16)))
    images = torch.randn(1, 3, 3, 32, 16)
    plain = model(dict(image=images))
    assert torch.equal(model(dict(image=images, valid=torch.tensor([[True, True, False]]))), plain)


def test_deep_branch_starts_as_a_shallow_one():
    """With zero-initialised residuals 32 layers pass the embedding through, and its gradient is not lost."""
    model = MODELS.build(dict(type='HugeViT', pos_embed=None, embed_dim=32, num_heads=4))
    x = torch.randn(2, 4, 1, 32, requires_grad=True)
    torch.testing.assert_close(model(x), nn.functional.layer_norm(x, (32,)), atol=1e-6, rtol=0)


def branch_outputs():
    return {name: dict(joints=torch.randn(2, 1, 17, 3)) for name in ('coarse', 'fine')}


def test_weighted_fusion():
    given = branch_outputs()
    fused = WeightedFusion(dict(coarse=0.1, fine=0.9))({}, given)['joints']
    torch.testing.assert_close(fused, 0.1 * given['coarse']['joints'] + 0.9 * given['fine']['joints'])


def test_cross_attention_starts_at_the_prior_and_stays_convex():
    fusion, given = CrossAttentionFusion(dict(coarse=0.1, fine=0.9), embed_dim=16), branch_outputs()
    tokens = {name: torch.randn(2, 5, 1, 16) for name in given}
    fused = fusion(tokens, given)
    torch.testing.assert_close(fused['joints'], WeightedFusion(dict(coarse=0.1, fine=0.9))({}, given)['joints'])
    nn.init.normal_(fusion.keys['fine'].weight)
    fused = fusion(tokens, given)
    torch.testing.assert_close(fused['weights'].sum(-1), torch.ones(2, 1, 17))
    assert fused['weights'].std() > 0.01
    low, high = (getattr(torch.stack([g['joints'] for g in given.values()]), f'a{k}')(0) for k in ('min', 'max'))
    assert ((fused['joints'] >= low - 1e-5) & (fused['joints'] <= high + 1e-5)).all()
