import numpy as np
import pytest
import torch
from helpers.lifting_parity import DATA, recorded

from mmegopose.models.backbones import ExtPose, ViT
from mmegopose.models.weights.hamer import vit_from_hamer
from mmegopose.registry import MODELS
from mmegopose.structures import PoseDataSample

TINY = dict(arch='tiny', embed_dim=32, depth=2, num_heads=4, embed=dict(type='PatchEmbed', img_size=(64, 48)))
EXACT = dict(atol=1e-5, rtol=0)
SCOPES = dict(full=('joint', 'full'), modality=('joint', 'none'), frame=('self', 'full'), none=('self', 'none'))


def extpose(**kwargs):
    """Model with the recorded weights."""
    model = ExtPose(**TINY | kwargs).eval()
    model.load_state_dict(vit_from_hamer(recorded('vit_tiny')[0]), strict=True)
    return model


def clip(B=2, T=3, seed=0):
    images = torch.randn(2, B, T, 3, 64, 48, generator=torch.Generator().manual_seed(seed))
    return dict(image=images[0], pose_image=images[1])


def base(images):
    model = ViT(**TINY).eval()
    model.load_state_dict(vit_from_hamer(recorded('vit_tiny')[0]))
    return model(dict(image=images))


@pytest.mark.parametrize('scope', SCOPES)
def test_joint_attention_equals_the_reference(scope):
    data = np.load(DATA / 'extpose_joint_tiny.npz')
    modality, frames = SCOPES[scope]
    images = torch.from_numpy(data['input']).float()  # (B, T, M, 3, H, W)
    inputs = dict(image=images[:, :, 0], pose_image=images[:, :, 1])
    model = extpose(modality=modality, frames=frames, output='all')
    B, T = images.shape[:2]

    def check(tokens, key, seen=...):
        wanted = torch.from_numpy(data[key]).flatten(4).mT  # (B, T, M, N, C)
        torch.testing.assert_close(tokens.reshape(wanted.shape)[seen], wanted[seen], **EXACT)

    check(model(inputs), f'output_{scope}')
    if scope == 'full':
        seen = torch.from_numpy(data['mask'])
        inputs |= dict(image_valid=seen[..., 0], pose_detected=seen[..., 1])
        check(model(inputs), 'output_full_masked', seen)  # in the others the reference shows noise, we a blank


def test_no_parameter_is_new():
    with torch.device('meta'):
        ours, plain = MODELS.build(dict(type='ExtPose', arch='huge')), ViT(dict(type='PatchEmbed'), 'huge')
    assert ours.state_dict().keys() == plain.state_dict().keys()


def test_one_image_alone_is_the_base_model():
    images = clip(T=1)['image']
    torch.testing.assert_close(extpose(streams=('image',))(dict(image=images)), base(images), **EXACT)


def test_a_masked_pose_image_is_not_there():
    inputs = clip(T=1)
    model = extpose()
    detected = torch.zeros(2, 1, dtype=torch.bool)
    torch.testing.assert_close(model(inputs | dict(pose_detected=detected)), base(inputs['image']), **EXACT)
    assert (model(inputs) - base(inputs['image'])).abs().max() > 1e-2


def test_identical_frames_equal_one():
    images = clip(T=1)['image']
    tokens = extpose(streams=('image',))(dict(image=images.expand(-1, 3, -1, -1, -1)))
    torch.testing.assert_close(tokens, base(images).expand(-1, 3, -1, -1), **EXACT)


@pytest.mark.parametrize('output', ['image', 'pose_image'])
def test_the_same_image_as_both_modalities_is_the_base_model(output):
    images = clip(T=1)['image']
    tokens = extpose(output=output)(dict(image=images, pose_image=images))
    torch.testing.assert_close(tokens, base(images), **EXACT)


@pytest.mark.parametrize('modality', ['joint', 'self'])
def test_frames_are_interchangeable(modality):
    inputs, order = clip(), [2, 0, 1]
    model = extpose(modality=modality)
    shuffled = model({key: value[:, order] for key, value in inputs.items()})
    torch.testing.assert_close(shuffled, model(inputs)[:, order], **EXACT)


@pytest.mark.parametrize('modality', ['joint', 'self'])
def test_padded_frames_are_not_there(modality):
    inputs = clip(T=5)
    valid = torch.tensor([[True, True, True, False, False]]).expand(2, -1)
    for frames in ('full', 1):
        model = extpose(modality=modality, frames=frames)
        short = model({key: value[:, :3] for key, value in inputs.items()})
        tokens = model(inputs | dict(valid=valid))
        torch.testing.assert_close(tokens[:, :3], short, **EXACT)
        assert tokens.isfinite().all()


@pytest.mark.parametrize('modality', ['joint', 'self'])
def test_a_window_sees_its_neighbours(modality):
    inputs = clip(T=5)
    model = extpose(frames=1, modality=modality, first_layer=1)  # one layer: no neighbours of neighbours
    changed = {key: torch.cat([torch.randn_like(value[:, :1]), value[:, 1:]], 1) for key, value in inputs.items()}
    moved = (model(changed) - model(inputs)).abs().amax((0, 2, 3)) > 1e-4
    assert moved.tolist() == [True, True, False, False, False]
    for wide in (4, 9):
        same = extpose(frames=wide, modality=modality, first_layer=1)
        whole = extpose(modality=modality, first_layer=1)
        torch.testing.assert_close(same(inputs), whole(inputs), **EXACT)
    alone = extpose(frames=0, modality=modality), extpose(frames='none', modality=modality)
    torch.testing.assert_close(alone[0](inputs), alone[1](inputs), **EXACT)


def test_layers_outside_the_range_keep_images_apart():
    inputs = clip()
    first, second, both = (extpose(first_layer=a, last_layer=b)(inputs) for a, b in ((0, 0), (1, 1), (0, 1)))
    assert (first - second).abs().max() > 1e-2
    torch.testing.assert_close(both, extpose()(inputs), **EXACT)
    model = extpose(first_layer=1)
    model.blocks = model.blocks[:1]  # the joint layer taken away
    plain = ViT(**TINY | dict(depth=1)).eval()
    plain.load_state_dict(model.state_dict())
    torch.testing.assert_close(model(inputs), plain(inputs), **EXACT)


@pytest.mark.parametrize('trainable, names', [
    ('all', {'pos_embed', 'embed', 'blocks.0', 'blocks.1', 'norm'}), ('qk', {'blocks.0', 'blocks.1'}),
    ('first_half', {'blocks.0'}), ('none', set())])
def test_trainable_parts(trainable, names):
    model = extpose(trainable=trainable)
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert {'.'.join(name.split('.')[:2 if name.startswith('blocks') else 1]) for name in learning} == names
    if not learning:
        return
    model(clip())[..., :5].square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in learning.values())
    if trainable == 'qk':
        assert {name.split('.', 2)[2] for name in learning} == {'attn.qkv.weight', 'attn.qkv.bias'}
        for parameter in learning.values():
            queries, keys, values = parameter.grad.chunk(3)
            assert queries.abs().max() > 0 and values.abs().max() == 0
            if parameter.ndim == 2:
                assert keys.abs().max() > 1e-4


def test_bf16_is_close_to_fp32():
    model, inputs = extpose(frames=1), clip()
    with torch.autocast('cpu', torch.bfloat16):
        rough = model(inputs).float()
    assert (rough - model(inputs)).norm() < 0.03 * rough.norm()


@pytest.mark.parametrize('kwargs, message', [
    (dict(modality='both'), "'joint' or 'self'"), (dict(frames='window'), "'full', 'none' or the frames"),
    (dict(last_layer=2), 'ordered layers of 0 to 1'), (dict(output='depth'), "'all', 'mean' or one of streams"),
    (dict(trainable='qkv'), "trainable='qkv' should be one of")])
def test_wrong_arguments_say_what_is_right(kwargs, message):
    with pytest.raises(ValueError, match=message):
        extpose(**kwargs)


def test_a_missing_stream_is_named():
    with pytest.raises(KeyError, match="the model reads the stream 'pose_image'"):
        extpose().train()(dict(image=torch.zeros(1, 1, 3, 64, 48)))
    with pytest.raises(KeyError, match="the model reads the stream 'image'"):
        extpose()(dict(pose_image=torch.zeros(1, 1, 3, 64, 48)))


def test_an_image_without_a_pose_is_the_base_model():
    """The official HaMeR, whose weights ExtPose takes, reads one image."""
    image = clip(T=1)['image']
    torch.testing.assert_close(extpose().eval()(dict(image=image)), base(image), **EXACT)


def test_video_to_a_hand_through_the_estimator():
    model = MODELS.build(dict(
        type='PoseEstimator', backbone=dict(type='ExtPose', **TINY), losses=dict(mpjpe=dict(type='MPJPELoss')),
        neck=dict(type='STC', embed_dim=32, depth=1, num_heads=2, parts=None),
        head=dict(type='MeshDecoderHead', embed_dim=32, body_model='open_hand', decoder_dim=24, depth=1)))
    sample = PoseDataSample()
    sample.joints, sample.visible = torch.randn(2, 3, 16, 3), torch.ones(2, 3, 16, dtype=torch.bool)
    model(clip(), sample, mode='loss')['loss_mpjpe'].backward()
    assert model.backbone.pos_embed.grad.abs().sum() > 0
    assert model.eval()(clip(), sample, mode='predict')[0].pred_joints.shape == (2, 3, 16, 3)
