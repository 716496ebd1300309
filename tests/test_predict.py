"""``mmegopose predict``: from a file to Motions."""
import json
import subprocess
import sys

import numpy as np
import pytest
from helpers import pose_files, track_files
from helpers.tiny_models import HEAD, LIFT, model_folder

from mmegopose.cli import main
from mmegopose.commands._shared.command_words import command_words
from mmegopose.commands._shared.prediction_notes import doubts
from mmegopose.inference import HeadPoseInferencer, LiftingInferencer, MeshInferencer, find_model, load_inferencer
from mmegopose.motion import Motion
from mmegopose.registry import INFERENCERS


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    home = tmp_path_factory.mktemp('models')
    return dict(head=model_folder(home / 'head', HEAD), lift=model_folder(home / 'lift', LIFT))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *command):
    try:
        status = main(['predict', *map(str, command)])
    except SystemExit as left:
        status = left.code
    return (status, *capsys.readouterr())


def write_track(path, preset='unity', hole=None):
    time, poses = track_files.walk()
    keep = np.ones(len(time), bool)
    keep[hole or slice(0)] = False
    return track_files.write_csv(path, time[keep], track_files.in_preset(poses, preset)[keep])


def test_the_family_is_that_of_the_config(models):
    assert type(load_inferencer(model=models['head'])) is HeadPoseInferencer
    with pytest.MonkeyPatch.context() as patch:  # a plugin's own, for its own data
        own = type('OwnInferencer', (LiftingInferencer,), dict(datasets=('HeadPoseDataset',)))
        patch.setitem(INFERENCERS._module_dict, 'OwnInferencer', own)
        patch.setattr(HeadPoseInferencer, 'datasets', ())
        assert type(load_inferencer(model=models['head'])) is own
    assert type(load_inferencer(models['lift'] / 'config.py', models['lift'] / 'x.pth')) is LiftingInferencer
    with pytest.raises(ValueError, match='name a model: a folder or name, or a config and its checkpoint'):
        load_inferencer()


def test_a_folder_that_training_wrote_is_a_model(models, tmp_path):
    folder = model_folder(tmp_path / 'work', HEAD)
    (folder / 'config.py').rename(folder / 'my_head.py')
    assert find_model(folder) == (folder / 'my_head.py', folder / 'x.pth')
    (folder / 'x.pth').rename(folder / 'iter_10.pth')
    (folder / 'iter_5.pth').touch()
    with pytest.raises(ValueError, match=r"holds the checkpoints \['iter_10.pth', 'iter_5.pth'\]: give config"):
        find_model(folder)
    (folder / 'last_checkpoint').write_text('/elsewhere/work/iter_10.pth')  # the folder was moved
    assert find_model(folder) == (folder / 'my_head.py', folder / 'iter_10.pth')
    assert HeadPoseInferencer(model=folder).provenance['checkpoint'] == 'iter_10.pth'
    (folder / 'other.py').touch()
    with pytest.raises(ValueError, match=r"holds the configs \['my_head.py', 'other.py'\]: give config"):
        find_model(folder)


def test_a_folder_without_a_checkpoint_is_told(tmp_path):
    (tmp_path / 'config.py').touch()
    with pytest.raises(FileNotFoundError, match=r'lacks a file \*\.pth: name a folder that training wrote'):
        find_model(tmp_path)


def test_a_family_without_an_inferencer_is_told(tmp_path):
    (tmp_path / 'c.py').write_text("test_dataloader = dict(dataset=dict(type='WindowDataset'))")
    with pytest.raises(ValueError, match='no inferencer for data of WindowDataset, only for .*LiftingDataset'):
        load_inferencer(tmp_path / 'c.py', 'x.pth')


def test_a_head_track_becomes_a_file(models, here, capsys):
    track = write_track(here / 'walk.csv')
    status, out, _ = run(capsys, track, '--model', models['head'], '--preset', 'unity', '--smooth', 'gaussian')
    motion, = HeadPoseInferencer(model=models['head'])(track, preset='unity', smooth='gaussian')
    saved = Motion.load(here / 'predictions/walk.npz')
    np.testing.assert_array_equal(saved.joints, motion.joints)
    read, placed, wrote = out.splitlines()
    assert placed == ("The model expects the camera 'eyes'; the device of the track is not known: taken as if its "
                      'camera sat between the eyes (--options head_offset=... tells where it is).')
    assert status == 0 and saved.provenance['smoothing']
    assert read == (f'Read {track}: 1 person, {len(motion)} frames in {motion.duration:.2f} seconds; no frames are '
                    'holes without a pose, none stand on input that was filled in.')
    assert wrote == ('Wrote predictions/walk.npz: 17 joints of coco17 in metres, relative to the world, at 30 frames a '
                     'second.')


def test_a_hole_is_counted(models, here, capsys):
    track = write_track(here / 'walk.csv', hole=slice(60, 150))
    status, out, _ = run(capsys, track, '--model', models['head'], '--preset', 'unity', '--out', 'some/where.npz')
    invalid = int((~Motion.load(here / 'some/where.npz').valid.any(1)).sum())
    assert status == 0 and 85 <= invalid <= 95 and f'; {invalid} frames are holes without a pose' in out


def test_people_get_a_file_each_and_config_and_checkpoint_do_too(models, here, capsys):
    poses = pose_files.write_npz(here / 'two.npz', *pose_files.people())
    status, out, _ = run(capsys, poses, '--config', models['lift'] / 'config.py', '--checkpoint',
                         models['lift'] / 'x.pth', '--image-size', *pose_files.SIZE, '--fps', 25, '--out', 'out')
    files = sorted((here / 'out').iterdir())
    motions = [Motion.load(file) for file in files]
    assert status == 0 and len(files) == 2 and [f'two_{motion.person}.npz' for motion in motions] == [
        file.name for file in files]
    assert f'{poses}: 2 people, {sum(map(len, motions))} frames' in out and 'at 25 frames a second' in out
    assert all(file.name in out for file in files)
    filled = sum(int(motion.filled.sum()) for motion in motions)
    assert filled and f'{filled} stand on input that was filled in' in out


def test_nobody_is_no_success(models, here, capsys):
    keypoints, scores, there, seen = pose_files.people()
    poses = pose_files.write_mmpose(here / 'none.json', keypoints, scores, there & False, seen)
    status, out, _ = run(capsys, poses, '--model', models['lift'], '--image-size', 10, 10)
    assert status == 1 and out == f'Read {poses}: there is nobody in it, nothing is written.\n'
    assert not (here / 'predictions').exists()


def test_one_picture_has_a_person_and_who_is_left_out_is_told(models, here, capsys):
    keypoints, scores, _, _ = pose_files.people()
    one = dict(keypoints=keypoints[0, 0].tolist(), keypoint_scores=scores[0, 0].tolist())
    (here / 'one.json').write_text(json.dumps([one]))  # of an image
    status, out, errors = run(capsys, 'one.json', '--model', models['lift'], '--image-size', *pose_files.SIZE)
    assert status == 0 and 'Read one.json: 1 person, 1 frame; no frames are holes' in out and not errors
    (here / 'far.json').write_text(json.dumps([dict(frame_id=n, instances=[one]) for n in (0, 1000)]))
    told = run(capsys, 'far.json', '--model', models['lift'], '--image-size', *pose_files.SIZE)
    assert told[0] == 1 and told[1] == 'Read far.json: there is nobody left in it, nothing is written.\n'
    assert "2 of 2 people" in told[2] and "On the command line: --options 'tracking=dict(min_frames=1)'" in told[2]
    keep = ['--options', 'tracking=dict(min_frames=1)', '--out', 'both']
    assert run(capsys, 'far.json', '--model', models['lift'], '--image-size', *pose_files.SIZE, *keep)[0] == 0


@pytest.mark.parametrize('model, options, message', [
    ('head', ['--preset', 'unreal'], 'walk.csv: '),
    ('head', ['--image-size', 10, 10, '--person', 'longest'],
     '--image-size, --person: the model reads head tracks, which have no such option'),
    ('lift', ['--preset', 'unity'], '--preset: the model reads 2D poses, which have no such option'),
    ('head', ['--format', 'vrs'], "unknown format 'vrs'; known: ['aria_mps'"),
    ('head', ['--preset', 'unity', '--options', 'upp=y'], "'upp'"),
    ('head', ['--options', 'up'], "--options 'up' is not KEY=VALUE"),
    ('nosuch', [], 'is no folder and no name of a model; known: ')])
def test_mistakes_are_one_line(model, options, message, models, here, capsys):
    write_track(here / 'walk.csv')
    status, _, errors = run(capsys, 'walk.csv', '--model', models.get(model, model), *options)
    last = errors.splitlines()[-1]
    assert status == 2 and last.startswith('error: ') and message in last and 'Traceback' not in errors


def test_a_missing_recording_is_told_before_the_model_loads(here, capsys):
    status, _, errors = run(capsys, 'none.csv', '--model', 'nosuch')
    assert status == 2 and 'error: there is no none.csv' in errors


def test_warnings_are_plain_lines(models, here, capsys):
    write_track(here / 'walk.csv', 'unreal')
    status, out, errors = run(capsys, 'walk.csv', '--model', models['head'], '--preset', 'unity', '--options',
                              'check=warn')
    assert status == 0 and 'Wrote' in out and errors.startswith('Warning: walk.csv: ') and 'UserWarning' not in errors


def test_a_picture_and_its_box_reach_the_inferencer(here, capsys, monkeypatch):
    given = {}

    class Inferencer:
        datasets = MeshInferencer.datasets

        def __init__(self, *args, **kwargs):
            pass

        def __call__(self, picture, **options):
            given.update(options, picture=picture)
            return [Motion([0.0], np.zeros((1, 21, 3)), 'hand21', frame='camera')]

    Inferencer.__name__ = 'MeshInferencer'
    monkeypatch.setitem(INFERENCERS.module_dict, 'MeshInferencer', Inferencer)
    (here / 'hand.jpg').touch()
    status, out, _ = run(capsys, 'hand.jpg', '--config', 'mmegopose::mesh/extpose-tiny_synthetic-hand.py',
                         '--checkpoint', 'x.pth', '--box', 1, 2, 30, 40, '--hand', 'left')
    assert given == dict(picture='hand.jpg', boxes=[1, 2, 30, 40], right=False)
    assert status == 0 and out.startswith('Read hand.jpg: 1 hand, 1 frame; no frames are holes')
    assert out.endswith('21 joints of hand21 in metres, relative to the camera.\n')


def test_no_file_is_lost(models, here, capsys):
    """Neither the recording nor the prediction of another one is written over, and --out is looked at first."""
    options = ['--model', models['head'], '--preset', 'unity']
    for folder in 'ab':
        (here / folder).mkdir()
        write_track(here / folder / 'walk.csv')
        write_track(here / folder / 'track.csv')
    assert run(capsys, 'a/walk.csv', *options)[0] == 0
    before = (here / 'predictions/walk.npz').read_bytes()
    status, _, errors = run(capsys, 'b/walk.csv', *options)
    assert status == 2 and f'the prediction of {here}/a/walk.csv: name another place' in errors
    assert (here / 'predictions/walk.npz').read_bytes() == before
    assert run(capsys, 'a/walk.csv', *options)[0] == 0  # again: its own
    assert run(capsys, 'b/walk.csv', *options, '--overwrite')[0] == 0
    assert Motion.load(here / 'predictions/walk.npz').provenance['recording'] == f'{here}/b/walk.csv'
    assert [run(capsys, f'{folder}/track.csv', *options)[0] for folder in 'ab'] == [0, 0]
    assert (here / 'predictions/a_track.npz').exists() and (here / 'predictions/b_track.npz').exists()
    (here / 'plain').touch()
    np.savez(here / 'own.npz', poses=track_files.walk()[1], fps=30.0)
    for recording, out, message in (
            ('a/walk.csv', 'plain', '--out plain is a file'), ('a/walk.csv', 'plain/x.npz', 'plain is a file'),
            ('own.npz', 'own.npz', 'is the recording itself'), ('own.npz', '.', 'is the recording itself'),
            ('a/walk.csv', 'own.npz', 'own.npz is there already, and is no prediction')):
        status, _, errors = run(capsys, recording, '--model', 'nosuch', '--overwrite' if 'itself' in message else
                                '--preset=unity', '--out', out)
        assert status == 2 and message in errors
    assert run(capsys, 'a/walk.csv', *options, '--out', 'c.NPZ')[0] == 0 and (here / 'c.npz').is_file()


@pytest.mark.parametrize('option, value', [('--fps', '0'), ('--fps', '-30'), ('--field-of-view', '0')])
def test_a_zero_is_a_value(option, value, models, here, capsys):
    status, _, errors = run(capsys, write_track(here / 'walk.csv'), '--model', models['head'], option, value)
    assert status == 2 and f'{option} should be ' in errors and f'got {value}' in errors


@pytest.mark.parametrize('message, words', [
    ("lengths in mm: pass unit='mm'. If it is really so, pass check='off'", '--options unit=mm or --options check=off'),
    ("pass preset='openxr' or up='y', camera='right up back'",
     "--preset openxr or --options up=y --options 'camera=right up back'"),
    ('neither times nor a unit of length: pass fps and scale (metres per unit)', '--fps RATE --options scale=...'),
    ('not known: pass image_size, width and height in pixels', '--image-size W H'),
    ('no column of times; pass columns=dict(time=...) or fps', "--options 'columns=dict(time=...)' or --fps RATE"),
    ("the numbers look like w x y z: pass quaternion='wxyz'", '--options quaternion=wxyz'),
    ('nothing tells where: pass boxes and right, or poses, or detector; by default, none is there',
     '--box LEFT TOP RIGHT BOTTOM --hand left|right or --poses FILE or --detector DETECTOR'),
    ('they are taken for right hands; pass right=False for left ones', '--hand left'),
    ('where a person is needs intrinsics or field_of_view', '--field-of-view DEGREES')])
def test_advice_in_the_words_of_the_command(message, words):
    assert command_words(message) == f'On the command line: {words}'
    assert command_words('there is no such file') == ''


def test_an_error_ends_with_the_words_of_the_command(models, here, capsys):
    write_track(here / 'walk.csv')
    status, _, errors = run(capsys, 'walk.csv', '--model', models['head'])
    assert status == 2 and 'On the command line: --preset ' in errors and 'Traceback' not in errors


def test_whose_camera_the_model_expects_can_be_said(models, here, capsys):
    write_track(here / 'walk.csv')
    head = ['walk.csv', '--model', models['head'], '--preset', 'unity']
    status, out, _ = run(capsys, *head, '--head-camera', 'aria_gen1', '--out', 'a.npz',
                         '--options', 'head_offset=openxr')
    run(capsys, *head, '--out', 'b.npz')
    told = [Motion.load(here / file) for file in ('a.npz', 'b.npz')]
    assert status == 0 and "expects the camera 'aria_gen1' (of Ego-Exo4D; " in out
    assert told[0].provenance['head_camera'] == 'aria_gen1' and told[1].provenance['head_camera'] == 'eyes'
    assert np.abs(told[0].joints - told[1].joints).max() > 0.01


def test_doubtful_places_are_told():
    def placed(residual, feet, roll):
        return Motion([0.0], np.zeros((1, 17, 3)), 'h36m17', provenance=dict(
            image_size=[1000, 800], placement=dict(residual_pixels=residual),
            upright=dict(still_feet=feet, camera_roll=roll)))
    assert doubts([placed(19.0, 20, -7.0)]) == []
    misses, floor, roll = doubts([placed(21.0, 3, -12.0)] * 2)
    assert 'misses the keypoints by 21 pixels (2.1 %' in misses
    assert 'from 3 still feet' in floor and 'rolled by -12 degrees' in roll


def test_a_recording_that_is_not_there_is_told_before_torch_is_loaded():
    code = ("import sys; from mmegopose.cli import main; status = main(['predict', 'none.csv', '--model', 'x']); "
            "print(status, 'torch' in sys.modules)")
    found = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert found.stdout == '2 False\n' and found.stderr == 'error: there is no none.csv\n'
