"""Every model in ``assets/models``: it loads as data, predicts, is small, tells what it is, has names that find it."""
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import pose_files, track_files
from helpers.tiny_models import HEAD, model_folder

from mmegopose.cli import main
from mmegopose.config_files import shipped_root
from mmegopose.engine import load_config
from mmegopose.engine.checkpoint import load_state
from mmegopose.files import BadFile, sha256_of
from mmegopose.inference import (
    HeadPoseInferencer,
    LiftingInferencer,
    MeshInferencer,
    find_model,
    load_inferencer,
    load_model,
    named_models,
)
from mmegopose.inference.inputs.recording_kinds import inferencer_for
from mmegopose.named_models import SHIPPED, shipped_model
from mmegopose.registry import MODELS

SHIPPED_MODELS = [model for model in named_models() if model.shipped]
FOLDERS = sorted({model.folder for model in SHIPPED_MODELS})
KEYS = {'name', 'task', 'reads', 'gives', 'inferencer', 'streams', 'skeleton', 'trained_on', 'terms', 'training',
        'commit', 'seed', 'scores', 'num_parameters', 'bytes', 'sha256'}
MAX_BYTES = 24 * 2 ** 20  # all together
needs_hand = pytest.mark.skipif('hand-synthetic' not in [model.name for model in SHIPPED_MODELS],
                                reason='hand-synthetic is not in the package')


def recording(inferencer):
    """Something that the inferencer reads, and the options."""
    if isinstance(inferencer, HeadPoseInferencer):
        time, poses = track_files.walk()
        return (poses[:90],), dict(fps=30)
    if isinstance(inferencer, LiftingInferencer):
        return (pose_files.people()[0][:, 0],), dict(image_size=pose_files.SIZE, fps=25)
    picture = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    return (picture,), dict(boxes=(20, 10, 120, 110), right=True)


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request):
    return request.param


@pytest.mark.parametrize('model', SHIPPED_MODELS, ids=lambda model: model.name)
def test_a_shipped_model_predicts_by_its_name(model):
    inferencer = load_inferencer(model.name, device='cpu', progress=False)
    assert type(inferencer).__name__ == model.facts['inferencer'] and inferencer.provenance['model'] == model.name
    assert inferencer.skeleton == model.facts['skeleton']
    what, options = recording(inferencer)
    motion, = inferencer(*what, **options)
    assert np.isfinite(motion.joints[motion.valid]).all() and motion.valid.any(1).mean() > 0.9
    assert np.ptp(motion.joints[motion.valid.all(1)][0], axis=0).max() > 0.02  # a pose, no point
    assert not load_model(model.name, device='cpu').training


def test_weights_are_plain_data_in_half_precision(folder):
    config, weights = find_model(folder)
    state = torch.load(weights, weights_only=True)
    assert set(state) == {'state_dict'}
    kinds = {value.dtype for value in state['state_dict'].values() if value.is_floating_point()}
    assert kinds == {torch.float16}
    stored = sum(value.untyped_storage().nbytes() for value in state['state_dict'].values())
    assert weights.stat().st_size < 1.1 * stored + 2 ** 17  # nothing but the weights
    with zipfile.ZipFile(weights) as archive:
        assert not any(b'/work' in archive.read(name) or b'/home' in archive.read(name) for name in archive.namelist()
                       if name.endswith('.pkl'))


def test_the_config_stands_alone(folder):
    text = (folder / 'config.py').read_text()
    assert '_base_' not in text and not re.search(r"['\"](/|~|[A-Z]:\\)", text) and len(text) < 6000
    assert not any(str(part) in text for part in (Path.home(), shipped_root()))
    assert load_config(folder / 'config.py').model.type


def test_facts_are_complete_and_true(folder):
    model = next(model for model in SHIPPED_MODELS if model.name == folder.name)
    facts, weights = model.facts, folder / f'{folder.name}.pth'
    assert set(facts) >= KEYS and facts['name'] == folder.name
    assert facts['bytes'] == weights.stat().st_size
    network = load_model(folder.name, device='cpu')
    assert facts['num_parameters'] == sum(parameter.numel() for parameter in network.parameters())
    assert re.fullmatch('[0-9a-f]{40}', facts['commit']) and isinstance(facts['seed'], int)
    assert all(score['command'].startswith('mmegopose test ') and score['measure'] for score in facts['scores'])
    assert ('head_camera' in facts) == (facts['inferencer'] == 'HeadPoseInferencer')
    notice = (SHIPPED / 'NOTICE').read_text()
    for told in (folder.name, facts['trained_on'], facts['terms'], facts['commit'], *facts['training']):
        assert told in notice


def test_together_they_are_small():
    assert sum(file.stat().st_size for file in SHIPPED.rglob('*') if file.is_file()) <= MAX_BYTES


def test_names_are_given_once():
    names = [name for folder in FOLDERS for name in (folder.name, *next(
        model.facts.get('also', []) for model in SHIPPED_MODELS if model.folder == folder))]
    assert len(names) == len(set(names)) == len(SHIPPED_MODELS)


@pytest.mark.parametrize('inferencer', [HeadPoseInferencer, LiftingInferencer, MeshInferencer])
def test_without_arguments_the_shipped_model_of_the_family_is_taken(inferencer):
    own = [model for model in SHIPPED_MODELS if model.facts['inferencer'] == inferencer.__name__]
    if own:
        assert inferencer(device='cpu').provenance['model'] == shipped_model(inferencer.__name__).name
    else:
        with pytest.raises(FileNotFoundError, match='no model that reads .* comes with this version .*; these do: '):
            inferencer(device='cpu')


@needs_hand
def test_unknown_names_are_told_with_the_nearest():
    with pytest.raises(FileNotFoundError, match='no name of a model; nearest: hand-synthetic; known: .*hand-synthetic'):
        load_model('hand-syntetic')
    with pytest.raises(ValueError, match='needs a config and a checkpoint, or a model'):
        load_model('some_config.py')
    with pytest.raises(ValueError, match='needs a config and a checkpoint, or a model'):
        HeadPoseInferencer('hand-synthetic', model='hand-synthetic')


@needs_hand
def test_models_of_the_user_have_names_and_other_ones(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('MMEGOPOSE_CACHE', str(tmp_path))
    folder = model_folder(tmp_path / 'models/mine', HEAD)
    (folder / 'facts.yml').write_text('also: [ours]\nreads: head tracks of mine\n')
    model_folder(tmp_path / 'models/hand-synthetic', HEAD)  # the name is that of the package
    assert find_model('ours') == find_model('mine') == (folder / 'config.py', folder / 'x.pth')
    assert find_model('hand-synthetic')[0].parent == SHIPPED / 'hand-synthetic'
    assert main(['models']) == 0
    listed = capsys.readouterr().out
    assert 'mine:  (yours)\n    reads      head tracks of mine' in listed and 'the weights of mine' in listed
    assert 'hand-synthetic: ' in listed and f'Yours: folders in {tmp_path / "models"}' in listed
    assert main(['models', 'hand-synthetic']) == 0 and 'sha256: ' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(['models', 'hand-synt'])
    assert 'nearest: hand-synthetic' in capsys.readouterr().err
    (folder / 'facts.yml').write_text('[1')
    with pytest.raises(SystemExit):
        main(['models', 'mine'])
    assert 'facts.yml is not readable YAML' in capsys.readouterr().err


@pytest.mark.parametrize('text, message', [
    ('[1', 'is not readable YAML'), ('[]', 'should hold names and values'), ('a: 2020-99-99', 'not readable YAML'),
    ('!!python/object/apply:os.getcwd []', 'is not readable YAML'), ('bytes: many', "bytes='many' should be a number"),
    ('also: mine', "also='mine' should be a list of names"), ('also: [1]', 'should be a list of names'),
    ('scores: [1]', 'scores should be a list'), ('scores: [{measure: a, value: x, data: b}]', 'scores should be')])
def test_a_damaged_file_of_facts_hides_no_model(tmp_path, monkeypatch, capsys, text, message):
    monkeypatch.setenv('MMEGOPOSE_CACHE', str(tmp_path))
    model_folder(tmp_path / 'models/good', HEAD)
    (model_folder(tmp_path / 'models/bad', HEAD) / 'facts.yml').write_text(text)
    with pytest.warns(UserWarning, match=message):
        assert main(['models']) == 0
    listed = capsys.readouterr().out
    assert 'good (yours)' in listed and 'bad (yours)' in listed
    with pytest.warns(UserWarning, match='bad is taken without its facts'):
        assert find_model('good')[0].parent == tmp_path / 'models/good'
    with pytest.raises(SystemExit), pytest.warns(UserWarning, match=message):
        main(['models', 'bad'])
    assert message in capsys.readouterr().err


def test_other_weights_than_the_facts_tell_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv('MMEGOPOSE_CACHE', str(tmp_path))
    folder = model_folder(tmp_path / 'models/mine', HEAD)
    weights = find_model('mine')[1]
    (folder / 'facts.yml').write_text(f'sha256: {sha256_of(weights)}\n')
    assert find_model('mine')[1] == weights
    damaged = bytearray(weights.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    weights.write_bytes(damaged)
    with pytest.raises(BadFile, match='is not the file that .*facts.yml tells'):
        find_model('mine')


def test_the_list_tells_the_size_that_is_there_and_steers_no_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('MMEGOPOSE_CACHE', str(tmp_path))
    folder = model_folder(tmp_path / 'models/mine', HEAD)
    (folder / 'facts.yml').write_text('bytes: 5\nnum_parameters:\nscores:\nreads: "\\e[31mred"\n')
    (folder / 'x.pth').write_bytes(bytes(1_700_000))
    assert main(['models']) == 0
    listed = capsys.readouterr().out
    assert '0.00 M parameters, 1.7 MB' in listed and 'reads      ?[31mred' in listed and '\x1b' not in listed


@pytest.mark.parametrize('nonsense', [5, '', [], b'x'])
def test_what_is_no_name_is_told(nonsense):
    with pytest.raises(ValueError, match='should be a folder with config and checkpoint, or the name of a model'):
        load_model(nonsense)
    with pytest.raises(FileNotFoundError, match='is no folder and no name of a model'):
        load_model('x' * 5000)


def test_a_config_of_something_else_is_told(tmp_path):
    (tmp_path / 'other.py').write_text('x = 1\n')
    (tmp_path / 'x.pth').touch()
    for load, lacks in ((load_model, 'model'), (load_inferencer, 'test_dataloader')):
        with pytest.raises(ValueError, match=f'other.py has no {lacks}'):
            load(str(tmp_path / 'other.py'), str(tmp_path / 'x.pth'))


@needs_hand
def test_predict_takes_the_shipped_model_and_says_which(tmp_path, monkeypatch, capsys):
    import cv2
    monkeypatch.chdir(tmp_path)
    cv2.imwrite('hand.png', np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8))
    assert main(['predict', 'hand.png', '--box', '20', '10', '120', '110', '--hand', 'right']) == 0
    told = capsys.readouterr().out
    assert told.startswith('Model: hand-synthetic, which comes with the package') and 'predictions/hand.npz' in told


def test_a_recording_tells_who_reads_it(tmp_path):
    time, poses = track_files.walk()
    track = track_files.write_csv(tmp_path / 'walk.csv', time, track_files.in_preset(poses, 'unity'))
    np.savez(tmp_path / 'poses.npz', T_world_camera=poses, time=time)
    pose_files.write_npz(tmp_path / 'two.npz', *pose_files.people())
    np.save(tmp_path / 'poses.npy', poses)
    np.save(tmp_path / 'keypoints.npy', np.zeros((4, 17, 3)))
    (tmp_path / 'pictures').mkdir()
    (tmp_path / 'pictures/a.png').touch()
    kinds = {track: 'HeadPoseInferencer', 'poses.npz': 'HeadPoseInferencer', 'two.npz': 'LiftingInferencer',
             'poses.npy': 'HeadPoseInferencer', 'keypoints.npy': 'LiftingInferencer',
             'film.MP4': 'LiftingInferencer', 'a.jpg': 'MeshInferencer', 'pictures': 'MeshInferencer'}
    assert {name: inferencer_for(tmp_path / name) for name in kinds} == kinds
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='no head track, no 2D poses, no video and no picture'):
        inferencer_for(tmp_path / 'empty')


def test_half_precision_is_within_a_millimetre(folder):
    """The network with the weights as float32 plus what half precision may have cut off them, against the file's."""
    config, weights = find_model(folder)
    inferencer = load_inferencer(folder.name, device='cpu', progress=False)
    what, options = recording(inferencer)
    motion, = inferencer(*what, **options)
    state = torch.load(weights, weights_only=True)['state_dict']
    generator = torch.Generator().manual_seed(0)
    full = {key: value.float() * (1 + 2 ** -11 * (2 * torch.rand(value.shape, generator=generator) - 1))
            if value.is_floating_point() else value for key, value in state.items()}
    inferencer.model = MODELS.build(load_config(config).model).eval()
    load_state(inferencer.model, full, str(weights))
    other, = inferencer(*what, **options)
    moved = motion.to_root().joints - other.to_root().joints
    assert 0 < np.abs(moved[motion.valid]).max() < 1e-3


@pytest.mark.parametrize('device', ['nonsense', 'cuda:99', 'meta'])
def test_a_device_that_is_not_there_is_told(device):
    with pytest.raises(ValueError, match=f"device='{device}' .*(Name|name) 'cpu'"):
        load_model('head-body', device=device)
    with pytest.raises(ValueError, match=f"device='{device}' "):
        HeadPoseInferencer(device=device)
