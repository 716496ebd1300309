
import pytest
import torch
from helpers.lifting_parity import recorded, shapes
from helpers.official_keys import official_keys

from mmegopose.models.backbones import ViT
from mmegopose.models.weights.hamer import vit_from_hamer
from mmegopose.models.weights.mae import resize_pos_embed, vit_from_mae
from mmegopose.models.weights.vitpose import vit_from_vitpose
from mmegopose.registry import MODELS

TINY = dict(arch='tiny', embed_dim=32, depth=2, num_heads=4)


def vit(embed=None, **kwargs):
    torch.manual_seed(0)
    return ViT(**TINY | kwargs, embed=dict(type='PatchEmbed', img_size=(64, 48)) | (embed or {})).eval()


@pytest.mark.parametrize('name, kwargs', [('vit_tiny', {}), ('vit_tiny_ratio2', dict(depth=1, embed=dict(ratio=2)))])
def test_official_weights_give_the_official_output(name, kwargs):
    weights, images, features = recorded(name)
    model = vit(**kwargs)
    model.load_state_dict(vit_from_hamer(dict(state_dict=weights)), strict=True)
    tokens = model(dict(image=images[:, None]))  # (B, 1, N, C)
    assert tokens.shape[2] == model.embed.grid[0] * model.embed.grid[1]
    torch.testing.assert_close(tokens[:, 0].mT.unflatten(-1, model.embed.grid), features, atol=1e-5, rtol=0)


def test_frames_are_independent():
    model, images = vit(), torch.randn(2, 3, 3, 64, 48)
    each = [model(dict(image=images[:, t:t + 1])) for t in range(3)]
    torch.testing.assert_close(model(dict(image=images)), torch.cat(each, 1))


def test_huge_is_the_published_model():
    with torch.device('meta'):
        model = MODELS.build(dict(type='ViT', arch='huge', embed=dict(type='PatchEmbed')))
    assert model.embed.grid == (16, 12)
    assert sum(p.numel() for p in model.parameters()) == 630_912_000
    assert model.blocks[-1].drop_path.drop_prob == 0.55
    official = official_keys('ViT backbone')
    assert shapes(vit_from_hamer(official)) == shapes(model.state_dict())
    bare = {key.removeprefix('backbone.'): value for key, value in official.items()}
    assert shapes(vit_from_vitpose(bare)) == shapes(model.state_dict())


def test_other_parts_of_a_checkpoint_are_left_out_and_foreign_keys_listed():
    hamer = official_keys('ViT backbone') | official_keys('HaMeR head', blocks=6) | official_keys('HaMeR disc')
    others = {'mano.v_template': torch.zeros(1), 'initialized': torch.zeros(1)}
    assert vit_from_hamer(hamer | others).keys() == vit_from_hamer(official_keys('ViT backbone')).keys()
    with pytest.raises(ValueError, match=r"1 keys are not of this model: \['backbone.cls_token'\]"):
        vit_from_hamer(hamer | {'backbone.cls_token': torch.zeros(1)})


def test_vitpose_plus_takes_one_expert():
    plain = {f'backbone.{key}': value for key, value in official_style(vit()).items()}
    moe = {'associate_keypoint_heads.0.final_layer.bias': torch.zeros(1)}
    for key, value in plain.items():
        if '.fc2.' in key:
            moe[key] = value[:24]
            for d in range(6):
                moe[key.replace('fc2', f'experts.{d}')] = value[24:] + d
        else:
            moe[key] = value
    chosen, first = vit_from_vitpose(moe, 'wholebody'), vit_from_vitpose(moe, 'coco')
    assert all(torch.equal(first[key], value) for key, value in vit_from_vitpose(plain).items())
    bias = 'blocks.1.mlp.fc2.bias'
    torch.testing.assert_close(chosen[bias] - first[bias], torch.tensor([0.] * 24 + [5.] * 8))
    with pytest.raises(ValueError, match="expert=None should be one of .*'wholebody'"):
        vit_from_vitpose(moe)
    with pytest.raises(ValueError, match='have no experts'):
        vit_from_vitpose(plain, 'coco')


def official_style(model) -> dict:
    """Weights under official names."""
    names = {'embed.': 'patch_embed.', 'norm.': 'last_norm.'}
    return {next((new + key.removeprefix(old) for old, new in names.items() if key.startswith(old)), key): value
            for key, value in model.state_dict().items()}


def test_mae_is_resized_to_the_crop():
    mae = official_style(vit(dict(img_size=(56, 56), patch_size=14)))
    mae = {f'encoder.{key}'.replace('last_norm', 'norm'): value for key, value in mae.items()}
    mae |= {'encoder.cls_token': torch.zeros(1), 'decoder_embed.weight': torch.zeros(1)}
    model = vit()
    model.load_state_dict(vit_from_mae(dict(model=mae), model.embed.grid), strict=True)
    weight = model.embed.proj.weight
    torch.testing.assert_close(weight[..., 1:-1, 1:-1], mae['encoder.patch_embed.proj.weight'])
    assert weight[..., 0].abs().max() == weight[..., -1, :].abs().max() == 0
    torch.testing.assert_close(model.pos_embed[:, 0], mae['encoder.pos_embed'][:, 0])


def test_position_embedding_keeps_its_places():
    rows, columns = torch.meshgrid(torch.arange(14.), torch.arange(14.), indexing='ij')
    square = torch.stack([rows, columns], -1).reshape(1, 196, 2)
    pos_embed = torch.cat([torch.full((1, 1, 2), 9.), square], 1)
    assert torch.equal(resize_pos_embed(pos_embed, (14, 14)), pos_embed)
    resized = resize_pos_embed(pos_embed, (16, 12))[0, 1:].reshape(16, 12, 2)
    inner = (torch.arange(16.) + 0.5) * 14 / 16 - 0.5
    torch.testing.assert_close(resized[3:-3, 5, 0], inner[3:-3], atol=0.05, rtol=0)
    with pytest.raises(ValueError, match='195 places'):
        resize_pos_embed(pos_embed[:, 1:], (16, 12))


def test_layers_of_the_learning_rate_decay():
    model = vit()
    ids = {name: model.layer_id(name) for name, _ in model.named_parameters()}
    assert ids['pos_embed'] == ids['embed.proj.weight'] == 0
    assert ids['blocks.0.norm1.weight'] == 1 and ids['blocks.1.mlp.fc2.bias'] == 2
    assert ids['norm.bias'] == model.num_layers - 1 == 3


def test_every_parameter_gets_a_gradient():
    model = vit(drop_path_rate=0.5, attn_drop_rate=0.1).train()
    model(dict(image=torch.randn(8, 2, 3, 64, 48))).square().sum().backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]


@pytest.mark.parametrize('kwargs, message', [
    (dict(arch='giant'), r"arch='giant' should be one of \['levelwise'"),
    (dict(pos_embed='learnt'), "pos_embed='learnt' should be 'sincos', 'learned', 'auto' or None"),
    (dict(embed=dict(img_size=(64, 50))), r'\(64, 50\) should be multiples of patch_size=16')])
def test_wrong_arguments_say_what_is_right(kwargs, message):
    with pytest.raises(ValueError, match=message):
        vit(**kwargs)


def test_wrong_streams_say_what_is_right():
    with pytest.raises(KeyError, match=r"reads the stream 'image', the data has \['photo'\]"):
        vit()(dict(photo=torch.zeros(1, 1, 3, 64, 48)))
    with pytest.raises(ValueError, match=r'\(64, 64\) pixels.*img_size=\(64, 48\)'):
        vit()(dict(image=torch.zeros(1, 1, 3, 64, 64)))
    with pytest.raises(ValueError, match=r'should be \(B,T,3,H,W\)'):
        vit()(dict(image=torch.zeros(1, 3, 64, 48)))
