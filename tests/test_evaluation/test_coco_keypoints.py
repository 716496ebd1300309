"""2D keypoints as COCO scores them: the numbers are those of the official code on the files."""
import contextlib
import io
import json
import math

import numpy as np
import pytest
import torch
from helpers.image_fixture import write_coco_wholebody

from mmegopose.compat import coco_api
from mmegopose.datasets import ImageMeshDataset
from mmegopose.evaluation import CocoKeypointMetric
from mmegopose.evaluation.benchmarks.coco_keypoints_benchmark import coco_annotations
from mmegopose.evaluation.functional import keypoint_similarity
from mmegopose.registry import METRICS
from mmegopose.structures import get_skeleton

SIGMAS = get_skeleton('coco17').oks_sigmas
META = dict(dataset_name='test', skeleton='coco17', split='val')
PAIRS = dict(AP=0, AP50=1, AP75=2, AP_medium=3, AP_large=4, AR=5, AR50=6, AR75=7, AR_medium=8, AR_large=9)


def people(seed=0, images=12, joints=17):
    """Instances of several sizes, one to four in an image; pixels, visibility 0 to 2, predictions with scores."""
    rng = np.random.default_rng(seed)
    image = np.repeat(np.arange(images) * 3 + 7, rng.integers(1, 5, images))
    n = len(image)
    size = np.exp(rng.uniform(np.log(30), np.log(300), n))
    truth = rng.uniform(100, 500, (n, 1, 2)) + size[:, None, None] * rng.uniform(-0.5, 0.5, (n, joints, 2))
    spread = size[:, None, None] * np.exp(rng.uniform(-5, -1, n))[:, None, None]
    return dict(image=image, truth=truth, visible=rng.integers(0, 3, (n, joints)), area=0.5 * size ** 2,
                pred=truth + spread * rng.normal(size=(n, joints, 2)), scores=rng.uniform(0, 1, (n, joints)),
                center=truth.mean(1) + rng.normal(size=(n, 2)), side=1.3 * size)


def as_sample(data, right=None, **fields):
    """What a data set and a heatmap head give: places in units of the crop, one frame in a window."""
    units = {name: (data[name] - data['center'][:, None]) / data['side'][:, None, None] for name in ('pred', 'truth')}
    if right is not None:
        units = {name: value * np.where(right, 1, -1)[:, None, None] ** [1, 0] for name, value in units.items()}
        fields['right'] = right
    fields = dict(pred_keypoints=units['pred'], keypoints=units['truth'], keypoint_conf=(data['visible'] > 0) * 1.0,
                  pred_scores=data['scores'], box_center=data['center'], box_size=data['side'],
                  index=np.arange(len(data['image']))) | fields
    return {name: torch.as_tensor(value) if name == 'index' else torch.as_tensor(value)[:, None]
            for name, value in fields.items()}


def write_files(data, folder, rows=slice(None)):
    """The same instances as COCO's files, written by hand."""
    annotations = []
    for i in np.arange(len(data['image']))[rows]:
        points = data['truth'][i][data['visible'][i] > 0]
        low, high = points.min(0), points.max(0)
        annotations.append(dict(
            id=int(i) + 1, image_id=int(data['image'][i]), category_id=1, iscrowd=0, area=float(data['area'][i]),
            num_keypoints=len(points), bbox=[*low, *(high - low)],
            keypoints=[float(v) for x, seen in zip(data['truth'][i], data['visible'][i]) for v in (*x, seen)]))
    content = dict(images=[dict(id=int(i)) for i in np.unique(data['image'])], annotations=annotations,
                   categories=[dict(id=1, name='person')])
    (folder / 'truth.json').write_text(json.dumps(content))
    kept = data['scores'] > 0.2
    score = (data['scores'] * kept).sum(1) / np.maximum(kept.sum(1), 1)
    (folder / 'results.json').write_text(json.dumps([
        dict(image_id=int(data['image'][i]), category_id=1, score=float(score[i]),
             keypoints=[float(v) for x, s in zip(data['pred'][i], data['scores'][i]) for v in (*x, s)])
        for i in range(len(score))]))


def official(folder, sigmas=SIGMAS):
    COCO, COCOeval = coco_api()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / 'truth.json'))
        evaluation = COCOeval(truth, truth.loadRes(str(folder / 'results.json')), 'keypoints')
        evaluation.params.kpt_oks_sigmas = evaluation.sigmas = np.array(sigmas)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def evaluate(metric, *samples, meta=META):
    metric.dataset_meta = meta
    for sample in samples:
        metric.process(None, [sample])
    return metric.evaluate(0)


@pytest.mark.parametrize('seed', range(3))
def test_equal_to_the_official_code_on_the_same_files(seed, tmp_path):
    data = people(seed)
    write_files(data, tmp_path)
    evaluation = official(tmp_path)
    image_id = data['image']
    metric = METRICS.build(dict(type='CocoKeypointMetric'))
    found = evaluate(metric, as_sample(data, image_id=image_id, area=data['area']))
    assert {name: found[f'coco/{name}'] for name in PAIRS} == pytest.approx(
        {name: evaluation.stats[place] for name, place in PAIRS.items()}, abs=1e-12)
    assert 0.2 < found['coco/AP'] < 0.9 and found['coco/AP_medium'] != found['coco/AP_large']

    named = CocoKeypointMetric(ann_file=str(tmp_path / 'truth.json'), out_file=str(tmp_path / 'written.json'))
    sample = as_sample(data, right=np.arange(len(image_id)) % 2 == 0, image_id=image_id)
    halves = [{name: value[part] for name, value in sample.items()} for part in (slice(0, 9), slice(5, None))]
    again = evaluate(named, *halves)  # what comes twice counts once; crops of left hands are mirrored
    assert {name: again[f'coco/{name}'] for name in PAIRS} == pytest.approx(
        {name: evaluation.stats[place] for name, place in PAIRS.items()}, abs=1e-12)
    written, expected = (json.loads((tmp_path / name).read_text()) for name in ('written.json', 'results.json'))
    assert [row['image_id'] for row in written] == [row['image_id'] for row in expected]
    np.testing.assert_allclose([row['keypoints'] for row in written], [row['keypoints'] for row in expected], atol=1e-9)
    np.testing.assert_allclose([row['score'] for row in written], [row['score'] for row in expected], atol=1e-12)


def test_instances_that_nobody_predicted_count_in_an_annotation_file(tmp_path):
    data = people(5)
    write_files(data, tmp_path)
    half = len(data['image']) // 2
    (tmp_path / 'results.json').write_text(json.dumps(json.loads((tmp_path / 'results.json').read_text())[:half]))
    sample = {name: value[:half] for name, value in as_sample(data, image_id=data['image'], area=data['area']).items()}
    found = evaluate(CocoKeypointMetric(ann_file=str(tmp_path / 'truth.json')), sample)
    assert found['coco/AR'] == pytest.approx(official(tmp_path).stats[5], abs=1e-12)
    assert found['coco/AR'] < evaluate(CocoKeypointMetric(), sample)['coco/AR']


def test_similarity_is_that_of_the_official_code(tmp_path):
    data = people(1)
    write_files(data, tmp_path)
    evaluation = official(tmp_path)
    own = keypoint_similarity(*(torch.from_numpy(data[name]) for name in ('pred', 'truth')),
                              torch.from_numpy(data['visible'] > 0), torch.from_numpy(data['area']), SIGMAS)
    for image in np.unique(data['image']):
        rows = np.flatnonzero(data['image'] == image)
        score = evaluation.cocoDt.loadAnns(evaluation.cocoDt.getAnnIds(imgIds=[image]))
        order = np.argsort([-row['score'] for row in score], kind='mergesort')
        similarity = np.array(evaluation.ious[image, 1])[np.argsort(order)]
        np.testing.assert_allclose(np.diag(similarity), own[rows], atol=1e-12)
    found = evaluate(CocoKeypointMetric(), as_sample(data, image_id=data['image'], area=data['area']))
    assert found['coco/OKS'] == pytest.approx(own.mean().item(), abs=1e-12)


def test_analytic_case():
    """The keypoints of one pose are off by the distance at which the similarity is 0.81, which passes the seven
    thresholds from 0.5 to 0.8, those of another by that of 0.56, which passes two."""
    gt = torch.zeros(2, 17, 2, dtype=torch.float64)
    gt[:, :, 0] = torch.linspace(0, 100, 17)
    gt[:, :, 1] = torch.linspace(0, 50, 17)
    similarity = torch.tensor([0.81, 0.56], dtype=torch.float64)
    distance = torch.sqrt(-8 * similarity.log()[:, None] * torch.tensor(SIGMAS).double() ** 2 * 5000)
    pred = gt + distance[..., None] * torch.tensor([0.6, 0.8])
    visible = torch.ones(2, 17, dtype=torch.bool)
    torch.testing.assert_close(keypoint_similarity(pred, gt, visible, torch.tensor([5000., 5000.]).double(), SIGMAS),
                               similarity)
    sample = dict(pred_keypoints=pred / 256 - 0.5, keypoints=gt / 256 - 0.5, keypoint_conf=visible.double())
    found = evaluate(CocoKeypointMetric(), sample)
    # Both poses have the same score, each in its own image; recall is 1 up to 0.55, then 1/2 up to 0.80.
    assert found['coco/OKS'] == pytest.approx(similarity.mean().item())
    assert found['coco/AR'] == pytest.approx((2 * 1 + 5 * 0.5) / 10)
    assert found['coco/AP50'] == pytest.approx(1) and found['coco/AP75'] <= 51 / 101
    assert 'coco/AP_large' not in found and found['coco/AR_medium'] == found['coco/AR']
    exact = evaluate(CocoKeypointMetric(), dict(sample, pred_keypoints=sample['keypoints']))
    assert exact['coco/AP'] == exact['coco/OKS'] == 1


def test_annotations_tell_what_is_labelled():
    """Of four keypoints one is not labelled; hidden ones are, and none of them bounds the box by itself."""
    keypoints = np.array([[[10, 40, 1], [30, 20, 2], [25, 25, 2], [900, 900, 0]]], float)
    found, = coco_annotations(np.array([3]), keypoints)['annotations']
    assert found == dict(id=1, image_id=3, category_id=1, iscrowd=0, num_keypoints=3, area=400.0,
                         bbox=[10.0, 20.0, 20.0, 20.0], keypoints=keypoints.ravel().tolist())


def test_a_pose_scores_the_mean_of_what_is_surely_seen_and_lies_in_a_picture_of_256_pixels(tmp_path):
    scores = torch.full((3, 17), 0.1, dtype=torch.float64)
    scores[0, :3], scores[1, 4] = scores.new_tensor([0.2, 0.5, 0.9]), 0.6  # the threshold itself is not above it
    gt = torch.rand(3, 17, 2, generator=torch.Generator().manual_seed(0)).double() - 0.5
    sample = dict(pred_keypoints=gt + 1, keypoints=gt, keypoint_conf=torch.ones(3, 17), pred_scores=scores)
    found = evaluate(CocoKeypointMetric(out_file=str(tmp_path / 'results.json')), sample)
    rows = json.loads((tmp_path / 'results.json').read_text())
    assert [row['score'] for row in rows] == pytest.approx([0.7, 0.6, 0])
    np.testing.assert_allclose([row['keypoints'][:2] for row in rows], 256 * (gt[:, 0] + 1.5), atol=1e-4)
    assert found['coco/AP'] == found['coco/AR'] == 0  # nothing is near, which is a result


def test_what_has_no_size_must_be_met_exactly():
    points, shifted = torch.zeros(2, 17, 2), torch.zeros(2, 17, 2)
    shifted[1] = 1
    found = keypoint_similarity(shifted, points, torch.ones(2, 17, dtype=torch.bool), torch.zeros(2), SIGMAS)
    assert found.tolist() == [1, 0]


def test_hands_have_constants_and_other_skeletons_need_them():
    data = people(2, joints=21)
    sample = as_sample(data)
    assert math.isfinite(evaluate(CocoKeypointMetric(), sample, meta=dict(META, skeleton='hand21'))['coco/AP'])
    with pytest.raises(ValueError, match='a constant for each of 21 keypoints, got 17: give .*sigmas=.*oks_sigmas'):
        evaluate(CocoKeypointMetric(), sample)
    with pytest.raises(ValueError, match='got 0'):
        evaluate(CocoKeypointMetric(), sample, meta=dict(META, skeleton='smpl24'))
    assert 'coco/AP' in evaluate(CocoKeypointMetric(sigmas=[0.05] * 21), sample)


def test_mistakes_are_told(tmp_path):
    data = people(3)
    write_files(data, tmp_path)
    metric = CocoKeypointMetric(ann_file=str(tmp_path / 'truth.json'))
    with pytest.raises(KeyError, match='truth.json.*needs the field image_id'):
        evaluate(metric, as_sample(data))
    with pytest.raises(ValueError, match=r'6 images .* are not among the 12 of .*: \[997, 1000, 1003, 1006, 1009\]'):
        evaluate(metric, as_sample(data, image_id=np.where(data['image'] < 25, 990 + data['image'], data['image'])))


@pytest.mark.parametrize('area', [None, 900.0])
def test_hands_of_coco_wholebody_come_back_to_the_pixels_and_numbers_of_their_images(tmp_path, area):
    """Two hands of the first image and one of the second, of which one is a left hand whose crop is mirrored."""
    people = write_coco_wholebody(tmp_path)
    if area:
        path = next((tmp_path / 'annotations').iterdir())
        content = json.loads(path.read_text())
        content['annotations'] = [person | dict(area=area) for person in content['annotations']]
        path.write_text(json.dumps(content))
    data = ImageMeshDataset(str(tmp_path), dict(type='coco_wholebody_hand'), pose_form=None, test_mode=True)
    sample = data.__getitems__(range(3))['data_samples']
    sample.pred_keypoints = sample.keypoints + 10 / sample.box_size[..., None, None]
    metric = CocoKeypointMetric(out_file=str(tmp_path / 'results.json'))
    found = evaluate(metric, sample.to_dict(), meta=data.metainfo)
    rows = json.loads((tmp_path / 'results.json').read_text())
    assert [row['image_id'] for row in rows] == [10, 10, 11]
    labels = [people[0]['lefthand_kpts'], people[0]['righthand_kpts'], people[1]['righthand_kpts']]
    for row, label, side in zip(rows, labels, (-1, 1, 1)):
        shift = np.array(row['keypoints']).reshape(21, 3)[:, :2] - label.reshape(21, 3)[:, :2]
        np.testing.assert_allclose(shift, np.tile([10.0 * side, 10.0], (21, 1)), atol=1e-3)
    variance = 8 * np.array(get_skeleton('hand21').oks_sigmas) ** 2
    expected = []
    for label in labels:
        points = label.reshape(21, 3)[label.reshape(21, 3)[:, 2] > 0.5]
        seen = label.reshape(21, 3)[:, 2] > 0.5
        expected.append(np.exp(-200 / (area or np.ptp(points[:, :2], axis=0).prod()) / variance)[seen].mean())
    assert found['coco/OKS'] == pytest.approx(np.mean(expected), rel=1e-4)
