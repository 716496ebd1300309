"""Resuming: bit-equal, after a kill, past damaged files, without loading seen batches again."""
import errno
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from helpers.engine_toy import toy_runner, write_config
from mmengine.hooks import Hook

from mmegopose.engine import CheckpointError, newest_checkpoint, user_errors
from mmegopose.files import alone_in, atomic_write

ROOT = Path(__file__).resolve().parents[2]
ENV = dict(os.environ, OMP_NUM_THREADS='1',
           PYTHONPATH=os.pathsep.join([str(ROOT / 'tests'), os.environ.get('PYTHONPATH', '')]))


def run_tool(*args, check=True):
    """Run a script of tools/ in a process of its own, in another folder than the checkout."""
    done = subprocess.run([sys.executable, str(ROOT / 'tools' / args[0]), *map(str, args[1:])], env=ENV,
                          cwd=Path(args[1]).parent, capture_output=True, text=True, timeout=300)
    assert not check or done.returncode == 0, done.stderr
    return done


def weights(runner):
    return {key: value.clone() for key, value in runner.model.state_dict().items()}


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A folder with a finished toy run, its losses and its weights."""
    folder = tmp_path_factory.mktemp('trained')
    runner = toy_runner(folder)
    runner.train()
    return folder, runner.model.losses, weights(runner)


@pytest.fixture
def work_dir(trained, tmp_path):
    """A copy of the finished run's folder."""
    return Path(shutil.copytree(trained[0] / 'work', tmp_path / 'work'))


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_resume_continues_bit_equal(trained, work_dir):
    (work_dir / 'iter_4.pth').unlink()
    resumed = toy_runner(work_dir.parent, resume=True)
    resumed.train()
    assert resumed.model.losses == trained[1][2:]
    assert equal(weights(resumed), trained[2])
    assert resumed.train_dataloader.dataset.loaded == 2
    assert len(resumed.message_hub.get_scalar('train/loss').data[0]) == 4


@pytest.mark.parametrize('by_epoch', [True, False])
def test_resume_with_samplers_that_cannot_skip(tmp_path, by_epoch):
    options = dict(train_dataloader__sampler=dict(type='DefaultSampler', shuffle=True, _delete_=True),
                   default_hooks__checkpoint__by_epoch=by_epoch,
                   default_hooks__checkpoint__interval=1 if by_epoch else 3,
                   train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=2, _delete_=True) if by_epoch
                   else dict(type='IterBasedTrainLoop', max_iters=6, val_interval=3))
    whole = toy_runner(tmp_path, **options)
    whole.train()
    (tmp_path / 'work' / ('epoch_2.pth' if by_epoch else 'iter_6.pth')).unlink()
    resumed = toy_runner(tmp_path, resume=True, **options)
    resumed.train()
    assert resumed.model.losses == whole.model.losses[3:]
    assert equal(weights(resumed), weights(whole))


def test_resume_restores_the_random_state_saved_during_validation(tmp_path):
    best = dict(default_hooks__checkpoint__save_best='mean', default_hooks__checkpoint__rule='less')
    whole = toy_runner(tmp_path, **best)
    whole.train()
    (tmp_path / 'work' / 'iter_4.pth').unlink()
    resumed = toy_runner(tmp_path, resume=True, **best)
    resumed.train()
    assert equal(weights(resumed), weights(whole))


@pytest.mark.parametrize('by_epoch', [False, True])
@pytest.mark.parametrize('kept, done, made_up', [
    (4, None, [4]), (4, 2, [4]), (4, 4, []), (2, None, [2, 4]), (2, 4, [4])])
def test_a_validation_that_a_kill_prevented_is_made_up(tmp_path, by_epoch, kept, done, made_up):
    """``kept``: iteration of the newest checkpoint; ``done``: iteration of the last validation before the kill."""
    loop = dict(type='EpochBasedTrainLoop', max_epochs=2, _delete_=True) if by_epoch else dict(max_iters=4)
    options = dict(train_cfg=loop, default_hooks__checkpoint=dict(by_epoch=by_epoch, interval=1 if by_epoch else 2),
                   train_dataloader__sampler=dict(type='DefaultSampler', shuffle=True, _delete_=True),
                   train_dataloader__dataset=dict(type='EngineToyDataset', size=8))  # an epoch is 2 iterations
    whole = toy_runner(tmp_path, **options)
    whole.train()
    record, last = tmp_path / 'work/last_validation', 'epoch_2.pth' if by_epoch else 'iter_4.pth'
    assert record.read_text() == '4\n'
    if kept == 2:
        (tmp_path / 'work' / last).unlink()
    record.unlink() if done is None else record.write_text(f'{done}\n')
    resumed = toy_runner(tmp_path, resume=True, **options)
    validated = []
    resumed.register_hook(ValidatedHook(validated))
    resumed.train()
    assert validated == made_up and record.read_text() == '4\n' and equal(weights(resumed), weights(whole))


class ValidatedHook(Hook):
    """Notes the iterations whose validation gave a metric."""

    def __init__(self, iterations):
        self.iterations = iterations

    def after_val_epoch(self, runner, metrics=None):
        assert metrics['mean'] == metrics['mean']
        self.iterations.append(runner.iter)


def test_a_new_training_in_an_old_folder_makes_up_its_own_validations(tmp_path):
    toy_runner(tmp_path).train()
    for path in (tmp_path / 'work').glob('*.pth'):
        path.unlink()
    toy_runner(tmp_path, train_cfg__max_iters=2, val_cfg=None, val_dataloader=None, val_evaluator=None).train()
    resumed, validated = toy_runner(tmp_path, resume=True, train_cfg__max_iters=2), []
    resumed.register_hook(ValidatedHook(validated))
    resumed.train()
    assert validated == [2]


def test_what_a_killed_run_left_half_written_is_swept(work_dir):
    half = work_dir / f'.iter_6.{"0123456789abcdef"}.tmp.pth'
    other = [work_dir / '.notes.tmp.txt', work_dir / '.iter_6.0123.tmp.pth']
    for path in (half, *other):
        path.write_bytes(b'half')
    with atomic_write(work_dir / 'iter_8.pth', 'wb') as file:  # of another process that still writes
        toy_runner(work_dir.parent, resume=True).train()
        file.write(b'whole')
    assert not half.exists() and all(path.exists() for path in other)
    assert (work_dir / 'iter_8.pth').read_bytes() == b'whole'


def test_a_training_that_starts_anew_beside_old_checkpoints_says_what_resume_takes(tmp_path, work_dir):
    def told(**options):
        runner = toy_runner(tmp_path, **options)
        lines = []
        runner.logger.warning = lines.append
        runner.train()
        return [line for line in lines if 'earlier training' in line]
    line, = told()
    assert f'{work_dir} holds checkpoints of an earlier training, and this one starts anew' in line
    assert '--resume goes on from iter_4.pth of the earlier one' in line
    assert not told(resume=True) and not told(work_dir='new')


class WhileTrainingHook(Hook):
    def __init__(self, action):
        self.action = action

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == 3:
            self.action()


def test_a_second_training_in_a_work_dir_is_one_line(trained, tmp_path, capsys):
    first, second = toy_runner(tmp_path), toy_runner(tmp_path)

    def train_too():
        with pytest.raises(SystemExit), user_errors():
            second.train()
    first.register_hook(WhileTrainingHook(train_too))
    first.train()
    told = f'another training runs in {tmp_path}/work: wait until it has ended, or name another place with --work-dir'
    assert told in capsys.readouterr().err
    assert not second.model.losses and equal(weights(first), trained[2])
    second.train()
    assert second.iter == 4


def test_what_a_killed_training_has_forked_does_not_keep_its_work_dir(tmp_path):
    def train(sender):
        with alone_in(tmp_path, ''):
            child = os.fork()
            if child:
                sender.send(child)
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
            os._exit(0)
    context = multiprocessing.get_context('fork')
    receiver, sender = context.Pipe(False)
    process = context.Process(target=train, args=(sender,))
    process.start()
    child = receiver.recv()
    process.join()
    try:
        with alone_in(tmp_path, ''):
            os.kill(child, 0)  # still there
    finally:
        os.kill(child, signal.SIGKILL)


def test_without_locks_trainings_go_on(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, 'No locks available')
    monkeypatch.setattr('fcntl.flock', none)
    with alone_in(tmp_path, ''), alone_in(tmp_path, ''):
        pass


def test_killed_run_resumes(trained, tmp_path):
    config = write_config(tmp_path)
    kill = "custom_hooks=[dict(type='EngineKillHook', iteration=3)]"
    killed = run_tool('train.py', config, '--work-dir', tmp_path / 'killed', '--cfg-options', kill, check=False)
    assert killed.returncode == -9
    run_tool('train.py', config, '--work-dir', tmp_path / 'killed', '--resume')
    state = torch.load(tmp_path / 'killed' / 'iter_4.pth', weights_only=True)['state_dict']
    assert equal(dict(state), trained[2])


def test_damaged_newest_checkpoint_gives_way_to_the_one_before(trained, work_dir):
    newest = work_dir / 'iter_4.pth'
    newest.write_bytes(newest.read_bytes()[:-500])
    with pytest.warns(UserWarning, match='iter_4.pth .* is not a checkpoint, or is damaged'):
        resumed = toy_runner(work_dir.parent, resume=True)
        resumed.train()
    assert equal(weights(resumed), trained[2])
    assert torch.load(newest, weights_only=True)['meta']['iter'] == 4


def test_flipped_bits_are_found(work_dir):
    newest = work_dir / 'iter_4.pth'
    data = bytearray(newest.read_bytes())
    data[data.find(torch.load(newest, weights_only=True)['state_dict']['last.bias'].numpy().tobytes())] ^= 1
    newest.write_bytes(data)
    with pytest.warns(UserWarning, match='iter_4.pth is damaged'):
        assert newest_checkpoint(work_dir) == str(work_dir / 'iter_2.pth')


def test_newest_checkpoint_of_a_moved_or_empty_folder(work_dir, tmp_path):
    assert newest_checkpoint(work_dir) == str(work_dir / 'iter_4.pth')
    (work_dir / 'last_checkpoint').write_text('/gone/iter_2.pth')
    assert newest_checkpoint(work_dir) == str(work_dir / 'iter_2.pth')
    (work_dir / 'last_checkpoint').write_text('')
    assert newest_checkpoint(work_dir) == str(work_dir / 'iter_4.pth')
    assert newest_checkpoint(tmp_path) is None


def test_resume_without_checkpoint_starts_afresh(trained, tmp_path):
    runner = toy_runner(tmp_path, resume=True, log_level='INFO')
    runner.train()
    assert equal(weights(runner), trained[2])
    log = next((tmp_path / 'work').glob('*/*.log')).read_text()
    assert f'no checkpoint to resume from in {tmp_path / "work"}: training starts afresh' in log


def test_resume_without_checkpoint_starts_from_the_weights_of_load_from(work_dir, tmp_path):
    (tmp_path / 'new').mkdir()
    runner = toy_runner(tmp_path / 'new', resume=True, log_level='INFO')
    runner.start_from = str(work_dir / 'iter_4.pth')
    runner.load_or_resume()
    assert equal(weights(runner), torch.load(work_dir / 'iter_4.pth', weights_only=True)['state_dict'])
    assert runner.iter == 0
    log = next((tmp_path / 'new' / 'work').glob('*/*.log')).read_text()
    assert f'training starts from the weights of {work_dir / "iter_4.pth"}' in log


def test_resume_refuses_a_file_of_weights(work_dir):
    torch.save(torch.load(work_dir / 'iter_4.pth', weights_only=True)['state_dict'], work_dir / 'weights.pth')
    with pytest.raises(CheckpointError, match=r'weights.pth has no state_dict, meta, .*use load_from'):
        toy_runner(work_dir.parent, resume=True, load_from=str(work_dir / 'weights.pth')).train()
    toy_runner(work_dir.parent, load_from=str(work_dir / 'weights.pth')).train()


def test_tool_tells_a_cut_checkpoint_in_one_line(work_dir, tmp_path):
    newest = work_dir / 'iter_4.pth'
    newest.write_bytes(newest.read_bytes()[:3000])
    done = run_tool('test.py', write_config(tmp_path), newest, check=False)
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f'error: {newest} (3000 bytes) is not a checkpoint')


def test_tool_tests_a_checkpoint(work_dir, tmp_path):
    out = tmp_path / 'metrics.json'
    run_tool('test.py', write_config(tmp_path), work_dir / 'iter_4.pth', '--out', out)
    assert out.read_text().startswith('{\n  "mean": ')


@pytest.mark.slow
def test_two_processes_train_and_resume(tmp_path):
    config = write_config(tmp_path)
    env = dict(ENV, PORT='29613', PYTHON=sys.executable)
    script = ['bash', str(ROOT / 'tools' / 'dist_train.sh'), config, '2', '--work-dir', str(tmp_path / 'work')]
    subprocess.run(script, env=env, cwd=tmp_path, check=True, timeout=300)
    whole = torch.load(tmp_path / 'work' / 'iter_4.pth', weights_only=True)
    assert len(whole['random_states']) == 2
    (tmp_path / 'work' / 'iter_4.pth').unlink()
    subprocess.run([*script, '--resume'], env=env, cwd=tmp_path, check=True, timeout=300)
    assert equal(torch.load(tmp_path / 'work' / 'iter_4.pth', weights_only=True)['state_dict'], whole['state_dict'])
