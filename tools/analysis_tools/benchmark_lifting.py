"""Speed of the lifting models, each as a ratio to a plain implementation measured in the same run.

Times are medians of several, taken in turns; on one thread of a CPU they are those of the processor, so that a machine
that is busy with others slows both sides alike. Weights are random.
"""
import argparse
import itertools
import os
import os.path as osp
import sys
import time
from functools import partial

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

import numpy as np
import torch
from plain_lifting import PlainMixSTE, PlainSTCFormer, plain_scores
from torch.utils.flop_counter import FlopCounterMode

from mmegopose.evaluation.benchmarks.lifting_benchmark import score_lifting_sequence
from mmegopose.models.engines import ENGINES, use_engine
from mmegopose.models.layers import Linear
from mmegopose.models.weights.mixste import mixste_from_official
from mmegopose.models.weights.stcformer import stcformer_from_official
from mmegopose.registry import MODELS

DTYPES = dict(bf16=torch.bfloat16, fp16=torch.float16, fp32=torch.float32)
MATMULS = ('mm', 'addmm', 'bmm', 'baddbmm', 'linear', 'scaled_dot_product', 'convolution', 'conv_depthwise')


class Pair:
    """A model of the package, ``ours``, and the plain one with the same weights; both ``(B,T,17,2) -> (B,T,17,3)``.

    Args:
        name: ``'mixste'``, ``'stcformer'`` or ``'stcformer_l'``.
        frames: window T.
        args: device and engine, see the command line.
        size: further arguments of both networks, e.g. ``embed_dim`` and ``depth`` of a small one.
    """

    def __init__(self, name: str, frames: int, args, **size):
        torch.manual_seed(0)
        self.name, self.frames = f'{name} T={frames}', frames
        dim = size.pop('embed_dim', 256 if name == 'stcformer' else 512)
        if name == 'mixste':
            neck = dict(type='MixSTE', embed_dim=dim, num_frames=frames, drop_path_rate=0.0, **size)
            embed, head, self.convert = {}, dict(norm=True), mixste_from_official
            self.plain = PlainMixSTE(frames, dim, **size)
        else:
            neck = dict(type='STC', embed_dim=dim, drop_rate=0.0, part_drop_rate=0.0, **size)
            embed, head, self.convert = dict(bias=False, act='gelu'), dict(bias=False), stcformer_from_official
            self.plain = PlainSTCFormer(dim, **size)
        self.model = MODELS.build(dict(
            type='PoseEstimator', backbone=dict(type='JointEmbed', in_dim=2, embed_dim=dim, **embed), neck=neck,
            head=dict(type='JointHead', embed_dim=dim, hidden_dims=(), per_joint=True, output='all', **head)))
        self.model.load_state_dict(self.convert(self.plain.state_dict()))
        for network in (self.plain, self.model):
            network.to(args.device).eval()
        use_engine(self.model, args.engine)
        self.keypoints = torch.randn(args.batch, frames, 17, 2, device=args.device)

    def ours(self, keypoints: torch.Tensor) -> torch.Tensor:
        run = self.model if self.model.training else self.model.predicted
        return run(dict(keypoints=keypoints))['joints']


def seconds(functions, repeats: int) -> list:
    """Median time of each function; the functions take turns."""
    alone = torch.get_num_threads() == 1 and not torch.cuda.is_available()
    clock = time.process_time if alone else time.perf_counter

    def run(function):
        start = clock()
        function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return clock() - start

    for function in functions:  # compile, allocate, pack
        run(function)
    rounds = [[run(function) for function in functions] for _ in range(repeats)]
    return [float(np.median(times)) for times in zip(*rounds)]


def report(what: str, value: float, unit: str, ratio: float, reference: str, note: str = '') -> None:
    print(f'{what:40} {value:10,.1f} {unit:9} {ratio:7.2f} x {reference:34} {note}', flush=True)


@torch.inference_mode()
def forward(pair: Pair, args) -> None:
    """Forward pass in fp32."""
    x = pair.keypoints
    error = (pair.ours(x) - pair.plain(x)).abs().max().item()
    assert error < 1e-4, f'{pair.name}: the outputs differ by {error:.1e}'
    ours, plain = seconds([lambda: pair.ours(x), lambda: pair.plain(x)], args.repeats)
    report(f'forward fp32, {pair.name}', ours * 1e3, 'ms', plain / ours, 'plain fp32', f'largest error {error:.0e}')


@torch.inference_mode()
def low_precision(pair: Pair, args) -> None:
    """Forward pass with low precision products."""
    x = pair.keypoints

    def low():
        with torch.autocast(args.device, DTYPES[args.dtype]):
            return pair.ours(x)

    full = pair.ours(x)
    error = ((low().float() - full).norm() / full.norm()).item()
    ours, *others = seconds([low, lambda: pair.ours(x), lambda: pair.plain(x)], args.repeats)
    for reference, other in zip(('ours fp32', 'plain fp32'), others):
        report(f'forward {args.dtype}, {pair.name}', ours * 1e3, 'ms', other / ours, reference,
               f'relative error {error:.2%}')


def tail_windows(keypoints: torch.Tensor, frames: int) -> tuple:
    """Windows ``(W,T,J,D)`` of a video ``(F,J,D)`` and their first frames; the last ends with the video."""
    starts = torch.arange(0, len(keypoints), frames).clamp(max=len(keypoints) - frames)
    return keypoints[starts[:, None] + torch.arange(frames)], starts


def centre_windows(keypoints: torch.Tensor, frames: int, centres: torch.Tensor) -> torch.Tensor:
    """Windows ``(W,T,J,D)`` around frames of a video ``(F,J,D)``, its ends repeated."""
    rows = centres[:, None] + torch.arange(frames) - frames // 2
    return keypoints[rows.clamp(0, len(keypoints) - 1)]


@torch.inference_mode()
def video(pair: Pair, args) -> None:
    """A whole video: windows that predict all of their frames against one window per frame."""
    length, frames = args.video_frames, pair.frames
    if frames > length:
        raise ValueError(f'--video-frames {length} is shorter than the window of {frames} frames')
    keypoints = torch.randn(length, 17, 2, device=args.device)
    joints = keypoints.new_empty(length, 17, 3)

    def whole():
        windows, starts = tail_windows(keypoints, frames)
        for start, part in zip(starts.split(args.batch), windows.split(args.batch)):
            for first, window in zip(start.tolist(), pair.ours(part)):
                joints[first:first + frames] = window

    def centres(network):
        return lambda: network(centre_windows(keypoints, frames, torch.arange(args.batch)))[:, frames // 2]

    ours, *others = seconds([whole, centres(pair.ours), centres(pair.plain)], args.repeats)
    for reference, other in zip(('ours, centre frames', 'plain, centre frames'), others):
        report(f'{length} frames of video, {pair.name}', length / ours, 'frames/s', length / ours * other / args.batch,
               reference, f'{args.batch / other:.2f} frames/s, extrapolated from {args.batch} of them')


def training(pair: Pair, args) -> None:
    """Training step: forward, mean joint error, backward, AdamW; low precision and fused against plain fp32."""
    target = pair.keypoints.sum(-1, keepdim=True) * torch.tensor([0.1, 0.2, 0.3], device=args.device)

    def trainer(network, call, low):
        optimizer = torch.optim.AdamW(network.train().parameters(), 2e-5, fused=low)

        def step():
            optimizer.zero_grad()
            with torch.autocast(args.device, DTYPES[args.dtype], enabled=low):
                joints = call(pair.keypoints)
            loss = (joints.float() - target).norm(dim=-1).mean()
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    steps = trainer(pair.model, pair.ours, True), trainer(pair.plain, pair.plain, False)
    losses = [[step() for _ in range(args.steps)] for step in steps]
    apart = max(abs(a - b) / b for a, b in zip(*losses))
    ours, plain = (peak_memory(step, network) for step, network in zip(steps, (pair.model, pair.plain)))
    report(f'memory {args.dtype}, {pair.name}', ours / 2 ** 20, 'MiB', plain / ours, 'plain fp32 (times less)',
           'at the peak' if args.device == 'cuda' else 'kept for the backward pass')
    ours, plain = seconds(steps, args.repeats)
    report(f'training {args.dtype}, {pair.name}', ours * 1e3, 'ms/step', plain / ours, 'plain fp32',
           f'loss {losses[1][0]:.3f} to {losses[1][-1]:.3f} in {args.steps} steps, apart by {apart:.2%} at most')


def peak_memory(step, network: torch.nn.Module) -> int:
    """Bytes at the peak of a training step beyond those held between steps; on a CPU those that the forward pass keeps
    for the backward pass, without the weights.
    """
    weights = {weight.untyped_storage().data_ptr(): weight.device for weight in network.parameters()}
    if any(device.type == 'cuda' for device in weights.values()):
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return torch.cuda.max_memory_allocated() - before
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    return sum(kept.values())


@torch.inference_mode()
def limits(pair: Pair, args) -> None:
    """Share of the time in products, and their rate against that of one large linear layer."""
    layers = [kind(2048, 2048).to(args.device) for kind in (Linear, torch.nn.Linear)]  # of either library on a CPU
    rows = torch.randn(4096, 2048, device=args.device)
    with FlopCounterMode(display=False) as counter:
        pair.plain(pair.keypoints)
    for dtype in ('fp32', args.dtype)[:1 if args.engine == 'onnx' else 2]:
        with torch.autocast(args.device, DTYPES[dtype], enabled=dtype != 'fp32'):
            *large, ours = seconds([*(partial(layer, rows) for layer in layers), lambda: pair.ours(pair.keypoints)],
                                   args.repeats)
            share = 'not known' if args.engine == 'onnx' else format(
                matmul_share(lambda: pair.ours(pair.keypoints), args.device), '.0%')
        speed, limit = counter.get_total_flops() / ours / 1e9, 2 * rows.numel() * 2048 / min(large) / 1e9
        report(f'products {dtype}, {pair.name}', speed, 'GFLOP/s', speed / limit, f'a layer of {limit:,.0f} GFLOP/s',
               f'time in products: {share}')


def scoring(args) -> None:
    """Six measures of a clip in float64 against the four that an evaluation loop of a paper computes, in float32."""
    random = torch.Generator().manual_seed(0)
    moves = torch.randn(args.score_frames, 17, 3, generator=random, dtype=torch.float64).cumsum(0) / 300
    gt = torch.randn(17, 3, generator=random, dtype=torch.float64) / 3 + moves
    pred = gt + torch.randn(gt.shape, generator=random, dtype=torch.float64) / 20
    pred, gt = pred - pred[:, :1], gt - gt[:, :1]
    visible, order = torch.ones(gt.shape[:2], dtype=torch.bool), torch.arange(len(gt))
    single = pred.float(), gt.float()
    values = score_lifting_sequence('clip', pred, gt, visible, order).values[:4]
    assert np.allclose(values, 1e3 * np.array(plain_scores(*single)), rtol=1e-4), 'the scores differ'
    ours, plain = seconds([lambda: score_lifting_sequence('clip', pred, gt, visible, order),
                           lambda: plain_scores(*single)], args.repeats)
    report(f'scores of {len(gt)} poses', ours * 1e3, 'ms', plain / ours, 'a plain loop of four measures')


def matmul_share(function, device: str) -> float:
    """Share of the run time in matrix products, attention and convolutions."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    if device == 'cuda':
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    function()
    with torch.profiler.profile(activities=activities) as profile:
        function()
    spent = {event.key: event.self_device_time_total if device == 'cuda' else event.self_cpu_time_total
             for event in profile.key_averages() if '::' in event.key}
    return sum(time for key, time in spent.items() if any(name in key for name in MATMULS)) / sum(spent.values())


PARTS = dict(forward=forward, low_precision=low_precision, video=video, training=training, limits=limits)


def parse_args(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('--parts', nargs='+', choices=[*PARTS, 'scoring'],
                        default=[*PARTS, 'scoring'])
    parser.add_argument('--models', nargs='+', choices=('mixste', 'stcformer', 'stcformer_l'),
                        default=['mixste', 'stcformer'])
    parser.add_argument('--frames', type=int, nargs='+', default=[243], help='windows T')
    parser.add_argument('--batch', type=int, default=1, help='windows per batch')
    parser.add_argument('--video-frames', type=int, default=1000)
    parser.add_argument('--score-frames', type=int, default=20000, help='poses of the clip that is scored')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--dtype', choices=('bf16', 'fp16'), default='bf16', help='of the low precision parts')
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--steps', type=int, default=5, help='training steps whose losses are compared')
    parser.add_argument('--engine', choices=ENGINES, default='torch', help='of the networks of the package')
    args = parser.parse_args(argv)
    if args.engine == 'onnx':
        args.parts = [part for part in args.parts if part not in ('low_precision', 'training')]  # fp32, no gradients
    return args


def main(argv=None) -> None:
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    device = torch.cuda.get_device_name() if args.device == 'cuda' else f'{args.threads} threads'
    print(f'{args.device} ({device}), torch {torch.__version__}, engine {args.engine}, '
          f'batch {args.batch}')
    if 'scoring' in args.parts:  # is the same for all models
        args.parts = [part for part in args.parts if part != 'scoring']
        scoring(args)
    for part, name, frames in itertools.product(args.parts, args.models, args.frames):
        PARTS[part](Pair(name, frames, args), args)


if __name__ == '__main__':
    main()
