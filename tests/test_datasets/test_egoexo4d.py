import json
import shutil

import numpy as np
import pytest
import torch
from helpers.egoexo_fixture import build, everything, pipeline, scored_frames, transformed, wearer, write_dataset

from mmegopose.datasets.readers.head_pose.egoexo4d_files import read_body, read_track
from mmegopose.geometry.rigid import apply_rigid
from mmegopose.geometry.rotations import yaw_matrix


@pytest.fixture
def copy(egoexo, tmp_path):
    """A copy of the data set that a test may damage."""
    return shutil.copytree(egoexo, tmp_path / 'data')


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def files(root, split, folder):
    return sorted((root / 'annotations/ego_pose' / split / folder).glob('*.json'))


def test_world_joints_and_visibility_are_those_of_the_files(egoexo):
    dataset = build(egoexo, 'val', test_mode=True)
    sample = everything(dataset)['data_samples']
    for i in range(0, len(dataset), 7):
        name = dataset.metainfo['sequences'][sample.sequence[i]]['name']
        joints, _ = wearer(int(sample.frame_ids[i, 0]), 'soccer' in name)
        world = apply_rigid(sample.T_world_target[i, 0], sample.joints[i, 0].double()).numpy()
        seen = sample.visible[i, 0].numpy()
        assert 8 <= seen.sum() <= 17
        np.testing.assert_allclose(world[seen], joints[seen], atol=2e-6)


@pytest.mark.parametrize('frame', ['camera', 'heading', 'world'])
def test_target_frame_has_an_inverse(egoexo, frame):
    in_frame = everything(build(egoexo, 'val', steps=pipeline(frame=frame)))['data_samples']
    in_world = everything(build(egoexo, 'val', steps=pipeline(frame='world')))['data_samples']
    world = apply_rigid(in_frame.T_world_target, in_frame.joints.double())
    torch.testing.assert_close(world, in_world.joints.double(), atol=2e-6, rtol=0)


def test_camera_frame_is_the_official_extrinsics(egoexo):
    dataset = build(egoexo, 'val', steps=pipeline('translation', 'camera'))
    batch = everything(dataset)
    _, pose = wearer(int(batch['data_samples'].frame_ids[0, 0]), 'soccer' in dataset.store.sequences[0]['name'])
    np.testing.assert_allclose(batch['data_samples'].T_world_target[0, 0], pose, atol=1e-9)
    np.testing.assert_allclose(batch['inputs']['head_pose'][0, -1], np.linalg.inv(pose)[:3, 3], atol=1e-6)


def test_moving_and_turning_the_world_changes_nothing(tmp_path, egoexo):
    """The same motion with another world origin and heading: equal inputs, equal camera-frame targets."""
    move = np.eye(4)
    move[:3, :3] = yaw_matrix(torch.tensor(2.1, dtype=torch.float64)).numpy()
    move[:3, 3] = 13.0, -8.0, 4.0
    write_dataset(tmp_path, wearer=transformed(move))
    for frame in ('camera', 'heading'):
        here = everything(build(egoexo, 'val', steps=pipeline(frame=frame)))
        there = everything(build(tmp_path, 'val', steps=pipeline(frame=frame)))
        torch.testing.assert_close(there['inputs'], here['inputs'], atol=1e-5, rtol=0)
        seen = here['data_samples'].visible
        torch.testing.assert_close(there['data_samples'].joints[seen], here['data_samples'].joints[seen], atol=1e-5,
                                   rtol=0)
    official = [everything(build(root, 'val', steps=pipeline('translation')))['inputs']['head_pose']
                for root in (egoexo, tmp_path)]
    assert (official[1] - official[0]).abs().max() > 1


def test_strided_windows_end_at_the_label_and_pad_on_the_left(egoexo):
    dataset = build(egoexo, 'val', steps=pipeline(padding_mask=True), target_frames='all')
    batch = everything(dataset)
    frames = batch['data_samples'].frame_ids
    for row in range(len(frames)):
        expected = np.maximum(frames[row, -1].item() - 3 * np.arange(19, -1, -1), 0)
        np.testing.assert_array_equal(frames[row], expected)
        np.testing.assert_array_equal(batch['inputs']['valid'][row],
                                      frames[row, -1].item() - 3 * np.arange(19, -1, -1) >= 0)
    assert batch['data_samples'].scored.sum() == len(dataset)


def test_annotated_windows_are_consecutive_labels(egoexo):
    dataset = build(egoexo, 'val', dict(type='AnnotatedWindows', num_frames=20), pipeline(padding_mask=True),
                    target_frames='all')
    batch = everything(dataset)
    for take in range(len(dataset.store)):
        labelled = scored_frames(dataset, take)
        rows = batch['data_samples'].frame_ids[batch['data_samples'].sequence == take]
        valid = batch['inputs']['valid'][batch['data_samples'].sequence == take]
        for i, row in enumerate(rows):
            np.testing.assert_array_equal(row, labelled[np.maximum(i - np.arange(19, -1, -1), 0)])
            assert (~valid[i]).sum() == max(19 - i, 0)


def test_label_sources(egoexo):
    manual, automatic, both = (build(egoexo, labels=labels) for labels in ('manual', 'automatic', 'both'))
    assert len(manual) < len(automatic) <= len(both)
    frame = int(manual.windows.ends[5])
    assert np.array_equal(both.store.tables['joints'][both.store.frames['label'][frame]],
                          manual.store.tables['joints'][manual.store.frames['label'][frame]])


def test_first_rater_counts_and_defects_are_reported(egoexo):
    dataset = build(egoexo)
    assert abs(dataset.store.tables['joints']).max() < 8  # the second rater is 9 m off
    assert dataset.store.report['label frames without a rater or a joint'] == 2 * 3
    assert dataset.store.report['camera frames interpolated'] == 3


def test_hole_in_the_camera_track_is_interpolated(egoexo):
    dataset = build(egoexo)
    row = int(np.flatnonzero(dataset.store.frames['frame'] == 51)[0])
    _, pose = wearer(51, 'cooking' not in dataset.store.sequences[0]['name'])
    np.testing.assert_allclose(dataset.store.frames['head_pose'][row], pose, atol=2e-4)


def test_labels_in_a_long_hole_are_left_out(copy):
    for path in files(copy, 'train', 'camera_pose'):
        edit(path, lambda c: [c['aria01']['camera_extrinsics'].pop(str(f), None) for f in range(60, 120)])
    dataset = build(copy)
    frames = np.concatenate([scored_frames(dataset, i) for i in range(len(dataset.store))])
    assert not ((frames >= 60) & (frames < 120)).any()
    assert dataset.store.report['label frames without camera pose'] == 3 * 20
    assert len(build(copy, max_hole=100)) > len(dataset)


def test_filters(egoexo):
    plain, strict = build(egoexo), build(egoexo, min_visible_joints=16)
    assert 0 < len(strict) < len(plain)
    assert everything(strict)['data_samples'].visible.sum(-1).min() >= 16
    views = build(egoexo, min_views=4)
    assert everything(views)['data_samples'].visible.float().mean() < 0.6
    with pytest.raises(ValueError, match='min_views'):
        build(egoexo, min_views=6)


def test_bouldering_takes_are_optional(copy):
    def rename(takes):
        takes[0]['take_name'] = 'some_Bouldering_01'
    edit(copy / 'takes.json', rename)
    assert len(build(copy).store) == 2
    assert len(build(copy, bouldering=True).store) == 3


def test_take_missing_in_takes_json_is_kept(copy):
    edit(copy / 'takes.json', lambda takes: takes.pop(0))
    dataset = build(copy)
    assert len(dataset.store) == 3
    assert {s['name'] for s in dataset.store.sequences} == {'synth_basketball_00_1', 'synth_cooking_01_1',
                                                            'synth_dance_02_1'}


def test_first_release_camera_layout(copy):
    for path in files(copy, 'val', 'camera_pose'):
        new = json.loads(path.read_text())
        old = {frame: dict(metadata=new['metadata'], cam01=dict(camera_extrinsics=np.eye(4)[:3].tolist()),
                           aria01=dict(camera_intrinsics=new['aria01']['camera_intrinsics'], camera_extrinsics=matrix))
               for frame, matrix in new['aria01']['camera_extrinsics'].items()}
        from collections import Counter
        name, first, pose, tracked = read_track(path, 30, Counter())
        path.write_text(json.dumps(old))
        again = read_track(path, 30, Counter())
        assert again[:2] == (name, first)
        np.testing.assert_array_equal(again[2], pose)


def test_template_decides_takes_and_frames(egoexo):
    dataset = build(egoexo, 'test', template='dummy_test.json', test_mode=True)
    template = json.loads((egoexo / 'dummy_test.json').read_text())
    sequences = dataset.metainfo['sequences']
    assert {s['uid'] for s in sequences} == set(template)
    for sequence in sequences:
        assert [str(f) for f in sequence['frame_ids']] == list(template[sequence['uid']]['body'])
        assert sequence['root_dir'] == template[sequence['uid']]['take_name']
    assert not everything(dataset)['data_samples'].visible.any()


def test_cache_is_reused_and_made_anew(copy, monkeypatch):
    from mmegopose.datasets.readers.head_pose import egoexo4d_body as egoexo4d
    parsed = []
    original = egoexo4d._parse
    monkeypatch.setattr(egoexo4d, '_parse', lambda *a, **k: parsed.append(1) or original(*a, **k))
    first = build(copy)
    again = build(copy)
    assert len(parsed) == 1
    assert isinstance(again.store.frames['head_pose'], np.memmap)
    torch.testing.assert_close(everything(again)['inputs'], everything(first)['inputs'], atol=0, rtol=0)
    edit(files(copy, 'train', 'body/annotation')[0], lambda c: c.pop('12'))
    assert len(build(copy)) == len(first) - 1
    assert len(parsed) == 2


def _break(kind):
    def nan(content):
        content['aria01']['camera_extrinsics'] = {f: [[float('nan')] * 4] * 3 for f in '012'}

    def skewed(content):
        content['aria01']['camera_extrinsics'] = {f: [[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]] for f in '012'}

    def words(content):
        content['aria01']['camera_extrinsics'] = {'0': [['a'] * 4] * 3}

    def far(content):
        content['aria01']['camera_extrinsics'] = {f: np.eye(4)[:3].tolist() for f in ('0', '1000000', '2000000')}

    def odd(content):
        content['metadata'] = [1]

    return dict(nan=nan, skewed=skewed, words=words, far=far, odd=odd, no_aria=lambda c: c.pop('aria01'))[kind]


@pytest.mark.parametrize('kind, message', [
    ('nan', 'no frame with valid extrinsics'), ('skewed', 'no frame with valid extrinsics'),
    ('far', 'are spread over'), ('odd', 'not in the Ego-Exo4D layout'), ('words', '3x4 matrices of numbers'),
    ('no_aria', 'no aria camera'), ('truncated', 'not readable JSON'),
    ('list', 'should hold a JSON dict'), ('empty', 'not readable JSON')])
def test_one_broken_camera_file_is_left_out_and_named(copy, kind, message, caplog):
    path = files(copy, 'train', 'camera_pose')[0]
    if kind == 'truncated':
        path.write_text(path.read_text()[:5000])
    elif kind in ('list', 'empty'):
        path.write_text('[]' if kind == 'list' else '')
    else:
        edit(path, _break(kind))
    from mmengine.logging import MMLogger
    MMLogger.get_current_instance().addHandler(caplog.handler)
    dataset = build(copy)
    MMLogger.get_current_instance().removeHandler(caplog.handler)
    assert len(dataset.store) == 2
    assert dataset.store.report['takes with a broken file'] == 1
    assert message in caplog.text and path.name in caplog.text


def test_single_bad_camera_frames_are_interpolated(copy):
    path = files(copy, 'train', 'camera_pose')[0]
    edit(path, lambda c: c['aria01']['camera_extrinsics'].update({'90': [[float('nan')] * 4] * 3}))
    dataset = build(copy)
    assert len(dataset.store) == 3
    assert dataset.store.report['camera frames with NaN or non-orthonormal extrinsics'] == 1
    assert np.isfinite(dataset.store.frames['head_pose']).all()


@pytest.mark.parametrize('content, message', [
    ({'12': [{'annotation3D': {'third-hand': {'x': 0, 'y': 0, 'z': 0}}}]}, 'unknown joint'),
    ({'12': [{'annotation3D': {'nose': {'x': 'a', 'y': 0, 'z': 0}}}]}, 'needs numbers'),
    ({'12': [{'annotation3D': {'nose': [1, 2, 3]}}]}, 'needs numbers')])
def test_bad_labels_are_named(tmp_path, content, message):
    from collections import Counter
    path = tmp_path / 'labels.json'
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message) as error:
        read_body(path, Counter())
    assert str(path) in str(error.value)


def test_nothing_left_says_why(copy):
    for path in files(copy, 'val', 'camera_pose'):
        path.write_text('{')
    with pytest.raises(ValueError, match='no usable take .* broken file'):
        build(copy, 'val')


def test_missing_data_names_the_remedy(tmp_path, egoexo):
    with pytest.raises(FileNotFoundError, match='check data_root'):
        build(tmp_path)
    with pytest.raises(FileNotFoundError, match='template'):
        build(egoexo, 'test')
    with pytest.raises(ValueError, match='labels='):
        build(egoexo, labels='handmade')
