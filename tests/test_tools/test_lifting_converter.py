"""Official lifting checkpoints, as their authors saved them, become checkpoints of this package."""
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.commands import completed
from helpers.lifting_parity import official_keys, recorded

from mmegopose.engine import official_checkpoints as converter
from mmegopose.engine.checkpoint import CheckpointError, load_from_local, load_state, state_of
from mmegopose.registry import MODELS

SMALL = dict(mixste='mixste_small', stcformer='stcformer_small', motionbert='motionbert_small')


def saved(folder, checkpoint, **kwargs):
    torch.save(checkpoint, folder / 'official.bin', **kwargs)
    return str(folder / 'official.bin')


def prefixed(weights):
    return {f'module.{key}': value for key, value in weights.items()}


@pytest.mark.parametrize('name, num_heads, wrap', [
    ('mixste_small', 4, lambda w: dict(epoch=3, lr=1e-4, random_state=np.random.RandomState(1), optimizer={},
                                       model_pos=prefixed(w))),
    ('stcformer_small', 8, lambda w: w), ('stcformer_3dhp_small', 8, prefixed),
    ('motionbert_small', 4, lambda w: dict(epoch=3, min_loss=np.float64(39.2), model_pos=prefixed(w))),
    ('motionbert_small', 4, lambda w: dict(model=w))])
def test_converted_weights_give_the_official_output(tmp_path, name, num_heads, wrap):
    weights, keypoints, joints = recorded(name)
    heads = {} if 'stcformer' in name else dict(num_heads=num_heads)
    config, state = converter.convert_checkpoint(saved(tmp_path, wrap(weights)), **heads)
    model = MODELS.build(config).eval()
    load_state(model, state, name)
    if '3dhp' in name:  # in millimetres
        joints = joints / 1000
        assert config['neck']['num_heads'] == 4
    torch.testing.assert_close(model(dict(keypoints=keypoints))['joints'], joints, atol=1e-5, rtol=0)


@pytest.mark.parametrize('name, expected', [
    ('mixste', dict(type='MixSTE', embed_dim=512, depth=8, mlp_ratio=2, num_heads=8, num_tokens=17, num_frames=243)),
    ('stcformer', dict(type='STC', embed_dim=256, depth=6, mlp_ratio=4, num_heads=8)),
    ('stcformer_l', dict(type='STC', embed_dim=512, depth=6, mlp_ratio=4, num_heads=8)),
    ('motionbert', dict(type='DSTformer', embed_dim=512, depth=5, mlp_ratio=2, num_heads=8, num_tokens=17,
                        num_frames=243)),
    ('motionbert_lite', dict(type='DSTformer', embed_dim=256, depth=5, mlp_ratio=4, num_heads=8, num_tokens=17,
                             num_frames=243))])
def test_published_models_are_recognised(monkeypatch, name, expected):
    monkeypatch.setattr(converter, 'read_weights', lambda source: official_keys(name))
    config, _ = converter.convert_checkpoint(name)
    assert config['neck'] == expected


def test_temporal_embedding_is_resized(tmp_path):
    weights, _, _ = recorded('mixste_small')
    source = saved(tmp_path, weights)
    config, state = converter.convert_checkpoint(source, num_frames=27, num_heads=4)
    assert config['neck']['num_frames'] == 27 and state['neck.frame_pos'].shape == (1, 27, 48)
    torch.testing.assert_close(state['neck.frame_pos'][:, 1::3], weights['Temporal_pos_embed'])  # thirds of a frame
    model = MODELS.build(config)
    load_state(model, state, source)
    with pytest.raises(TypeError, match="stcformer has no argument 'num_frames'"):
        converter.convert_checkpoint(saved(tmp_path, recorded('stcformer_small')[0]), num_frames=27)


@pytest.mark.parametrize('model, name', SMALL.items())
def test_every_key_that_does_not_fit_is_listed(tmp_path, model, name):
    weights = dict(recorded(name)[0])
    keys = [key for key in weights if key.endswith('fc2.weight')]
    weights[keys[0]] = torch.zeros(5, 7)
    del weights[keys[1]]
    weights.update({f'extra.{i}': torch.zeros(1) for i in range(9)})
    with pytest.raises(CheckpointError) as error:
        converter.convert_checkpoint(saved(tmp_path, weights))
    message = str(error.value)
    assert '1 keys missing: neck.' in message and '9 keys unexpected: extra.0,' in message and 'extra.8;' in message
    assert '1 keys of wrong shape: neck.' in message and '(5, 7) (model: (48,' in message
    with pytest.raises(CheckpointError, match='1 keys missing'):
        converter.convert_checkpoint(str(tmp_path / 'official.bin'), origin=model)


def test_missing_first_weights_are_no_puzzle(tmp_path):
    weights = dict(recorded('mixste_small')[0])
    gone = ('Spatial_pos_embed', 'Temporal_pos_embed', 'Spatial_patch_to_embedding.weight')
    with pytest.raises(CheckpointError, match='3 keys missing: backbone.proj.weight, neck.token_pos, neck.frame_pos'):
        converter.convert_checkpoint(saved(tmp_path, {k: v for k, v in weights.items() if k not in gone}))


@pytest.mark.parametrize('checkpoint, message', [
    (dict(epoch=3, net=dict(weight=torch.zeros(1))), 'holds no state dict'), ([1, 2], 'holds no state dict'),
    ({'conv.weight': torch.zeros(1)}, 'no weights of egoexo4d_.* or vitpose; its keys are conv.weight'),
    ({'neck.blocks.0.attn.qkv.weight': torch.zeros(6, 2)}, 'those of PoseEstimator already')])
def test_foreign_files_are_refused(tmp_path, checkpoint, message):
    with pytest.raises(CheckpointError, match=message):
        converter.convert_checkpoint(saved(tmp_path, checkpoint))


def test_other_model_than_named(tmp_path):
    with pytest.raises(CheckpointError, match='no weights of stcformer; its keys are Spatial_pos_embed'):
        converter.convert_checkpoint(saved(tmp_path, recorded('mixste_small')[0]), origin='stcformer')


def test_old_file_that_needs_more_than_numpy_says_so(tmp_path):
    allowed = len(torch.serialization.get_safe_globals())
    source = saved(tmp_path, dict(model_pos=recorded('mixste_small')[0], path=Path('x')),
                   _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match='holds more than weights and plain values .GLOBAL pathlib'):
        converter.convert_checkpoint(source)
    assert len(torch.serialization.get_safe_globals()) == allowed


def test_random_state_of_an_older_numpy(tmp_path):
    """Files of numpy 1 name its modules otherwise."""
    source = saved(tmp_path, dict(model_pos=recorded('mixste_small')[0], random_state=np.random.RandomState(1)),
                   _use_new_zipfile_serialization=False)
    content = Path(source).read_bytes()
    assert b'numpy._core.multiarray' in content
    Path(source).write_bytes(content.replace(b'numpy._core.multiarray', b'numpy.core.multiarray'))
    assert converter.convert_checkpoint(source, num_heads=4)[0]['neck']['embed_dim'] == 48


def test_command(tmp_path):
    """A file with a prefix, then the same file cut off."""
    source = saved(tmp_path, dict(model_pos=prefixed(recorded('mixste_small')[0]), epoch=1))
    done = completed('model_converters/official.py', source, 'out.pth', '--options', 'num_heads=4', 'num_frames=5',
                     cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "neck=dict(type='MixSTE', embed_dim=48, depth=3, mlp_ratio=2.0, num_heads=4, num_tokens=17, num_frames=5)" \
        in done.stdout
    state = state_of(load_from_local(str(tmp_path / 'out.pth')), 'out.pth')
    assert f'{sum(value.numel() for value in state.values()):,} parameters' in done.stdout
    Path(source).write_bytes(Path(source).read_bytes()[:-5000])
    done = completed('model_converters/official.py', source, 'cut.pth', cwd=tmp_path)
    assert done.returncode == 2 and not (tmp_path / 'cut.pth').exists()
    assert done.stderr.startswith('error: ') and 'damaged or cut off' in done.stderr and len(
        done.stderr.splitlines()) == 1
