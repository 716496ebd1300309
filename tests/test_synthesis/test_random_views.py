import numpy as np
import pytest
import torch

from mmegopose.datasets.random import KeyedRandom
from mmegopose.structures import convert_joints, get_skeleton
from mmegopose.synthesis import RandomViewDataset
from mmegopose.synthesis.lifting.detector import detect
from mmegopose.synthesis.lifting.detector_errors import DetectorErrors, _bursts, _drift

H36M = get_skeleton('h36m17')
KEYS = np.arange(0, 120, 5)


def views(**options):
    options = dict(errors=False, num_frames=9, view=dict(coco=0.0)) | options
    data = RandomViewDataset('sample', 'train', **options)
    return data, data.__getitems__(KEYS % len(data))


def distances(points):
    return torch.cdist(points.double(), points.double())


def test_a_view_turns_and_mirrors_and_scales_the_body_and_nothing_else():
    data, batch = views(view=dict(coco=0.0, mirror=0.5, body_scale=(0.8, 1.2)))
    rows = data.windows.rows(KEYS % len(data), None).rows
    world = torch.from_numpy(data.store.frames['world_joints'][rows])  # (B,T,J,3)
    joints, flip = batch['data_samples'].joints, list(H36M.flip)
    kept = [torch.allclose(distances(joints[i]) / distances(world[i]).clamp(min=1e-9),
                           (distances(joints[i]).sum() / distances(world[i]).sum()).expand(9, 17, 17)
                           * (distances(world[i]) > 0), atol=1e-4) for i in range(len(KEYS))]
    mirrored = [torch.allclose(distances(joints[i][:, flip]) / distances(world[i]).clamp(min=1e-9),
                               (distances(joints[i]).sum() / distances(world[i]).sum()).expand(9, 17, 17)
                               * (distances(world[i]) > 0), atol=1e-4) for i in range(len(KEYS))]
    assert all(a != b for a, b in zip(kept, mirrored)) and 4 < sum(mirrored) < len(KEYS) - 4
    factor = torch.stack([distances(j).sum() / distances(w).sum() for j, w in zip(joints, world)])
    assert 0.8 <= factor.min() < 0.9 and 1.1 < factor.max() <= 1.2


def test_keypoints_are_the_projection_of_the_joints_by_one_pinhole_per_window():
    """With u (z + c) = f x + a and v (z + c) = f y + b the pinhole is linear in (c, f, a, b): it is fitted exactly."""
    _, batch = views()
    joints, keypoints = batch['data_samples'].joints.double().numpy(), batch['inputs']['keypoints'].double().numpy()
    for window in zip(joints, keypoints, batch['inputs']['detected'].numpy()):
        focal = []
        for body, seen, there in (frame for frame in zip(*window) if frame[2].sum() > 12):
            (x, y, z), (u, v) = body[there].T, seen[there][:, :2].T
            one, zero = np.ones_like(x), np.zeros_like(x)
            left = np.concatenate([np.stack([u, -x, -one, zero], 1), np.stack([v, -y, zero, -one], 1)])
            solved, *_ = np.linalg.lstsq(left, -np.concatenate([u * z, v * z]), rcond=None)
            assert np.abs(left @ solved + np.concatenate([u * z, v * z])).max() < 1e-6
            focal.append(solved[1])
        assert np.min(focal) > 2 * 0.6 - 0.01 and np.max(focal) < min(1.01 * np.min(focal), 2 * 2.2 + 0.01)


def test_joints_outside_of_the_image_are_not_detected():
    _, batch = views(view=dict(height=(1.5, 2.0)))
    there, points = batch['inputs']['detected'], batch['inputs']['keypoints']
    assert 0.1 < there.float().mean() < 0.9
    assert points[there][:, 0].abs().max() <= 1 and points[there][:, 1].abs().max() <= 16 / 9
    assert (points[~there] == 0).all()


def test_keypoints_of_coco_become_those_of_the_model_as_a_detector_s_do():
    data, plain = views(view=dict(coco=0.0, mirror=0.0, body_scale=(1, 1)))
    _, other = views(view=dict(coco=1.0, mirror=0.0, body_scale=(1, 1)))
    rows = data.windows.rows(KEYS % len(data), None).rows
    frames = data.store.frames
    coco = convert_joints(frames['coco_joints'][rows], 'coco17', 'h36m17')
    both = plain['inputs']['detected'] & other['inputs']['detected']
    same = torch.from_numpy(np.abs(coco - frames['world_joints'][rows]).max(-1) < 1e-6)
    assert (same & both).any() and (~same & both).any()
    apart = (plain['inputs']['keypoints'] - other['inputs']['keypoints'])[..., :2].norm(dim=-1)
    assert apart[same & both].max() < 1e-4 and apart[~same & both].min() > 1e-5
    torch.testing.assert_close(plain['data_samples'].joints, other['data_samples'].joints)


@pytest.mark.parametrize('errors', [False, None])
def test_a_window_is_a_function_of_seed_and_key(errors):
    data = RandomViewDataset('sample', 'train', num_frames=9, errors=errors)
    batch, alone = data.__getitems__([3, 8, 5]), data.__getitems__([8])
    for name, stream in batch['inputs'].items():
        torch.testing.assert_close(stream[1:2], alone['inputs'][name], atol=0, rtol=0)
    other = RandomViewDataset('sample', 'train', num_frames=9, errors=errors, seed=1).__getitems__([8])
    assert (other['inputs']['keypoints'] != alone['inputs']['keypoints']).any()


def errors_of(num_frames=200, count=60, **options):
    points = torch.rand(count, 1, 17, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    keypoints = torch.nn.functional.pad(points.expand(-1, num_frames, -1, -1), (0, 1), value=1.0)
    batch = dict(keypoints=keypoints, detected=torch.ones(count, num_frames, 17, dtype=torch.bool), skeleton='h36m17',
                 random=KeyedRandom(range(count)))
    return keypoints, DetectorErrors(**options)(batch)


def test_errors_are_as_large_as_those_of_the_model_of_a_detector():
    keypoints, batch = errors_of(size=(1, 1), place=0.0, limbs=0.0, frames=0.0)
    rng = np.random.default_rng(0)
    expected = np.stack([detect(window[..., :2].numpy(), 30, 'h36m17', rng) for window in keypoints])

    def spread(found):
        error = np.linalg.norm(found[..., :2] - keypoints[..., :2].numpy(), axis=-1)
        return np.median(error), error.mean(), np.quantile(error, 0.99)

    np.testing.assert_allclose(spread(batch['keypoints'].numpy()), spread(expected), rtol=0.08)


def test_limbs_and_frames_go_for_a_while():
    _, batch = errors_of(limbs=1.0, frames=0.0)
    gone = ~batch['detected']
    limbs = [H36M.index(name) for joints in H36M.limbs.values() for name in joints[1:]]
    trunk = [j for j in range(17) if not any(H36M.joints[j] in joints for joints in H36M.limbs.values())]
    assert gone[..., limbs].any() and not gone[..., trunk].any() and (batch['keypoints'][gone] == 0).all()
    length = gone.sum(1).sum() / (gone[:, 1:] & ~gone[:, :-1]).sum()
    assert 8 < length < 30  # frames of a stretch, about 0.6 s
    _, batch = errors_of(limbs=0.0, frames=1.0)
    gone = ~batch['detected']
    assert (gone.all(-1) == gone.any(-1)).all() and 0.02 < gone.float().mean() < 0.2


def test_noise_keeps_its_variance_and_its_correlation():
    noise = _drift(KeyedRandom(range(3000)), (40, 2), 0.2)
    torch.testing.assert_close(noise.var(0), torch.ones(40, 2, dtype=torch.float64), atol=0.12, rtol=0)
    assert (noise[:, :-6] * noise[:, 6:]).mean().item() == pytest.approx(np.exp(-1), abs=0.03)


def test_bursts_are_as_frequent_at_first_as_later():
    bursts = _bursts(KeyedRandom(range(4000)), (30, 1), 0.5, 0.2).float().mean(0)[:, 0]
    assert bursts[0].item() == pytest.approx(0.09, abs=0.02) and bursts.std() < 0.012
