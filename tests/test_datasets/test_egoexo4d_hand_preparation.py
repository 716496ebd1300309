"""Preparing the hand-pose data of Ego-Exo4D: labels, pictures, going on, and what is not as it should be."""
import errno
import json
import math
import multiprocessing
import os
import shutil
import signal
import sys
from collections import Counter

import cv2
import numpy as np
import pytest
import torch
from helpers.egoexo4d_hand_release import (
    PARAMS,
    calibration,
    film_frames,
    random_labels,
    vrs_file,
    write_release,
)
from helpers.video_files import write_video

from mmegopose.cli import main
from mmegopose.datasets.converters.aria_calibration import find_calibration
from mmegopose.datasets.converters.egoexo4d_hand import prepare_hands
from mmegopose.datasets.converters.egoexo4d_hand_filters import (
    HandRules,
    box_around,
    box_generator,
    filter_hands,
    random_box,
)
from mmegopose.files import BadFile
from mmegopose.synthesis.egocentric import write_egoexo4d_sample

TRAIN, VAL, TEST = list(range(2, 20, 3)), [0, 1, 2, 3], [4, 7]
POINT = (0.2, -0.1, 0.5)  # metres: the red dot in each frame


@pytest.fixture(scope='module')
def release(tmp_path_factory):
    root = tmp_path_factory.mktemp('release')
    film = write_video(root / 'film.mp4', film_frames(24, point=POINT))
    write_release(root, dict(cooking_a=('train', TRAIN), cooking_b=('train', TRAIN), music_c=('val', VAL),
                             bike_d=('test', TEST)), lambda path: shutil.copy(film, path))
    shutil.rmtree(root / 'annotations' / 'ego_pose' / 'test' / 'hand')
    return root


@pytest.fixture
def changed(release, tmp_path):
    """A copy of the release that a test may spoil."""
    return shutil.copytree(release, tmp_path / 'release')


@pytest.fixture(scope='module')
def prepared(release, tmp_path_factory):
    out = tmp_path_factory.mktemp('prepared')
    template = {'uid-bike_d': {'4': dict(right_hand_bbox=[1., 2., 30., 40.], left_hand_bbox=[], metadata={})}}
    (release / 'template.json').write_text(json.dumps(template))
    return out, prepare_hands(release, out, kinds=('manual', 'auto'), template=release / 'template.json',
                              progress=False)


def written(out):
    """All files of the official layout, by their names."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob('*'))
            if path.is_file() and '.parts' not in path.parts and path.name != 'preparation.json'}


def annotation(out, split, kind='manual'):
    return json.loads((out / 'annotation' / kind / f'ego_pose_gt_anno_{split}_public.json').read_text())


def slowly(world, labelled, extrinsics, seen, rules):
    """The rules of the benchmark, one joint after the other: ``(joints, keypoints, visible)`` of one hand, or None."""
    def there(point):
        return not any(math.isnan(value) for value in point)

    def shown(x, y):
        return 0 <= x < 512 and 0 <= y < 512 and seen[int(y)][int(x)]

    if not there(world[0]):
        return None
    parent = {joint: 0 if joint % 4 == 1 else joint - 1 for joint in range(1, 21)}
    removed = set()
    for joint, before in parent.items():
        length = math.dist(world[joint], world[before])
        low, high = (0.06, 0.12) if joint in (5, 9, 13, 17) else (0.005, 0.08)
        if length < low or length > high:
            removed.add(joint)
        if joint % 4 == 0:  # a tip
            continue
        back, on = world[before] - world[joint], world[joint + 1] - world[joint]
        cosine = float(back @ on) / max(math.hypot(*back) * math.hypot(*on), 1e-12)
        least = [[100, 90, 90], [60, 70, 80]][joint > 4][joint % 4 - 1]
        if math.degrees(math.acos(min(1, max(-1, cosine)))) < least:
            removed.add(joint)
    joints, points, visible = [], [], []
    for joint in range(21):
        place = extrinsics[:, :3].astype(float) @ world[joint].astype(float) + extrinsics[:, 3]
        if joint in removed:
            place = np.full(3, np.nan)
        x, y = 150 * place[:2] / place[2] + 255.5
        a, b = labelled[joint]
        if rules.portrait:
            (x, y), (a, b) = (511 - y, x), (511 - b, a)
        point = (a, b) if there((a, b)) and shown(a, b) else (math.nan, math.nan)
        good = there(place) and shown(x, y)
        good = good and (joint == 0 or there(point) and math.dist((x, y), point) <= rules.max_reprojection)
        visible.append(good)
        joints.append(place if good or joint == 0 else np.full(3, np.nan))
        points.append(point)
    return (joints, points, visible) if sum(visible) >= rules.min_joints else None


@pytest.mark.parametrize('rules', [HandRules(), HandRules(portrait=True, min_joints=8, max_reprojection=20)])
def test_checks_equal_the_obvious_ones(rules):
    rng = np.random.default_rng(0)
    joints, labelled, views, extrinsics = random_labels(rng, 120)
    joints[views < 3] = np.nan
    joints, labelled, extrinsics = (array.astype(np.float32) for array in (joints, labelled, extrinsics))
    seen = np.hypot(*np.meshgrid(np.arange(512) - 230, np.arange(512) - 270)) < 200
    intrinsics, counts = np.array([[150, 0, 255.5], [0, 150, 255.5], [0, 0, 1]], np.float32), Counter()
    got = filter_hands(joints, labelled, extrinsics, intrinsics, seen, rules, counts)
    upright = np.rot90(seen, -1) if rules.portrait else seen
    kept = 0
    for frame in range(len(joints)):
        for side in range(2):
            expected = slowly(joints[frame, side], labelled[frame, side], extrinsics[frame], upright, rules)
            assert got['kept'][frame, side] == (expected is not None)
            if expected is None:
                continue
            kept += 1
            places, points, visible = expected
            assert got['visible'][frame, side].tolist() == visible
            mine = np.where((np.array(visible) | (np.arange(21) == 0))[:, None], got['joints'][frame, side], np.nan)
            np.testing.assert_allclose(mine, places, atol=1e-12)
            np.testing.assert_allclose(got['labelled'][frame, side], points, atol=1e-4)
    assert 30 < kept < 220
    assert all(counts[reason] > 10 for reason in counts if reason.startswith('joints')), counts
    removed = sum(count for reason, count in counts.items() if reason.startswith('joints'))
    assert removed + got['visible'][got['kept']].sum() == (~np.isnan(joints).any(-1)).sum()


def test_boxes_of_the_test_split_are_random_within_bounds_and_the_same_in_any_order():
    keypoints = np.array([[200., 210.], [260., 330.]])
    assert box_around(keypoints, 20).tolist() == [180, 190, 280, 350]
    assert box_around(np.array([[3., 4.], [505., 300.]]), 20).tolist() == [0, 0, 511, 320]
    boxes = np.array([random_box(keypoints, box_generator(0, 'uid', frame, 1)) for frame in range(400)])
    size, center = boxes[:, 2:] - boxes[:, :2], (boxes[:, 2:] + boxes[:, :2]) / 2
    scale, shift = size / (1.5 * 60, 1.5 * 120), (center - (230, 270)) / (1.5 * 60, 1.5 * 120)
    assert 0.9 <= scale.min() < 0.91 and 1.09 < scale.max() <= 1.1
    assert -0.1 <= shift.min() < -0.09 and 0.09 < shift.max() <= 0.1
    assert abs(np.corrcoef(scale[:, 0], shift[:, 0])[0, 1]) < 0.2
    again = random_box(keypoints, box_generator(0, 'uid', 7, 1))
    assert again.tolist() == boxes[7].tolist() != random_box(keypoints, box_generator(1, 'uid', 7, 1)).tolist()


def test_what_is_written_is_the_official_layout(prepared, release):
    out, result = prepared
    names = set(written(out))
    labels = annotation(out, 'train')
    assert set(labels) == {'uid-cooking_a', 'uid-cooking_b'}
    pictures = {f'image/undistorted/train/{name}/{int(frame):06d}.jpg' for kind in ('manual', 'auto')
                for name in ('cooking_a', 'cooking_b') for frame in annotation(out, 'train', kind)[f'uid-{name}']}
    assert pictures == {name for name in names if name.startswith('image/undistorted/train/')}
    assert 'image/undistorted/test/bike_d/000004.jpg' in names
    assert 'image/undistorted/test/bike_d/000007.jpg' not in names  # not in the template
    assert annotation(out, 'test', 'auto') == json.loads((release / 'template.json').read_text())
    entry = next(iter(labels['uid-cooking_a'].values()))
    assert list(entry) == [f'{side}_hand_{what}' for side in ('right', 'left')
                           for what in ('3d', '2d', 'bbox', 'valid_3d')] + ['metadata']
    assert entry['metadata'] == dict(take_uid='uid-cooking_a', take_name='cooking_a',
                                     frame_number=entry['metadata']['frame_number'])
    assert 'NaN' in (out / 'annotation/manual/ego_pose_gt_anno_train_public.json').read_text()
    counts = result.counts['train']
    assert counts['takes'] == 2 and counts['frames written'] == len(pictures) and not result.problems
    assert counts['joints labelled (manual)'] > counts['joints kept (manual)'] > 0
    assert json.loads((out / 'preparation.json').read_text())['counts']['train'] == counts
    params = json.loads((out / 'aria_calib_json/cooking_a.json').read_text())['CameraCalibrations'][1]
    assert params['Projection']['Params'][:3] == [610.82, 711.225, 711.935]  # halved, after the border of the sensor


def test_pictures_are_undistorted_frames_on_their_side(prepared):
    out, _ = prepared
    for frame in (0, 3):
        picture = cv2.imread(str(out / f'image/undistorted/val/music_c/{frame:06d}.jpg'))
        assert picture.shape == (512, 512, 3)
        red = (picture[..., 2] > 150) & (picture[..., 0] < 100)
        column, row = (where.mean() for where in np.nonzero(red.T))
        assert abs(column - (150 * POINT[0] / POINT[2] + 255.5)) < 1.5 and abs(row - (255.5 - 30)) < 1.5
        assert abs(int(picture[256, 200, 0]) - (40 + 4 * frame)) <= 6  # the right frame
        assert picture[5, 5].max() < 10  # beyond one radian


@pytest.mark.slow
def test_the_rendered_sample_comes_out_as_it_was_rendered(tmp_path):
    """From the film of its fisheye the view of its pinhole, and from its labels the prepared ones."""
    root, out = tmp_path / 'sample', tmp_path / 'out'
    list(write_egoexo4d_sample(root, num_takes=3, num_frames=4, num_fisheye=1))
    name, = (path.stem for path in (root / 'aria_calib_json').iterdir())
    result = prepare_hands(root, out, ('train',), progress=False)
    assert not result.problems and result.counts['train']['frames written'] == 2
    for frame in (0, 3):
        file = f'image/undistorted/train/{name}/{frame:06d}.jpg'
        made, rendered = (cv2.imread(str(folder / file)).astype(int) for folder in (out, root))
        seen = cv2.erode((made.max(-1) > 0).astype(np.uint8), np.ones((9, 9))) > 0  # not the edge of the lens
        assert seen.mean() > 0.55 and np.abs(made - rendered)[seen].mean() < 6
    made, rendered = annotation(out, 'train'), annotation(root, 'train')
    assert set(made) == set(rendered)
    for uid, frames in made.items():
        for frame, entry in frames.items():
            for side in ('right', 'left'):
                valid = np.array(entry[f'{side}_hand_valid_3d'], bool)
                if len(valid):
                    for what in ('3d', '2d'):
                        np.testing.assert_allclose(np.array(entry[f'{side}_hand_{what}'])[valid], np.array(
                            rendered[uid][frame][f'{side}_hand_{what}'])[valid], atol=2e-6 if what == '3d' else 1e-2)


def test_portrait_pictures_and_keypoints_are_turned(prepared, release, tmp_path):
    lying, _ = prepared
    prepare_hands(release, tmp_path, ('val',), rules=HandRules(portrait=True), progress=False)
    turned = cv2.imread(str(tmp_path / 'image_portrait_view/undistorted/val/music_c/000000.jpg')).astype(int)
    picture = cv2.imread(str(lying / 'image/undistorted/val/music_c/000000.jpg'))
    assert np.abs(turned - np.rot90(picture, -1)).mean() < 1
    before, after = annotation(lying, 'val')['uid-music_c'], annotation(tmp_path, 'val')['uid-music_c']
    assert set(before) == set(after)
    for frame, entry in before.items():
        for side in ('right', 'left'):
            assert str(entry[f'{side}_hand_3d']) == str(after[frame][f'{side}_hand_3d'])
            old, new = (np.array(found[f'{side}_hand_2d']).reshape(-1, 2) for found in (entry, after[frame]))
            np.testing.assert_allclose(new, np.stack([511 - old[:, 1], old[:, 0]], -1), atol=1e-4)


def test_two_processes_write_the_same_files(prepared, release, tmp_path):
    prepare_hands(release, tmp_path, kinds=('manual', 'auto'), template=release / 'template.json', num_workers=2,
                  progress=False)
    assert written(tmp_path) == written(prepared[0])


def prepare_and_die(release, out, num_pictures):
    """Prepare in a process that is killed when it has written some pictures and begins another."""
    encode, left = cv2.imencode, [num_pictures]

    def dying(*args):
        left[0] -= 1
        return encode(*args) if left[0] >= 0 else os.kill(os.getpid(), signal.SIGKILL)
    cv2.imencode = dying
    torch.set_num_threads(1)
    prepare_hands(release, out, kinds=('manual', 'auto'), template=release / 'template.json', progress=False)


@pytest.mark.skipif(sys.platform == 'win32', reason='needs fork')
def test_a_run_that_was_killed_goes_on(prepared, release, tmp_path):
    process = multiprocessing.get_context('fork').Process(target=prepare_and_die, args=(release, tmp_path, 7))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    done = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('0*.jpg')}
    assert len(done) == 7 and len(list(tmp_path.rglob('.*.tmp.jpg'))) == 1
    assert not list(tmp_path.rglob('ego_pose_gt_anno_train_public.json'))
    result = prepare_hands(release, tmp_path, kinds=('manual', 'auto'), template=release / 'template.json',
                           progress=False)
    assert written(tmp_path) == written(prepared[0])
    assert all(path.stat().st_mtime_ns == time for path, time in done.items())
    assert sum(counts['frames that were there'] for counts in result.counts.values()) == 7


def test_labels_are_made_anew_where_something_changed(changed, tmp_path):
    out = tmp_path / 'out'
    prepare_hands(changed, out, ('train', 'val'), progress=False)
    before, parts = annotation(out, 'train'), {path: path.stat().st_mtime_ns for path in out.rglob('.parts/*/*/*.json')}
    file = changed / 'annotations/ego_pose/train/hand/annotation/uid-cooking_a.json'
    labels = json.loads(file.read_text())
    labels.pop(gone := next(iter(before['uid-cooking_a'])))
    file.write_text(json.dumps(labels))
    prepare_hands(changed, out, ('train', 'val'), progress=False)
    after = annotation(out, 'train')
    assert set(before['uid-cooking_a']) - set(after['uid-cooking_a']) == {gone}
    assert str(before['uid-cooking_b']) == str(after['uid-cooking_b'])
    assert [path.stem for path, time in parts.items() if path.stat().st_mtime_ns != time] == ['uid-cooking_a']
    prepare_hands(changed, out, ('train',), rules=HandRules(min_joints=14), progress=False)
    assert sum(map(len, annotation(out, 'train').values())) < sum(map(len, after.values()))


def test_a_take_that_can_no_longer_be_used_leaves_the_annotation(changed, tmp_path):
    prepare_hands(changed, tmp_path / 'out', ('train',), progress=False)
    cut(changed / LABELS)
    prepare_hands(changed, tmp_path / 'out', ('train',), progress=False)
    assert set(annotation(tmp_path / 'out', 'train')) == {'uid-cooking_b'}


def test_a_kept_calibration_that_is_damaged_says_what_to_do(changed, tmp_path):
    out = tmp_path / 'out'
    prepare_hands(changed, out, ('train',), pictures=False, progress=False)
    kept = out / 'aria_calib_json/cooking_a.json'
    left = [out / 'annotation/manual/.x.0123456789abcdef.tmp.json', out / '.parts/manual/train/.y.0123456789abcdef.tmp']
    for path in left:  # of a run that was killed
        path.write_text('')
    cut(kept)
    result = prepare_hands(changed, out, ('train',), pictures=False, progress=False)
    assert f'remove {kept}, so that it is made anew' in result.problems[0][1]
    assert not any(path.exists() for path in left)
    kept.unlink()
    assert prepare_hands(changed, out, ('train',), pictures=False, progress=False).problems == []


def test_labels_of_one_kind_that_are_damaged_leave_the_others(changed, tmp_path):
    cut(changed / LABELS.replace('annotation/uid', 'automatic/uid'))
    result = prepare_hands(changed, tmp_path / 'out', ('train',), ('manual', 'auto'), progress=False)
    assert set(annotation(tmp_path / 'out', 'train')) == {'uid-cooking_a', 'uid-cooking_b'}
    assert set(annotation(tmp_path / 'out', 'train', 'auto')) == {'uid-cooking_b'}
    assert result.counts['train']['takes left out (auto)'] == 1 and len(result.problems) == 1


def test_a_full_disk_ends_the_run(release, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match='No space left'):
        prepare_hands(release, tmp_path, ('train',), progress=False)


def test_labels_of_the_test_split_become_a_private_and_a_public_file(changed, tmp_path):
    hands = changed / 'annotations/ego_pose/train/hand/annotation/uid-cooking_a.json'
    test = changed / 'annotations/ego_pose/test/hand/annotation/uid-bike_d.json'
    test.parent.mkdir(parents=True)
    shutil.copy(hands, test)
    shutil.copy(changed / 'annotations/ego_pose/train/camera_pose/uid-cooking_a.json',
                changed / 'annotations/ego_pose/test/camera_pose/uid-bike_d.json')
    prepare_hands(changed, tmp_path / 'out', ('test', 'train'), progress=False)
    public = annotation(tmp_path / 'out', 'test')['uid-bike_d']
    private = json.loads((tmp_path / 'out/annotation/manual/ego_pose_gt_anno_test_private.json').read_text())
    trained = annotation(tmp_path / 'out', 'train')['uid-cooking_a']
    assert set(public) == set(private['uid-bike_d']) == set(trained)
    for frame, entry in public.items():
        assert set(entry) == {'right_hand_bbox', 'left_hand_bbox', 'metadata'}
        assert str(private['uid-bike_d'][frame]['left_hand_3d']) == str(trained[frame]['left_hand_3d'])
        assert [len(entry[f'{side}_hand_bbox']) for side in ('right', 'left')] == \
            [len(trained[frame][f'{side}_hand_bbox']) for side in ('right', 'left')]


LISTED = 'takes.json'
FOLDER, LABELS = 'takes/cooking_a', 'annotations/ego_pose/train/hand/annotation/uid-cooking_a.json'
FILM, TAGS = f'{FOLDER}/frame_aligned_videos/aria01_214-1.mp4', f'{FOLDER}/aria01_noimagestreams.vrs'
POSES = 'annotations/ego_pose/train/camera_pose/uid-cooking_a.json'


def cut(path, share=0.5):
    path.write_bytes(path.read_bytes()[:int(share * path.stat().st_size)])


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def tags(path, **options):
    path.write_bytes(vrs_file(dict(calib_json=json.dumps(calibration(**options)).encode())))


def in_millimetres(labels):
    for (rater,) in labels.values():
        for joint in rater['annotation3D'].values():
            joint |= {axis: 1000 * joint[axis] for axis in 'xyz'}


def scaled(poses):
    """Twice as far and twice as large: pixels are the same."""
    matrices = poses['aria01']['camera_extrinsics']
    matrices |= {frame: (2 * np.array(matrix)).tolist() for frame, matrix in matrices.items()}


@pytest.mark.parametrize('file, spoil, told', [
    (TAGS, lambda path: path.unlink(), 'there is no calibration'),
    (TAGS, cut, 'cut off or damaged'),
    (TAGS, lambda path: path.write_bytes(b'<html>'), 'no VRS file'),
    (TAGS, lambda path: path.write_bytes(vrs_file({})), 'no calibration among its tags'),
    (TAGS, lambda path: tags(path, name='KannalaBrandtK3'), 'camera model'),
    (TAGS, lambda path: tags(path, label='camera-et-left'), 'no camera-rgb'),
    (TAGS, lambda path: tags(path, params=[1756., 1984., 1505.] + 12 * [0.]), 'not near the middle'),
    (TAGS, lambda path: tags(path, params=[610., 700., 700.]), '15 finite parameters'),
    (TAGS, lambda path: tags(path, params=[1e-9, *PARAMS[1:]]), 'focal length of camera-rgb, 1e-09, is not between'),
    (LABELS, cut, 'not readable JSON'),
    (LABELS, lambda path: edit(path, in_millimetres), 'no hand is kept, mostly for joints at a bone too short or too'),
    (LABELS, lambda path: path.write_text('{"3": [{"annotation3D": {}}]}'), 'no hand is kept'),
    (POSES, lambda path: path.unlink(), 'no file of camera poses'),
    (POSES, lambda path: edit(path, lambda poses: poses.pop('aria01')), 'no camera aria01'),
    (POSES, lambda path: edit(path, lambda poses: poses['aria01'].update(camera_intrinsics=3)), '3x3'),
    (POSES, lambda path: edit(path, lambda poses: poses['aria01'].update(camera_extrinsics={})), 'camera_extrinsics'),
    (POSES, lambda path: edit(path, scaled), 'no hand is kept, mostly for'),
    (POSES, lambda path: edit(path, lambda poses: poses['aria01'].update(camera_intrinsics=[
        [75., 0., 127.5], [0., 75., 127.5], [0., 0., 1.]])), 'a rendered sample needs --size 512'),
], ids=lambda value: value if isinstance(value, str) and ' ' in value else '')
def test_a_take_that_cannot_be_used_is_left_out_and_told(changed, tmp_path, file, spoil, told):
    spoil(changed / file)
    result = prepare_hands(changed, tmp_path / 'out', ('train',), progress=False)
    assert set(annotation(tmp_path / 'out', 'train')) == {'uid-cooking_b'}
    assert [take for take, _ in result.problems] == ['cooking_a'] and told in result.problems[0][1]
    assert any(told in line for line in result.lines())
    assert not (tmp_path / 'out/image/undistorted/train/cooking_a').exists()
    assert len(list((tmp_path / 'out/image/undistorted/train/cooking_b').iterdir())) == \
        len(annotation(tmp_path / 'out', 'train')['uid-cooking_b'])


def test_a_rendered_take_without_calibration_and_a_lacking_template_are_told_by_their_own_remedies(tmp_path, capsys):
    root = tmp_path / 'sample'
    list(write_egoexo4d_sample(root, 3, 4, 64, num_fisheye=0))
    command = ['prepare', 'egoexo4d-hand', '--root', str(root), '--out', str(tmp_path / 'out'), '--workers', '1']
    with pytest.raises(SystemExit):
        main([*command, '--splits', 'train'])
    told = capsys.readouterr().err
    assert 'camera_intrinsics' in told and '--size 512' in told and 'lens' not in told and 'egoexo ' not in told
    with pytest.raises(FileNotFoundError, match='as many as --fisheye says'):
        find_calibration([], root / 'takes' / 'rendered_train_cooking_000', 'aria01')
    with pytest.raises(SystemExit):
        main([*command, '--splits', 'test'])
    assert 'handpose/data_preparation' in (told := capsys.readouterr().err) and 'root of a rendered sample' in told


def other_film(path, frames):
    path.unlink()
    write_video(path, frames)


@pytest.mark.parametrize('spoil, told, num_pictures', [
    (lambda path: path.unlink(), 'there is no recording', 0),
    (cut, 'cannot be opened', 0),
    (lambda path: other_film(path, film_frames(10)), 'does not have', 3),
    (lambda path: other_film(path, [frame[:200] for frame in film_frames(20)]), 'square', 0),
])
@pytest.mark.parametrize('decoder', ['pyav', 'opencv'])
def test_labels_without_their_frames_stay_and_are_told(changed, tmp_path, monkeypatch, spoil, told, num_pictures,
                                                       decoder):
    if decoder == 'opencv':
        monkeypatch.setitem(sys.modules, 'av', None)
    spoil(changed / FILM)
    result = prepare_hands(changed, tmp_path / 'out', ('train',), progress=False)
    labels = annotation(tmp_path / 'out', 'train')
    assert set(labels) == {'uid-cooking_a', 'uid-cooking_b'}
    assert len(result.problems) == 1 and told in result.problems[0][1] and 'aria01_214-1.mp4' in result.problems[0][1]
    pictures = list((tmp_path / 'out/image/undistorted/train/cooking_a').glob('*.jpg'))
    assert len(pictures) == len([frame for frame in labels['uid-cooking_a'] if int(frame) < 10 and num_pictures])
    if num_pictures:
        assert result.counts['train']['frames that the recording does not have'] == \
            len(labels['uid-cooking_a']) - len(pictures)


def test_frames_of_the_template_that_no_film_has_are_told(release, tmp_path):
    boxes = dict(right_hand_bbox=[], left_hand_bbox=[1, 1, 9, 9], metadata={})
    (tmp_path / 'template.json').write_text(json.dumps(
        {'uid-bike_d': {'4': boxes, '400': boxes, 'x': boxes}, 'uid-gone': {'1': boxes}, 'broken': []}))
    result = prepare_hands(release, tmp_path / 'out', ('test',), template=tmp_path / 'template.json', progress=False)
    told = dict(result.problems)
    assert 'does not have 1 of 2 frames, e.g. 400' in told['bike_d'] and 'uid-gone' in told
    assert result.counts['test']['frames of the template'] == 3 and result.counts['test']['frames written'] == 1
    assert set(annotation(tmp_path / 'out', 'test')) == {'uid-bike_d', 'uid-gone', 'broken'}


def test_labels_with_holes_are_counted(changed, tmp_path):
    def change(labels):
        first, second, third, fourth, *_ = labels
        labels[first] = []
        labels[second][0]['annotation3D'] = {}
        labels[third][0]['annotation3D']['right_wrist'] = dict(x='left', y=None, z=3, num_views_for_3d=4)
        del labels[fourth][0]['annotation2D']
        labels['12a'] = labels[fourth]
    edit(changed / LABELS, change)
    edit(changed / POSES, lambda poses: poses['aria01']['camera_extrinsics'].update({str(TRAIN[4]): [[1, 2]]}))
    counts = prepare_hands(changed, tmp_path / 'out', ('train',), progress=False).counts['train']
    assert counts['frames without a label in space (manual)'] == 2
    assert counts['labels of a joint without numbers (manual)'] == 1
    assert counts['frames without a number that a video can have (manual)'] == 1
    assert counts['camera poses that are no 3x4 matrix (manual)'] == 1
    assert counts['frames without a camera pose (manual)'] == 1


def test_pictures_that_are_undistorted_already_need_no_film_and_no_calibration(prepared, changed, tmp_path):
    out = shutil.copytree(prepared[0], tmp_path / 'out', ignore=shutil.ignore_patterns('.parts', 'aria_calib_json'))
    shutil.rmtree(changed / 'takes')
    before = written(out)
    result = prepare_hands(changed, out, ('train', 'val'), progress=False)
    counts = result.counts['train']
    assert counts['takes without a calibration, of which pictures are there'] == 2 and not counts['frames written']
    assert {name: content for name, content in before.items() if name.endswith('.jpg')} == \
        {name: content for name, content in written(out).items() if name.endswith('.jpg')}
    theirs, mine = annotation(prepared[0], 'train'), annotation(out, 'train')
    assert set(mine) == set(theirs)
    joints = [[sum(entry[f'{side}_hand_valid_3d']) for take in found.values() for entry in take.values()
               for side in ('right', 'left')] for found in (mine, theirs)]
    assert abs(sum(joints[0]) - sum(joints[1])) <= 0.02 * sum(joints[1])  # the edge of the lens, by a pixel


def test_other_labels_and_cameras_do_not_matter(changed, tmp_path):
    """A take of another benchmark, of another split, and one that takes.json does not know."""
    edit(changed / 'annotations/splits.json', lambda splits: splits['take_uid_to_benchmark'].update(
        {'uid-cooking_b': ['keystep']}))
    takes = json.loads((changed / 'takes.json').read_text())
    (changed / 'takes.json').write_text(json.dumps([take for take in takes if take['take_name'] != 'cooking_a']))
    result = prepare_hands(changed, tmp_path / 'out', ('train',), progress=False)
    assert set(annotation(tmp_path / 'out', 'train')) == {'uid-cooking_a'}  # named by its camera poses
    assert result.counts['train']['takes of another split or benchmark'] == 1


def test_names_that_lead_out_of_the_folder_are_refused(changed, tmp_path):
    takes = json.loads((changed / 'takes.json').read_text())
    for name in ('../../cooking_a', '..', 'cooking\x1b[31m', 'a\0', '\udc80'):
        takes[0]['take_name'] = name
        (changed / 'takes.json').write_text(json.dumps(takes))
        result = prepare_hands(changed, tmp_path / 'out', ('train',), progress=False)
        (take, told), = result.problems
        assert take == 'uid-cooking_a' and 'are no names' in told and told.isprintable()
        assert set(annotation(tmp_path / 'out', 'train')) == {'uid-cooking_b'}


@pytest.mark.parametrize('facts', [dict(take_uid=[1]), dict(capture='x'), dict(capture=dict(cameras=5)),
                                   dict(frame_aligned_videos=5)])
def test_lists_of_takes_in_another_form_leave_the_names_of_camera_poses(changed, tmp_path, facts):
    edit(changed / LISTED, lambda takes: takes[0].update(facts))
    result = prepare_hands(changed, tmp_path / 'out', ('train',), pictures=False, progress=False)
    assert result.problems == [] and len(annotation(tmp_path / 'out', 'train')) == 2


@pytest.mark.parametrize('spoil', [
    lambda splits: splits['split_to_take_uids'].update(train=5),
    lambda splits: splits['split_to_take_uids'].update(train=[[1]])])
def test_splits_in_another_form_are_told(changed, tmp_path, spoil):
    edit(changed / 'annotations/splits.json', spoil)
    with pytest.raises(BadFile, match='splits.json: split_to_take_uids of train should be a list of names'):
        prepare_hands(changed, tmp_path / 'out', ('train',), progress=False)


def test_of_takes_of_one_name_none_is_used(changed, tmp_path):
    edit(changed / LISTED, lambda takes: takes[1].update(take_name='cooking_a'))
    with pytest.raises(ValueError, match='cooking_a: takes.json has 2 takes of the name'):
        prepare_hands(changed, tmp_path / 'out', ('train',), progress=False)


def test_a_file_in_the_place_of_the_folder_is_told(release):
    with pytest.raises(NotADirectoryError, match='takes.json is a file: name a folder'):
        prepare_hands(release, release / LISTED, ('train',), progress=False)


def test_the_command_tells_all_and_its_status(changed, tmp_path, capsys):
    (changed / FILM).unlink()
    arguments = ['prepare', 'egoexo4d-hand', '--root', str(changed), '--out', str(tmp_path / 'out'), '--workers', '1']
    assert main([*arguments, '--splits', 'val']) == 0
    assert main([*arguments, '--splits', 'train', 'test']) == 1
    told = capsys.readouterr().out
    assert 'joints bent too far (manual)' in told and 'there is no recording' in told and '--template' in told
    for wrong, remedy in ((['--root', str(tmp_path / 'no')], 'release'), (['--workers', '0'], 'at least 1'),
                          (['--bbox-padding', '-1'], 'at least 0'), (['--valid-kpts-num-thresh', '0'], 'at least 1')):
        with pytest.raises(SystemExit) as stop:
            main([*arguments, *wrong])
        assert stop.value.code == 2 and remedy in capsys.readouterr().err
