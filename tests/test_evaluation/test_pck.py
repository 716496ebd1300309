from pathlib import Path

import numpy as np
import pytest
import torch

from mmegopose.evaluation.functional.keypoint_errors import (
    crop_to_image,
    keypoint_pck,
    keypoint_pck_per_joint,
    normalized_distances,
)
from mmegopose.registry import METRICS

DATA = Path(__file__).parents[1] / 'data'
THRESHOLDS = (0.05, 0.1, 0.15)


def load(name):
    with np.load(DATA / f'{name}.npz') as file:
        return {key: torch.from_numpy(file[key]) for key in file.files if key != 'config'}


@pytest.fixture(scope='module')
def hint():
    """Input and result of the official HInt evaluation."""
    return load('metrics_pck_hint')


@pytest.fixture(scope='module')
def sample(hint):
    """The same as a batched sample, in units of the crops."""
    gt, sign = hint['orig_keypoints_2d'].double(), torch.where(hint['right'].bool(), 1, -1)[:, None]
    keypoints = (gt[..., :2] - hint['box_center'][:, None]) / hint['box_size'][:, None, None]
    keypoints[..., 0] *= sign
    return dict(pred_keypoints=hint['pred_keypoints_2d'], keypoints=keypoints, keypoint_conf=gt[..., 2])


def evaluate(sample, **options):
    metric = METRICS.build(dict(type='KeypointPCKMetric', **options))
    metric.process(None, [sample])
    return metric.evaluate(len(sample['keypoints']))


def test_hint_pck_matches_official_code(hint):
    gt = hint['orig_keypoints_2d']
    pred = crop_to_image(hint['pred_keypoints_2d'].double(), hint['box_size'], hint['box_center'], hint['right'])
    distances = normalized_distances(pred, gt[..., :2], hint['box_size'] / hint['bbox_expand_factor'])
    mask = gt[..., 2] > 0.5
    per_joint = torch.stack([hint[f'pck_per_joint/{threshold}'] for threshold in THRESHOLDS])
    torch.testing.assert_close(keypoint_pck_per_joint(distances, mask, THRESHOLDS), per_joint, atol=1e-9, rtol=0)
    torch.testing.assert_close(keypoint_pck(distances, mask, THRESHOLDS), hint['pck_avg'], atol=1e-9, rtol=0)


def test_hmr2_pck_matches_official_code():
    data = load('metrics_pck_hmr2')
    distances = normalized_distances(data['pred'], data['gt'])
    found = keypoint_pck(distances, data['mask'], (0.05, 0.1), strict=True)
    torch.testing.assert_close(found, torch.cat([data['pck_0.05'], data['pck_0.1']]), atol=1e-9, rtol=0)


def test_keypoints_count_from_a_confidence_of_a_half():
    gt = torch.arange(42.).reshape(1, 21, 2)
    conf = torch.full((1, 21), 0.5)
    conf[0, :4] = torch.tensor([0.51, 0.6, 0.7, 1])
    pred = gt + (torch.arange(21) >= 3)[:, None]  # of those that count, three of four are right
    found = evaluate(dict(pred_keypoints=pred, keypoints=gt, keypoint_conf=conf), thresholds=(0.1,))
    assert list(found.values()) == [75]


def test_threshold_itself():
    distances, mask = torch.tensor([[0.25, 0.5]]), torch.ones(1, 2, dtype=torch.bool)
    assert keypoint_pck(distances, mask, (0.25, 0.5)).tolist() == [0.5, 1]
    assert keypoint_pck(distances, mask, (0.25, 0.5), strict=True).tolist() == [0, 0.5]
    assert keypoint_pck_per_joint(distances, mask, (0.25, 0.5)).tolist() == [[1, 0], [1, 1]]


def test_joint_that_never_counts_is_left_out():
    distances = torch.tensor([[0., 1., float('nan')], [1., 1., float('nan')]])
    mask = torch.tensor([[True, True, False], [True, True, False]])
    assert keypoint_pck_per_joint(distances, mask, (0.5,))[0, :2].tolist() == [0.5, 0]
    assert keypoint_pck(distances, mask, (0.5,)).tolist() == [0.25]
    assert keypoint_pck(distances, torch.zeros_like(mask), (0.5,)).isnan().all()


def test_metric_matches_official_code(hint, sample):
    found = evaluate(sample)
    assert list(found) == [f'keypoints/PCK@{threshold}' for threshold in THRESHOLDS]
    assert list(found.values()) == pytest.approx((100 * hint['pck_avg']).tolist(), abs=1e-9)


def test_visible_and_occluded_subsets(sample):
    occluded = torch.rand(40, 21, generator=torch.Generator().manual_seed(0)) < 0.3
    found = evaluate(dict(sample, keypoint_visible=~occluded))
    labelled = sample['keypoint_conf'] > 0.5
    for subset, mask in ((('', labelled), ('visible/', labelled & ~occluded), ('occluded/', labelled & occluded))):
        alone = evaluate(dict(sample, keypoint_conf=mask))
        for threshold in THRESHOLDS:
            name = f'PCK@{threshold}'
            assert found[f'keypoints/{subset}{name}'] == pytest.approx(alone[f'keypoints/{name}'])
    assert 'keypoints/occluded/PCK@0.1' not in evaluate(dict(sample, keypoint_visible=torch.ones_like(occluded)))


def test_constant_offset():
    gt = torch.arange(42.).reshape(1, 21, 2) / 64
    sample = dict(pred_keypoints=gt + torch.tensor([3 / 64, 4 / 64]), keypoints=gt)  # 5/32 of the tight box
    assert list(evaluate(sample).values()) == [0, 0, 0]
    assert list(evaluate(sample, thresholds=(0.156, 5 / 32)).values()) == [0, 100]
    assert list(evaluate(sample, thresholds=(5 / 32,), strict=True).values()) == [0]
    assert list(evaluate(sample, expand=1.0, thresholds=(0.078, 5 / 64)).values()) == [0, 100]


def test_windows_and_duplicates(sample):
    expected = evaluate(sample)
    windows = {name: value.reshape(20, 2, *value.shape[1:]) for name, value in sample.items()}
    doubled = {name: torch.cat([value, value[:7]]) for name, value in windows.items()}
    index = torch.arange(27) % 20
    assert evaluate(windows) == pytest.approx(expected)
    assert evaluate(dict(doubled, index=index)) == pytest.approx(expected)
    assert evaluate(doubled) != pytest.approx(expected)


def test_crop_to_image():
    keypoints = torch.tensor([[[0.25, -0.5]], [[0.25, -0.5]]])
    found = crop_to_image(keypoints, torch.tensor([100., 100.]), torch.tensor([[300., 200.]] * 2), torch.tensor([1, 0]))
    assert found.tolist() == [[[325, 150]], [[275, 150]]]
    assert crop_to_image(keypoints, torch.tensor([1., 2.]), torch.zeros(2, 2)).tolist() == [[[0.25, -0.5]], [[0.5, -1]]]


def test_bad_samples(sample):
    with pytest.raises(KeyError, match='pred_keypoints'):
        evaluate(dict(keypoints=sample['keypoints']))
    pred = sample['pred_keypoints'].clone()
    pred[4, sample['keypoint_conf'][4] > 0.5] = float('nan')
    with pytest.raises(ValueError, match='pred_keypoints is not finite in 1 of'):
        evaluate(dict(sample, pred_keypoints=pred))
    with pytest.raises(ValueError, match='no poses to score'):
        evaluate(dict(sample, keypoint_conf=torch.zeros(40, 21, dtype=torch.bool)))
