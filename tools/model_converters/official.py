"""Convert official weights for PoseEstimator: HaMeR, HMR2.0, ViTPose, MAE, MixSTE, STCFormer, MotionBERT, the Ego-Exo4D
baseline, and those that a plugin registers in OFFICIAL_WEIGHTS."""
import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout runs its own package

from mmegopose.engine import DictAction, load_config, user_errors
from mmegopose.engine.official_checkpoints import code, convert_checkpoint
from mmegopose.files import atomic_write
from mmegopose.registry import OFFICIAL_WEIGHTS


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint', help='official checkpoint, e.g. hamer.ckpt, best_epoch_cpn_81f.bin')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--origin', help='default: told by the keys; known: '
                                         f'{", ".join(OFFICIAL_WEIGHTS.names())}, and those of your plugins')
    parser.add_argument('--config', help='config whose model the weights are for; default: told by their shapes. It '
                                         'imports your plugins, too')
    parser.add_argument('--options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE',
                        help='mixste: num_frames=27 (resize the temporal embedding); mixste, motionbert: num_heads=8; '
                             'vitpose: expert=wholebody (of ViTPose+); vitpose, mae: img_size=256,192; hamer: '
                             'discriminator=True (keep it)')
    args = parser.parse_args()
    with user_errors():
        model = load_config(args.config).model if args.config else None
        config, state = convert_checkpoint(args.checkpoint, args.origin, model, **args.options)
        with atomic_write(args.out, 'wb') as file:
            torch.save(dict(state_dict=state), file)
    print(f'{len(state)} tensors, {sum(value.numel() for value in state.values()):,} parameters -> {args.out}; '
          'the config of its model:')
    for part in ('backbone', 'neck', 'head', 'losses'):
        if part in config:
            print(f'    {part}={code(config[part])},')
    if 'head' not in config:
        print("A backbone alone: give yours init_cfg=dict(type='PretrainedPart', prefix='backbone.', checkpoint=...)")


if __name__ == '__main__':
    main()
