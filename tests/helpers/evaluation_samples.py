"""Invented takes and the batched samples that a model would hand to the metrics."""
import numpy as np
import torch

from mmegopose.structures import get_skeleton

JOINTS = get_skeleton('coco17').num_joints


def random_take(rng, name, frame_ids, missing=0.2, error=0.1):
    """World poses, in metres, of a person who walks about; some joints are not visible."""
    n = len(frame_ids)
    walk = rng.normal(0, 0.02, (n, 1, 3)).cumsum(0)
    gt = rng.normal(0, 0.3, (1, JOINTS, 3)) + walk + rng.normal(0, 0.02, (n, JOINTS, 3))
    return dict(uid=f'uid-{name}', name=name, frame_ids=np.asarray(frame_ids, dtype=np.int64), gt=gt,
                pred=gt + rng.normal(0, error, gt.shape), visible=rng.random((n, JOINTS)) >= missing)


def dataset_meta(takes):
    keys = ('uid', 'name', 'frame_ids')
    return dict(dataset_name='test', skeleton='coco17', split='val',
                sequences=[dict({k: t[k] for k in keys}, root_dir=f'takes/{t["name"]}') for t in takes])


def random_transforms(rng, n):
    """``(n,4,4)`` rigid transforms."""
    T = np.tile(np.eye(4), (n, 1, 1))
    Q = np.linalg.qr(rng.normal(size=(n, 3, 3)))[0]
    T[:, :3, :3] = Q * np.sign(np.linalg.det(Q))[:, None, None]
    T[:, :3, 3] = rng.normal(size=(n, 3))
    return T


def to_target(T, points):
    """World points ``(n,J,3)`` in the target frames ``T (n,4,4)``."""
    return np.einsum('nji,nkj->nki', T[:, :3, :3], points - T[:, None, :3, 3])


def windows(rng, takes, length=7, answers=3, dtype=torch.float64):
    """Samples of one window each; a window answers for its last ``answers`` frames and pads at the start."""
    samples = []
    for index, take in enumerate(takes):
        n = len(take['frame_ids'])
        T = random_transforms(rng, n)
        gt = np.where(take['visible'][..., None], to_target(T, take['gt']), 0)
        pred = to_target(T, take['pred'])
        for end in range(answers, n + answers, answers):
            rows = np.arange(end - length, end)
            scored = (rows >= end - answers) & (rows < n)
            rows = rows.clip(0, n - 1)
            floats = dict(joints=gt[rows], pred_joints=pred[rows], T_world_target=T[rows])
            exact = dict(visible=take['visible'][rows], scored=scored, frame_ids=take['frame_ids'][rows])
            samples.append(dict({key: torch.tensor(value, dtype=dtype)[None] for key, value in floats.items()},
                                **{key: torch.tensor(value)[None] for key, value in exact.items()},
                                sequence=torch.tensor([index])))
    return samples


def batched(samples):
    """One sample of many windows."""
    return {key: torch.cat([s[key] for s in samples]) for key in samples[0]}


def run(metric, takes, samples):
    metric.dataset_meta = dataset_meta(takes)
    for sample in samples:
        metric.process(None, [sample])
    return metric.evaluate(len(samples))


def standard_takes(rng):
    """Three scenarios, a long and a short clip in each take, and two long clips 5 frames apart."""
    clips = np.r_[30:160:3, 162:290:3, 400:460:3, 600:740:3]
    return [random_take(rng, 'iiith_cooking_1', clips[:100]), random_take(rng, 'cmu_soccer_2', clips),
            random_take(rng, 'unc_dance_3', clips[20:])]
