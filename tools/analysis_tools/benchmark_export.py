"""Milliseconds per frame of exported models on one core: ONNX Runtime next to PyTorch.

A call of ONNX Runtime has everything in it: the newest pose and the state go in, joints in the world come out. The same
in PyTorch is a push of the stream; for other models it is the exported module, with one window or crop. Times are those
of the processor, measured in turn, so that the ratios hold on a busy machine, too: the minimum, and in brackets the
median. Weights are random: they do not matter for the time.
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
import onnxruntime
import torch

from mmegopose.engine.config import load_config
from mmegopose.export import OnnxModel, export_model, ported
from mmegopose.export.example_tracks import walking_heads
from mmegopose.inference import load_inferencer
from mmegopose.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'
GOALS = {'head_pose/levelwise_vit_coarse_only.py': 4, 'levelwise_vit.py': 40, 'lifting/stcformer_27_sample.py': None,
         'mesh/extpose-tiny_synthetic-hand.py': None}


def measure(config: str, repeats: int) -> tuple[dict, float, float]:
    """Milliseconds ``{what: (R,)}`` of a config, the difference to the inferencer in metres, and megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / 'model.pth'
        torch.save(dict(state_dict=MODELS.build(load_config(CONFIGS / config).model).state_dict()), weights)
        inferencer = load_inferencer(CONFIGS / config, weights, device='cpu', progress=False)
        module = ported(inferencer)
        exported = export_model(module, Path(folder) / 'model.onnx')
        onnx, size = OnnxModel(exported.files[0], 1), exported.files[0].stat().st_size / 1e6
    inputs = {name: value.numpy() for name, value in zip(module.ports_in, module.example(1))}
    runs = dict(onnx=lambda pose: onnx(inputs), module=lambda pose: module(*map(torch.from_numpy, inputs.values())))
    poses = walking_heads(1, 80 + repeats)[0]
    if module.state:
        live = inferencer.stream()
        state = module.zeros(1)

        def step(pose):
            outputs = onnx(dict(state, T_world_camera=pose[None].astype(np.float32)))
            state.update({name: outputs[after] for name, after in module.state.items()})

        runs = dict(onnx=step, module=lambda pose: live.push(pose))
        for pose in poses[:80]:  # until whole windows are seen
            step(pose)
            live.push(pose)
    times: dict = {name: [] for name in runs}
    with torch.inference_mode():
        for pose in poses[80:]:
            for name, run in runs.items():
                begin = time.thread_time()
                run(pose)
                times[name].append(1e3 * (time.thread_time() - begin))
    return {name: np.array(values) for name, values in times.items()}, exported.difference, size


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--configs', nargs='+', choices=list(GOALS), default=list(GOALS))
    parser.add_argument('--repeats', type=int, default=200)
    args = parser.parse_args(argv)
    if args.repeats < 1:
        parser.error(f'--repeats {args.repeats} should be at least 1')
    torch.set_num_threads(1)
    print(f'ONNX Runtime {onnxruntime.__version__}, PyTorch {torch.__version__}, one thread, '
          f'{torch.backends.cpu.get_cpu_capability()}, minimum (median) of {args.repeats}, ms')
    print(f'{"config":42}{"ONNX Runtime":>16}{"PyTorch":>16}{"goal":>6}{"difference, m":>15}{"MB":>8}')
    for config in args.configs:
        times, difference, size = measure(config, args.repeats)
        cells = {name: f'{values.min():.1f} ({np.median(values):.1f})' for name, values in times.items()}
        print(f'{config:42}{cells["onnx"]:>16}{cells["module"]:>16}{GOALS[config] or "-":>6}{difference:>15.1g}'
              f'{size:>8.1f}', flush=True)


if __name__ == '__main__':
    main()
