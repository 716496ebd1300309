"""Convert weights of the official Ego-Exo4D body-pose baseline for configs/head_pose/egoexo4d_baseline.py."""
import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout runs its own package

from mmegopose.engine.config import user_errors


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', help='official checkpoint, e.g. 100000_G.pth')
    parser.add_argument('target', help='checkpoint to write')
    args = parser.parse_args()
    with user_errors():
        import torch

        from mmegopose.engine.checkpoint import load_from_local, load_state
        from mmegopose.engine.config import load_config
        from mmegopose.models.weights.egoexo4d_baseline import egoexo4d_baseline_from_official
        from mmegopose.registry import MODELS

        state = egoexo4d_baseline_from_official(load_from_local(args.source))
        config = load_config(str(Path(__file__).parents[2] / 'configs/head_pose/egoexo4d_baseline.py'))
        load_state(MODELS.build(config.model), state, args.source)
        torch.save(dict(state_dict=state), args.target)
        print(f'{len(state)} tensors, {sum(v.numel() for v in state.values()):,} parameters -> {args.target}')


if __name__ == '__main__':
    main()
