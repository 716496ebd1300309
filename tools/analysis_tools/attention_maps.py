"""Draw what a trained model looks at, for some windows of its test data: a picture for each.

Of 2D keypoints (STC, MixSTE): between joints, on the skeleton and as a matrix, and between frames. Of pictures
(ExtPose): which patches of the picture a patch of the 2D pose looks at, and the other way round. Of head tracks:
between frames.
Weights are averaged over heads; of a layer, the last one unless --layer names another.

Examples:
    python tools/analysis_tools/attention_maps.py configs/lifting/stcformer_27_sample.py iter_800.pth --out attention
    python tools/analysis_tools/attention_maps.py configs/mesh/extpose-tiny_synthetic-hand.py iter_500.pth --layer 0
"""
import argparse
import os.path as osp
import sys
from pathlib import Path

sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

import numpy as np
import torch

from mmegopose.engine.config import load_config, user_errors
from mmegopose.files import atomic_path
from mmegopose.inference.loading import load_model
from mmegopose.models.backbones import ExtPose
from mmegopose.models.layers import record_attention
from mmegopose.registry import DATASETS
from mmegopose.structures import get_skeleton
from mmegopose.visualization import (
    denormalize_image,
    draw_frame_attention,
    draw_joint_attention,
    draw_patch_attention,
)


def layers_of(weights: dict, layer: int) -> list:
    """Names of the attention layers over tokens of one module list, ``blocks``: those of the block ``layer``."""
    numbered = [(name, int(number)) for name in weights for number in [name.split('blocks.')[-1].split('.')[0]]
                if 'blocks.' in name and number.isdigit()]
    if not numbered:
        raise ValueError(f'the model has no blocks to show, only {list(weights)}')
    count = max(number for _, number in numbered) + 1
    if not -count <= layer < count:
        raise ValueError(f'--layer {layer} should be one of {count} blocks, from 0 or, from the end, -1')
    return [name for name, number in numbered if number == layer % count]


def figure_of_keypoints(maps: list, inputs: dict, k: int, skeleton, title: str):
    """Joints and frames of window ``k``, from all maps of a block."""
    B, T, J = inputs['keypoints'].shape[:3]
    joints = next(one for one in maps if one.shape[0] == B * T and one.shape[-1] == J)
    frames = next((one for one in maps if one.shape[0] == B * J and one.shape[-1] == T), None)
    over_joints = joints.unflatten(0, (B, T))[k].mean((0, 1)).numpy()
    over_frames = None if frames is None else frames.unflatten(0, (B, J))[k].mean((0, 1)).numpy()
    points = inputs['keypoints'][k, T // 2, :, :2].float().cpu().numpy()
    return draw_joint_attention(over_joints, over_frames, points, skeleton, title=title)


def figure_of_pictures(weights, inputs: dict, k: int, backbone: ExtPose, title: str):
    """From a patch of the 2D pose to the picture and back, of the last frame of window ``k``."""
    B, T = inputs['image'].shape[:2]
    rows, columns = backbone.embed.grid
    N, M = rows * columns, len(backbone.streams)
    if backbone.modality != 'joint':
        raise ValueError("the streams of this model do not look at each other (modality='self')")
    alone = backbone.frames == 'none'
    own = weights[k * T + T - 1 if alone else k].mean(0).numpy()
    first = 0 if alone else (T - 1) * M
    images = {name: denormalize_image(inputs[name][k, -1].float().cpu().numpy()) for name in backbone.streams}
    height, width = next(iter(images.values())).shape[:2]
    pose = images[backbone.streams[-1]].astype(float).mean(-1)
    drawn = pose.reshape(rows, height // rows, columns, width // columns).mean((1, 3))
    place = int(drawn.argmax())
    box = (place % columns * width / columns, place // columns * height / rows, width / columns, height / rows)
    names = {'image': 'picture', 'pose_image': '2D pose'}
    panels = []
    for index, stream in list(enumerate(backbone.streams))[::-1]:
        row = own[(first + index) * N + place].reshape(-1, rows, columns)[first:first + M]
        panels.append((f'patch of the {names.get(stream, stream)}', images[stream], box, {
            names.get(name, name): (images[name], row[other]) for other, name in enumerate(backbone.streams)}))
    return draw_patch_attention(panels, title)


def main(argv=None) -> list:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--out', default='attention', help='folder of the pictures; default: attention')
    parser.add_argument('--layer', type=int, default=-1, help='block, from 0; default: -1, the last')
    parser.add_argument('--num-samples', type=int, default=3, help='windows, spread over the test data')
    args = parser.parse_args(argv)
    with user_errors():
        return draw_attention(args)


def draw_attention(args) -> list:
    """Write the pictures; returns their paths."""
    cfg = load_config(args.config)
    data = DATASETS.build(cfg.test_dataloader.dataset)
    model = load_model(cfg, args.checkpoint, 'cpu')
    model.flip = None  # one pass over each window
    keys = np.unique(np.linspace(0, len(data) - 1, max(args.num_samples, 1)).astype(int))
    batch = data.__getitems__(keys)
    with torch.inference_mode(), record_attention(model) as weights:
        model(**model.data_preprocessor(batch), mode='predict')
    chosen = layers_of(weights, args.layer)
    inputs, backbone = batch['inputs'], model.backbone
    written = []
    for k, key in enumerate(keys):
        block = 'last block' if args.layer == -1 else f'block {args.layer}'
        title = f'{Path(args.config).stem}, {block}, window {key}'
        if 'keypoints' in inputs:
            figure = figure_of_keypoints([one for name in chosen for one in weights[name]], inputs, k,
                                         get_skeleton(data.metainfo['skeleton']), title)
        elif isinstance(backbone, ExtPose):
            name = next(name for name in chosen if name.startswith('backbone'))
            figure = figure_of_pictures(weights[name][0], inputs, k, backbone, title)
        else:
            figure = draw_frame_attention({name: weights[name][0][k].mean(0).numpy() for name in chosen}, title)
        path = Path(args.out, f'window_{key}.png')
        with atomic_path(path) as unfinished:
            figure.savefig(unfinished, dpi=110)
        written.append(path)
        print(f'Wrote {path}')
    return written


if __name__ == '__main__':
    main()
