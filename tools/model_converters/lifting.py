"""Convert official weights of MixSTE, STCFormer or MotionBERT (DSTformer) for PoseEstimator."""
import argparse
import re
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout runs its own package

from mmegopose.engine.checkpoint import CheckpointError, check_fit, load_from_local, state_of
from mmegopose.engine.config import user_errors
from mmegopose.files import atomic_write
from mmegopose.models.necks import dstformer_from_official, mixste_from_official, stc_from_official
from mmegopose.models.necks.mixste import stretch
from mmegopose.models.weights.key_map import unwrap
from mmegopose.registry import MODELS

KEY_MAPS = dict(mixste=mixste_from_official, stcformer=stc_from_official, dstformer=dstformer_from_official)
NORM = r'neck\..*norm1\.weight'  # has the channels of the model, once per block


class Skipped:
    """Stands for the random state of numpy in official checkpoints, which nobody needs."""

    def __init__(self, *args):
        pass

    def __setstate__(self, state):
        pass


RANDOM_STATE = [(Skipped, f'numpy.random.{name}') for name in (
    '__RandomState_ctor', '_mt19937.MT19937', '_pickle.__bit_generator_ctor', '_pickle.__randomstate_ctor')]


def convert(source: str, model: str | None = None, num_frames: int | None = None, num_heads: int = 8):
    """Config of the ``PoseEstimator`` that official weights are made for, and the weights under its keys.

    Args:
        source: official checkpoint.
        model: a key of ``KEY_MAPS``; None: the one that knows most keys of the checkpoint.
        num_frames: resize MixSTE's temporal position embedding to this many frames.
        num_heads: heads of MixSTE and DSTformer, which their weights do not tell.

    Raises:
        FileNotFoundError, CheckpointError: no such file; one that is damaged, holds more than weights, or does not
            fit, with every key that does not.
        ValueError: ``num_frames`` for a model without such an embedding.
    """
    with torch.serialization.safe_globals(RANDOM_STATE):
        checkpoint = load_from_local(source)
    weights = state_of(unwrap(checkpoint) if isinstance(checkpoint, dict) else checkpoint, source)
    if any(key.startswith('neck.') for key in weights):
        raise CheckpointError(f'{source} holds no official weights: its keys are those of PoseEstimator already')
    mapped = {name: KEY_MAPS[name](weights, strict=False) for name in ([model] if model else KEY_MAPS)}
    model, state = max(mapped.items(), key=lambda item: sum(key.startswith('neck.') for key in item[1]))
    if _shape(state, NORM) is None:
        raise CheckpointError(f'{source} holds no weights of {" or ".join(mapped)}; its keys are '
                              f'{", ".join(list(weights)[:6])}, ...')
    if num_frames is not None:
        if model != 'mixste':
            raise ValueError(f'--num-frames={num_frames}: only MixSTE has a weight per frame to resize, not {model}')
        if 'neck.frame_pos' in state:
            state['neck.frame_pos'] = stretch(state['neck.frame_pos'], num_frames)
    config = _config(model, state, num_heads, 'mlpmixer.mixerblocks.0.layer_norm1.weight' in weights)
    with torch.device('meta'):
        estimator = MODELS.build(config)
    check_fit(estimator.state_dict(), state, f'{source} does not fit {_code(config["neck"])}')
    estimator.load_state_dict(state, strict=True, assign=True)
    return config, state


def _shape(state: dict, pattern: str) -> tuple | None:
    """Shape of the first weight whose key matches."""
    return next((tuple(value.shape) for key, value in state.items() if re.fullmatch(pattern, key)), None)


def _config(model: str, state: dict, num_heads: int, mpi_inf_3dhp: bool) -> dict:
    """Config of the size that the weights ``state`` have; what their shapes do not tell is as published."""
    dim, = _shape(state, NORM)
    _, in_dim = _shape(state, r'.*backbone\.proj\.weight') or (dim, 2)
    hidden, _ = _shape(state, r'neck\..*mlp\.fc1\.weight') or (2 * dim, dim)
    levels = [int(match[1]) for key in state if (match := re.match(r'neck\.\w+\.(\d+)\.', key))]
    tokens = (_shape(state, r'neck\.token_pos') or (1, 17))[1]
    size = dict(embed_dim=dim, depth=max(levels) + 1, mlp_ratio=hidden / dim)
    embed = dict(type='JointEmbed', in_dim=in_dim, embed_dim=dim)
    head = dict(type='JointHead', embed_dim=dim, num_joints=tokens, hidden_dims=(), per_joint=True, output='all')
    if model == 'stcformer':
        width = (_shape(state, r'.*part_embed\.weight') or (5, dim // 16))[1]
        neck = dict(type='STC', **size, num_heads=dim // 2 // width)
        embed |= dict(bias=False, act='gelu')
        head |= dict(bias=False)
        if mpi_inf_3dhp:
            neck |= dict(parts='mpi_inf_3dhp17', attn_scale=dim ** -0.5)
            head |= dict(scale=1e-3)
    else:
        frames = (_shape(state, r'neck\.frame_pos') or (1, 243))[1]
        neck = dict(type='MixSTE' if model == 'mixste' else 'DSTformer', **size, num_heads=num_heads,
                    num_tokens=tokens, num_frames=frames)
        head |= dict(norm=True)
        if model == 'dstformer':
            hidden = (_shape(state, r'head\.mlp\.layers\.0\.weight') or (dim,))[0]
            head |= dict(norm_eps=1e-6, hidden_dims=(hidden,), act='tanh')
    return dict(type='PoseEstimator', backbone=embed, neck=neck, head=head)


def _code(config: dict) -> str:
    return 'dict(' + ', '.join(f'{key}={value!r}' for key, value in config.items()) + ')'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint', help='official checkpoint, e.g. best_epoch_cpn_81f.bin')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--model', choices=KEY_MAPS, help='default: detected from the keys')
    parser.add_argument('--num-frames', type=int, help="resize MixSTE's temporal embedding to this many frames")
    parser.add_argument('--num-heads', type=int, default=8, help='heads of MixSTE and DSTformer (default 8)')
    args = parser.parse_args()
    with user_errors():
        config, state = convert(args.checkpoint, args.model, args.num_frames, args.num_heads)
        with atomic_write(args.out, 'wb') as file:
            torch.save(dict(state_dict=state), file)
    print(f'{len(state)} tensors, {sum(value.numel() for value in state.values()):,} parameters -> {args.out}; '
          'the config of its model:')
    for part in ('backbone', 'neck', 'head'):
        print(f'    {part}={_code(config[part])},')


if __name__ == '__main__':
    main()
