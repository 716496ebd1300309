"""The hand task of Ego-Exo4D: the score is that of the official evaluator, the file that of the official template."""
import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.commands import completed

from mmegopose.cli import main
from mmegopose.datasets.readers.head_pose.hand_poses import read_hands_in_camera
from mmegopose.evaluation import EgoExo4DHandSubmission, MeshMetric
from mmegopose.evaluation.submissions import (
    from_wrist,
    is_hand_file,
    read_hand_poses,
    score_hand_poses,
    validate_hand_poses,
    wanted_hands,
    write_hand_poses,
)
from mmegopose.files import BadFile

PARITY = Path(__file__).parents[1] / 'data' / 'egoexo4d_hand_eval.npz'


@pytest.fixture(scope='module')
def parity():
    """Truth, prediction and validity of hands, and what the official evaluator makes of them."""
    with np.load(PARITY) as file:
        arrays = dict(file)
    there = np.ones(120, bool)
    there[2 * arrays['absent'][:, 0] + arrays['absent'][:, 1]] = False
    hands = {name: torch.from_numpy(arrays[name][there]) for name in ('truth', 'prediction', 'valid')}
    return hands, arrays['offset_0/MPJPE'].item(), arrays['offset_0/P-MPJPE'].item()


def scores(pred, truth, valid, **options):
    metric = MeshMetric(protocol='egoexo4d_hand', vertices=False, **options)
    metric.process(None, [dict(pred_joints=pred, joints=truth, visible=valid)])
    return metric.evaluate(len(pred))


def test_metric_is_the_official_one_to_the_digit(parity):
    (hands, mpjpe, pa_mpjpe) = parity
    truth, pred, valid = hands['truth'], hands['prediction'], hands['valid']
    expected = {'mesh/MPJPE': pytest.approx(mpjpe, abs=1e-9), 'mesh/PA-MPJPE': pytest.approx(pa_mpjpe, abs=1e-9)}
    assert scores(pred, truth, valid) == expected
    assert scores(pred - truth[:, :1], truth, valid, offset=True) == expected
    assert scores(pred - truth[:, :1], truth - truth[:, :1], valid) == expected
    mirrored = pred * torch.tensor([1, -1, 1])
    assert scores(mirrored, truth, valid)['mesh/PA-MPJPE'] > pa_mpjpe + 5  # a hand of the wrong side is wrong
    assert scores(mirrored, truth, valid, reflection=True) == {
        'mesh/MPJPE': pytest.approx(scores(mirrored, truth, valid)['mesh/MPJPE']),
        'mesh/PA-MPJPE': pytest.approx(scores(pred, truth, valid, reflection=True)['mesh/PA-MPJPE'])}


def test_each_option_is_one_of_every_protocol(parity):
    hands, mpjpe, pa_mpjpe = parity
    sample = dict(pred_joints=hands['prediction'], joints=hands['truth'], visible=hands['valid'])

    def found(**options):
        metric = MeshMetric(vertices=False, **options)
        metric.process(None, [sample])
        return metric.evaluate(1)

    freihand = found(protocol='freihand')
    assert freihand['mesh/MPJPE'] == pytest.approx(mpjpe) and freihand['mesh/PA-MPJPE'] < pa_mpjpe - 0.5
    assert found(protocol='freihand', reflection=False)['mesh/PA-MPJPE'] == pytest.approx(pa_mpjpe)
    rooted = found(protocol='body', root=(0,))
    assert rooted['mesh/PA-MPJPE'] == pytest.approx(pa_mpjpe) and abs(rooted['mesh/MPJPE'] - mpjpe) > 0.5
    assert found(protocol='egoexo4d_hand', root=(0,)) == pytest.approx(rooted)
    assert list(found(protocol='egoexo4d_hand', alignment=('similarity',))) == ['mesh/PA-MPJPE']
    for options, message in ((dict(alignment=('rigid',)), "alignment=.*'rigid'.*should be some of"),
                             (dict(vertices=True), 'set vertices=False')):
        with pytest.raises(ValueError, match=message):
            MeshMetric(**dict(protocol='egoexo4d_hand', vertices=False) | options)


def test_five_millimetres_are_five(parity):
    truth, valid = parity[0]['truth'], parity[0]['valid']
    pred = truth + torch.tensor([0.003, 0.004, 0])
    assert scores(pred, truth, valid) == {'mesh/MPJPE': pytest.approx(5), 'mesh/PA-MPJPE': pytest.approx(0, abs=1e-9)}
    offset = scores(pred - truth[:, :1], truth, valid, offset=True)
    assert offset == {'mesh/MPJPE': pytest.approx(5), 'mesh/PA-MPJPE': pytest.approx(0, abs=1e-9)}


def test_every_hand_weighs_the_same_and_joints_without_a_label_nothing():
    truth = torch.randn(2, 21, 3, dtype=torch.float64) / 20
    pred, valid = truth.clone(), torch.ones(2, 21, dtype=torch.bool)
    pred[0, :, 2] += 0.010
    valid[1, 10:] = False
    pred[1, 10:] = 9
    truth[1, 10:] = float('nan')
    assert scores(pred, truth, valid)['mesh/MPJPE'] == pytest.approx(5)


def annotations(count=3):
    """An annotation file of two takes, and the truth by hand; the last frame of a take has no left hand."""
    rng, content, poses = np.random.default_rng(0), {}, {}
    for uid in ('a', 'b'):
        for frame in map(str, range(6, 6 + 3 * count, 3)):
            entry = content.setdefault(uid, {}).setdefault(frame, dict(metadata=dict(take_uid=uid)))
            for side in ('right', 'left'):
                if side == 'left' and frame == str(6 + 3 * count - 3):
                    entry |= {f'{side}_hand_{key}': [] for key in ('3d', 'bbox', 'valid_3d')}
                    continue
                pose = rng.uniform(-0.06, 0.06, (21, 3)) + [0.05, 0.1, 0.4]
                valid = rng.random(21) < 0.8
                poses[uid, frame, side] = pose
                entry |= {f'{side}_hand_3d': np.where(valid[:, None] | (np.arange(21) == 0)[:, None], pose,
                                                      np.nan).tolist(),
                          f'{side}_hand_bbox': [1.0, 2.0, 30.0, 40.0], f'{side}_hand_valid_3d': valid.tolist()}
    return content, poses


def test_round_trip_and_offline_score(tmp_path):
    truth, poses = annotations()
    (tmp_path / 'truth.json').write_text(json.dumps(truth))  # with bare NaN, as the official files
    truth = read_hand_poses(tmp_path / 'truth.json')
    assert list(wanted_hands(truth)) == sorted(poses, key=lambda hand: (hand[0], int(hand[1]), hand[2]))
    moved = {hand: pose + [0.003, 0, 0.004] for hand, pose in poses.items()}
    write_hand_poses(moved, truth, tmp_path / 'new' / 'hands.json')
    submission = read_hand_poses(tmp_path / 'new' / 'hands.json')
    assert validate_hand_poses(submission, truth) == [] and submission['a']['12']['left_hand_3d'] == []
    written = np.array(submission['b']['6']['right_hand_3d'])
    np.testing.assert_array_equal(written, np.round(moved['b', '6', 'right'], 6))  # micrometres
    assert score_hand_poses(submission, truth) == {'MPJPE': pytest.approx(5, abs=2e-3),
                                                   'PA-MPJPE': pytest.approx(0, abs=2e-3)}
    write_hand_poses({hand: pose - poses[hand][0] for hand, pose in moved.items()}, truth, tmp_path / 'wrist.json')
    wrist = read_hand_poses(tmp_path / 'wrist.json')
    assert score_hand_poses(wrist, truth, offset=True)['MPJPE'] == pytest.approx(5, abs=2e-3)
    assert score_hand_poses(wrist, truth)['MPJPE'] > 100
    del wrist['b']['9']
    with pytest.raises(ValueError, match=r'no prediction for 2 hands \(b 9 left, b 9 right\)'):
        score_hand_poses(wrist, truth)


def test_bodies_are_told_from_hands():
    assert is_hand_file({'a': {'3': {}}, 'b': {}}) and is_hand_file(annotations()[0])
    for content in ({'a': {'take_name': 'walk', 'body': {}}}, {'a': {'3': {}}, 'b': {'body': {}}}, {'a': [1]}):
        assert not is_hand_file(content)


def test_all_problems_are_told_at_once():
    truth, poses = annotations(6)
    good = {}
    for (uid, frame, side), pose in poses.items():
        good.setdefault(uid, {}).setdefault(frame, {})[f'{side}_hand_3d'] = pose.tolist()
    assert validate_hand_poses(good, truth) == []
    bad = copy.deepcopy(good)
    del bad['b']
    bad['c'] = {}
    a = bad['a']
    del a['6']
    a['7'] = {}
    a['9'] |= dict(left_hand_3d=[], right_hand_3d=[['x', 0, 0]] * 21)
    a['12'] |= dict(left_hand_3d=a['12']['left_hand_3d'][:20], right_hand_3d=[[float('nan')] * 3] * 21)
    a['15'] |= dict(left_hand_3d=[[0, 0, 0]] * 21, left_hand_2d=[])
    a['18']['left_hand_3d'] = (np.array(a['18']['left_hand_3d']) * 9).tolist()
    a['18']['right_hand_3d'] = (np.array(a['18']['right_hand_3d']) - a['18']['right_hand_3d'][0]).tolist()
    a['21']['left_hand_3d'] = a['21']['right_hand_3d']
    problems = validate_hand_poses(bad, truth)
    for text in ('1 take (b) are missing', '1 frame (a 6) are missing', '1 take (c) are not in the template',
                 '1 frame (a 7) are not in the template', '1 hand (a 9 left) without a pose of 22 to be scored',
                 '1 hand (a 21 left) that the template does not ask for', "a 15 'left_hand_2d'",
                 'values that are not numbers in 1 hand (a 9 right)', '21 x 3 in 1 hand (a 12 left)',
                 'NaN or infinite coordinates in 1 hand (a 12 right)', 'all joints at zero in 1 hand (a 15 left)',
                 'larger than half a metre in 1 hand (a 18 left)', 'at it in 1 others'):
        assert any(text in problem for problem in problems), (text, problems)
    assert len(problems) == 13 and 'a 18 right' not in problems[-1] and 'a 18 left' in problems[-1]
    millimetres = {uid: {frame: {key: (1000 * np.array(pose)).tolist() for key, pose in hands.items()}
                         for frame, hands in take.items()} for uid, take in good.items()}
    assert ['looks like millimetres' in problem for problem in validate_hand_poses(millimetres, truth)] == [True]


@pytest.mark.parametrize('content, message', [
    ('{"a": {"1": {}, "1": {}}}', "holds '1' twice"), ('{"a": {"x": {}}}', "frame 'x' is not of the form"),
    ('{"a": []}', "take 'a'"), ('[', 'not readable JSON')])
def test_files_that_are_none(tmp_path, content, message):
    (tmp_path / 'file.json').write_text(content)
    with pytest.raises(ValueError, match=message):
        read_hand_poses(tmp_path / 'file.json')


def batch(poses, sequences, mirrored=False, **more):
    """One sample of hands, each a window of one frame, as the pipeline gives them."""
    rows = [(sequences.index((uid, side)), int(frame), pose) for (uid, frame, side), pose in poses.items()]
    joints = torch.tensor(np.array([pose for *_, pose in rows]))[:, None]
    if mirrored:
        joints = joints * torch.tensor([1, -1, 1])
    return dict(pred_joints=joints, sequence=torch.tensor([row[0] for row in rows]),
                frame_ids=torch.tensor([[row[1]] for row in rows]),
                crop_mirrored=torch.full((len(rows), 1), mirrored), **more)


def test_submission_metric(tmp_path):
    truth, poses = annotations()
    (tmp_path / 'template.json').write_text(json.dumps(truth))
    sequences = sorted({(uid, side) for uid, _, side in poses})
    meta = dict(sequences=[dict(uid=f'{uid}/{side}', take_uid=uid, side=side) for uid, side in sequences])
    left = {hand: pose for hand, pose in poses.items() if hand[2] == 'left'}
    right = {hand: pose for hand, pose in poses.items() if hand[2] == 'right'}
    for template in (None, str(tmp_path / 'template.json')):
        metric = EgoExo4DHandSubmission(str(tmp_path / 'hands.json'), template)
        metric.dataset_meta = meta
        for sample in (batch(right, sequences), batch(left, sequences, mirrored=True), batch(right, sequences)):
            metric.process(None, [sample])
        assert metric.evaluate(1) == {'submission/takes': 2, 'submission/hands': 10}
        written = read_hand_poses(tmp_path / 'hands.json')
        assert validate_hand_poses(written, truth) == []
        assert score_hand_poses(written, truth) == pytest.approx(dict.fromkeys(('MPJPE', 'PA-MPJPE'), 0), abs=2e-3)
    body_model = batch(right, sequences, pred_translation=torch.zeros(6, 1, 3))
    metric.process(None, [body_model])
    with pytest.raises(ValueError, match=r'was written, but is not fit.*\n.*4 hands \(a 6 left'):
        metric.evaluate(1)
    assert read_hand_poses(tmp_path / 'hands.json')['a']['6']['right_hand_3d'][0] == [0, 0, 0]
    with pytest.raises(KeyError, match='crop_mirrored'):
        metric.process(None, [{key: value for key, value in body_model.items() if key != 'crop_mirrored'}])


def test_a_file_is_in_order_and_tells_of_hands_whose_pictures_could_not_be_read(tmp_path):
    truth, poses = annotations()
    (tmp_path / 'template.json').write_text(json.dumps(truth))
    sequences = sorted({(uid, side) for uid, _, side in poses})
    metric = EgoExo4DHandSubmission(str(tmp_path / 'hands.json'))
    metric.dataset_meta = dict(sequences=[dict(uid=f'{uid}/{side}', take_uid=uid, side=side)
                                          for uid, side in sequences])
    hands = dict(sorted(poses.items(), reverse=True))
    metric.process(None, [batch(hands, sequences)])
    metric.evaluate(1)
    written = read_hand_poses(tmp_path / 'hands.json')
    assert list(written) == ['a', 'b'] and list(written['a']) == list(written['b']) == ['6', '9', '12']
    metric.template = truth
    metric.process(None, [batch(hands, sequences, skipped=[(sequences.index(('b', 'left')), 9)])])
    with pytest.raises(ValueError, match=r'submitted:\n  1 hands have no pose, because .*\n  1 hand \(b 9 left\)'):
        metric.evaluate(1)
    written = read_hand_poses(tmp_path / 'hands.json')['b']['9']
    assert written['left_hand_3d'] == [] and len(written['right_hand_3d']) == 21


def test_hands_in_the_camera_are_put_where_the_model_sees_them(tmp_path, monkeypatch):
    """True joints and places in the picture: exact, of both sides, but for a hand behind the camera."""
    logged = []
    monkeypatch.setattr('mmegopose.evaluation.metrics.egoexo4d_hand_submission.print_log',
                        lambda text, **options: logged.append(text))
    _, poses = annotations()
    metric = EgoExo4DHandSubmission(str(tmp_path / 'hands.json'), in_camera=True)
    sequences = sorted({(uid, side) for uid, _, side in poses})
    metric.dataset_meta = dict(sequences=[dict(uid=f'{uid}/{side}', take_uid=uid, side=side)
                                          for uid, side in sequences])
    for side in ('left', 'right'):
        hands = {hand: pose - pose[0] for hand, pose in poses.items() if hand[2] == side}
        pixels = np.array([255.5 + 150 * poses[hand][:, :2] / poses[hand][:, 2:] for hand in hands])
        center, size = torch.tensor(pixels.mean(1) + 3)[:, None], torch.tensor(np.ptp(pixels, 1).max(-1) * 1.7)[:, None]
        keypoints = (torch.tensor(pixels)[:, None] - center[:, :, None]) / size[..., None, None]
        keypoints = keypoints * torch.tensor([1, -1 if side == 'left' else 1])
        metric.process(None, [batch(hands, sequences, side == 'left', pred_keypoints=keypoints, box_center=center,
                                    box_size=size)])
    behind = batch({('a', '9', 'left'): -hands['a', '9', 'right']}, sequences, pred_keypoints=0 * keypoints[:1],
                   box_center=center[:1], box_size=size[:1])
    metric.process(None, [behind | dict(frame_ids=torch.tensor([[99]]))])
    assert metric.evaluate(1) == {'submission/takes': 2, 'submission/hands': 10}
    assert [text for text in logged if 'Wrote' not in text] == [
        '1 hands are seen nowhere in front of the camera and left out']
    found = read_hands_in_camera(tmp_path / 'hands.json')
    for (uid, frame, side), pose in poses.items():
        frames, joints = found[uid]
        row = joints[frames.tolist().index(int(frame)), ('left', 'right').index(side)]
        np.testing.assert_allclose(row, pose, atol=2e-6)  # rounded to a micrometre
    assert 99 not in found['a'][0]
    logged.clear()
    metric.process(None, [batch(hands, sequences, side == 'left', pred_keypoints=keypoints, box_center=center,
                                box_size=size)])
    metric.evaluate(1)
    assert len(logged) == 1
    with pytest.raises(KeyError, match=r"\['pred_keypoints', 'box_center', 'box_size'\].*keypoints=True"):
        metric.process(None, [batch(hands, sequences)])


def test_command(tmp_path, capsys):
    truth, poses = annotations()
    (tmp_path / 'truth.json').write_text(json.dumps(truth))
    write_hand_poses(poses, truth, tmp_path / 'hands.json')
    done = completed('submit.py', 'hands.json', '--template', 'truth.json', '--ground-truth', 'truth.json',
                     cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '10 hands of 2 takes, fit to be submitted' in done.stdout and 'PA-MPJPE' in done.stdout
    assert 'in millimetres; hands were taken as told from the camera' in done.stdout and '--offset' not in done.stdout
    write_hand_poses({hand: pose - pose[0] for hand, pose in poses.items()}, truth, tmp_path / 'rooted.json')
    scored = ('--template', str(tmp_path / 'truth.json'), '--ground-truth', str(tmp_path / 'truth.json'))
    assert main(['submit', str(tmp_path / 'rooted.json'), *scored]) == 0
    assert 'lie at the origin: score it with --offset' in capsys.readouterr().out
    assert main(['submit', str(tmp_path / 'rooted.json'), *scored, '--offset']) == 0
    told = capsys.readouterr().out
    assert 'as told from the wrist' in told and 'origin' not in told and float(told.split()[-1]) < 1e-2
    write_hand_poses({}, truth, tmp_path / 'empty.json')
    done = completed('submit.py', 'empty.json', '--template', 'truth.json', cwd=tmp_path)
    assert done.returncode == 1 and '10 hands' in done.stdout and '1 problems' in done.stdout
    done = completed('submit.py', 'hands.json', '--template', 'truth.json', '--data-root', '.', cwd=tmp_path)
    assert done.returncode == 2 and '--data-root is for bodies' in done.stderr


def one_hand(joints, **labels):
    return {'a': {'3': dict(right_hand_3d=joints, left_hand_3d=[], **labels)}}


@pytest.mark.parametrize('wrists, rooted', [([(0.04, 0, 0)] * 3, True), ([(0.03, 0.03, 0.03)], False),
                                            ([(0, 0, 0), (0, 0, 0.4)], False), ([], False)])
def test_joints_are_told_from_the_wrist_where_all_wrists_lie_there(wrists, rooted):
    hands = {str(frame): dict(left_hand_3d=[list(wrist), *[[0, 0, 0.1]] * 20], right_hand_3d=[])
             for frame, wrist in enumerate(wrists)}
    assert from_wrist({'a': hands}) is rooted


def test_a_hand_is_smaller_than_half_a_metre():
    template = {'a': {'3': dict(right_hand_bbox=[0, 0, 9, 9], left_hand_bbox=[])}}
    for size, told in ((0.48, []), (0.52, ['a hand larger than half a metre in 1 hand (a 3 right)'])):
        assert validate_hand_poses(one_hand([[0.1, 0.2, 0.4]] * 20 + [[0.1, 0.2, 0.4 + size]]), template) == told


def test_numbers_in_the_place_of_a_hand_are_a_problem_of_it():
    template = {'a': {'3': dict(right_hand_bbox=[0, 0, 9, 9], left_hand_bbox=[])}}
    assert any('a 3 right' in told for told in validate_hand_poses(one_hand(5), template))


@pytest.mark.parametrize('valid, told', [
    (None, 'no 21 truth values'), ([True], 'no 21 truth values'), (['False'] * 21, 'no 21 truth values'),
    ([False] * 21, 'no joint that is valid')])
def test_truth_without_its_mask_is_told(valid, told):
    joints = np.random.default_rng(0).normal(0, .1, (21, 3)).tolist()
    with pytest.raises(ValueError, match=told):
        score_hand_poses(one_hand(joints), one_hand(joints, right_hand_valid_3d=valid))


@pytest.mark.parametrize('joints, told', [(5.0, 'is not of the form'), ([[.1, .2, .3]], 'is not of the form'),
                                          ([[100., 20., 400.]] * 21, 'millimetres'),
                                          ([[1., 2., 4.]] * 21, 'another focal length')])
def test_hands_in_the_camera_of_another_form_or_unit_are_refused(tmp_path, joints, told):
    (tmp_path / 'hands.json').write_text(json.dumps(one_hand(joints)))
    with pytest.raises(BadFile, match=told):
        read_hands_in_camera(tmp_path / 'hands.json')


def test_a_truth_that_no_place_can_be_is_not_scored():
    hands = {'take': {'0': dict(left_hand_3d=(np.eye(21, 3) + 1).tolist(), left_hand_valid_3d=[True] * 21)}}
    far = copy.deepcopy(hands)
    far['take']['0']['left_hand_3d'][4][1] = 1e30
    for pred, truth, which in ((far, hands, 'the submission'), (hands, far, 'the ground truth')):
        with pytest.raises(ValueError, match=f'{which} has poses farther than 10 km from the origin'):
            score_hand_poses(pred, truth)
