import json
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import completed
from helpers.evaluation_samples import run, standard_takes, windows

from mmegopose.cli import main
from mmegopose.evaluation import (
    BodyPoseMetric,
    BodySubmission,
    read_submission,
    score_submission,
    validate_submission,
    write_submission,
)
from mmegopose.evaluation.submissions import read_headset_positions


@pytest.fixture(scope='module')
def takes():
    return standard_takes(np.random.default_rng(0))


@pytest.fixture(scope='module')
def samples(takes):
    return windows(np.random.default_rng(1), takes)


def as_file(takes, field):
    """Takes in the nesting of the challenge, poses as lists."""
    return {take['uid']: dict(take_name=f'takes/{take["name"]}',
                              body={str(f): p.tolist() for f, p in zip(take['frame_ids'], take[field])})
            for take in takes}


def truth_file(takes):
    return as_file([dict(take, gt=np.where(take['visible'][..., None], take['gt'], np.nan)) for take in takes], 'gt')


def template_file(takes):
    return {uid: dict(take, body=dict.fromkeys(take['body'], [])) for uid, take in as_file(takes, 'gt').items()}


def dump(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def tool(*args, cwd):
    done = completed('submit.py', *args, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


def test_offline_score_is_the_metric(takes):
    expected = run(BodyPoseMetric(pa_mpjpe=True), takes, windows(np.random.default_rng(1), takes))
    found = score_submission(as_file(takes, 'pred'), truth_file(takes), pa_mpjpe=True)
    assert {f'body/{key}': value for key, value in found.items()} == pytest.approx(expected, abs=1e-9)
    assert score_submission(as_file(takes, 'pred'), truth_file(takes), clip_filter=False) != found


@pytest.mark.parametrize('with_template', [False, True])
def test_round_trip(takes, samples, tmp_path, with_template):
    template = dump(tmp_path / 'template.json', template_file(takes[:2])) if with_template else None
    path = tmp_path / 'new' / 'submission.json'
    included = takes[:2] if with_template else takes
    assert run(BodySubmission(str(path), template=template), takes, samples) == {
        'submission/takes': len(included), 'submission/frames': sum(len(t['frame_ids']) for t in included)}
    assert [p.name for p in path.parent.iterdir()] == ['submission.json']
    submission = read_submission(path)
    assert validate_submission(submission, template_file(included)) == []
    for take in included:
        entry = submission[take['uid']]
        assert entry['take_name'] == f'takes/{take["name"]}'
        assert list(entry['body']) == [str(f) for f in take['frame_ids']]
        poses = np.array(list(entry['body'].values()))
        assert np.array_equal(poses, np.round(poses, 6))
        np.testing.assert_allclose(poses, take['pred'], atol=5.1e-7)
    found = score_submission(submission, truth_file(included))
    expected = run(BodyPoseMetric(), included, windows(np.random.default_rng(1), included))
    assert {f'body/{key}': value for key, value in found.items()} == pytest.approx(expected, abs=1e-4)


def test_writer_reports_what_does_not_fit(takes, samples, tmp_path):
    template = template_file(takes)
    template['another'] = dict(take_name='takes/x', body={'3': []})
    template[takes[0]['uid']]['body']['31'] = []
    metric = BodySubmission(str(tmp_path / 's.json'), template=dump(tmp_path / 't.json', template))
    with pytest.raises(ValueError, match=r'(?s)was written.*1 of 4 takes.*another.*1 frame \(31\) missing'):
        run(metric, takes, samples)
    assert len(read_submission(tmp_path / 's.json')) == 3


def test_not_finite_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r'take u .*1 frame \(7\)'):
        write_submission({'u': dict(take_name='t', body={'7': np.full((17, 3), np.nan)})}, tmp_path / 's.json')
    write_submission({}, tmp_path / 'empty.json')
    assert [p.name for p in tmp_path.iterdir()] == ['empty.json'] and read_submission(tmp_path / 'empty.json') == {}


def test_every_problem_is_reported_at_once(takes):
    template, submission = template_file(takes), as_file(takes, 'pred')
    template['absent'] = dict(take_name='takes/absent', body={'0': []})
    submission['surplus'] = dict(take_name='takes/surplus', body={})
    first, second, third = (submission[take['uid']]['body'] for take in takes)
    frames = list(first)
    submission[takes[0]['uid']]['take_name'] = 'iiith_cooking_1'
    for frame in frames[:7]:
        del first[frame]
    first['5'] = first[frames[8]]
    first[frames[10]] = first[frames[10]][:16]
    first[frames[11]] = []
    first[frames[12]] = [[0.1, 'a', None]] * 17
    first[frames[13]] = [[0.1, 0.2, float('nan')]] * 17
    first[frames[14]] = [[0.1, 0.2, float('inf')]] * 17
    first[frames[15]] = [[0, 0, 0]] * 17
    first[frames[16]] = [[0.1, 0.2, 0.3]] * 16 + [[9., 0, 0]]
    first[frames[17]] = [[0.1, 0.2], [0.3]]
    first[frames[18]] = None
    first[frames[19]] = [[0.1, True, 0.2]] * 17
    for frame in second:
        second[frame] = (1000 * np.array(second[frame])).tolist()
    for frame in third:
        third[frame] = (100 * np.array(third[frame])).tolist()

    problems = validate_submission(submission, template)
    name = f'take {takes[0]["uid"]} (takes/iiith_cooking_1): '
    assert problems[:2] == ['1 of 4 takes are missing: absent', '1 takes are not in the template: surplus']
    assert problems[2:11] == [name + text for text in (
        "take_name is 'iiith_cooking_1'",
        '7 frames (30, 33, 36, 39, 42, ...) missing of 100',
        '1 frame (5) not in the template',
        'values that are not numbers in 3 frames (66, 84, 87)',
        'poses that are not 17 x 3 in 3 frames (60, 63, 81)',
        'NaN or infinite coordinates in 2 frames (69, 72)',
        'all joints at zero in 1 frame (75)',
        'joints farther than 2.5 m from the middle of the body in 1 frame (78)')] + problems[10:11]
    assert 'looks like millimetres' in problems[10] and 'divide by 1000' in problems[10]
    assert 'looks like centimetres' in problems[11] and 'divide by 100' in problems[11]
    assert len(problems) == 12
    json.dumps(problems)


def test_headset_positions(takes):
    submission, template = as_file(takes[:1], 'pred'), template_file(takes[:1])
    uid, = submission
    heads = {frame: np.median(pose, 0) for frame, pose in submission[uid]['body'].items()}
    assert validate_submission(submission, template, {uid: heads}) == []
    heads['33'] = heads['33'] + [3, 0, 0]
    del heads['36']
    problem, = validate_submission(submission, template, {uid: heads})
    assert '2.5 m from the headset in 1 frame (33)' in problem
    heads['36'] = heads['33']
    assert '2 frames (33, 36)' in validate_submission(submission, template, {uid: heads})[0]


def test_score_needs_the_frames_of_kept_clips(takes):
    submission, truth = as_file(takes, 'pred'), truth_file(takes)
    expected = score_submission(submission, truth)
    body = submission[takes[1]['uid']]['body']
    body['1'] = [[0, 0, 0]] * 17
    del body['400']                                   # in a clip that is too short
    assert score_submission(submission, truth) == expected
    with pytest.raises(ValueError, match=r'cmu_soccer_2.*1 frame \(400\)'):
        score_submission(submission, truth, clip_filter=False)
    body['600'] = [[0, 0, 0]]
    with pytest.raises(ValueError, match='uid-cmu_soccer_2 of the submission .* 17 x 3'):
        score_submission(submission, truth)
    del submission[takes[1]['uid']]
    with pytest.raises(ValueError, match=r'cmu_soccer_2.*134 frames \(30, '):
        score_submission(submission, truth)


@pytest.mark.parametrize('content,message', [
    ('{"u": {"take_name": "t", "body": {"3": [], "6": [], "3": []}}}', "holds '3' twice"),
    ('{"u": {"take_name": "t", "body": {}}, "u": {"take_name": "t", "body": {}}}', "holds 'u' twice"),
    ('{"u": {"take_name": "t", "body": {"3": [[1, 2', 'not readable JSON'),
    ('hello', 'not readable JSON'),
    ([1, 2], 'should hold a JSON dict, got list'),
    ({'u': [1]}, "take 'u' is not of the form"),
    ({'u': {'body': {}}}, "take 'u' is not of the form"),
    ({'u': {'3': [[0, 0, 0]]}}, "take 'u' is not of the form"),
    ({'u': {'take_name': 't', 'body': {'frame3': []}}}, "'frame3' where a frame number belongs")])
def test_unreadable_files(tmp_path, content, message):
    path = dump(tmp_path / 'broken.json', content)
    with pytest.raises(ValueError, match=message) as caught:
        read_submission(path)
    assert path in str(caught.value) and '\n' not in str(caught.value)


def write_cameras(root, takes, offset=0.):
    for take in takes:
        head = take['pred'].mean(1) + [offset, 0, 0]
        turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
        cameras = {str(f): np.c_[turn, -turn @ c].tolist() for f, c in zip(take['frame_ids'], head)}
        path = root / 'annotations' / 'ego_pose' / 'test' / 'camera_pose' / f'{take["uid"]}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        dump(path, {'metadata': {}, 'cam01': {'camera_extrinsics': []}, 'aria01': {'camera_extrinsics': cameras}})
        yield take['uid'], head


def test_read_headset_positions(takes, tmp_path):
    heads = dict(write_cameras(tmp_path, takes))
    found = read_headset_positions(tmp_path, list(heads))
    for take in takes:
        uid = take['uid']
        assert list(found[uid]) == [str(f) for f in take['frame_ids']]
        np.testing.assert_allclose(np.stack(list(found[uid].values())), heads[uid], atol=1e-12)
    with pytest.raises(FileNotFoundError, match='other.json'):
        read_headset_positions(tmp_path, ['other'])
    dump(tmp_path / 'annotations/ego_pose/test/camera_pose/other.json', {'cam01': {}})
    with pytest.raises(ValueError, match='other.json has no aria camera with camera_extrinsics'):
        read_headset_positions(tmp_path, ['other'])


def test_a_hole_of_the_headset_stays_one(tmp_path):
    path = tmp_path / 'annotations/ego_pose/test/camera_pose/u.json'
    path.parent.mkdir(parents=True)
    pose = np.eye(4)[:3].tolist()
    dump(path, {'metadata': {}, 'aria01': {'camera_extrinsics': dict.fromkeys(('10', '11', '13'), pose)}})
    assert list(read_headset_positions(tmp_path, ['u'])['u']) == ['10', '11', '13']


def test_tool(takes, tmp_path, capsys):
    template = dump(tmp_path / 'template.json', template_file(takes))
    good = dump(tmp_path / 'good.json', as_file(takes, 'pred'))
    truth = dump(tmp_path / 'truth.json', truth_file(takes))
    dict(write_cameras(tmp_path / 'root', takes))
    code, out, _ = tool('good.json', '--template', template, '--data-root', 'root', '--ground-truth', truth,
                        cwd=tmp_path)
    assert code == 0 and 'fit to be submitted' in out
    printed = dict(line.split() for line in out.splitlines()[1:])
    assert float(printed['MPJPE']) == pytest.approx(
        score_submission(as_file(takes, 'pred'), truth_file(takes))['MPJPE'], abs=1e-4)

    short = {uid: dict(take, body=dict(list(take['body'].items())[:9])) for uid, take in truth_file(takes).items()}
    command = ['submit', good, '--template', template, '--ground-truth', dump(tmp_path / 'short.json', short)]
    assert main(command) == 2
    told = capsys.readouterr().err
    assert 'submit --no-clip-filter' in told and 'val_evaluator.clip_filter=False' in told
    assert main([*command, '--no-clip-filter']) == 0 and 'MPJPE' in capsys.readouterr().out

    dict(write_cameras(tmp_path / 'far', takes, offset=5.))
    bad = as_file(takes[1:], 'pred')
    code, out, _ = tool(dump(tmp_path / 'bad.json', bad), '--template', template, '--data-root', 'far', cwd=tmp_path)
    assert code == 1
    assert '1 of 3 takes are missing' in out and out.count('from the headset') == 2 and '3 problems' in out

    dump(tmp_path / 'cut.json', Path(good).read_text()[:-100])
    for wrong in ('cut.json', 'nowhere.json'):
        code, out, err = tool(wrong, '--template', template, cwd=tmp_path)
        assert code == 2 and not out and wrong in err and len(err.splitlines()) == 1
    assert 'nowhere.json is missing' in err and 'mmegopose test --submit FILE writes' in err
