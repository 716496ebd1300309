import math
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

from mmegopose.evaluation.benchmarks.hand_benchmark import FREIHAND, hand_vertex_scores
from mmegopose.evaluation.benchmarks.pose_rules import WRIST, PoseRules, joint_scores
from mmegopose.evaluation.functional.joint_errors import acceleration_errors, aligned_errors, joint_errors
from mmegopose.evaluation.functional.mesh_errors import (
    f_score,
    jitter,
    nearest_distances,
    orthogonal_align,
    pck_area,
    scale_translation_align,
)
from mmegopose.evaluation.metrics.mesh_metric import MeshMetric
from mmegopose.geometry.alignment import similarity_align
from mmegopose.geometry.rotations import so3_exp
from mmegopose.registry import METRICS
from mmegopose.structures import PoseDataSample
from mmegopose.synthesis import SyntheticMeshDataset

PARITY = Path(__file__).parents[1] / 'data' / 'metrics3d.npz'


@pytest.fixture(scope='module')
def parity():
    """Results of the official FreiHAND, HO-3D, HaMeR and WHAM evaluation code on invented hands."""
    with np.load(PARITY) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files if key != 'config'}


@pytest.fixture(scope='module')
def hands(parity):
    """``pred_joints, joints, pred_vertices, vertices`` in float64."""
    names = dict(pred_joints='pred_joints', joints='gt_joints', pred_vertices='pred_verts', vertices='gt_verts')
    return {name: parity[key].double() for name, key in names.items()}


def close(value, expected, tolerance=1e-6):
    torch.testing.assert_close(value, expected.to(value), atol=tolerance, rtol=0)


def evaluate(metric, *samples):
    for sample in samples:
        metric.process(None, [sample])
    return metric.evaluate(sum(len(next(iter(sample.values()))) for sample in samples))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_hand_scores_match_official_code(parity, hands):
    joints = joint_scores(hands['pred_joints'], hands['joints'], None, FREIHAND)
    vertices = hand_vertex_scores(hands['pred_vertices'], hands['vertices'])
    for key, scores, names in (('xyz', joints, ('MPJPE', 'AUC_J')), ('xyz_al', joints, ('PA-MPJPE', 'PA-AUC_J')),
                               ('mesh', vertices, ('MPVPE', 'AUC_V')), ('mesh_al', vertices, ('PA-MPVPE', 'PA-AUC_V'))):
        close(torch.stack([scores[name].mean() for name in names]), parity[f'freihand/{key}'], 1e-9)
    close(1000 * joints['PA-MPJPE'], parity['freihand_pa_per_sample_mm'])
    close(1000 * vertices['PA-MPVPE'], parity['freihand_pave_per_sample_mm'])
    close(torch.stack([vertices['F@5'], vertices['F@15']], -1), parity['fscore'], 0)
    close(torch.stack([vertices['PA-F@5'], vertices['PA-F@15']], -1), parity['fscore_aligned'], 1e-12)


def test_scale_translation_matches_official_code(parity, hands):
    errors = joint_errors(scale_translation_align(hands['pred_joints'], hands['joints'], WRIST, 4), hands['joints'])
    close(torch.stack([errors.mean(), pck_area(errors).mean()]), parity['freihand/xyz_sc_tr'], 1e-9)


def test_a_hand_without_a_size_keeps_it():
    source, target = torch.zeros(2, 3, 3), torch.zeros(2, 3, 3)
    source[:, :, 0] = torch.tensor([[1, 1, 3], [1, 2, 3]])  # root and reference coincide in the first
    target[:, :, 0] = torch.tensor([5, 8, 9])
    found = scale_translation_align(source, target, 0, 1)[..., 0]
    assert found.tolist() == [[5, 5, 7], [5, 8, 11]]


def test_proper_alignment_matches_official_code(parity, hands):
    """The official code computes in float32, so the tolerance is relative."""
    scores = joint_scores(hands['pred_joints'], hands['joints'], None, PoseRules(root=(0,)))
    errors, _ = aligned_errors(hands['pred_joints'], hands['joints'])
    for value in (scores['PA-MPJPE'], errors.mean(-1)):
        torch.testing.assert_close(1000 * value, parity['hamer_pampjpe_mm'].double(), rtol=2e-6, atol=0)
    unaligned = 1000 * joint_errors(hands['pred_joints'], hands['joints']).mean(-1)
    torch.testing.assert_close(unaligned, parity['hamer_mpjpe_mm'].double(), rtol=1e-6, atol=0)


def test_acceleration_matches_official_code(parity):
    pred, gt, frame_ids = parity['accel/pred'], parity['accel/gt'], torch.arange(12)
    everywhere = torch.ones(12, dtype=torch.bool)
    for visible, expected in ((everywhere, 'accel/error'), (parity['accel/vis'], 'accel/error_vis')):
        errors, mask = acceleration_errors(pred, gt, visible[:, None].expand(12, 14), frame_ids, fps=1)
        close(errors.mean(-1)[mask.all(-1)], parity[expected], 1e-12)


def test_orthogonal_align_undoes_a_mirror():
    gt, mask = normal(5, 21, 3), torch.rand(5, 21, generator=torch.Generator().manual_seed(1)) < 0.7
    rotation = so3_exp(normal(5, 1, 3, seed=2))
    pred = 0.3 * (rotation @ gt[..., None]).squeeze(-1) + 2
    mirrored = pred * torch.tensor([1., 1., -1.])
    assert joint_errors(orthogonal_align(pred, gt, mask), gt).max() < 1e-12
    assert joint_errors(orthogonal_align(mirrored, gt), gt).max() < 1e-12
    assert joint_errors(similarity_align(mirrored, gt), gt).mean() > 0.1
    noisy = pred.where(mask[..., None], float('nan'))
    assert joint_errors(orthogonal_align(noisy, gt, mask), gt)[mask].max() < 1e-12


def slow_auc(errors):
    thresholds = np.linspace(0, 0.05, 100)
    curve = [(errors <= threshold).mean() for threshold in thresholds]
    return np.trapezoid(curve, thresholds) / 0.05 if hasattr(np, 'trapezoid') else np.trapz(curve, thresholds) / 0.05


def test_auc_is_the_area_under_the_curve():
    errors = np.r_[np.random.default_rng(0).uniform(0, 0.07, 500), np.linspace(0, 0.05, 100), 0, 0.05, 1, np.inf]
    areas = pck_area(torch.from_numpy(errors))
    assert areas.mean().item() == pytest.approx(slow_auc(errors), abs=1e-12)
    assert areas[-4:].tolist() == pytest.approx([1, 0.5 / 99, 0, 0])
    assert pck_area(torch.zeros(2, 3)).tolist() == [[1] * 3] * 2


def slow_f_score(pred, gt, threshold):
    def share(a, b):
        return np.mean([min(np.linalg.norm(p - q) for q in b) < threshold for p in a])
    precision, recall = share(gt, pred), share(pred, gt)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0


def test_f_score_is_the_obvious_one():
    gt, pred = 0.02 * normal(3, 40, 3), 0.02 * normal(3, 50, 3, seed=1)
    pred[2] += 9
    expected = [[slow_f_score(p, g, t) for t in (0.005, 0.015)] for p, g in zip(pred.numpy(), gt.numpy())]
    close(f_score(pred, gt), torch.tensor(expected, dtype=pred.dtype), 1e-12)
    assert expected[2] == [0, 0] and 0 < expected[0][0] < expected[0][1]
    assert f_score(gt, gt).tolist() == [[1, 1]] * 3
    assert f_score(pred[:0], gt[:0]).shape == (0, 2)


@pytest.mark.parametrize('max_elements', [1, 7, 100, 500, 2000, 2 ** 24])
def test_nearest_distances_do_not_depend_on_the_chunks(max_elements):
    a, b = normal(2, 3, 20, 3), normal(2, 3, 17, 3, seed=1)
    full = (a[..., :, None, :] - b[..., None, :, :]).norm(dim=-1)
    from_a, from_b = nearest_distances(a, b, max_elements)
    close(from_a, full.amin(-1), 1e-12)
    close(from_b, full.amin(-2), 1e-12)


def test_jitter():
    frame_ids = torch.tensor([0, 2, 4, 6, 8, 11])
    seconds = frame_ids.double() / 30
    joints = torch.stack([seconds ** 3, seconds ** 2], -1)[..., None] * torch.tensor([1., 0., 0.])  # (6,2,3)
    visible = torch.ones(6, 2, dtype=torch.bool)
    visible[0, 1] = False
    values, mask = jitter(joints, visible, frame_ids)
    assert mask.tolist() == [[True, False], [True, True], [False, False]]
    close(values[mask], torch.tensor([6., 6., 0.]), 1e-9)
    assert jitter(joints[:2], visible[:2], frame_ids[:2])[0].shape == (0, 2)


@pytest.mark.parametrize('step, counts', [(0, False), (1, True), (9, True), (10, False)])
def test_jitter_needs_four_frames_at_one_step_that_is_not_long(step, counts):
    frame_ids = step * torch.arange(5)
    joints = (frame_ids.double() / 30)[:, None, None] ** 3 * torch.tensor([1., 0., 0.])  # (5,1,3)
    values, mask = jitter(joints.expand(5, 6, 3), 1 - torch.eye(5, 6) > 0, frame_ids)  # joint j is hidden in frame j
    assert mask.tolist() == [[False] * 4 + [counts] * 2, [counts] + [False] * 4 + [counts]]
    close(values, torch.full((2, 6), 6.0 if step else 0), 1e-9)


def test_a_point_at_the_threshold_is_not_near():
    assert f_score(torch.zeros(1, 3), torch.tensor([[0.5, 0, 0]]), (0.5, 0.6)).tolist() == [0, 1]


def hand_sample(hands, rows=slice(None), **fields):
    return {**{name: value[rows] for name, value in hands.items()}, **fields}


@pytest.mark.parametrize('protocol', ['freihand', 'ho3d'])
def test_hand_metric(parity, hands, protocol):
    metric = METRICS.build(dict(type='MeshMetric', protocol=protocol))
    found = evaluate(metric, hand_sample(hands, slice(0, 4)), hand_sample(hands, slice(4, 6)))
    assert found['mesh/PA-MPJPE'] == pytest.approx(1000 * parity['freihand/xyz_al'][0].item(), abs=1e-6)
    assert found['mesh/MPVPE'] == pytest.approx(1000 * parity['freihand/mesh'][0].item(), abs=1e-6)
    assert found['mesh/PA-AUC_V'] == pytest.approx(parity['freihand/mesh_al'][1].item(), abs=1e-9)
    assert found['mesh/PA-F@5'] == pytest.approx(parity['fscore_aligned'][:, 0].mean().item(), abs=1e-9)
    assert ('mesh/ST-MPJPE' in found) == (protocol == 'ho3d')


def test_offset_of_five_millimetres(hands):
    shifted = {name: hands[name.removeprefix('pred_')] + torch.tensor([0.003, 0., 0.004]) * name.startswith('pred_')
               for name in hands}
    found = evaluate(MeshMetric(protocol='ho3d'), shifted)
    assert [found[f'mesh/{name}'] for name in ('MPJPE', 'MPVPE')] == pytest.approx([5, 5])
    assert [found['mesh/AUC_J'], found['mesh/AUC_V']] == pytest.approx([(100 - 10 - 0.5) / 99] * 2)
    for prefix in ('PA-', 'ST-'):
        assert found[f'mesh/{prefix}MPJPE'] == pytest.approx(0, abs=1e-9)
    assert found['mesh/F@15'] == 1
    found = evaluate(MeshMetric(protocol='body', root=(0,)), shifted)
    assert list(found.values()) == pytest.approx([0, 0, 0], abs=1e-9)
    assert list(found) == ['mesh/MPJPE', 'mesh/PA-MPJPE', 'mesh/PVE']


@pytest.mark.parametrize('num_joints,hips', [(14, (2, 3)), (24, (1, 2))])
def test_body_is_measured_from_the_hips(num_joints, hips):
    gt, pred = normal(4, num_joints, 3), normal(4, num_joints, 3, seed=1)
    vertices, pred_vertices = normal(4, 30, 3, seed=2), normal(4, 30, 3, seed=3)
    sample = dict(pred_joints=pred, joints=gt, pred_vertices=pred_vertices, vertices=vertices)
    found = evaluate(MeshMetric(protocol='body'), sample)
    shift = (pred - gt)[:, list(hips)].mean(1, keepdim=True)
    assert found['mesh/MPJPE'] == pytest.approx(1000 * joint_errors(pred - shift, gt).mean().item())
    assert found['mesh/PVE'] == pytest.approx(1000 * joint_errors(pred_vertices - shift, vertices).mean().item())
    hidden = torch.ones(4, num_joints, dtype=torch.bool)
    hidden[0] = False
    hidden[1, hips[0]] = False
    half = evaluate(MeshMetric(protocol='body'), dict(sample, visible=hidden))
    kept = evaluate(MeshMetric(protocol='body'), {name: value[2:] for name, value in sample.items()})
    assert half['mesh/MPJPE'] == pytest.approx(kept['mesh/MPJPE'])
    assert half['mesh/PVE'] == pytest.approx(kept['mesh/PVE'])
    assert half['mesh/PA-MPJPE'] != pytest.approx(kept['mesh/PA-MPJPE'])


def test_windows_and_duplicates(hands):
    """Windows are flattened, frames that are not scored are left out, and a repeated sample counts once."""
    expected = evaluate(MeshMetric(), hand_sample(hands))
    windows = {name: value.reshape(3, 2, *value.shape[1:]) for name, value in hands.items()}
    assert evaluate(MeshMetric(), windows) == pytest.approx(expected)
    index = torch.tensor([7, 8, 9])
    repeated = {name: value[[2, 0]] for name, value in dict(windows, index=index).items()}
    assert evaluate(MeshMetric(), dict(windows, index=index), repeated) == pytest.approx(expected)
    scored = torch.tensor([[True, False], [True, True], [False, True]])
    rows = scored.flatten().nonzero()[:, 0]
    assert evaluate(MeshMetric(), dict(windows, scored=scored)) == pytest.approx(
        evaluate(MeshMetric(), hand_sample(hands, rows)))


def test_processes(hands, monkeypatch):
    """Every process gets the result of all, whoever has the poses, and the padding counts once."""
    expected, metrics = evaluate(MeshMetric(), hands), [MeshMetric(), MeshMetric(), MeshMetric()]
    for metric, rows in zip(metrics, ([0, 2, 4], [1, 3, 5, 0], [])):
        metric.process(None, [hand_sample(hands, rows, index=torch.tensor(rows, dtype=torch.int64))])
    gathered = [(list(metric.results), set()) for metric in metrics]
    monkeypatch.setattr('mmegopose.evaluation.metrics.gathering.all_gather_object', lambda part: gathered)
    for metric in metrics:
        assert metric.evaluate(6) == pytest.approx(expected)
        assert metric.results == []


def test_invisible_joints_may_hold_anything(hands):
    visible = torch.ones(6, 21, dtype=torch.bool)
    visible[:, 5:] = False
    visible[0] = False
    broken = dict(hands, pred_joints=hands['pred_joints'].where(visible[..., None], float('nan')))
    broken['joints'] = hands['joints'].where(visible[..., None], float('inf'))
    found = evaluate(MeshMetric(), dict(broken, visible=visible))
    cut = {name: value[1:, :5] if 'joints' in name else value[1:] for name, value in hands.items()}
    assert found == pytest.approx(evaluate(MeshMetric(), cut))


def test_through_the_evaluator(hands):
    evaluator = Evaluator(MeshMetric(vertices=False))
    sample = PoseDataSample()
    for name, value in hands.items():
        sample.set_field(value.float(), name)
    evaluator.process([sample], None)
    found = evaluator.evaluate(1)
    assert sorted(found) == ['mesh/AUC_J', 'mesh/MPJPE', 'mesh/PA-AUC_J', 'mesh/PA-MPJPE']
    assert found['mesh/PA-MPJPE'] == pytest.approx(8.99633, abs=1e-4)


@pytest.mark.parametrize('options,message', [
    (dict(protocol='smpl'), "got 'smpl'"), (dict(joints=False, vertices=False), 'nothing to score'),
    (dict(protocol='body', joints=False), 'needs joints=True')])
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        MeshMetric(**options)


@pytest.mark.parametrize('hidden, error', [((), 0.03 / 21), ((20,), 0), ((0,), math.nan), ((9,), math.nan)])
def test_scale_and_translation_need_the_wrist_and_the_middle_knuckle(hidden, error):
    gt, visible = normal(21, 3), torch.ones(21, dtype=torch.bool)
    visible[list(hidden)] = False
    pred = 2 * gt + 1
    pred[20, 1] += 0.06
    found = joint_scores(pred, gt, visible, PoseRules(alignment=('scale_translation',)))
    assert found['ST-MPJPE'].item() == pytest.approx(error, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize('alignment', [(), ('none', 'rotation')])
def test_alignments_are_known_and_at_least_one(alignment):
    with pytest.raises(ValueError, match='should be some of'):
        PoseRules(alignment=alignment)


def test_bad_samples(hands):
    with pytest.raises(KeyError, match="vertices.*has only"):
        MeshMetric().process(None, [dict(pred_joints=hands['pred_joints'], joints=hands['joints'])])
    for name in hands:
        broken = hands[name].clone()
        broken[3, 2, 1] = float('nan')
        with pytest.raises(ValueError, match=f'{name} is not finite in 1 of 6 poses.*pose 3'):
            MeshMetric().process(None, [{**hands, name: broken}])
    with pytest.raises(ValueError, match=r'\(20, 3\) and \(21, 3\)'):
        MeshMetric().process(None, [dict(hands, pred_joints=hands['pred_joints'][:, :20])])
    with pytest.raises(ValueError, match='visible should begin with the batch shape'):
        MeshMetric().process(None, [dict(hands, visible=torch.ones(5, 21, dtype=torch.bool))])
    with pytest.raises(ValueError, match='set MeshMetric'):
        MeshMetric(protocol='body').process(None, [hands])
    with pytest.raises(ValueError, match='21 joints of a hand, got 16'):
        MeshMetric(protocol='ho3d', vertices=False).process(
            None, [dict(pred_joints=hands['joints'][:, :16], joints=hands['joints'][:, :16])])


def test_nothing_to_score(hands):
    with pytest.raises(ValueError, match='no poses to score'):
        MeshMetric().evaluate(0)
    for sample in (hand_sample(hands, slice(0)), dict(hands, visible=torch.zeros(6, 21, dtype=torch.bool))):
        with pytest.raises(ValueError, match='no poses to score'):
            evaluate(MeshMetric(), sample)


@pytest.fixture(scope='module')
def synthetic():
    """Six synthetic hands, predicted around the model's origin: all joints but the wrist 10 mm off, all keypoints
    0.04 of the crop."""
    dataset = SyntheticMeshDataset(6, split='val', image_size=(32, 32))
    fields = dict(dataset.__getitems__(range(6))['data_samples'].items())
    offset = torch.zeros(21, 3)
    offset[1:, 2] = 0.01
    origin = fields['translation'][:, :, None]
    return dict(fields, pred_joints=fields['joints'] - origin + offset, pred_vertices=fields['vertices'] - origin,
                pred_translation=7 * fields['translation'],
                pred_keypoints=fields['keypoints'] + torch.tensor([0.04, 0]))


@pytest.mark.parametrize('protocol', ['freihand', 'ho3d', 'body'])
def test_hands_around_the_models_origin_are_measured_from_the_wrist(synthetic, protocol):
    options = dict(root=(0,)) if protocol == 'body' else {}
    found = evaluate(MeshMetric(protocol=protocol, **options), synthetic)
    assert found['mesh/MPJPE'] == pytest.approx(10 * 20 / 21, abs=1e-3)
    assert found['mesh/PVE' if protocol == 'body' else 'mesh/MPVPE'] == pytest.approx(0, abs=1e-3)
    absolute = {key: value for key, value in synthetic.items() if key != 'pred_translation'}
    if protocol != 'body':
        assert found['mesh/F@5'] == 1
        assert evaluate(MeshMetric(protocol=protocol), absolute)['mesh/MPJPE'] > 1000
    assert evaluate(MeshMetric(protocol=protocol, **options), absolute)['mesh/PA-MPJPE'] == \
        pytest.approx(found['mesh/PA-MPJPE'], rel=1e-6)


def test_wrist_alone_has_no_error(synthetic):
    alone = torch.zeros(6, 1, 21, dtype=torch.bool)
    alone[..., 0] = True
    hidden = torch.ones(6, 1, 21, dtype=torch.bool)
    hidden[2:, :, 0] = False
    assert 'mesh/MPJPE' not in evaluate(MeshMetric(vertices=False), dict(synthetic, visible=alone))
    found = evaluate(MeshMetric(vertices=False), dict(synthetic, visible=hidden))
    assert found['mesh/MPJPE'] == pytest.approx(10 * 20 / 21, abs=1e-3)
    alone[..., 7] = True
    assert evaluate(MeshMetric(vertices=False), dict(synthetic, visible=alone))['mesh/MPJPE'] == \
        pytest.approx(5, abs=1e-3)


def test_a_given_root_must_be_known_and_no_other_joint(synthetic):
    joints, seen = synthetic['joints'].clone(), torch.ones(6, 1, 21, dtype=torch.bool)
    joints[:2, :, 0], joints[2:4, :, 1] = torch.nan, torch.nan
    seen[:2, :, 0], seen[2:4, :, 1] = False, False
    pred = synthetic['pred_joints'].clone()
    pred[:2] += 9  # what has no root is not measured
    options = dict(protocol='egoexo4d_hand', vertices=False, offset=True)
    found = evaluate(MeshMetric(**options), dict(synthetic, joints=joints, pred_joints=pred, visible=seen))
    assert found['mesh/MPJPE'] == pytest.approx((2 * 19 / 20 + 2 * 20 / 21) / 4 * 10, abs=1e-3)


def test_vertices_need_the_wrist(synthetic):
    with pytest.raises(KeyError, match="from the wrist.*'joints'"):
        evaluate(MeshMetric(joints=False), {key: value for key, value in synthetic.items() if key != 'joints'})


def test_keypoints_of_a_dataset(synthetic):
    metric = dict(type='KeypointPCKMetric', thresholds=(0.079, 0.081))
    assert list(evaluate(METRICS.build(metric), synthetic).values()) == [0, 100]
    conf = torch.full((6, 1, 21), 0.5)
    with pytest.raises(ValueError, match='no poses to score'):
        evaluate(METRICS.build(metric), dict(synthetic, keypoint_conf=conf))
