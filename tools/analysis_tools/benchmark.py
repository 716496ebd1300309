"""Speed of loading, evaluation and training, each as a ratio to a plain implementation measured in the same run."""
import argparse
import os
import os.path as osp
import shutil
import sys
import tempfile
import time

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

import copy

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from mmegopose.datasets import EndlessSampler, batch_collate
from mmegopose.engine.config import load_config
from mmegopose.evaluation.benchmarks.egoexo4d_body_benchmark import score_sequence
from mmegopose.geometry.alignment import similarity_align
from mmegopose.geometry.trajectory import HEAD_AXES
from mmegopose.registry import DATASETS, MODELS
from mmegopose.structures import PoseDataSample

CONFIGS = osp.join(osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))), 'configs')


class PlainDataset(Dataset):
    """One dict per window with its own copies, transformed sample by sample: the usual way of pose frameworks."""

    def __init__(self, dataset):
        store, self.windows = dataset.store, []
        peak = dataset.pipeline.transforms[0].head_peak
        for end, sequence in zip(dataset.windows.ends, dataset.windows.sequence):
            rows = np.maximum(end - 3 * np.arange(19, -1, -1), store.offsets[sequence])
            label = store.frames['label'][end]
            self.windows.append(dict(
                head_pose=np.array(store.frames['head_pose'][rows]),
                head_peak=np.array(peak[rows]),
                time=(store.frames['frame'][rows] - store.frames['frame'][end]) / 30.0,
                joints=np.array(store.tables['joints'][label]), visible=store.tables['views'][label] > 0,
                frame_id=int(store.frames['frame'][end]), sequence=int(sequence)))

    def __len__(self):
        return len(self.windows)

    def __getitem__(self, index):
        from scipy.spatial.transform import Rotation
        window = copy.deepcopy(self.windows[index % len(self.windows)])
        pose = window['head_pose']
        axes = np.array(HEAD_AXES['aria'])
        head = pose[-1, :3, :3] @ axes
        c, s = np.array([head[1, 1], -head[0, 1]]) / np.hypot(head[1, 1], head[0, 1])
        target = np.eye(4)
        target[:3, :3] = [[c, -s, 0], [s, c, 0], [0, 0, 1]]
        target[:3, 3] = pose[-1, :3, 3]
        local = np.linalg.inv(target) @ pose
        rotation = local[:, :3, :3] @ axes
        step = np.diff(window['time'])
        rate = np.divide(1, step, out=np.zeros_like(step), where=step > 0)[:, None]
        turn = Rotation.from_matrix(rotation[1:] @ rotation[:-1].transpose(0, 2, 1)).as_rotvec() * rate
        velocity = np.diff(local[:, :3, 3], axis=0) * rate
        zero = np.zeros((1, 3))
        features = np.concatenate([
            local[:, :3, 3], rotation[:, :, :2].transpose(0, 2, 1).reshape(-1, 6), np.concatenate([zero, velocity]),
            np.concatenate([zero, turn]), (pose[:, 2, 3] - window['head_peak'])[:, None]], 1)
        sample = PoseDataSample()
        inverse = np.linalg.inv(target)
        sample.joints = torch.from_numpy((window['joints'] @ inverse[:3, :3].T + inverse[:3, 3])[None]).float()
        sample.visible = torch.from_numpy(window['visible'][None])
        sample.T_world_target = torch.from_numpy(target[None])
        sample.frame_ids = torch.tensor([window['frame_id']])
        sample.sequence = torch.tensor(window['sequence'])
        return dict(inputs=dict(head_pose=torch.from_numpy(features).float()), data_samples=sample)


def plain_collate(items):
    """Stack the inputs and the fields of the samples of a batch."""
    sample = PoseDataSample()
    for key, _ in items[0]['data_samples'].items():
        sample.set_field(torch.stack([item['data_samples'].get(key) for item in items]), key)
    return dict(inputs=dict(head_pose=torch.stack([item['inputs']['head_pose'] for item in items])),
                data_samples=sample)


def best(function, repeats=3):
    """Shortest of several run times, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def report(what, value, unit, ratio=None, reference=''):
    print(f'{what:58} {value:12,.1f} {unit:10}' + (f' {ratio:8.1f} x {reference}' if ratio else ''))


def drain(loader, batches):
    for _, _ in zip(range(batches), loader):
        pass


def loading(config):
    dataset = DATASETS.build(dict(config.train_dataloader.dataset, pipeline=config.target, windows=config.windows))
    plain = PlainDataset(dataset)
    a, b = (d[3] for d in (dataset, plain))
    torch.testing.assert_close(a['inputs']['head_pose'][0], b['inputs']['head_pose'], atol=1e-5, rtol=0)
    torch.testing.assert_close(a['data_samples'].joints[0], b['data_samples'].joints, atol=1e-5, rtol=0)
    for workers in (0, 2):
        speed = {}
        for data, collate in ((dataset, batch_collate), (plain, plain_collate)):
            loader = DataLoader(data, 64, sampler=EndlessSampler(data, seed=0), collate_fn=collate, num_workers=workers)
            batches = 60
            iterator = iter(loader)
            drain(iterator, 10)
            speed[collate] = batches * 64 / best(lambda it=iterator, n=batches: drain(it, n))
        report(f'loading, {workers} workers', speed[batch_collate], 'windows/s',
               speed[batch_collate] / speed[plain_collate], 'a dict per window')


def start_up(config):
    dataset = dict(config.train_dataloader.dataset)
    folder = tempfile.mkdtemp()
    try:
        parse = best(lambda: DATASETS.build(dict(dataset, cache_dir=tempfile.mkdtemp(dir=folder))), 2)
        DATASETS.build(dict(dataset, cache_dir=folder))
        cached = best(lambda: DATASETS.build(dict(dataset, cache_dir=folder)))
    finally:
        shutil.rmtree(folder)
    report('start from cache', cached * 1e3, 'ms', parse / cached, 'parsing the JSON')


def training(names):
    for name in names:
        config = load_config(osp.join(CONFIGS, name))
        dataset = DATASETS.build(config.train_dataloader.dataset)
        model = MODELS.build(config.model).train()
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
        batch = dataset.__getitems__(range(64))

        def step(model=model, optimizer=optimizer, batch=batch):
            optimizer.zero_grad()
            sum(model(**batch, mode='loss').values()).backward()
            optimizer.step()

        load, train = best(lambda d=dataset: d.__getitems__(range(64))), best(step, 2)
        report(f'training step of {name}, batch 64', train * 1e3, 'ms')
        print(f'  a batch takes {load * 1e3:.1f} ms, {load / train:.1%} of the step')


def evaluation():
    takes, frames = 250, 4000
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(frames, 17, 3, generator=generator, dtype=torch.float64)
    pred = truth + 0.1 * torch.randn(frames, 17, 3, generator=generator, dtype=torch.float64)
    visible = torch.rand(frames, 17, generator=generator) > 0.2

    def score():
        for _ in range(takes):
            score_sequence('take', pred, truth, visible, 3 * torch.arange(frames), pa_mpjpe=True)

    report('all metrics of 1,000,000 poses', best(score, 1), 's')


def procrustes():
    generator = np.random.default_rng(0)
    pred, truth = generator.normal(size=(2, 20000, 17, 3))

    def loop():
        for a, b in zip(pred, truth):
            a0, b0 = a - a.mean(0), b - b.mean(0)
            u, s, vt = np.linalg.svd(a0.T @ b0)
            sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
            rotation = (u * sign) @ vt
            (s * sign).sum() / (a0 ** 2).sum() * a0 @ rotation + b.mean(0)

    a, b = torch.from_numpy(pred), torch.from_numpy(truth)
    batched, slow = best(lambda: similarity_align(a, b)), best(loop, 2)
    report('Procrustes', len(pred) / batched, 'poses/s', slow / batched, 'a loop over poses')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data-root', default='sample', help='Ego-Exo4D download, or the embedded sample')
    args = parser.parse_args()
    from mmengine.logging import MMLogger
    MMLogger.get_instance('benchmark', log_level='WARNING')
    config = load_config(osp.join(CONFIGS, 'levelwise_vit.py'), dict(data_root=args.data_root))
    print(f'{torch.get_num_threads()} threads')
    loading(config)
    start_up(config)
    training(['head_pose/levelwise_vit_coarse_only.py', 'levelwise_vit.py'])
    evaluation()
    procrustes()


if __name__ == '__main__':
    main()
