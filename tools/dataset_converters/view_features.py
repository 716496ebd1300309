"""Write features of egocentric video or pictures, which FrameFeatures reads, so that no training decodes them again.

    python tools/dataset_converters/view_features.py configs/ego_body/body_view.py iter_2000.pth --split train val \\
        --out features/view --cfg-options data_root=data/egoexo4d

The pictures are those of the FrameViews in the pipeline of the config, the network is the encoder of its FrameEmbed,
with the weights of the checkpoint or else of its init_cfg. Each sequence gets one file, NAME.npz, with the numbers of
its frames and features in 16 bits. How large they will be is told before anything is written; what is there already
stays. In the config then: dict(type='FrameFeatures', files='.../{name}.npz', dim=DIM), and
TrajectoryEmbed(stream='view_features', in_dim=DIM).
"""
import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout runs its own package

import numpy as np
import torch

from mmegopose.datasets.transforms import FrameViews
from mmegopose.engine.config import load_config, user_errors
from mmegopose.engine.options import Options
from mmegopose.files import BadFile, require_writable
from mmegopose.inference.loading import device_of, load_model
from mmegopose.models.view_features import feature_dim, grid_features, image_encoder
from mmegopose.npz import read_arrays, write_arrays
from mmegopose.registry import DATASETS, MODELS


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint', nargs='?')
    parser.add_argument('--out', required=True, type=Path, help='folder of the files')
    parser.add_argument('--split', nargs='+', default=['train', 'val'])
    parser.add_argument('--grid', type=int, default=1, help='cells along each side of a picture; default: %(default)s')
    parser.add_argument('--every', type=int, default=1, help='frames from one to the next; default: %(default)s')
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--device', help='default: a GPU if there is one')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    return parser.parse_args()


@torch.no_grad()
def write_features(embed, views: FrameViews, store, args) -> None:
    """A file for each sequence of the store that has pictures."""
    dim = feature_dim(embed, args.grid)
    jobs = [(index, args.out / f'{sequence["name"]}.npz') for index, sequence in enumerate(store.sequences)
            if views.paths[index] is not None]
    todo = [(index, path) for index, path in jobs if not is_done(path, dim)]
    frames = {index: store.frame_ids(rows := np.arange(*store.offsets[index:index + 2]), np.full(len(rows), index))
              [::args.every] for index, _ in todo}
    size = sum(len(numbers) for numbers in frames.values()) * 2 * dim
    args.out.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(args.out).free
    print(f'{store.title}: {len(todo)} of {len(jobs)} sequences with pictures to do, {dim} numbers a frame: at most '
          f'{size / 1e6:.1f} MB in {args.out}, where {free / 1e9:.1f} GB are free', flush=True)
    if size > free:
        raise ValueError(f'{args.out} has {free / 1e9:.1f} GB free, and the features take {size / 1e9:.1f} GB: name '
                         'another folder, or take fewer: --every 3, a smaller --grid')
    for count, (index, path) in enumerate(todo, 1):
        numbers, features = [], []
        for batch in np.array_split(frames[index], -(-len(frames[index]) // args.batch_size)):
            images, there = views.pictures(index, batch)
            if there.any():
                features.append(grid_features(embed, images[there].to(args.device), args.grid).half().cpu().numpy())
                numbers.append(batch[there.numpy()])
        if numbers:
            write_arrays(path, dict(frame=np.concatenate(numbers), features=np.concatenate(features)))
        print(f'{count}/{len(todo)} {path.stem}: {sum(map(len, numbers))} of {len(frames[index])} frames', flush=True)


def is_done(path: Path, dim: int) -> bool:
    """Whether there are such features; a file that is damaged is made anew. ``ValueError``: they have another size."""
    try:
        found = read_arrays(path, ['features'])['features'].shape[-1]
    except FileNotFoundError:
        return False
    except (BadFile, KeyError, IndexError) as error:
        print(f'{path} is made anew: {error}', flush=True)
        return False
    if found != dim:
        raise ValueError(f'{path} holds features of {found} numbers, not {dim}: name another folder, or remove it')
    return True


def main():
    args = parse_args()
    with user_errors():
        if min(args.grid, args.every, args.batch_size) < 1:
            raise ValueError(f'--grid {args.grid}, --every {args.every} and --batch-size {args.batch_size} should be '
                             'at least 1')
        require_writable(args.out)
        if args.out.exists() and not args.out.is_dir():
            raise NotADirectoryError(f'--out {args.out} is a file: name a folder')
        device = args.device = device_of(args.device)
        cfg = load_config(args.config, Options.of(args.cfg_options))
        model = load_model(cfg, args.checkpoint, device) if args.checkpoint else MODELS.build(cfg.model).to(device)
        embed = image_encoder(model.eval())
        if args.grid > min(embed.images.grid):
            raise ValueError(f'--grid {args.grid}: the encoder tells {min(embed.images.grid)} places on each side')
        if not args.checkpoint:
            model.init_weights()  # after all that can be wrong, for it tells much
        for split in args.split:
            data = DATASETS.build(dict(cfg.val_dataloader.dataset, split=split))
            views = next((step for step in data.pipeline.transforms if isinstance(step, FrameViews)), None)
            if views is None:
                raise ValueError(f'{args.config}: the pipeline of val_dataloader has no FrameViews, which would read '
                                 'pictures')
            write_features(embed, views, data.store, args)


if __name__ == '__main__':
    main()
