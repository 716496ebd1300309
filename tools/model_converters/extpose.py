"""Convert official weights of HaMeR, HMR2.0, ViTPose or MAE for PoseEstimator."""
import argparse
import re
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout runs its own package

from mmegopose.engine.checkpoint import CheckpointError, check_fit, load_from_local, state_of
from mmegopose.engine.config import user_errors
from mmegopose.files import atomic_write
from mmegopose.models.backbones import vit_from_hamer, vit_from_mae, vit_from_vitpose
from mmegopose.models.backbones.vision_transformer import ARCHS
from mmegopose.models.heads import heatmap_head_from_vitpose, mesh_head_from_hamer
from mmegopose.models.losses.adversarial import discriminator_from_hamer
from mmegopose.models.weights.key_map import unwrap
from mmegopose.registry import MODELS

BACKBONE, HEAD, DISCRIMINATOR = 'backbone.', 'head.', 'losses.adversarial.discriminator.'
PATCH = 16


class Skipped:
    """Stands for the classes of objects that are no weights, such as configs: they become dicts, and no code runs."""

    def __new__(cls, *args, **kwargs):
        return OrderedDict()


def read(source: str) -> dict:
    """Weights in a checkpoint, whatever objects (configs of the training, say) lie beside them.

    Raises ``FileNotFoundError`` or ``CheckpointError``.
    """
    foreign = []
    if Path(source).is_file() and zipfile.is_zipfile(source):
        foreign = [(Skipped, name) for name in get_unsafe_globals_in_checkpoint(source)]
    with safe_globals(foreign):
        checkpoint = load_from_local(source)
    return state_of(unwrap(checkpoint) if isinstance(checkpoint, dict) else checkpoint, source)


def convert(source: str, expert: str | None = None, img_size: tuple = (256, 192), discriminator: bool = False):
    """Config of the ``PoseEstimator`` that official weights are made for, and the weights under its keys.

    Args:
        source: official checkpoint.
        expert: data set whose weights to take from ViTPose+.
        img_size: height and width of the images; the position embedding of a masked autoencoder is resized to them.
        discriminator: keep that of HaMeR or HMR2.0, for ``losses=dict(adversarial=dict(type='AdversarialLoss'))``.

    Raises:
        FileNotFoundError, CheckpointError: no such file; one that is damaged, or does not fit, with every key that
            does not.
        ValueError: an option that the weights have no use for.
    """
    weights = read(source)
    kind = _kind(weights, source)
    if discriminator and not any(key.startswith('discriminator.') for key in weights):
        raise ValueError(f'--discriminator: {source} has none')
    try:
        if kind == 'mesh':
            parts = {BACKBONE: vit_from_hamer(weights), HEAD: mesh_head_from_hamer(weights)}
            if discriminator:
                parts[DISCRIMINATOR] = discriminator_from_hamer(weights)
        elif kind == 'vitpose':
            parts = {BACKBONE: vit_from_vitpose(weights, expert)}
            if any(key.startswith('keypoint_head.') for key in weights):
                parts[HEAD] = heatmap_head_from_vitpose(weights)
        else:
            parts = {BACKBONE: vit_from_mae(weights, tuple(side // PATCH for side in img_size), PATCH)}
        config = _config(parts, img_size)
    except KeyError as error:
        raise CheckpointError(f'{source} lacks the weights that become {error}') from None
    state = {prefix + key: value for prefix, part in parts.items() for key, value in part.items()}
    check_fit(_expected(config), state, f'{source} does not fit {_code(config["backbone"])}')
    return config, state


def _kind(weights: dict, source: str) -> str:
    """What the keys are those of: ``'mesh'``, ``'vitpose'`` or ``'mae'``."""
    if any(key.startswith(('branches.', 'backbone.embed.')) for key in weights):
        raise CheckpointError(f'{source} holds no official weights: its keys are those of PoseEstimator already')
    if not any(re.search(r'blocks\.0\.attn\.qkv\.weight$', key) for key in weights):
        raise CheckpointError(f'{source} holds no weights of HaMeR, HMR2.0, ViTPose or MAE; its keys are '
                              f'{", ".join(list(weights)[:6])}, ...')
    if any(key.startswith(('mano_head.', 'smpl_head.')) for key in weights):
        return 'mesh'
    return 'mae' if any(key.endswith('cls_token') for key in weights) else 'vitpose'


def _config(parts: dict, img_size: tuple) -> dict:
    """Config of the size that the weights have; what their shapes do not tell is as published."""
    backbone, head = parts[BACKBONE], parts.get(HEAD, {})
    dim = backbone['pos_embed'].shape[-1]
    depth = 1 + max(int(match[1]) for key in backbone if (match := re.match(r'blocks\.(\d+)\.', key)))
    arch = next((name for name, size in ARCHS.items() if (size['embed_dim'], size['depth']) == (dim, depth)), None)
    if arch is None:
        raise CheckpointError(f'a transformer of {dim} channels and {depth} blocks is none of {list(ARCHS)}')
    config = dict(type='PoseEstimator', backbone=dict(type='VisionTransformer', arch=arch, img_size=tuple(img_size)))
    if 'mean' in head:
        joints = (head['mean'].shape[-1] - 13) // 6
        config['head'] = dict(type='MeshDecoderHead', embed_dim=dim, num_joints=joints, feedback='embed.weight' in head)
        if DISCRIMINATOR in parts:
            config['losses'] = dict(adversarial=dict(type='AdversarialLoss', num_joints=joints - 1))
    elif head:
        joints, channels, side, _ = head['final_layer.weight'].shape
        decoder = dict(decoder='simple') if side == 3 else dict(decoder='classic', deconv_dim=channels)
        config['head'] = dict(type='HeatmapHead', embed_dim=dim, num_joints=joints, img_size=tuple(img_size), **decoder)
    return config


def _expected(config: dict) -> dict:
    """Empty weights of a model, under the keys of a ``PoseEstimator``."""
    with torch.device('meta'):
        modules = {BACKBONE: MODELS.build(config['backbone'])}
        if 'head' in config:
            modules[HEAD] = MODELS.build(config['head'])
        if 'losses' in config:
            modules[DISCRIMINATOR] = MODELS.build(config['losses']['adversarial']).discriminator
    return {prefix + key: value for prefix, module in modules.items() for key, value in module.state_dict().items()}


def _code(config: dict) -> str:
    return 'dict(' + ', '.join(f'{key}={value!r}' for key, value in config.items()) + ')'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint', help='official checkpoint, e.g. hamer.ckpt, vitpose_backbone.pth')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--expert', help='data set whose weights to take from ViTPose+, e.g. wholebody')
    parser.add_argument('--img-size', type=int, nargs=2, default=(256, 192), metavar=('H', 'W'),
                        help='images of the model (default 256 192); the position embedding of MAE is resized to them')
    parser.add_argument('--discriminator', action='store_true', help='keep that of HaMeR or HMR2.0')
    args = parser.parse_args()
    with user_errors():
        config, state = convert(args.checkpoint, args.expert, tuple(args.img_size), args.discriminator)
        with atomic_write(args.out, 'wb') as file:
            torch.save(dict(state_dict=state), file)
    print(f'{len(state)} tensors, {sum(value.numel() for value in state.values()):,} parameters -> {args.out}; '
          'the config of its model, in which ExtPose can replace VisionTransformer:')
    for part in ('backbone', 'head', 'losses'):
        if part in config:
            print(f'    {part}={_code(config[part])},')
    if 'head' not in config:
        print(f"A backbone alone: give yours init_cfg=dict(type='PretrainedPart', prefix={BACKBONE!r}, checkpoint=...)")


if __name__ == '__main__':
    main()
