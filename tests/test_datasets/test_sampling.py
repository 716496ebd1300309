import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers.egoexo_fixture import STRIDED, build, everything, pipeline

from mmegopose.datasets import (
    BalancedSampler,
    EndlessSampler,
    SequenceBatchSampler,
    SequenceSampler,
    batch_collate,
    samplers,
)
from mmegopose.datasets.random import KeyedRandom
from mmegopose.geometry.rigid import apply_rigid
from mmegopose.registry import TRANSFORMS
from mmegopose.structures import get_skeleton

AUGMENT = [dict(type='Mirror'), dict(type='RandomHeading', shift=3.0), dict(type='BodyScale')]
NOISE = [dict(type='HeadPoseNoise', mount=0.05), dict(type='FrameDrops', prob=0.2)]


def take(iterator, count):
    return [key for key, _ in zip(iterator, range(count))]


def as_rank(monkeypatch, rank, world_size):
    monkeypatch.setattr(samplers, 'get_dist_info', lambda: (rank, world_size))


def test_keyed_random_depends_on_the_key_alone():
    together = KeyedRandom([3, 7, 11], seed=5)
    alone = KeyedRandom([7], seed=5)
    for draw in (lambda r: r.uniform(2, 3), lambda r: r.normal(4), lambda r: r.uniform()):
        torch.testing.assert_close(draw(together)[1:2], draw(alone), atol=0, rtol=0)
    assert not torch.equal(KeyedRandom([7], seed=6).uniform(4), KeyedRandom([7], seed=5).uniform(4))


def test_keyed_random_has_the_right_moments():
    random = KeyedRandom(range(2000))
    uniform, normal = random.uniform(50, low=-1, high=3), random.normal(50)
    assert abs(uniform.mean() - 1) < 0.02 and abs(uniform.var() - 16 / 12) < 0.02
    assert abs(normal.mean()) < 0.01 and abs(normal.var() - 1) < 0.02
    assert abs(np.corrcoef(uniform[:, 0], uniform[:, 1])[0, 1]) < 0.08


def test_endless_sampler_visits_everything_once_per_epoch(monkeypatch):
    sampler = EndlessSampler(range(10), seed=0)
    keys = np.array(take(iter(sampler), 30))
    for epoch in range(3):
        assert sorted(keys[10 * epoch:10 * epoch + 10]) == list(range(10 * epoch, 10 * epoch + 10))
    assert list(keys[:10]) != list(keys[10:20] - 10)


@pytest.mark.parametrize('world_size', [2, 3])
def test_processes_share_the_global_batches(monkeypatch, world_size):
    alone = take(iter(EndlessSampler(range(10), seed=0)), 42)
    parts = []
    for rank in range(world_size):
        as_rank(monkeypatch, rank, world_size)
        parts.append(take(iter(EndlessSampler(range(10), seed=0)), 42 // world_size))
    assert [key for keys in zip(*parts) for key in keys] == alone


def test_skip_goes_on_where_a_run_stopped():
    sampler = EndlessSampler(range(10), seed=0)
    whole = take(iter(sampler), 37)
    sampler.skip(23)
    assert take(iter(sampler), 14) == whole[23:]


@pytest.mark.parametrize('balance', [0.0, 0.5, 1.0])
def test_short_sequences_come_more_often(balance, monkeypatch):
    sequence = np.repeat([0, 1, 2], [1000, 100, 10])

    class Data(list):
        windows = SimpleNamespace(sequence=sequence)

    sampler = BalancedSampler(Data(sequence), balance=balance, seed=0)
    keys = np.array(take(iter(sampler), 40 * len(sequence)))
    drawn = np.bincount(sequence[keys % len(sequence)]) / len(keys)
    expected = np.array([1000, 100, 10]) ** (1 - balance)
    np.testing.assert_allclose(drawn, expected / expected.sum(), rtol=0.12)
    assert len(set(keys)) == len(keys)  # what comes again is augmented otherwise
    whole = keys[:2500].tolist()
    sampler.skip(1200)
    assert take(iter(sampler), 1300) == whole[1200:]
    parts = []
    for rank in range(2):
        as_rank(monkeypatch, rank, 2)
        parts.append(take(iter(BalancedSampler(Data(sequence), balance=balance, seed=0)), 1250))
    assert [key for both in zip(*parts) for key in both] == whole


def test_sequence_batches_cover_whole_takes(egoexo, monkeypatch):
    dataset = build(egoexo)
    alone = list(SequenceBatchSampler(SequenceSampler(dataset), 16))
    assert sorted(i for batch in alone for i in batch) == list(range(len(dataset)))
    assert all(len(set(dataset.windows.sequence[batch])) == 1 for batch in alone)
    shared = []
    for rank in range(2):
        as_rank(monkeypatch, rank, 2)
        sampler = SequenceBatchSampler(SequenceSampler(dataset), 16)
        shared += list(sampler)
        assert len(list(sampler)) == len(sampler)
    assert sorted(shared) == sorted(alone)


def test_batches_equal_single_samples(egoexo):
    dataset = build(egoexo, steps=AUGMENT + pipeline()[:1] + NOISE + pipeline()[1:],
                    windows=STRIDED | dict(tempo=(0.8, 1.25)))
    keys = [5, len(dataset) + 17, 60, 3 * len(dataset) + 60]
    batch = dataset.__getitems__(keys)
    for row, key in enumerate(keys):
        single = dataset[key]
        for get in (lambda b: b['inputs']['head_pose'], lambda b: b['data_samples'].joints):
            torch.testing.assert_close(get(single)[0], get(batch)[row], atol=1e-6, rtol=0)
    assert not torch.equal(batch['inputs']['head_pose'][2], batch['inputs']['head_pose'][3])


def world_batch(dataset, transform):
    """The batch before and after one augmentation."""
    seen, read = [], dataset.pipeline.transforms[0]
    dataset.pipeline = lambda batch: seen.append(read(batch))
    everything(dataset)
    before = {k: (v.clone() if torch.is_tensor(v) else v) for k, v in seen[0].items()}
    return before, TRANSFORMS.build(transform)(copy.copy(seen[0]))


@pytest.mark.parametrize('transform', [dict(type='Mirror', prob=1.0), dict(type='RandomHeading', shift=2.0),
                                       dict(type='BodyScale', low=1.2, high=1.3)])
def test_augmentation_keeps_head_and_body_together(egoexo, transform):
    """In the camera frame a mirrored, turned or scaled wearer is the mirrored, same or scaled body."""
    before, after = world_batch(build(egoexo), transform)

    def in_camera(batch):
        inverse = torch.linalg.inv(batch['T_world_camera'])
        return apply_rigid(inverse, batch['joints'])

    expected = in_camera(before)
    if transform['type'] == 'Mirror':  # the camera's y axis points to the wearer's left
        swap = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
        expected = (expected * torch.tensor([1, -1, 1]))[:, :, swap]
        assert torch.equal(after['visible'], before['visible'][:, :, swap])
    if transform['type'] == 'BodyScale':
        factor = after['head_peak'][:, :1] / before['head_peak'][:, :1]
        expected = expected * factor[..., None, None]
    seen = after['visible']
    torch.testing.assert_close(in_camera(after)[seen], expected[seen], atol=1e-9, rtol=0)
    rotation = after['head_pose'][..., :3, :3]
    torch.testing.assert_close(rotation @ rotation.transpose(-1, -2), torch.eye(3).double().expand_as(rotation),
                               atol=1e-9, rtol=0)
    assert torch.linalg.det(rotation).min() > 0.99


def test_mirrored_inputs_are_those_of_a_mirrored_walk(egoexo):
    plain = everything(build(egoexo))['inputs']['head_pose']
    mirrored = everything(build(egoexo, steps=[dict(type='Mirror', prob=1.0)] + pipeline()))['inputs']['head_pose']
    sign = torch.tensor([1, -1, 1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1.])
    torch.testing.assert_close(mirrored, plain * sign, atol=1e-5, rtol=0)


def test_streams_made_before_the_mirror_are_mirrored_or_refused(egoexo):
    before, _ = world_batch(build(egoexo), dict(type='BodyScale'))
    keypoints = torch.randn(len(before['joints']), 20, 17, 2)
    after = TRANSFORMS.build(dict(type='Mirror', prob=0.5))(dict(before, inputs=dict(keypoints=keypoints)))
    flip = list(get_skeleton(before['skeleton']).flip)
    flipped = (after['head_pose'] != before['head_pose']).flatten(1).any(1)
    assert 0 < flipped.sum() < len(flipped)
    wanted = torch.where(flipped[:, None, None, None], keypoints[:, :, flip] * torch.tensor([-1., 1]), keypoints)
    assert torch.equal(after['inputs']['keypoints'], wanted)
    with pytest.raises(ValueError, match="mirror image of the stream 'pressure' is not known"):
        TRANSFORMS.build(dict(type='Mirror'))(dict(before, inputs=dict(pressure=keypoints)))


def test_tempo_changes_speed_not_shape(egoexo):
    plain = everything(build(egoexo))
    fast = everything(build(egoexo, windows=STRIDED | dict(tempo=(2.0, 2.0))))
    torch.testing.assert_close(fast['data_samples'].joints, plain['data_samples'].joints, atol=0, rtol=0)
    late = plain['data_samples'].frame_ids[:, 0] > 120
    speed = [b['inputs']['head_pose'][late, -1, 9:12].norm(dim=-1).mean() for b in (plain, fast)]
    assert 1.7 < speed[1] / speed[0] < 2.1


def test_frame_drops_hold_the_last_pose(egoexo):
    _, after = world_batch(build(egoexo), dict(type='FrameDrops', prob=0.5))
    held = after['time'].diff(dim=1) == 0
    assert 0.2 < held.float().mean() < 0.6
    assert after['head_pose'].diff(dim=1)[held].abs().max() == 0
    assert (after['time'][:, -1] == 0).all()


def test_noise_leaves_the_target_alone(egoexo):
    clean = everything(build(egoexo))
    noisy = everything(build(egoexo, steps=pipeline()[:1] + NOISE[:1] + pipeline()[1:]))
    torch.testing.assert_close(noisy['data_samples'].joints, clean['data_samples'].joints, atol=0, rtol=0)
    assert 0.001 < (noisy['inputs']['head_pose'] - clean['inputs']['head_pose']).std() < 0.5


def test_workers_deliver_the_same_batches(egoexo):
    dataset = build(egoexo, 'val', steps=AUGMENT + pipeline())
    keys = list(range(0, len(dataset), 5))
    loader = torch.utils.data.DataLoader(dataset, batch_size=8, sampler=keys, collate_fn=batch_collate, num_workers=1)
    for batch, begin in zip(loader, range(0, len(keys), 8)):
        expected = dataset.__getitems__(keys[begin:begin + 8])
        assert type(batch) is dict
        torch.testing.assert_close(batch['inputs'], expected['inputs'], atol=0, rtol=0)
        for key, value in expected['data_samples'].items():
            torch.testing.assert_close(batch['data_samples'].get(key), value, atol=0, rtol=0)
