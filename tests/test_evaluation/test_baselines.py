import numpy as np
import torch
from helpers.egoexo_fixture import STRIDED, build, pipeline

from mmegopose.evaluation.baselines import Ridge, evaluate_head_pose_baselines
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
