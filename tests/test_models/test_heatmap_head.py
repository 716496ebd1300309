import numpy as np
import pytest
import torch
from helpers.lifting_parity import DATA, recorded, shapes

from mmegopose.geometry.heatmaps import decode_heatmaps, encode_heatmaps
from mmegopose.models.backbones import ViT
from mmegopose.models.heads import HeatmapHead
from mmegopose.models.weights.vitpose import heatmap_head_from_vitpose, vit_from_vitpose
from mmegopose.registry import MODELS


def head(**kwargs):
    torch.manual_seed(0)
    return HeatmapHead(**dict(embed_dim=32, num_joints=5, img_size=(64, 48), deconv_dim=24) | kwargs).eval()


@pytest.mark.parametrize('decoder', ['classic', 'simple'])
def test_official_weights_give_the_official_output(decoder):
    weights, images, heatmaps = recorded(f'vitpose_tiny_{decoder}')
    backbone = ViT(dict(type='PatchEmbed', img_size=(64, 48)), 'tiny', embed_dim=32, depth=2, num_heads=4).eval()
    backbone.load_state_dict(vit_from_vitpose(weights), strict=True)
    model = head(decoder=decoder)
    model.load_state_dict(heatmap_head_from_vitpose(weights), strict=True)
    images = images.unflatten(0, (1, 2))  # (B, T, 3, H, W)
    output = model(backbone(dict(image=images)))['heatmaps']
    torch.testing.assert_close(output[0], heatmaps, atol=1e-5, rtol=0)


def test_default_is_the_published_head():
    model = MODELS.build(dict(type='HeatmapHead', embed_dim=1280, num_joints=133))
    found = shapes(model.state_dict())
    assert found['deconv_layers.0.weight'] == (1280, 256, 4, 4) and found['final_layer.weight'] == (133, 256, 1, 1)
    assert len(found) == 14
    simple = shapes(HeatmapHead(1280, decoder='simple').state_dict())
    assert simple == {'final_layer.weight': (17, 1280, 3, 3), 'final_layer.bias': (17,)}


def test_foreign_keys_are_listed():
    keys = ['backbone.pos_embed', 'associate_keypoint_heads.0.final_layer.bias', 'keypoint_head.final_layer.bias']
    assert list(heatmap_head_from_vitpose(dict.fromkeys(keys))) == ['final_layer.bias']
    with pytest.raises(ValueError, match='keypoint_head.loss.weight'):
        heatmap_head_from_vitpose({'keypoint_head.loss.weight': None})


def test_decoding_inverts_encoding():
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(2, 3, 17, 2, generator=generator) * torch.tensor([27., 43.]) + 10  # away from the border
    heatmaps = encode_heatmaps(points, (64, 48))
    found, scores = decode_heatmaps(heatmaps)
    assert heatmaps.shape == (2, 3, 17, 64, 48)
    torch.testing.assert_close(found, points, atol=0.01, rtol=0)
    assert scores.min() > 0.9 and scores.max() <= 1
    rough, _ = decode_heatmaps((0.3 * heatmaps).half())
    torch.testing.assert_close(rough, points, atol=0.05, rtol=0)


def test_peaks_at_the_border_and_flat_maps():
    corners = torch.tensor([[0., 0.], [47., 0.], [0., 63.], [47., 63.]])
    found, _ = decode_heatmaps(encode_heatmaps(corners, (64, 48)))
    torch.testing.assert_close(found, corners, atol=1.0, rtol=0)
    found, scores = decode_heatmaps(torch.zeros(4, 64, 48))
    assert torch.equal(found, torch.zeros(4, 2)) and torch.equal(scores, torch.zeros(4))


def test_decoding_is_that_of_vitpose():
    """Of clear, noisy and low peaks, inside and at all borders: also where the step is longer than a pixel."""
    official = np.load(DATA / 'vitpose_udp.npz')
    heatmaps, wanted = (torch.from_numpy(official[name]) for name in ('heatmaps', 'keypoints'))
    found, _ = decode_heatmaps(heatmaps)
    index = heatmaps.flatten(1).argmax(1)
    pixel = torch.stack([index % 24, index // 24], -1)
    defined = torch.arange(60) != 55  # a saddle, which sends the official code 47 pixels away
    torch.testing.assert_close(found[defined], wanted[defined], atol=5e-5, rtol=0)
    assert (wanted - pixel)[defined].abs().max() > 1.5 and torch.equal(found[55], pixel[55].float())


def test_keypoints_are_in_crop_units():
    points = torch.tensor([[[[24.5, 30.25]]]])
    found = head(img_size=(256, 192)).decode(encode_heatmaps(points, (64, 48)))
    pixels = 256 * found['keypoints'][0, 0, 0] + torch.tensor([96., 128.])  # the crop is as high as the image
    torch.testing.assert_close(pixels, torch.tensor([24.5 * 191 / 47, 30.25 * 255 / 63]), atol=0.05, rtol=0)
    assert found['scores'].shape == (1, 1, 1)


@pytest.mark.parametrize('decoder', ['classic', 'simple'])
def test_every_parameter_gets_a_gradient(decoder):
    model = head(decoder=decoder).train()
    model(torch.randn(2, 2, 12, 32))['heatmaps'].square().sum().backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]


def test_mistakes_say_what_is_right():
    with pytest.raises(ValueError, match="'classic' or 'simple'"):
        head(decoder='deconv')
    with pytest.raises(ValueError, match='4 x 3 patches, got 13 tokens'):
        head()(torch.zeros(1, 1, 13, 32))
