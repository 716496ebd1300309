"""Loading of lifting windows: start-up, memory, and windows per second as a ratio to a loader of one dict per window.

The plain loader is what lifting code bases do: a list of windows, each cut, padded and mirrored on its own and collated
by PyTorch. Both deliver the same fields. The clips are random numbers, as many as in Human3.6M or fewer.
"""
import argparse
import os
import os.path as osp
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from mmegopose.datasets import LiftingDataset, SequenceStore, batch_collate
from mmegopose.structures import get_skeleton

CLIP_FRAMES = 2000


class DictPerWindow(Dataset):
    """The windows of a :class:`LiftingDataset`, each as a dict made on its own."""

    def __init__(self, dataset: LiftingDataset):
        store, windows = dataset.store, dataset.windows
        bounds = list(zip(store.offsets, store.offsets[1:]))
        self.clips = [(store.frames['keypoints'][a:b], store.frames['joints'][a:b]) for a, b in bounds]
        self.windows = [(int(sequence), int(windows.first[window]), bool(mirrored))
                        for sequence, window, mirrored in zip(windows.sequence, windows.window, windows.mirrored)]
        self.length, self.flip = windows.num_frames, list(get_skeleton(dataset.skeleton).flip)

    def __len__(self):
        return len(self.windows)

    def __getitem__(self, index):
        clip, first, mirrored = self.windows[index]
        keypoints, joints = self.clips[clip]
        rows = np.arange(first, first + self.length)
        inside = slice(max(first, 0), min(first + self.length, len(joints)))
        pad = (max(-first, 0), max(first + self.length - len(joints), 0))
        keypoints, joints = (np.pad(a[inside], (pad, (0, 0), (0, 0)), 'edge') for a in (keypoints, joints))
        if mirrored:
            keypoints, joints = keypoints[:, self.flip].copy(), joints[:, self.flip].copy()
            keypoints[..., 0] *= -1
            joints[..., 0] *= -1
        return dict(keypoints=keypoints, joints=joints, visible=np.ones(joints.shape[:2], bool),
                    frame_ids=rows.clip(0, len(self.clips[clip][1]) - 1), slots=np.full(self.length, -1),
                    scored=np.ones(self.length, bool), sequence=clip)


def write_store(folder: Path, num_frames: int) -> int:
    """Random clips on disk, as the readers cache them; returns the bytes of their arrays."""
    rng = np.random.default_rng(0)
    frames = {key: rng.standard_normal((num_frames, 17, dim), np.float32) for key, dim in
              dict(keypoints=2, joints=3).items()}
    frames['keypoints'].clip(-1, 1, out=frames['keypoints'])
    offsets = np.unique([*range(0, num_frames, CLIP_FRAMES), num_frames])
    SequenceStore(offsets, frames, [dict(uid=str(i), name=str(i)) for i in range(len(offsets) - 1)],
                  info=dict(dataset_name='random', split='train', skeleton='h36m17')).save(folder)
    return sum(array.nbytes for array in frames.values())


def resident() -> int:
    """Resident bytes of this process (Linux)."""
    line = next(line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith('VmRSS'))
    return int(line.split()[1]) * 1024


def loaders(dataset: LiftingDataset, batch_size: int, workers: int) -> list:
    """Ours and the plain one, in the same shuffled order."""
    common = dict(batch_size=batch_size, num_workers=workers, persistent_workers=workers > 0)
    order = np.random.default_rng(0).permutation(len(dataset)).tolist()
    return [DataLoader(dataset, sampler=order, collate_fn=batch_collate, **common),
            DataLoader(DictPerWindow(dataset), sampler=order, **common)]


def rate(loader: DataLoader, size: int) -> float:
    """Windows per second over an epoch, after the workers have started."""
    iterator = iter(loader)
    next(iterator)
    start = time.perf_counter()
    batches = sum(1 for _ in iterator)
    return batches * loader.batch_size / (time.perf_counter() - start) if batches else float(size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--frames', type=int, default=1_559_752, help='frames of all clips (Human3.6M, training)')
    parser.add_argument('--num-frames', type=int, default=243, help='window T')
    parser.add_argument('--batch-size', type=int, default=4, help='MixSTE at T=243 trains with 4')
    parser.add_argument('--repeats', type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        size = write_store(Path(folder) / 'store', args.frames)
        before, start = resident(), time.perf_counter()
        dataset = LiftingDataset(SequenceStore.load(Path(folder) / 'store'), protocol='mixste',
                                 num_frames=args.num_frames, mirror=True)
        print(f'{args.frames:,} frames, {size / 2 ** 20:.0f} MiB, {len(dataset):,} windows of T={args.num_frames}')
        print(f'start-up {time.perf_counter() - start:.3f} s')
        for batch in range(0, len(dataset), 256):
            dataset.__getitems__(range(batch, min(batch + 256, len(dataset))))
        print(f'resident memory after an epoch: {(resident() - before) / size:.2f}x the arrays')
        for workers in (0, 2):
            rates = [[rate(loader, len(dataset)) for loader in loaders(dataset, args.batch_size, workers)]
                     for _ in range(args.repeats)]
            ours, plain = np.max(rates, axis=0)
            print(f'{workers} workers: {ours:,.0f} windows/s, {ours / plain:.1f}x a dict per window')


if __name__ == '__main__':
    main()
