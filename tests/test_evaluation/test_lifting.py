import math
from pathlib import Path

import numpy as np
import pytest
import torch

from mmegopose.evaluation import LiftingMetric, MPIINF3DHPMetric, functional
from mmegopose.evaluation.benchmarks import lifting_benchmark
from mmegopose.evaluation.benchmarks.lifting_benchmark import (
    apply_root,
    blend_frames,
    count_frames,
    format_lifting_table,
    pool_actions,
    score_lifting_sequence,
    summarize_lifting,
)
from mmegopose.evaluation.benchmarks.mpi_inf_3dhp_benchmark import JOINT_GROUPS, frame_errors, rows_3dhp
from mmegopose.evaluation.functional.joint_errors import auc, pck
from mmegopose.registry import METRICS, PROTOCOLS
from mmegopose.structures import Skeleton, get_skeleton, register_skeleton
from mmegopose.structures.protocols import LiftingProtocol, get_protocol

DATA = Path(__file__).parents[1] / 'data'
H36M = get_skeleton('h36m17')
SEEN = torch.ones(1, 17, dtype=torch.bool)


@pytest.fixture(scope='module')
def parity():
    """Results of the official metric code of lifting methods on random poses ``(4,30,17,3)``."""
    scalars = dict(mpjpe_root_zeroed=0.12209119204714665, velocity_concat=0.1399750916202594)
    with np.load(DATA / 'lifting_metrics.npz') as file:
        return {key: torch.from_numpy(file[key]) for key in file.files} | {
            key: torch.tensor(value, dtype=torch.float64) for key, value in scalars.items()}


@pytest.fixture(scope='module')
def official():
    """Poses of six sequences and the tables that the official test script of MPI-INF-3DHP makes of them."""
    with np.load(DATA / 'lifting_3dhp_eval.npz') as file:
        return {key: file[key] for key in file.files}


def as_clip(sequences):
    """Sequences ``(S,T,...)`` as the windows of one clip, with a gap in the frame numbers between them."""
    S, T = sequences.shape[:2]
    return sequences.flatten(0, 1), (torch.arange(S)[:, None] * 2 * T + torch.arange(T)).flatten()


@pytest.mark.parametrize('rule,key', [('keep', 'mpjpe'), ('zero', 'mpjpe_root_zeroed'),
                                        ('subtract', 'mpjpe_root_subtracted')])
def test_root_rules_match_official_code(parity, rule, key):
    (pred, frame_ids), (gt, _) = as_clip(parity['pred']), as_clip(parity['gt'])
    pred, gt = apply_root(pred, gt, rule, 0)
    score = score_lifting_sequence('Eating', pred, gt, SEEN.expand(120, -1), frame_ids)
    assert score.values[0] == pytest.approx(1000 * parity[key].item(), abs=1e-6)


def test_clip_score_matches_official_code(parity):
    (pred, frame_ids), (gt, _) = as_clip(parity['pred']), as_clip(parity['gt'])
    metrics = summarize_lifting([score_lifting_sequence('Eating', pred, gt, SEEN.expand(120, -1), frame_ids)], H36M)
    for name, key in (('MPJPE', 'mpjpe'), ('PA-MPJPE', 'p_mpjpe'), ('N-MPJPE', 'n_mpjpe'), ('MPJVE', 'velocity_concat'),
                      ('MPJVE_sequence', 'velocity_per_sequence'), ('ACCEL', 'acc_error_per_frame')):
        assert metrics[name] == pytest.approx(1000 * parity[key].mean().item(), abs=1e-6), name
    found = [metrics[f'joint/{name}/MPJPE'] for name in H36M.joints]
    assert found == pytest.approx(parity['mpjpe_per_joint_mm'].tolist(), abs=1e-6)


def test_root_rules():
    pred, gt = torch.randn(2, 5, 17, 3), torch.randn(1, 17, 3)
    gt = gt - gt[:, :1]
    for rule, expected in (('keep', pred), ('subtract', pred - pred[..., :1, :])):
        found, truth = apply_root(pred, gt, rule, 0)
        assert torch.equal(found, expected) and torch.equal(truth, gt)
    found, _ = apply_root(pred, gt, 'zero', 14)
    assert not found[..., 14, :].any() and torch.equal(found[..., :14, :], pred[..., :14, :]) and pred[..., 14, :].all()
    with pytest.raises(ValueError, match="'zero' needs a skeleton with a root"):
        apply_root(pred, gt, 'zero', None)


def test_a_skeleton_without_the_root_of_its_protocol_is_refused_before_training():
    register_skeleton(Skeleton('rootless2', ('a', 'b'), ((0, 1),)))
    for metric in (LiftingMetric(), MPIINF3DHPMetric(root='keep')):
        with pytest.raises(ValueError, match=r"by the protocol 'stcformer.* needs a root joint, which the skeleton "
                                             r"'rootless2' does not have: name it, Skeleton\(root=...\), or"):
            metric.dataset_meta = dict(protocol='stcformer', skeleton='rootless2')
    metric = LiftingMetric(root='keep')
    metric.dataset_meta = dict(protocol='stcformer', skeleton='rootless2')
    assert metric.skeleton.root is None


def test_blend_frames():
    pred = torch.arange(5, dtype=torch.float64)[:, None, None].expand(-1, 2, 3)
    frames, ids = blend_frames(pred, torch.tensor([4, 2, 4, 9, 2]), torch.tensor([1., 1, 3, .5, 1]))
    assert ids.tolist() == [2, 4, 9] and frames.shape == (3, 2, 3)
    torch.testing.assert_close(frames[:, 0, 0], torch.tensor([2.5, 1.5, 3], dtype=torch.float64))


def test_slots_without_weight_never_count():
    pred = torch.randn(4, 17, 3, dtype=torch.float64)
    pred[0] = float('nan')
    frame_ids, weights = torch.tensor([0, 0, 1, 1]), torch.tensor([0., 1, 1, 0])
    for rule in ('twice', 'once'):
        found, slots = count_frames(pred, frame_ids, weights, rule)
        assert slots.tolist() == [1, 2] and torch.equal(found, pred[1:3])


def clip(rng, uid, length, window, triangle=False):
    """A clip that is predicted in windows, the last of which ends with the clip, so that its start comes twice."""
    starts = sorted({*range(0, max(length - window, 0) + 1, window), max(length - window, 0)})
    frame_ids = np.concatenate([np.arange(s, s + window) for s in starts]).clip(max=length - 1)
    weights = np.tile(1 + np.minimum(np.arange(window), np.arange(window)[::-1]) if triangle else np.ones(window),
                      len(starts)).astype(np.float32)
    gt = rng.normal(0, 0.4, (length, 17, 3)).cumsum(0) * 0.05
    gt -= gt[:, :1]
    pred = gt[frame_ids] + rng.normal(0, 0.05, (len(frame_ids), 17, 3))
    subject, name, camera = uid.split('/')
    return dict(uid=uid, name=uid, subject=subject, action=name.split(' ')[0], camera=camera, fps=50.0,
                slots=np.arange(len(frame_ids)), frame_ids=frame_ids, weights=weights, pred=pred, gt=gt, window=window)


def clips(rng, **kwargs):
    return [clip(rng, 'S9/Eating/1', 47, 9, **kwargs), clip(rng, 'S9/Eating 1/2', 30, 9, **kwargs),
            clip(rng, 'S11/Greeting/1', 20, 9, **kwargs), clip(rng, 'S11/Walking/1', 5, 9, **kwargs)]


def samples(data):
    """One sample per window, with an unscored frame at the end."""
    out = []
    for take, c in enumerate(data):
        for slots in c['slots'].reshape(-1, c['window']):
            rows = np.r_[slots, slots[-1]]
            scored = np.arange(len(rows)) < len(slots)
            out.append({key: torch.tensor(value)[None] for key, value in dict(
                joints=c['gt'][c['frame_ids'][rows]], pred_joints=np.where(scored[:, None, None], c['pred'][rows], 9.),
                visible=np.ones((len(rows), 17), dtype=bool), frame_ids=c['frame_ids'][rows], scored=scored,
                slots=np.where(scored, rows, -1)).items()} | dict(sequence=torch.tensor([take])))
    return out


def run(metric, data, batches=None, protocol='mixste', skeleton='h36m17'):
    own = ('pred', 'gt', 'window')
    metric.dataset_meta = dict(dataset_name='test', skeleton=skeleton, split='test', protocol=protocol,
                               sequences=[{k: v for k, v in c.items() if k not in own} for c in data])
    for sample in samples(data) if batches is None else batches:
        metric.process(None, [sample])
    return metric.evaluate(0)


def slow_scores(c, root, frames):
    """MPJPE, both velocities and acceleration of one clip with loops, in millimetres, and the number of poses."""
    poses = [(int(f), c['pred'][i], float(c['weights'][i])) for i, f in enumerate(c['frame_ids'])]
    if frames == 'once':
        merged = []
        for frame in sorted({f for f, _, _ in poses}):
            own = [(p, w) for f, p, w in poses if f == frame]
            merged.append((frame, sum(p * w for p, w in own) / sum(w for _, w in own), 1.))
        poses = merged
    relative = []
    for frame, pose, _ in poses:
        pose = pose.copy()
        if root == 'zero':
            pose[0] = 0
        elif root == 'subtract':
            pose = pose - pose[0]
        relative.append((frame, (pose - c['gt'][frame]) * 1000))
    position, velocity, consecutive, acceleration = [], [], [], []
    for k, (frame, error) in enumerate(relative):
        for j in range(17):
            position.append(math.hypot(*error[j]))
            if k >= 1:
                before, last = relative[k - 1]
                velocity.append(math.hypot(*(error[j] - last[j])))
                if frame == before + 1:
                    consecutive.append(velocity[-1])
                if k >= 2 and [relative[k - 2][0], before, frame] == [frame - 2, frame - 1, frame]:
                    acceleration.append(math.hypot(*(error[j] - 2 * last[j] + relative[k - 2][1][j])))
    return [sum(x) / len(x) for x in (position, velocity, consecutive, acceleration)], len(relative)


@pytest.mark.parametrize('protocol', list(PROTOCOLS.module_dict))
def test_accounting_matches_slow_protocol(protocol):
    data = clips(np.random.default_rng(0), triangle=protocol == 'overlap')
    found = run(LiftingMetric(), data, protocol=protocol)
    rules = get_protocol(protocol)
    names = ('MPJPE', 'MPJVE', 'MPJVE_sequence', 'ACCEL')
    by_action, total = {}, []
    for c in data:
        values, count = slow_scores(c, rules.root, rules.frames)
        by_action.setdefault(c['action'], []).append((values, count))
        total.append((values[0] * count, count))
    means = {action: [sum(v[i] * n for v, n in parts) / sum(n for _, n in parts) for i in range(4)]
             for action, parts in by_action.items()}
    for i, name in enumerate(names):
        for action, values in means.items():
            assert found[f'lifting/action/{action}/{name}'] == pytest.approx(values[i], abs=1e-9)
        assert found[f'lifting/{name}'] == pytest.approx(sum(v[i] for v in means.values()) / len(means), abs=1e-9)
    assert found['lifting/MPJPE_frames'] == pytest.approx(sum(s for s, _ in total) / sum(n for _, n in total), abs=1e-9)


def test_twice_and_once_differ_only_where_frames_repeat():
    rng = np.random.default_rng(0)
    repeated, plain = clip(rng, 'S9/Eating/1', 47, 9), clip(rng, 'S9/Eating/1', 45, 9)
    twice, once = ([run(LiftingMetric(frames=frames), [c]) for c in (repeated, plain)] for frames in ('twice', 'once'))
    assert once[0]['lifting/MPJPE'] < twice[0]['lifting/MPJPE'] - 0.1
    assert once[1] == pytest.approx(twice[1], abs=1e-9)


@pytest.mark.parametrize('seed', range(3))
def test_result_does_not_depend_on_order(seed):
    data = clips(np.random.default_rng(0))
    expected, all_samples = run(LiftingMetric(), data), samples(data)
    shuffled = [all_samples[i] for i in np.random.default_rng(seed).permutation(len(all_samples))]
    groups = [shuffled[i:i + seed + 1] for i in range(0, len(shuffled), seed + 1)]
    batches = [{key: torch.cat([s[key] for s in group]) for key in group[0]} for group in groups]
    assert run(LiftingMetric(), data, batches + batches[:2]) == expected
    with pytest.raises(ValueError, match='1 of 4 sequences: S11/Walking/1'):
        run(LiftingMetric(), data, all_samples[:-1])
    strange = dict(all_samples[0], slots=all_samples[0]['slots'] + 100)
    with pytest.raises(ValueError, match='not in its slots'):
        run(LiftingMetric(), data, [strange])


def test_excluded_clips():
    rng = np.random.default_rng(0)
    assert [name for name in ('Greeting', 'Greeting 1', 'SittingDown', 'SittingDown 1', 'Sitting 1', 'Waiting',
                              'Waiting 1') if get_protocol('motionbert').excludes(dict(uid=f'S9/{name}/54138969'))] == [
        'Greeting', 'SittingDown 1', 'Waiting 1']
    kept, drifted = clips(rng), clip(rng, 'S9/Greeting/1', 30, 9)
    assert not any(get_protocol('motionbert').excludes(c) for c in kept)
    alone, both = (run(LiftingMetric(), data, protocol='motionbert') for data in (kept, [*kept, drifted]))
    assert alone == both
    assert run(LiftingMetric(), [*kept, drifted], protocol='overlap') != both
    with pytest.raises(ValueError, match='nothing to score.*excluded'):
        run(LiftingMetric(), [drifted], protocol='motionbert')


def test_invisible_joints_and_broken_predictions():
    generator = torch.Generator().manual_seed(0)
    pred, gt = torch.randn(2, 6, 17, 3, generator=generator, dtype=torch.float64)
    visible = torch.ones(6, 17, dtype=torch.bool)
    visible[4:] = visible[:, 3] = False
    hidden = gt.masked_fill(~visible[..., None], float('nan'))
    ids, rest = torch.arange(6), [j for j in range(17) if j != 3]
    score = score_lifting_sequence('Eating', pred, hidden, visible, ids)
    part = score_lifting_sequence('Eating', pred[:4, rest], gt[:4, rest], visible[:4, rest], ids[:4])
    np.testing.assert_allclose(np.delete(score.values, 6 + 3), part.values, rtol=1e-12)
    assert score.weights.tolist() == [4] * 9 + [0] + [4] * 13
    blank = score_lifting_sequence('Sitting', pred, hidden, ~visible & False, ids)
    assert not blank.weights.any()
    metrics = summarize_lifting([score, blank], H36M)
    assert metrics == summarize_lifting([score], H36M) and f'joint/{H36M.joints[3]}/MPJPE' not in metrics
    single = score_lifting_sequence('Waiting', pred[:1], gt[:1], visible[:1], ids[:1])
    metrics = summarize_lifting([score, single], H36M)
    assert 'action/Waiting/MPJVE' not in metrics and metrics['MPJVE'] == metrics['action/Eating/MPJVE']
    assert format_lifting_table([single]).splitlines()[1].split()[-1] == '-'
    pred[2, 5] = float('nan')
    assert math.isnan(pool_actions('all', [score, score_lifting_sequence('Eating', pred, gt, visible, ids)]).values[0])


def test_prints_the_protocol(monkeypatch):
    lines = []
    monkeypatch.setattr('mmegopose.evaluation.metrics.lifting_metric.print_log', lambda text, logger: lines.extend(
        text.splitlines()))
    data = clips(np.random.default_rng(0))
    found = run(LiftingMetric(), data)
    assert lines[0] == 'Lifting (mm), protocol mixste: root keep, frames twice, excluded clips: none'
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:]}
    assert list(rows) == ['Eating', 'Greeting', 'Walking', 'mean']
    assert rows['mean'][:2] == [str(sum(len(c['slots']) for c in data)), f'{found["lifting/MPJPE"]:.2f}']
    lines.clear()
    run(LiftingMetric(root='zero', frames='once'), data, protocol='motionbert')
    assert lines[0] == ('Lifting (mm), protocol motionbert, changed: root zero, frames once, excluded clips: '
                        'S9/Greeting, S9/SittingDown 1, S9/Waiting 1')
    lines.clear()
    run(LiftingMetric(root='keep'), data)
    assert lines[0].startswith('Lifting (mm), protocol mixste: ')


def test_bad_names():
    with pytest.raises(KeyError, match="unknown lifting protocol 'mixst'.*motionbert.*stcformer"):
        get_protocol('mixst')
    with pytest.raises(KeyError, match="unknown root rule 'none'.*subtract"):
        LiftingMetric(root='none')
    with pytest.raises(KeyError, match="unknown frames rule 'thrice'.*once"):
        METRICS.build(dict(type='LiftingMetric', frames='thrice'))
    with pytest.raises(KeyError, match='unknown root rule'):
        LiftingProtocol('mine', root='', frames='once', exclude=False)
    with pytest.raises(KeyError, match='unknown lifting protocol'):
        run(LiftingMetric(), clips(np.random.default_rng(0)), protocol='')
    metric = LiftingMetric()
    metric.dataset_meta = dict(dataset_name='test')
    with pytest.raises(KeyError, match=r"LiftingMetric needs dataset_meta\['protocol'\]"):
        assert metric.protocol


def test_pck_and_auc():
    errors = torch.tensor([0., 149.99, 150, 151], dtype=torch.float64)
    mask = torch.tensor([True, True, True, False])
    assert pck(errors, 150) == 0.5 and pck(errors, 150, mask).item() == pytest.approx(2 / 3)
    assert auc(errors[:1], torch.tensor([0., 75, 150])).item() == pytest.approx(2 / 3)


def official_sequences(official):
    for i in range(1, 7):
        pred, gt = (torch.from_numpy(official[f'TS{i}/{key}_mm']) / 1000 for key in ('pred', 'gt'))
        yield f'TestSeq{i}', pred, gt, torch.from_numpy(official[f'TS{i}/activity'])


def test_3dhp_tables_match_official_code(official):
    rows = rows_3dhp([frame_errors(name, pred, gt, SEEN.expand(len(pred), -1), 14, activity)
                      for name, pred, gt, activity in official_sequences(official)])
    rows['activity/All'] = rows['all']
    columns = {'mpjpe': [*get_skeleton('mpi_inf_3dhp17').joints, 'Average'], 'pck': [*JOINT_GROUPS, 'Total']}
    tables = [key for key in official if key.startswith(('sequence/', 'activity/')) and not key.endswith('columns')]
    assert len(tables) == 3 * (6 + 8)
    for key in tables:
        kind, table, name = key.split('/', 2)
        np.testing.assert_allclose(rows[f'{kind}/{name}'][table], official[key], rtol=0, atol=1e-6, err_msg=key)
        names = [str(c).replace('_', '-') for c in official[f'{kind}/{table}/columns']]
        assert names == columns.get(table, columns['pck'])


def test_3dhp_metric(official, monkeypatch):
    lines = []
    monkeypatch.setattr('mmegopose.evaluation.metrics.lifting_metric.print_log', lambda text, logger: lines.extend(
        text.splitlines()))
    data = []
    for name, pred, gt, activity in official_sequences(official):
        n = len(pred)
        data.append(dict(uid=name, name=name, action=name, slots=np.arange(n), frame_ids=np.arange(n), window=5,
                         weights=np.ones(n, np.float32), activity=activity.numpy(), pred=pred.numpy(),
                         gt=(gt - gt[:, 14:15]).numpy()))
    found = run(METRICS.build(dict(type='MPIINF3DHPMetric')), data, protocol='stcformer', skeleton='mpi_inf_3dhp17')
    assert lines[0] == ('MPI-INF-3DHP (PCK %, AUC %, MPJPE mm), protocol stcformer: root zero, frames once, excluded '
                        'clips: none')
    assert lines[-1].split() == ['all', '73.85', '32.22', '110.20']
    for table in ('pck', 'auc', 'mpjpe'):
        assert found[f'3dhp/{table.upper()}'] == pytest.approx(official[f'activity/{table}/All'][-1], abs=1e-6)
        assert found[f'3dhp/sequence/TestSeq5/{table.upper()}'] == pytest.approx(
            official[f'sequence/{table}/TestSeq5'][-1], abs=1e-6)
        assert found[f'3dhp/activity/Sports/{table.upper()}'] == pytest.approx(
            official[f'activity/{table}/Sports'][-1], abs=1e-6)
    assert found['3dhp/group/Elbow/AUC'] == pytest.approx(official['activity/auc/All'][3], abs=1e-6)
    assert found['3dhp/joint/spine/MPJPE'] == pytest.approx(official['activity/mpjpe/All'][15], abs=1e-6)
    for one in data:
        del one['activity']
    without = run(MPIINF3DHPMetric(), data, protocol='stcformer', skeleton='mpi_inf_3dhp17')
    assert without == {key: value for key, value in found.items() if 'activity' not in key}


def test_a_long_sequence_is_scored_as_its_measures_say():
    n, random = lifting_benchmark.CHUNK + 70, torch.Generator().manual_seed(0)
    gt = torch.randn(n, 17, 3, generator=random, dtype=torch.float64)
    pred, visible = gt + torch.randn(gt.shape, generator=random, dtype=torch.float64) / 9, torch.rand(n, 17) > 0.2
    frame_ids = torch.arange(n) + (torch.arange(n) > lifting_benchmark.CHUNK) * 7
    score = lifting_benchmark.score_lifting_sequence('walk', pred, gt, visible, frame_ids)
    moved = functional.velocity_errors(pred, gt, visible, torch.arange(n), fps=1)
    pairs = [(functional.joint_errors(pred, gt), visible), functional.aligned_errors(pred, gt, visible),
             functional.scaled_errors(pred, gt, visible), moved,
             functional.velocity_errors(pred, gt, visible, frame_ids, fps=1, max_step=2),
             functional.acceleration_errors(pred, gt, visible, frame_ids, fps=1, max_step=2)]
    wanted = [1e3 * functional.masked_mean(*pair).item() for pair in pairs]
    np.testing.assert_allclose(score.values[:6], wanted, rtol=1e-12)
