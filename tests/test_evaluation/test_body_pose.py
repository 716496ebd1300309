import json
import math

import numpy as np
import pytest
import torch
from helpers.evaluation_samples import JOINTS, batched, random_take, run, standard_takes, windows

from mmegopose.evaluation import BodyPoseMetric, p_mpjpe, scenario_of
from mmegopose.registry import METRICS
from mmegopose.structures import get_skeleton
from mmegopose.structures.egoexo4d_scenarios import PHYSICAL, PROCEDURAL

SKELETON = get_skeleton('coco17')


def slow_protocol(takes, clip_filter=True):
    """The official protocol with loops: pooled errors (cm), velocity errors (m/s), errors by joint."""
    position, velocity, by_joint = [], [], [[] for _ in range(JOINTS)]
    for take in takes:
        clips = []
        for row, frame in enumerate(take['frame_ids'].tolist()):
            if not clips or frame - clips[-1][-1][1] > 3:
                clips.append([])
            clips[-1].append((row, frame))
        kept = [pair for clip in clips if not clip_filter or clip[-1][1] - clip[0][1] + 3 >= 120 for pair in clip]
        for k, (row, frame) in enumerate(kept):
            for j in range(JOINTS):
                if not take['visible'][row, j]:
                    continue
                pred, gt = take['pred'][row, j], take['gt'][row, j]
                error = 100 * math.dist(pred, gt)
                position.append(error)
                by_joint[j].append(error)
                before, step = kept[k - 1][0], frame - kept[k - 1][1]
                if k and step < 10 and take['visible'][before, j]:
                    moved = [(gt[i] - take['gt'][before, j, i]) - (pred[i] - take['pred'][before, j, i])
                             for i in range(3)]
                    velocity.append(math.hypot(*moved) * 30 / step)
    return position, velocity, by_joint


def mean(values):
    return sum(values) / len(values)


@pytest.mark.parametrize('clip_filter', [True, False])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_matches_slow_protocol(seed, clip_filter):
    rng = np.random.default_rng(seed)
    takes = standard_takes(rng) + [random_take(rng, f'x_music_{n}', np.arange(0, 3 * n, 3)) for n in (39, 40)]
    found = run(BodyPoseMetric(clip_filter=clip_filter), takes, windows(rng, takes))

    expected = {}
    position, velocity, by_joint = slow_protocol(takes, clip_filter)
    expected['MPJPE'], expected['MPJVE'] = mean(position), mean(velocity)
    expected['MPJPE_body12'] = mean(sum(by_joint[5:], []))
    expected.update({f'joint/{name}/MPJPE': mean(errors) for name, errors in zip(SKELETON.joints, by_joint)})
    scored = [take for take in takes if slow_protocol([take], clip_filter)[0]]
    assert len(scored) == len(takes) - clip_filter
    expected['MPJPE_macro'] = mean([mean(slow_protocol([take], clip_filter)[0]) for take in scored])
    for group, members in (('physical', PHYSICAL), ('procedural', PROCEDURAL)):
        expected[f'MPJPE_{group}'] = mean(
            slow_protocol([take for take in takes if scenario_of(take['name']) in members], clip_filter)[0])
    for name in ('cooking', 'soccer', 'dance', 'music'):
        own = slow_protocol([take for take in takes if scenario_of(take['name']) == name], clip_filter)
        expected[f'scenario/{name}/MPJPE'], expected[f'scenario/{name}/MPJVE'] = mean(own[0]), mean(own[1])

    assert set(found) == {f'body/{key}' for key in expected}
    assert found == pytest.approx({f'body/{key}': value for key, value in expected.items()}, abs=1e-9)


def test_constant_error():
    rng = np.random.default_rng(0)
    takes = standard_takes(rng)
    for take in takes:
        take['pred'] = take['gt'] + [0.03, 0.04, 0]
        take['pred'][~take['visible']] = 1e3
    found = run(BodyPoseMetric(), takes, windows(rng, takes))
    for key, value in found.items():
        assert value == pytest.approx(0 if 'MPJVE' in key else 5, abs=1e-9), key


def test_float32_samples_are_close():
    rng = np.random.default_rng(0)
    takes = standard_takes(rng)
    exact = run(BodyPoseMetric(), takes, windows(np.random.default_rng(1), takes))
    single = run(BodyPoseMetric(), takes, windows(np.random.default_rng(1), takes, dtype=torch.float32))
    assert single == pytest.approx(exact, abs=1e-4)


def test_pa_mpjpe():
    rng = np.random.default_rng(0)
    take = random_take(rng, 'x_bike_1', np.arange(0, 300, 3))
    take['visible'][5, 2:] = False
    found = run(METRICS.build(dict(type='BodyPoseMetric', pa_mpjpe=True)), [take], windows(rng, [take]))
    expected = 100 * p_mpjpe(*(torch.from_numpy(take[key]) for key in ('pred', 'gt', 'visible')))
    assert found['body/PA-MPJPE'] == pytest.approx(expected.item(), abs=1e-9)
    assert found['body/scenario/bike/PA-MPJPE'] == found['body/PA-MPJPE'] < found['body/MPJPE']


def test_absent_groups_are_left_out():
    rng = np.random.default_rng(0)
    take = random_take(rng, 'walk_1', np.arange(0, 1200, 12))
    take['visible'][:, 0] = False
    found = run(BodyPoseMetric(clip_filter=False), [take], windows(rng, [take]))
    assert all(math.isfinite(value) for value in found.values())
    names = {key.removeprefix('body/') for key in found}
    assert names == {'MPJPE', 'MPJPE_body12', 'MPJPE_macro', 'scenario/other/MPJPE',
                     *(f'joint/{name}/MPJPE' for name in SKELETON.joints[1:])}
    json.dumps(found)


def test_take_without_labels_contributes_nothing():
    rng = np.random.default_rng(0)
    takes = standard_takes(rng)
    blank = random_take(rng, 'x_bike_1', np.arange(0, 300, 3), missing=1.1)
    samples = windows(rng, takes + [blank])
    expected = run(BodyPoseMetric(), takes, [s for s in samples if s['sequence'] != len(takes)])
    assert run(BodyPoseMetric(), takes + [blank], samples) == expected
    with pytest.raises(ValueError, match='no labels.*--submit'):
        run(BodyPoseMetric(), [blank], windows(rng, [blank]))


def test_filter_that_leaves_nothing():
    rng = np.random.default_rng(0)
    takes = [random_take(rng, 'x_bike_1', np.arange(0, 90, 3))]
    with pytest.raises(ValueError, match='clip_filter=False'):
        run(BodyPoseMetric(), takes, windows(rng, takes))
    assert 'body/MPJPE' in run(BodyPoseMetric(clip_filter=False), takes, windows(rng, takes))
    metric, sequences = BodyPoseMetric(), [dict(name='x', uid='x', frame_ids=np.arange(0, 90, 3))]
    with pytest.raises(ValueError, match='the clip filter leaves nothing'):  # before anything is trained
        metric.dataset_meta = dict(sequences=sequences)
    metric.dataset_meta = dict(sequences=[*sequences, dict(sequences[0], frame_ids=np.arange(0, 120, 3))])


def test_logs_a_table(monkeypatch):
    lines = []
    monkeypatch.setattr('mmegopose.evaluation.metrics.body_pose_metric.print_log',
                        lambda text, logger: lines.append(text))
    rng = np.random.default_rng(0)
    takes = standard_takes(rng)
    found = run(BodyPoseMetric(), takes, [batched(windows(rng, takes))])
    rows = {line.split()[0]: line.split()[1:] for line in lines[0].splitlines()[2:]}
    assert list(rows) == ['cooking', 'dance', 'soccer', 'physical', 'procedural', 'all']
    assert rows['all'][0] == '3' and rows['all'][3] == f'{found["body/MPJPE"]:.2f}'
    position, velocity, _ = slow_protocol(takes)
    assert rows['all'][2:] == [str(len(position)), f'{mean(position):.2f}', f'{mean(velocity):.2f}']
    assert {name: row[:2] for name, row in rows.items() if name in ('cooking', 'soccer', 'dance', 'all')} == dict(
        cooking=['1', '87'], soccer=['1', '134'], dance=['1', '114'], all=['3', '335'])
    still = random_take(rng, 'x_bike_1', np.arange(0, 1200, 12))
    run(BodyPoseMetric(clip_filter=False, pa_mpjpe=True), [still], windows(rng, [still]))
    header, *rows = lines[1].splitlines()[1:]
    assert header.split()[-3:] == ['MPJPE', 'MPJVE', 'PA-MPJPE'] and all(row.split()[-2] == '-' for row in rows)
