"""Checkpoint files: safe to read, written atomically, loaded strictly."""
import errno
import os
import pickle
import re
import subprocess
import sys
import zipfile
from contextlib import suppress

import numpy as np
import pytest
import torch
from helpers.engine_toy import EngineOther, EngineToy, EngineToyMetric, toy_runner
from mmengine import fileio
from mmengine.logging import HistoryBuffer
from mmengine.model import PretrainedInit
from mmengine.runner import save_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader

from mmegopose import compat
from mmegopose.engine import CheckpointError, load_from_local, load_state, user_errors
from mmegopose.engine.checkpoint import keep_weights, state_of
from mmegopose.engine.official_checkpoints import read_weights
from mmegopose.engine.pretrained import PretrainedPart
from mmegopose.files import atomic_write
from mmegopose.registry import METRICS


class Attack:
    """Runs a command when unpickled without protection."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class GlobalsAttack:
    """Asks ``getattr``, which HistoryBuffer pickles, for more than statistics."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


def test_round_trip_of_mmengine_content(tmp_path):
    history = HistoryBuffer([1.0, 2.0, 4.0], [1, 1, 1])
    content = dict(state_dict=EngineToy().state_dict(), meta=dict(iter=3, score=np.float64(0.5), hits=np.arange(3)),
                   message_hub=dict(log_scalars={'train/loss': history}))
    path = str(tmp_path / 'a.pth')
    save_checkpoint(content, path)
    loaded = load_from_local(path)
    assert loaded['message_hub']['log_scalars']['train/loss'].mean() == pytest.approx(7 / 3)
    assert loaded['meta']['score'] == 0.5
    assert loaded['meta']['hits'].tolist() == [0, 1, 2]
    assert all(torch.equal(loaded['state_dict'][k], v) for k, v in content['state_dict'].items())


def test_checkpoint_of_the_runner_needs_no_trust(tmp_path):
    toy_runner(tmp_path, train_cfg__max_iters=2).train()
    read = "import sys, torch; print(sorted(torch.load(sys.argv[1], weights_only=True)))"
    done = subprocess.run([sys.executable, '-c', read, str(tmp_path / 'work' / 'iter_2.pth')], capture_output=True,
                          text=True)
    assert done.stdout.strip() == str(['message_hub', 'meta', 'optimizer', 'param_schedulers', 'random_states',
                                       'state_dict']), done.stderr


@pytest.mark.parametrize('zipped', [True, False])
def test_malicious_file_is_refused(tmp_path, zipped):
    path, witness = str(tmp_path / 'evil.pth'), tmp_path / 'witness'
    torch.save(dict(state_dict={}, meta=Attack(f'touch {witness}')), path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r'evil.pth holds more than weights .*(posix|nt).system'):
        load_from_local(path)
    assert not witness.exists()
    torch.save(dict(meta=GlobalsAttack()), path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match='evil.pth'):
        load_from_local(path)


@pytest.mark.parametrize('scheme', ['http', 'https', 's3', 'cluster:s3', 'petrel', 'pavi', 'torchvision', 'open-mmlab',
                                    'mmcls', 'ftp', 'HTTP', 'file'])
def test_addresses_are_refused(tmp_path, scheme):
    """mmengine would unpickle what it downloads."""
    address = f'{scheme}://127.0.0.1:9/weights.pth'
    for load in (CheckpointLoader.load_checkpoint, load_from_local, read_weights, keep_weights,
                 lambda address: PretrainedPart(address)(EngineToy()),
                 lambda address: PretrainedInit(address)(EngineToy()),
                 lambda address: toy_runner(tmp_path, load_from=address).test(),
                 lambda address: toy_runner(tmp_path, resume=True, load_from=address).train()):
        with pytest.raises(CheckpointError, match='weights.pth is an address: download the checkpoint'):
            load(address)


def test_no_variable_switches_safe_loading_off(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    torch.save(dict(state_dict={}, meta=Attack(f'touch {tmp_path / "witness"}')), tmp_path / 'evil.pth')
    for load in (load_from_local, CheckpointLoader.load_checkpoint, read_weights):
        with suppress(CheckpointError):
            load(str(tmp_path / 'evil.pth'))
        assert not (tmp_path / 'witness').exists()


def test_a_checkpoint_unpacks_to_no_more_than_its_size(tmp_path):
    torch.save(dict(state_dict=dict(a=torch.zeros(1000, 1000))), tmp_path / 'good.pth')
    with zipfile.ZipFile(tmp_path / 'good.pth') as good, \
            zipfile.ZipFile(tmp_path / 'bomb.pth', 'w', zipfile.ZIP_DEFLATED) as bomb:
        for entry in good.infolist():
            bomb.writestr(entry.filename, good.read(entry))
    with pytest.raises(CheckpointError, match=r'bomb.pth .* is no checkpoint of torch: it would unpack to 0.004 GB'):
        load_from_local(str(tmp_path / 'bomb.pth'))
    assert load_from_local(str(tmp_path / 'good.pth'))['state_dict']['a'].shape == (1000, 1000)


@pytest.mark.parametrize('value', [torch.zeros(1).expand(10**6, 10**7), torch.zeros(10**6, 10**6, device='meta'),
                                   torch.sparse_coo_tensor([[0]], [1.0], (10**13,), check_invariants=True)])
def test_weights_that_are_more_than_the_file_holds_are_refused(tmp_path, value):
    torch.save(dict(state_dict=dict(weight=value)), tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match='a.pth: weight .* has fewer numbers than it says'):
        state_of(load_from_local(str(tmp_path / 'a.pth')), str(tmp_path / 'a.pth'))


@pytest.mark.parametrize('content', [b'', b'no checkpoint', pickle.dumps([1, 2]), b'PK\x03\x04' + bytes(100),
                                     b'\x80\x02' + b'\xff' * 50])
def test_foreign_file_gives_one_clear_error(tmp_path, content):
    path = tmp_path / 'foreign.pth'
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match='foreign.pth'):
        load_from_local(str(path))
    with pytest.raises(FileNotFoundError, match='gone.pth'):
        load_from_local(str(tmp_path / 'gone.pth'))


@pytest.mark.parametrize('content, told', [
    (b'# Title\n\nSome text about it.\n', 'it is text'), (b'{"a": 1}', 'it is JSON text'),
    (b'\n<!DOCTYPE html>\n<html><body>404', 'it is an HTML page.*download it again'),
    (b'version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n', 'it is the pointer of git-lfs.*lfs pull'),
    (b'\x89PNG\r\n\x1a\n' + bytes(40), 'it is a file of another kind'), ('\u00e4'.encode() * 400, 'it is text'),
    (b'a' + '\u00e4'.encode() * 400, 'it is text')])
def test_what_is_no_checkpoint_is_told_by_what_it_is(tmp_path, content, told):
    path = tmp_path / 'other.pth'
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf'other.pth \(\d+ bytes\) is not a checkpoint: {told}') as error:
        load_from_local(str(path))
    assert 'TORCH' not in str(error.value) and 'weights_only' not in str(error.value)


def test_torch_does_not_advise_to_load_without_protection(tmp_path, capsys):
    torch.save(dict(meta=Attack('true')), tmp_path / 'evil.pth')
    with pytest.raises(SystemExit), user_errors():
        load_from_local(str(tmp_path / 'evil.pth'))
    told = capsys.readouterr().err
    assert 'holds more than weights' in told and 'save the weights alone' in told
    assert not re.search('weights_only|TORCH_FORCE|trust', told, re.IGNORECASE)


def test_a_missing_checkpoint_is_told_with_what_is_there_and_who_makes_it(tmp_path):
    torch.save({}, tmp_path / 'iter_2.pth')
    with pytest.raises(FileNotFoundError, match='there is no checkpoint .*iter_3.pth; in .* there are: iter_2.pth'):
        load_from_local(str(tmp_path / 'iter_3.pth'))
    with pytest.raises(FileNotFoundError, match='which is a folder; in .* there are: iter_2.pth'):
        load_from_local(str(tmp_path))
    start = PretrainedPart(str(tmp_path / 'gone' / 'a.pth'), made_by='python tools/train.py first.py')
    with pytest.raises(FileNotFoundError, match=r'no checkpoint .*a.pth\. The model starts from it .*: first run '
                                                'python tools/train.py first.py, or .*init_cfg=None'):
        start(EngineToy())


def test_checkpoint_of_another_model(tmp_path):
    path = str(tmp_path / 'toy.pth')
    save_checkpoint(dict(state_dict=EngineToy().state_dict()), path)
    with pytest.raises(CheckpointError, match=r'toy.pth does not fit EngineOther; 2 missing: extra.weight, extra.bias; '
                                              r'3 of wrong shape: first.weight \(8, 3\) \(model: \(16, 3\)\), .*other'):
        toy_runner(tmp_path, model=dict(type='EngineOther', _delete_=True), load_from=path).test()
    with pytest.raises(CheckpointError, match=r'x does not fit EngineToy; 2 unexpected: extra.weight, extra.bias\. '):
        load_state(EngineToy(16), EngineOther().state_dict(), 'x')
    with pytest.raises(CheckpointError, match=r'8 missing: k0, k1, k2, k3, k4, k5, \.\.\.;'):
        load_state(_keys(8), {'other': torch.zeros(1)}, 'x')


def _keys(count):
    module = torch.nn.Module()
    for index in range(count):
        module.register_parameter(f'k{index}', torch.nn.Parameter(torch.zeros(1)))
    return module


def test_full_disk_keeps_the_previous_checkpoint(tmp_path, monkeypatch):
    runner = toy_runner(tmp_path, default_hooks__checkpoint__max_keep_ckpts=1)
    first, second = tmp_path / 'work' / 'iter_2.pth', tmp_path / 'work' / 'iter_4.pth'
    sync = os.fsync

    def full(descriptor):
        if first.exists() and '.iter_4.' in os.readlink(f'/proc/self/fd/{descriptor}'):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space left on device.*previous checkpoint, are intact.*iter_4.pth') as info:
        runner.train()
    assert info.value.errno == errno.ENOSPC
    assert load_from_local(str(first))['meta']['iter'] == 2
    assert not second.exists() and not list(second.parent.glob('*.tmp'))


def test_outdated_checkpoints_are_removed(tmp_path):
    toy_runner(tmp_path, default_hooks__checkpoint__max_keep_ckpts=1, default_hooks__checkpoint__save_best='mean',
               default_hooks__checkpoint__rule='less').train()
    names = sorted(p.name for p in (tmp_path / 'work').glob('*.pth'))
    assert names[-1] == 'iter_4.pth' and len(names) == 2 and names[0].startswith('best_mean_iter_')


@METRICS.register_module(force=True)
class RisingMetric(EngineToyMetric):
    """Its score falls and its error rises from one validation to the next."""
    default_prefix = 'toy'
    greater = ('score',)
    asked = 0

    def table_columns(self):
        return dict(error='toy/error')

    def compute_metrics(self, results):
        self.asked += 1
        return dict(score=1 / self.asked, error=self.asked)


@pytest.mark.parametrize('save_best, metric, kept', [
    ('auto', 'RisingMetric', 'toy_error_iter_2'), ('toy/error', 'RisingMetric', 'toy_error_iter_2'),
    ('toy/score', 'RisingMetric', 'toy_score_iter_2')])
def test_metrics_tell_which_checkpoint_is_best(tmp_path, save_best, metric, kept):
    toy_runner(tmp_path, val_evaluator__type=metric, default_hooks__checkpoint__save_best=save_best).train()
    assert [path.stem for path in (tmp_path / 'work').glob('best*')] == [f'best_{kept}']


def test_a_rule_that_is_given_wins(tmp_path):
    toy_runner(tmp_path, val_evaluator__type='RisingMetric', default_hooks__checkpoint__save_best='auto',
               default_hooks__checkpoint__rule='greater').train()
    assert [path.stem for path in (tmp_path / 'work').glob('best*')] == ['best_toy_error_iter_4']


@pytest.mark.parametrize('save_best, metric, message', [
    ('error', 'RisingMetric', "save_best='error' is no result of the validation, whose results begin with toy/"),
    ('lifting/MPJPE', 'RisingMetric', "save_best='lifting/MPJPE' is no result of the validation"),
    ('mean', 'EngineToyMetric', 'rule for key mean')])
def test_a_best_checkpoint_that_nothing_decides_is_refused_before_training(tmp_path, save_best, metric, message):
    runner = toy_runner(tmp_path, val_evaluator__type=metric, default_hooks__checkpoint__save_best=save_best)
    with pytest.raises(ValueError, match=message):
        runner.train()
    assert runner.iter == 0


def test_weights_alone_are_left_at_the_end(tmp_path):
    def run(folder, **options):
        folder.mkdir()
        toy_runner(folder, default_hooks__checkpoint__save_best='mean', default_hooks__checkpoint__rule='less',
                   **options).train()
        return sorted((folder / 'work').glob('*.pth'))

    files = run(tmp_path / 'a'), run(tmp_path / 'b', default_hooks__checkpoint__weights_only_at_end=True)
    for whole, path in zip(*files, strict=True):
        whole, reduced = load_from_local(str(whole)), load_from_local(str(path))
        assert set(reduced) == {'meta', 'state_dict'} and 'message_hub' in whole
        assert all(torch.equal(reduced['state_dict'][key], value) for key, value in whole['state_dict'].items())
    with pytest.raises(CheckpointError, match='optimizer: training cannot resume from it'):
        toy_runner(tmp_path / 'b', resume=True).train()


def test_mistyped_argument_of_the_checkpoint_hook(tmp_path):
    with pytest.raises(KeyError, match='no such key; nearest: default_hooks.checkpoint.interval,'):
        toy_runner(tmp_path, default_hooks__checkpoint__intervall=3)


def test_atomic_write_of_mmengine_files(tmp_path):
    path = tmp_path / 'sub' / 'a.txt'
    fileio.put_text('old', path)
    assert isinstance(fileio.get_file_backend(path), fileio.LocalBackend)
    link = tmp_path / 'link.txt'
    link.symlink_to(path)
    with atomic_write(link) as file:
        file.write('nëw')
    assert link.is_symlink() and path.read_text(encoding='utf-8') == 'nëw'
    fileio.put_text('x', os.devnull)
    assert not os.path.isfile(os.devnull)


def test_a_cpu_without_bfloat16_trains_in_float32(tmp_path, monkeypatch):
    if torch.cuda.is_available():
        pytest.skip('tells what happens without a GPU')
    monkeypatch.setattr('mmegopose.engine.optim.cpu_has_bfloat16', lambda: False)
    full = toy_runner(tmp_path, work_dir='full')
    full.train()
    runner = toy_runner(tmp_path, work_dir='amp', optim_wrapper__type='AmpOptimWrapper')
    with pytest.warns(UserWarning, match='this CPU has no bfloat16, so training goes on in float32'):
        runner.train()
    assert runner.model.losses == full.model.losses


def test_bfloat16_trains_and_float16_is_refused_on_cpu(tmp_path, monkeypatch):
    if torch.cuda.is_available():
        pytest.skip('tells what happens without a GPU')
    monkeypatch.setattr('mmegopose.engine.optim.cpu_has_bfloat16', lambda: True)
    amp = dict(optim_wrapper__type='AmpOptimWrapper', optim_wrapper__clip_grad=dict(max_norm=1.0))
    runner = toy_runner(tmp_path, **amp)
    casts = []
    runner.model.last.register_forward_hook(lambda module, args, out: casts.append((module.training, out.dtype)))
    runner.train()
    assert {dtype for training, dtype in casts if training} == {torch.bfloat16}
    assert not runner.optim_wrapper.loss_scaler.is_enabled()
    resumed = toy_runner(tmp_path, resume=True, train_cfg__max_iters=5, **amp)
    resumed.train()
    assert len(resumed.model.losses) == 1
    with pytest.raises(ValueError, match="use dtype='bfloat16'"):
        toy_runner(tmp_path, work_dir='fp16', optim_wrapper__dtype='float16', **amp).train()
    with pytest.raises(ValueError, match="dtype='float8' is not one of"):
        toy_runner(tmp_path, work_dir='fp8', optim_wrapper__dtype='float8', **amp).train()


def test_compile_reaches_the_networks(tmp_path):
    runner = toy_runner(tmp_path, compile=dict(dynamic=True), train_cfg__max_iters=1)
    runner.train()
    assert runner.model.compiled_with == dict(dynamic=True)
    assert 'train_step' not in vars(runner.model)


def test_history_stays_short():
    compat.apply()
    history = HistoryBuffer()
    assert history.max_length == compat.HISTORY_LENGTH


def test_coco_api(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'xtcocotools', None)
    monkeypatch.setattr(compat.importlib.util, 'find_spec', lambda name: None)
    coco, evaluation = compat.coco_api()
    assert coco.__module__ == 'pycocotools.coco' and evaluation.__name__ == 'COCOeval'
    monkeypatch.setitem(sys.modules, 'pycocotools.coco', None)
    with pytest.raises(ImportError, match='pip install pycocotools'):
        compat.coco_api()


def test_coco_api_prefers_xtcocotools_even_of_the_other_numpy(monkeypatch, tmp_path):
    package = tmp_path / 'xtcocotools'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / '_mask.py').write_text("raise ValueError('numpy.dtype size changed')")
    (package / 'coco.py').write_text('from xtcocotools import _mask\nclass COCO: mask = _mask')
    (package / 'cocoeval.py').write_text('class COCOeval: pass')
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        assert compat.coco_api()[0].mask.__name__ == 'pycocotools._mask'
    finally:
        for name in [name for name in sys.modules if name.startswith('xtcocotools')]:
            del sys.modules[name]
