import sys
from functools import partial

import numpy as np
import pytest
import torch
from helpers.evaluation_samples import random_transforms
from scipy.linalg import orthogonal_procrustes

from mmegopose.evaluation.functional.joint_errors import aligned_errors, scaled_errors
from mmegopose.geometry.alignment import root_align, similarity_align


def slow_align(source, target, mask, scale=True, rotation=True):
    """One pose at a time, with scipy; a reflection is undone along the weakest axis."""
    s_mean, t_mean = source[mask].mean(0), target[mask].mean(0)
    s, t = source[mask] - s_mean, target[mask] - t_mean
    R = np.eye(3)
    if rotation:
        R, _ = orthogonal_procrustes(s, t)
        if np.linalg.det(R) < 0:
            U, _, Vt = np.linalg.svd(s.T @ t)
            U[:, -1] *= -1
            R = U @ Vt
    a = np.trace((s @ R).T @ t) / (s ** 2).sum() if scale else 1
    return a * (source - s_mean) @ R + t_mean


def poses(seed, n=40):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n, 17, 3))
    T = random_transforms(rng, n)
    target = 1.7 * source @ T[:, :3, :3] + T[:, None, :3, 3] + rng.normal(0, 0.3, source.shape)
    target[::4, :, 0] *= -1
    mask = rng.random((n, 17)) > 0.3
    mask[:, :4] = True
    return source, target, mask


@pytest.mark.parametrize('scale', [True, False])
@pytest.mark.parametrize('rotation', [True, False])
@pytest.mark.parametrize('seed', [0, 1])
def test_matches_slow_reference(scale, rotation, seed):
    source, target, mask = poses(seed)
    expected = np.stack([slow_align(*p, scale, rotation) for p in zip(source, target, mask)])
    found = similarity_align(*map(torch.from_numpy, (source, target, mask)), scale=scale, rotation=rotation)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-10)
    single = similarity_align(*(torch.from_numpy(p).float() for p in (source, target)), torch.from_numpy(mask),
                              scale=scale, rotation=rotation)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), expected, atol=2e-5)


def test_recovers_a_similarity_but_not_a_reflection():
    source = torch.randn(8, 17, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    R = torch.from_numpy(random_transforms(np.random.default_rng(0), 8)[:, :3, :3])
    target = 0.4 * source @ R + 5
    torch.testing.assert_close(similarity_align(source, target), target, atol=1e-12, rtol=0)
    mirrored = target * torch.tensor([-1, 1, 1])
    assert (similarity_align(source, mirrored) - mirrored).norm(dim=-1).mean() > 0.05


@pytest.mark.parametrize('garbage', [1e6, float('nan'), float('inf')])
def test_invisible_joint_never_matters(garbage):
    source, target, mask = map(torch.from_numpy, poses(3))
    mask[:, 16] = False
    expected = similarity_align(source, target, mask)[:, :16]
    source[:, 16] = garbage
    target[:, 16] = -garbage
    assert torch.equal(similarity_align(source, target, mask)[:, :16], expected)


def test_batch_shape_and_unaffected_neighbours():
    source, target, mask = map(torch.from_numpy, poses(4))
    expected = similarity_align(source, target, mask)
    folded = similarity_align(*(x.unflatten(0, (5, 8)) for x in (source, target, mask)))
    torch.testing.assert_close(folded.flatten(0, 1), expected, atol=1e-13, rtol=0)
    source[3, 0, 0] = float('nan')
    broken = similarity_align(source, target, mask)
    assert broken[3].isnan().all()
    assert torch.equal(broken[4:], expected[4:])


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_a_mask_that_hides_nothing_changes_no_bit_and_is_not_looked_at_on_other_devices(dtype, monkeypatch):
    """A look at a mask is a wait for the GPU; tensors without content refuse it."""
    source, target = (torch.from_numpy(points).to(dtype) for points in poses(6)[:2])
    mask, functions = torch.ones(source.shape[:-1], dtype=torch.bool), (
        similarity_align, partial(similarity_align, scale=False), partial(similarity_align, rotation=False),
        lambda *values: scaled_errors(*values)[0], lambda *values: aligned_errors(*values)[0])
    expected = [function(source, target) for function in functions]
    for module in ('geometry.alignment', 'evaluation.functional.joint_errors'):
        monkeypatch.setattr(sys.modules[f'mmegopose.{module}'], 'may_hide', lambda mask: True)
    assert all(torch.equal(function(source, target, mask), one) for function, one in zip(functions, expected))
    monkeypatch.undo()
    for function in functions[2:4]:  # a rotation asks whether a pose is flat
        assert function(*(value.to('meta') for value in (source, target, mask))).shape[:2] == mask.shape


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_degenerate_poses(dtype):
    generator = torch.Generator().manual_seed(0)
    source, target = torch.randn(2, 17, 3, generator=generator, dtype=dtype) + 3
    none, one, two = (torch.arange(17) < count for count in range(3))
    assert torch.equal(similarity_align(source, target, none), source)
    torch.testing.assert_close(similarity_align(source, target, one), source - source[0] + target[0])
    found = similarity_align(source, target, two)
    assert found.isfinite().all()
    torch.testing.assert_close(found[:2], target[:2])
    heap = source[:1].expand(17, 3)
    torch.testing.assert_close(similarity_align(heap, target), target.mean(0).expand(17, 3))
    torch.testing.assert_close(similarity_align(source, heap), heap, atol=1e-5, rtol=0)
    assert similarity_align(source[None][:0], target[None][:0]).shape == (0, 17, 3)


@pytest.mark.parametrize('thickness', [1, 1e-3, 1e-6, 1e-9, 0])
@pytest.mark.parametrize('mirrored', [False, True])
def test_flat_and_mirrored_poses_match_the_slow_reference(thickness, mirrored):
    source, target, mask = poses(5)
    source[..., 2] *= thickness
    if mirrored:
        target[..., 2] *= -1
    expected = np.stack([slow_align(*p) for p in zip(source, target, mask)])
    found = similarity_align(*map(torch.from_numpy, (source, target, mask))).numpy()
    errors = [np.linalg.norm(x - target, axis=-1)[mask] for x in (found, expected)]
    np.testing.assert_allclose(errors[0], errors[1], atol=1e-6 if thickness < 1e-6 else 1e-9)


def test_root_align():
    joints = torch.arange(18.).reshape(2, 3, 3)
    assert torch.equal(root_align(joints, 1)[:, 1], torch.zeros(2, 3))
    assert torch.equal(root_align(joints)[:, 2], torch.full((2, 3), 6.))
