"""Kills, Ctrl-C, dead workers, dead processes: nothing is lost, and one line says what to do."""
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from helpers.engine_toy import toy_runner, write_config
from mmengine.hooks import Hook

from mmegopose.commands._shared.launcher import end_with_launcher
from mmegopose.engine import load_from_local, user_errors
from mmegopose.files import atomic_write
from mmegopose.registry import HOOKS

ROOT = Path(__file__).resolve().parents[2]
ENV = dict(os.environ, OMP_NUM_THREADS='1', PYTHON=sys.executable,
           PYTHONPATH=os.pathsep.join([str(ROOT / 'tests'), os.environ.get('PYTHONPATH', '')]))
FORK = multiprocessing.get_context('fork')
FRESH = multiprocessing.get_context('forkserver')  # torch is loaded, and has not run, so that it may be forked
FRESH.set_forkserver_preload(['mmegopose.engine', 'mmegopose.datasets', 'mmengine.runner'])
LONG = dict(train_cfg__max_iters=60, train_cfg__val_interval=7, default_hooks__checkpoint__interval=1,
            default_hooks__checkpoint__max_keep_ckpts=2)


def train(folder, during=None, **options):
    """Train in another process, which ``during(process)`` may end; its exit status."""
    process = FRESH.Process(target=_train, args=(folder, options))
    process.start()
    if during:
        during(process)
    process.join(120)
    return process.exitcode


def _train(folder, options):
    toy_runner(folder, resume=True, **LONG, **options).train()


def state(path):
    return load_from_local(str(path))


def equal(first, second):
    return first['state_dict'].keys() == second['state_dict'].keys() and all(
        torch.equal(value, second['state_dict'][key]) for key, value in first['state_dict'].items())


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """The last checkpoint of a run that nobody kills."""
    folder = tmp_path_factory.mktemp('whole')
    assert train(folder) == 0
    return state(folder / 'work/iter_60.pth')


def test_kills_at_random_moments_lose_nothing(tmp_path, whole):
    moment, last = random.Random(4), 0
    for kill in range(8):
        train(tmp_path, lambda process: (time.sleep(moment.uniform(0.02, 0.6)), process.kill()))
        found = [int(path.stem[5:]) for path in (tmp_path / 'work').glob('iter_*.pth')]
        for number in found:  # none is half a file
            assert state(tmp_path / f'work/iter_{number}.pth')['meta']['iter'] == number
        assert max(found, default=0) >= last, kill
        last = max(found, default=0)
    assert train(tmp_path) == 0 and equal(state(tmp_path / 'work/iter_60.pth'), whole)
    assert not list((tmp_path / 'work').glob('.*'))


@HOOKS.register_module(force=True)
class FaultKilledWhileWriting(Hook):
    """Ends the process in the middle of the write of a checkpoint."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 20:
            os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)


def test_a_kill_inside_a_write_leaves_the_checkpoint_before(tmp_path, whole):
    assert train(tmp_path, custom_hooks=[dict(type='FaultKilledWhileWriting')]) == -signal.SIGKILL
    rest, = (path.name for path in (tmp_path / 'work').glob('.*'))
    assert rest.startswith('.iter_21.') and state(tmp_path / 'work/iter_20.pth')['meta']['iter'] == 20
    assert not (tmp_path / 'work/iter_21.pth').exists()
    assert train(tmp_path) == 0 and equal(state(tmp_path / 'work/iter_60.pth'), whole)
    assert not (tmp_path / 'work' / rest).exists()


def told(capfd, error):
    """What is told of an error, and the exit status."""
    with pytest.raises(SystemExit) as left, user_errors('--resume goes on'):
        raise error
    return capfd.readouterr().err, left.value.code


@pytest.mark.parametrize('error, status, words', [
    (KeyboardInterrupt(), 130, 'stopped: --resume goes on\n'),
    (RuntimeError('DataLoader worker (pid(s) 7) exited unexpectedly'), 2, 'worker of a dataloader died.*num_workers.*'
                                                                         'pid.s. 7.*: --resume goes on'),
    (RuntimeError('DataLoader worker (pid 7) is killed by signal: Killed. '), 2, 'signal: Killed.*--resume goes on'),
    (RuntimeError('[/a/gloo/transport/tcp/pair.cc:538] Connection closed by peer [127.0.0.1]:1'), 2,
     'another process of this run is gone.*--resume goes on'),
    (torch.distributed.DistBackendError('NCCL communicator was aborted\non rank 1'), 2, 'another process.*--resume'),
    (MemoryError(), 2, 'error: there is not enough memory: MemoryError .MMEGOPOSE_TRACEBACK=1'),
    (UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'invalid'), 2, 'a file is damaged: .*invalid')])
def test_one_line_says_what_to_do(capfd, error, status, words):
    import re
    text, code = told(capfd, error)
    assert code == status and text.count('\n') == 1 and re.search(words, text), text


def test_a_foreign_runtime_error_is_a_mistake_of_ours(capfd):
    with pytest.raises(RuntimeError, match='shape'), user_errors():
        raise RuntimeError('the shape is wrong')


def test_sigterm_unwinds_a_process_and_nobody_elses(capfd, tmp_path, monkeypatch):
    with pytest.raises(SystemExit) as left, user_errors('--resume goes on'), atomic_write(tmp_path / 'a.txt'):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    assert left.value.code == 143 and capfd.readouterr().err == 'stopped: --resume goes on\n'
    assert not list(tmp_path.iterdir()) and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with user_errors():
        runs = FORK.Event()  # Python drops signals that come in the middle of a fork
        child = FORK.Process(target=lambda: (runs.set(), time.sleep(60)))
        child.start()
        assert runs.wait(60)
        child.terminate()
        child.join(30)
        assert child.exitcode == -signal.SIGTERM and not capfd.readouterr().err
    monkeypatch.setenv('WORLD_SIZE', '2')  # may wait for others, and then could not unwind
    with user_errors():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def alive(pid):
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def _launch(queue):
    rank = FORK.Process(target=lambda: (end_with_launcher('pytorch'), queue.put(os.getpid()), time.sleep(60)))
    rank.start()
    rank.join()


def test_a_process_ends_with_its_launcher():
    queue = FORK.Queue()
    launcher = FORK.Process(target=_launch, args=(queue,))
    launcher.start()
    rank = queue.get(timeout=30)
    assert alive(rank)
    launcher.kill()
    launcher.join()
    end = time.monotonic() + 10
    while alive(rank) and time.monotonic() < end:
        time.sleep(0.1)
    assert not alive(rank)


KILL = """
custom_hooks = [dict(type='FaultSignalHook', name='{name}', rank={rank})]
custom_imports = dict(imports=['helpers.engine_toy', 'helpers.signal_hook'])
train_cfg['max_iters'] = 100000
train_dataloader['num_workers'] = {workers}
train_dataloader['dataset']['type'] = '{dataset}'
"""


def run_until_signalled(tmp_path, command, dataset='EngineToyDataset', **options):
    config = write_config(tmp_path, KILL.format(dataset=dataset, **options))
    done = subprocess.run([*command(config), '--work-dir', str(tmp_path / 'work')], env=ENV, cwd=tmp_path, text=True,
                          capture_output=True, timeout=280, start_new_session=True)
    assert 'Traceback' not in done.stderr, done.stderr[-3000:]
    assert state(tmp_path / 'work/iter_2.pth')['meta']['iter'] == 2
    return done.returncode, done.stderr.strip().splitlines()[-1]


def one_process(config):
    return [sys.executable, str(ROOT / 'tools/train.py'), config]


def two_processes(config):
    return ['bash', str(ROOT / 'tools/dist_train.sh'), config, '2']


@pytest.mark.slow
@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize('name, code', [('SIGINT', 130), ('SIGTERM', 143)])
def test_ctrl_c_and_sigterm_are_one_line(tmp_path, name, code, workers):
    status, line = run_until_signalled(tmp_path, one_process, name=name, rank=0, workers=workers)
    assert status == code and line == 'stopped: --resume goes on from the newest checkpoint'
    assert not list((tmp_path / 'work').glob('.*'))


@pytest.mark.slow
def test_a_dead_worker_is_one_line(tmp_path):
    status, line = run_until_signalled(tmp_path, one_process, 'FaultDyingDataset', name='', rank=0, workers=2)
    assert status == 2 and line.startswith('error: a worker of a dataloader died') and '--resume goes on' in line


@pytest.mark.slow
@pytest.mark.parametrize('rank', [0, 1])
def test_a_dead_process_of_two_is_one_line(tmp_path, rank):
    status, line = run_until_signalled(tmp_path, two_processes, name='SIGKILL', rank=rank, workers=0)
    assert status == 1 and line.startswith(f'error: process {rank} ended by SIGKILL') and '--resume' in line
