from types import SimpleNamespace

import numpy as np
import torch
from helpers.egoexo_fixture import STRIDED, build, pipeline
from helpers.lifting_fixture import lifting_store

from mmegopose.datasets import LiftingDataset
from mmegopose.evaluation.baselines import (
    Ridge,
    evaluate_head_pose_baselines,
    evaluate_lifting_baselines,
    lifting_rules,
)
from mmegopose.geometry.rigid import apply_rigid


def test_ridge_recovers_a_linear_map_from_visible_joints():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 6, generator=generator, dtype=torch.float64)
    truth = (x @ torch.randn(6, 9, generator=generator, dtype=torch.float64) + 2).unflatten(1, (3, 3))
    visible = torch.rand(400, 3, generator=generator) > 0.3
    seen = torch.where(visible[..., None], truth, torch.full_like(truth, 1e3))
    torch.testing.assert_close(Ridge(x, seen, visible, penalty=1e-9)(x), truth, atol=1e-6, rtol=0)
    assert Ridge(x, truth, visible, penalty=1e9)(x).abs().max() < 0.1


def test_ridge_is_least_squares_with_a_row_for_each_penalty():
    rng = np.random.default_rng(0)
    x, new = (rng.normal(5, 1, (n, 4)) * [1, 10, 0, 0.1] for n in (30, 7))  # the third tells nothing
    joints, visible = rng.normal(1, 1, (30, 3, 3)), rng.random((30, 3)) > 0.3
    visible[:, 2] = visible[:, 0]
    found = Ridge(*map(torch.from_numpy, (x, joints, visible)))(torch.from_numpy(new))
    design, asked = (np.c_[(rows - x.mean(0)) / (x.std(0, ddof=1) + 0.001), np.ones(len(rows))] for rows in (x, new))
    for j, rows in enumerate(visible.T):
        weights = np.linalg.lstsq(np.r_[design[rows], 10 * np.eye(5)], np.r_[joints[rows, j], np.zeros((5, 3))])[0]
        np.testing.assert_allclose(found[:, j], asked @ weights, rtol=1e-9)


def test_mean_poses_equal_a_slow_computation(egoexo):
    config = dict(type='EgoExo4DBodyDataset', data_root=str(egoexo), split='train', windows=STRIDED,
                  pipeline=pipeline())
    results = evaluate_head_pose_baselines(config, dict(config, split='val'),
                                           dict(type='BodyPoseMetric', clip_filter=False))
    train, val = build(egoexo), build(egoexo, 'val')

    def rows(dataset):
        for index in range(len(dataset)):
            sample = dataset[index]['data_samples']
            pose = sample.T_world_target[0, 0]
            yield pose, sample.joints[0, 0].double(), sample.visible[0, 0]

    observed = list(rows(train))
    mean = torch.stack([torch.stack([joints[j] for _, joints, visible in observed if visible[j]]).mean(0)
                        for j in range(17)])
    height = float(np.mean([pose[2, 3] for pose, _, _ in observed]))
    errors = dict(plain=[], head=[])
    for pose, joints, visible in rows(val):
        truth, hung = apply_rigid(pose, joints), apply_rigid(pose, mean)
        plain = hung.clone()
        plain[:, 2] += height - pose[2, 3]
        errors['plain'] += (plain - truth).norm(dim=-1)[visible].tolist()
        errors['head'] += (hung - truth).norm(dim=-1)[visible].tolist()
    np.testing.assert_allclose(results['mean pose']['body/MPJPE'], 100 * np.mean(errors['plain']), rtol=1e-6)
    at_head = results['mean pose at head height']['body/MPJPE']
    np.testing.assert_allclose(at_head, 100 * np.mean(errors['head']), rtol=1e-6)


class Windows:
    """Windows of 11 frames of 3 keypoints, and poses of 2 joints: a linear function of them."""

    def __init__(self, count=700, frames=11):
        generator = torch.Generator().manual_seed(0)
        self.keypoints = torch.randn(count, frames, 3, 2, generator=generator, dtype=torch.float64)
        self.map = torch.randn(6, 6, generator=generator, dtype=torch.float64)
        self.joints = (self.keypoints.flatten(2) @ self.map + 1).unflatten(2, (2, 3))

    def __len__(self):
        return len(self.keypoints)

    def __getitems__(self, rows):
        rows = list(rows)
        assert rows and len(rows) <= 512
        return dict(inputs=dict(keypoints=self.keypoints[rows]), data_samples=SimpleNamespace(joints=self.joints[rows]))


def test_rules_of_lifting_by_hand():
    data = Windows()
    rules, x = lifting_rules(data), data.keypoints[:5].flatten(2)
    assert list(rules) == ['mean pose', 'linear', 'constant velocity', 'linear over the window']
    torch.testing.assert_close(rules['mean pose'](x), data.joints.mean((0, 1)).expand(5, 11, 2, 3))
    ridge = Ridge(data.keypoints.flatten(0, 1).flatten(1), data.joints.flatten(0, 1), torch.ones(7700, 2).bool())
    linear = ridge(x.flatten(0, 1)).unflatten(0, (5, 11))
    torch.testing.assert_close(rules['linear'](x), linear)
    assert (linear - data.joints[:5]).abs().max() < 0.3  # but for the penalty
    window = Ridge(data.keypoints.flatten(1), data.joints.flatten(1, 2), torch.ones(700, 22).bool())
    torch.testing.assert_close(rules['linear over the window'](x), window(x.flatten(1)).unflatten(1, (11, 2)))
    smooth = rules['constant velocity'](x)
    for middle in (4, 5, 6):  # a line through the nine frames around has their mean in the middle
        torch.testing.assert_close(smooth[:, middle], linear[:, middle - 4:middle + 5].mean(1))
    for frames in (1, 2):  # too few for a line
        torch.testing.assert_close(rules['constant velocity'](x[:, :frames]), rules['linear'](x[:, :frames]))
    torch.testing.assert_close(rules['constant velocity'](x[:, :8])[:, 3], linear[:, :7].mean(1))


def test_the_mean_pose_of_training_is_scored_on_all_frames_by_every_metric():
    config = dict(type='LiftingDataset', protocol='mixste', num_frames=1)
    train, val = lifting_store((27, 18)), lifting_store((600, 9), seed=1)
    found = evaluate_lifting_baselines(dict(config, store=train, mirror=True), dict(config, store=val), [
        dict(type='LiftingMetric'), dict(type='LiftingMetric', prefix='zero', root='zero')])
    assert list(found) == ['mean pose', 'linear', 'constant velocity', 'linear over the window']
    mean, truth = (LiftingDataset(store, protocol='mixste', num_frames=1, **options) for store, options in (
        (train, dict(mirror=False)), (val, dict(test_mode=True))))
    mean, truth = (data.__getitems__(range(len(data)))['data_samples'].joints.double() for data in (mean, truth))
    assert truth.shape[:2] == (609, 1)
    errors = (mean.mean((0, 1)) - truth).norm(dim=-1)
    np.testing.assert_allclose(found['mean pose']['lifting/MPJPE_frames'], 1000 * errors.mean(), rtol=1e-5)
    errors[..., 0] = 0
    np.testing.assert_allclose(found['mean pose']['zero/MPJPE_frames'], 1000 * errors.mean(), rtol=1e-5)
    assert found['linear']['lifting/MPJPE'] == found['constant velocity']['lifting/MPJPE']  # of one frame
