"""``mmegopose export``: a file that gives the numbers of the inferencer, and what it says when it cannot be made."""
import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import onnx as onnx_package
import pytest
from helpers import track_files
from helpers.tiny_models import HEAD, model_folder

from mmegopose.cli import main
from mmegopose.export import OnnxModel, export_model, ported
from mmegopose.export.onnx_file import facts_of, write_program
from mmegopose.geometry.conventions import PRESETS
from mmegopose.inference import HeadPoseInferencer

BLOCKED = ("import sys, runpy\nfor name in ('mmegopose', 'torch', 'scipy', 'mmengine', 'cv2'):\n"
           "    sys.modules[name] = None\nsys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')\n")


def run(capsys, *command):
    try:
        status = main(['export', *map(str, command)])
    except SystemExit as left:
        status = left.code
    return (status, *capsys.readouterr())


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp('models') / 'head', HEAD)


@pytest.fixture(scope='module')
def quest(model, tmp_path_factory):
    """An exported model for a headset of OpenXR, and the program that runs it."""
    folder = tmp_path_factory.mktemp('headset')
    assert main(['export', '--model', str(model), '--preset', 'openxr', '--out', str(folder / 'quest.onnx'),
                 '--example', str(folder / 'run.py')]) == 0
    return folder


def exported_before(monkeypatch, quest):
    """The exporter, which is slow, gives what it gave before."""
    program = SimpleNamespace(model_proto=onnx_package.load(quest / 'quest.onnx'))
    monkeypatch.setattr('mmegopose.export.exporting.make_program', lambda module: program)
    return program


def test_the_example_agrees_without_this_package(model, quest, tmp_path):
    time, poses = track_files.walk()
    time, poses = time[:80], poses[:80]
    table = track_files.write_csv(tmp_path / 'quest.csv', time, track_files.in_preset(poses, 'openxr'))
    printed = subprocess.run([sys.executable, '-c', BLOCKED, quest / 'run.py', quest / 'quest.onnx', table], check=True,
                             capture_output=True, text=True, cwd=tmp_path).stdout.splitlines()
    motion, = HeadPoseInferencer(model=model, device='cpu')(table, preset='openxr')
    assert len(printed) == 81 and printed[0].split(',')[1] == 'nose'
    joints = np.array([[joint.split() for joint in line.split(',')[1:]] for line in printed[1:]], float)
    expected = motion.joints @ PRESETS['openxr'].world_to_z_up  # back to the world of the headset
    assert np.abs(joints - expected).max() < 1e-4
    assert np.abs(joints - motion.joints).max() > 0.1


@pytest.mark.slow
def test_the_example_says_that_no_hand_is_seen(tmp_path):
    folder = model_folder(tmp_path / 'wrists', "_base_ = 'mmegopose::head_pose/head_wrists_body.py'\n")
    program, file, table = tmp_path / 'run.py', tmp_path / 'x.onnx', tmp_path / 'poses.npz'
    assert main(['export', '--model', str(folder), '--out', str(file), '--example', str(program)]) == 0
    poses = track_files.walk()[1][:80]
    np.savez(table, T_world_camera=poses)
    printed = subprocess.run([sys.executable, program, file, table], check=True, capture_output=True, text=True)
    joints = [[joint.split() for joint in line.split(',')[1:]] for line in printed.stdout.splitlines()[1:]]
    motion, = HeadPoseInferencer(model=folder, device='cpu')(poses, fps=30, check='off', wrists=False)
    assert np.abs(np.array(joints, float) - motion.joints).max() < 1e-4


def test_a_hole_begins_anew(quest, tmp_path):
    _, poses = track_files.walk()
    broken = poses[:50].copy()
    broken[20] = np.nan
    joints = []
    for number, track in enumerate((broken, poses[21:50])):
        np.savez(tmp_path / f'{number}.npz', T_world_camera=track)
        printed = subprocess.run([sys.executable, quest / 'run.py', quest / 'quest.onnx', tmp_path / f'{number}.npz'],
                                 check=True, capture_output=True, text=True).stdout.splitlines()[1:]
        joints.append([line.split(',')[1:] for line in printed])
    assert len(joints[0]) == 49 and joints[0][20:] == joints[1]


def test_the_file_says_what_it_is(model, quest):
    facts = facts_of(quest / 'quest.onnx')
    assert facts['fps'] == '30.0' and facts['up'] == 'y' and facts['camera_axes'] == 'right up back'
    assert facts['model'] == 'head' and len(facts['checkpoint_sha256']) == 64 and facts['initial_state'] == 'zeros'
    assert json.loads(facts['state'])['num_seen'] == 'next_num_seen'
    assert json.loads(facts['joint_names'])[:2] == ['nose', 'left-eye'] and 'licence' in facts
    ports = json.loads(facts['inputs']) | json.loads(facts['outputs'])
    assert ports['T_world_camera']['shape'] == ['B', 4, 4] and ports['num_seen']['dtype'] == 'int64'
    assert ports['joints']['shape'] == ['B', 17, 3] and 'camera_to_world' in ports['T_world_camera']['meaning']


def test_a_file_that_differs_is_not_written(model, quest, tmp_path, monkeypatch):
    module = ported(HeadPoseInferencer(model=model, device='cpu'), preset='openxr')
    onnx = OnnxModel(quest / 'quest.onnx')
    assert 0 < module.difference(onnx) < 1e-5
    assert np.isnan(module.difference(lambda inputs: dict(onnx(inputs), joints=np.nan * onnx(inputs)['joints'])))
    wrong = ported(HeadPoseInferencer(model=model, device='cpu'), preset='opencv')
    assert wrong.difference(onnx) > 0.1  # axes matter
    exported_before(monkeypatch, quest)
    with pytest.raises(ValueError, match='differs from the inferencer by up to .* was not written'):
        export_model(module, tmp_path / 'x.onnx', tolerance=1e-12)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(model, quest, tmp_path, monkeypatch, capsys):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    exported_before(monkeypatch, quest)
    monkeypatch.setattr('os.fsync', full)
    status, _, told = run(capsys, '--model', model, '--out', tmp_path / 'x.onnx')
    assert status == 2 and 'No space left on device: the model was not written' in told and 'x.onnx' in told
    assert list(tmp_path.iterdir()) == []


def test_large_weights_go_to_a_second_file(model, quest, tmp_path, monkeypatch):
    files = write_program(exported_before(monkeypatch, quest), tmp_path / 'large.onnx', dict(a=[1]), one_file=1000)
    assert [file.name for file in files] == ['large.onnx', 'large.onnx.data']
    assert files[0].stat().st_size < files[1].stat().st_size / 5 and facts_of(files[0])['a'] == '[1]'
    moved = tmp_path / 'elsewhere'
    moved.mkdir()
    for file in files:
        file.rename(moved / file.name)
    module = ported(HeadPoseInferencer(model=model, device='cpu'), preset='openxr')
    assert module.difference(OnnxModel(moved / 'large.onnx')) < 1e-5


def test_after_a_kill_between_its_two_files_the_next_run_is_whole(model, quest, tmp_path, monkeypatch):
    """What is there in between is no model: weights without it; and nothing of the killed run is left in the end."""
    exported_before(monkeypatch, quest)
    monkeypatch.setattr('mmegopose.export.exporting.write_program', partial(write_program, one_file=1000))
    module, place = ported(HeadPoseInferencer(model=model, device='cpu'), preset='openxr'), tmp_path / 'large.onnx'
    place.write_bytes((quest / 'quest.onnx').read_bytes())  # of another run

    def killed(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    def export_and_die():
        replace = os.replace
        os.replace = lambda *names: (replace(*names), killed())
        export_model(module, place, check=False)

    process = multiprocessing.get_context('fork').Process(target=export_and_die)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert not place.exists() and (tmp_path / 'large.onnx.data').exists() and len(list(tmp_path.iterdir())) == 2
    exported = export_model(module, place)
    assert exported.files == [place, tmp_path / 'large.onnx.data'] and exported.difference < 1e-5
    assert sorted(tmp_path.iterdir()) == exported.files


def test_only_its_own_file_is_written_over(model, quest, tmp_path, monkeypatch, capsys):
    exported_before(monkeypatch, quest)
    status, told, _ = run(capsys, '--model', model, '--preset', 'openxr', '--out', quest / 'quest.onnx')
    assert status == 0 and 'it differs from the model by' in told  # the same checkpoint
    other = model_folder(tmp_path / 'other', HEAD.replace('depth=1', 'depth=2'))
    status, _, told = run(capsys, '--model', other, '--out', quest / 'quest.onnx')
    assert status == 2 and 'is there already, and is the export of x.pth, SHA-256 ' in told
    place = tmp_path / 'x.onnx'
    place.write_text('something')
    status, _, told = run(capsys, '--model', model, '--out', place)
    assert status == 2 and 'is there already, and is no export' in told
    assert place.read_text() == 'something'
    (tmp_path / 'run.py').write_text('mine')
    status, _, told = run(capsys, '--model', model, '--out', tmp_path / 'y.onnx', '--example', tmp_path / 'run.py')
    assert status == 2 and 'run.py is there already' in told


@pytest.mark.parametrize('command, message', [
    (['--model', 'EMPTY'], 'lacks config.py'),
    (['--model', 'HEAD', '--out', 'model.pt'], 'model.pt should be a file that ends in .onnx'),
    (['--model', 'HEAD', '--options', 'fps=90'], "without options ['fps']"),
    (['--model', 'HEAD', '--preset', 'quest'], "unknown preset 'quest'"),
    (['--model', 'HEAD', '--example', 'run.txt'], 'should be a file that ends in .py'),
    (['--model', 'HEAD', '--out', 'HEAD/config.py/x.onnx'], 'config.py')])
def test_mistakes(model, tmp_path, monkeypatch, capsys, command, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    command = [word.replace('HEAD', str(model)).replace('EMPTY', 'empty') for word in command]
    status, _, told = run(capsys, *command)
    assert status == 2 and told.startswith('error: ') and message in told and told.count('\n') == 1


def test_without_the_packages(model, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'onnxscript', None)
    status, _, told = run(capsys, '--model', model)
    assert status == 2 and 'pip install "mmegopose[onnx]"' in told and told.count('\n') == 1
