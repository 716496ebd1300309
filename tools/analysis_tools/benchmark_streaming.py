"""Milliseconds per push of a stream on one thread, next to the network alone and to the last window as a recording.

Times are those of the processor, minima over many pushes: what the machine can do when nothing else runs on it; the
medians tell how busy it was. The three are measured in turn, so that the ratios hold on a busy machine, too. Weights
are random: they do not matter for the time. It depends on the processor, on the time to read the weights (Level-wise:
184 MB per push) and on the matrix library of PyTorch.
"""
import argparse
import os
import os.path as osp
import sys
import tempfile
import time
from pathlib import Path

os.environ['OMP_NUM_THREADS'] = os.environ['MKL_NUM_THREADS'] = '1'
sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

import numpy as np
import torch

from mmegopose.engine.config import load_config
from mmegopose.inference import HeadPoseInferencer, LiftingInferencer
from mmegopose.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'
GOALS = {'head_pose/levelwise_vit_coarse_only.py': 8, 'levelwise_vit.py': 65, 'lifting/stcformer_27_sample.py': None}
IMAGE = (1280, 720)


def head_track(num_frames: int) -> np.ndarray:
    """Somebody who walks in a circle and nods, upright camera, 30 poses a second, ``(N,4,4)``."""
    t = np.arange(num_frames) / 30
    turn, nod = 0.5 * t, 0.2 * np.sin(2 * t)
    forward = np.stack([np.cos(turn) * np.cos(nod), np.sin(turn) * np.cos(nod), np.sin(nod)], 1)
    right = np.stack([np.sin(turn), -np.cos(turn), 0 * t], 1)
    poses = np.tile(np.eye(4), (num_frames, 1, 1))
    poses[:, :3, :3] = np.stack([right, np.cross(forward, right), forward], 2)
    poses[:, :3, 3] = np.stack([2 * np.sin(turn), -2 * np.cos(turn), 1.6 + 0.03 * np.sin(8 * t)], 1)
    return poses


def keypoints(num_frames: int) -> np.ndarray:
    """Somebody who moves across the image, ``(N,17,3)``."""
    rng = np.random.default_rng(0)
    points = rng.uniform(200, 500, (1, 17, 3)) + np.cumsum(rng.normal(0, 2, (num_frames, 17, 3)), 0)
    points[..., 2] = 1
    return points


def measure(config: str, repeats: int) -> dict:
    """Milliseconds ``{what: (R,)}`` of a config: a push, the network alone, the last window as a recording."""
    cfg = load_config(CONFIGS / config)
    lifting = config.startswith('lifting')
    with tempfile.TemporaryDirectory() as folder:
        torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), Path(folder) / 'model.pth')
        kind = LiftingInferencer if lifting else HeadPoseInferencer
        inferencer = kind(CONFIGS / config, Path(folder) / 'model.pth', device='cpu', progress=False)
    inputs = (keypoints if lifting else head_track)(100 + repeats)
    network = MODELS.build(cfg.model).eval()  # as it is, without the layout of a stream
    stream = inferencer.stream(IMAGE) if lifting else inferencer.stream()
    for value in inputs[:100]:  # until whole windows are seen
        stream.push(value)
    num_rows = stream.rows.num_rows
    batch = stream.rows.batch(0 if lifting else -1)

    def alone():
        with torch.inference_mode():
            network(batch['inputs'], batch['data_samples'].clone(), mode='predict')

    def window():
        options = dict(image_size=IMAGE) if lifting else dict(fps=30, check='off')
        inferencer(inputs[100 - num_rows:100], **options)

    runs = dict(push=lambda k: stream.push(inputs[100 + k]), network=lambda k: alone(), window=lambda k: window())
    times: dict = {name: [] for name in runs}
    for k in range(repeats):
        for name, run in runs.items():
            if name == 'window' and k % 20:
                continue  # takes as long as all else
            begin = time.thread_time()
            run(k)
            times[name].append(1e3 * (time.thread_time() - begin))
    return {name: np.array(values) for name, values in times.items()}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--configs', nargs='+', choices=list(GOALS), default=list(GOALS))
    parser.add_argument('--repeats', type=int, default=200)
    args = parser.parse_args(argv)
    if args.repeats < 1:
        parser.error(f'--repeats {args.repeats} should be at least 1')
    torch.set_num_threads(1)
    print(f'PyTorch {torch.__version__}, one thread, {torch.backends.cpu.get_cpu_capability()}, minimum (median) of '
          f'{args.repeats}, ms')
    print(f'{"config":42}{"push":>15}{"network":>15}{"last window":>17}{"push/network":>14}{"goal":>6}')
    for config in args.configs:
        times = measure(config, args.repeats)
        cells = {name: f'{values.min():.1f} ({np.median(values):.1f})' for name, values in times.items()}
        ratio = times['push'].min() / times['network'].min()
        print(f'{config:42}{cells["push"]:>15}{cells["network"]:>15}{cells["window"]:>17}{ratio:>14.2f}'
              f'{GOALS[config] or "-":>6}', flush=True)


if __name__ == '__main__':
    main()
