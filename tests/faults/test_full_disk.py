"""A full disk: the file and what to do are told, what was there before is intact, and no half file is left.

A limit on the size of files stands for the full disk: a write beyond it fails in the same way.
"""
import errno
import resource
from contextlib import contextmanager
from functools import partial
from pkgutil import resolve_name

import numpy as np
import pytest
import torch
from helpers.commands import completed
from helpers.engine_toy import toy_runner, write_config
from helpers.written_motions import real_motion

from mmegopose.cli import main
from mmegopose.datasets import SequenceStore, shipped_motion
from mmegopose.datasets.cache import cached_store
from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.engine import newest_checkpoint
from mmegopose.files import atomic_path, atomic_write
from mmegopose.inference.writers import write_motion
from mmegopose.npz import write_arrays
from mmegopose.structures import get_skeleton
from mmegopose.visualization import draw_poses

ROOM = 4096  # bytes of a file


@contextmanager
def full_disk(room: int = ROOM):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def save_bytes(path):
    with atomic_write(path, 'wb') as file:
        file.write(noise(10000).tobytes())


def save_picture(path):
    figure = draw_poses(noise(4, 17, 3), get_skeleton('coco17'))
    with atomic_path(path) as unfinished:
        figure.savefig(unfinished)


def save_clips(path):
    MocapSequences.load(shipped_motion.ASSET).save(path)


WRITERS = {'bytes.bin': save_bytes, 'arrays.npz': lambda path: write_arrays(path, dict(x=noise(10000))),
           'clips.npz': save_clips, 'picture.png': save_picture, 'motion.npz': lambda path: real_motion().save(path),
           **dict.fromkeys(('motion.json', 'motion.csv', 'motion.glb', 'motion.bvh', 'motion.trc'),
                           lambda path: write_motion(real_motion(), path, overwrite=True))}


@pytest.mark.parametrize('name', WRITERS)
def test_what_was_there_is_intact_and_the_file_is_named(tmp_path, name):
    WRITERS[name](tmp_path / name)  # also what it loads for the first time
    good = (tmp_path / name).read_bytes()
    assert len(good) > ROOM
    with full_disk(), pytest.raises(OSError, match=rf'was not written.*{name}') as caught:
        WRITERS[name](tmp_path / name)
    assert caught.value.errno == errno.EFBIG or 'requested' in str(caught.value)
    assert (tmp_path / name).read_bytes() == good and [path.name for path in tmp_path.iterdir()] == [name]


def test_the_cache_names_its_setting(tmp_path):
    store = SequenceStore([0, 5000], dict(x=noise(5000)), [dict(uid='a', name='a')])
    with full_disk(), pytest.raises(OSError, match=rf'{tmp_path}/toy-.* MMEGOPOSE_CACHE'):
        cached_store('toy', [__file__], {}, lambda: store, tmp_path)
    assert not list(tmp_path.iterdir())
    assert cached_store('toy', [__file__], {}, lambda: store, tmp_path).num_rows == 5000


def test_the_sample_names_the_setting_of_its_place(tmp_path, monkeypatch):
    monkeypatch.setenv('MMEGOPOSE_CACHE', str(tmp_path / 'cache'))
    with full_disk(), pytest.raises(OSError, match=rf'{tmp_path}/cache/mocap_sample-.* MMEGOPOSE_CACHE'):
        shipped_motion.sample_root()
    assert not list((tmp_path / 'cache').iterdir())


@pytest.mark.parametrize('blocked', ['a file', 'a folder of others'])
def test_a_place_of_the_sample_that_cannot_be_written_names_the_setting(tmp_path, monkeypatch, blocked):
    home = tmp_path / 'home'
    home.write_text('') if blocked == 'a file' else home.mkdir()
    if blocked != 'a file':
        monkeypatch.setattr('pathlib.Path.mkdir', _refuse)  # root may write everywhere
    monkeypatch.setenv('MMEGOPOSE_CACHE', str(home / 'cache'))
    with pytest.raises(OSError, match='MMEGOPOSE_CACHE'):
        shipped_motion.sample_root()


def _refuse(path, *_, **__):
    raise PermissionError(errno.EACCES, 'Permission denied', str(path))


def told_first(reached, name, whole, *values, **options):
    reached.append(name)
    return whole(*values, **options)


@pytest.mark.parametrize('room, side, last', [(2000, 512, 'write_egoexo4d'), (12_000, 512, 'HeadsetPictures'),
                                              (20_000, 64, 'write_mp4')])
def test_a_rendered_sample_is_whole_or_not_there(tmp_path, capsys, monkeypatch, room, side, last):
    """A rest of it is no sample, for the command wants a new folder, and there is none to be taken for one."""
    reached = []
    for name in ('write_egoexo4d', 'write_mp4', 'HeadsetPictures'):
        place = f'mmegopose.synthesis.egocentric.egoexo4d_sample.{name}'
        whole = resolve_name(place)
        monkeypatch.setattr(place, partial(told_first, reached, name, whole))
    with full_disk(room), pytest.raises(SystemExit) as left:
        main(['synthesize', '--out', str(tmp_path / 'sample'), '--takes', '3', '--frames', '1', '--size', str(side)])
    told = capsys.readouterr().err
    assert left.value.code == 2 and told.startswith('error: ') and told.count('\n') == 1
    assert f'{tmp_path}/sample' in told and 'File too large' in told and 'make room there, or name another' in told
    assert not list(tmp_path.iterdir())
    assert reached.index(last) == len(set(reached)) - 1


def test_training_ends_in_one_line_and_goes_on_bit_equal_when_there_is_room(tmp_path):
    toy_runner(tmp_path, work_dir='whole').train()
    config = write_config(tmp_path, "default_hooks['checkpoint']['max_keep_ckpts'] = 3\n")
    arguments = ['train.py', config, '--work-dir', tmp_path / 'work', '--cfg-options']
    toy_runner(tmp_path, train_cfg__max_iters=2, train_cfg__val_interval=2).train()
    with full_disk():
        done = completed(*arguments, 'train_cfg.max_iters=4', 'resume=True', cwd=tmp_path)
    assert done.returncode == 2 and 'Traceback' not in done.stderr
    assert 'iter_4.pth' in done.stderr and 'the previous checkpoint, are intact' in done.stderr
    assert '--work-dir' in done.stderr.splitlines()[-1]
    assert newest_checkpoint(tmp_path / 'work').endswith('iter_2.pth') and not list((tmp_path / 'work').glob('.*'))
    assert completed(*arguments, 'resume=True', cwd=tmp_path).returncode == 0
    after, whole = (torch.load(tmp_path / f'{name}/iter_4.pth', weights_only=True)['state_dict']
                    for name in ('work', 'whole'))
    assert all(torch.equal(after[key], whole[key]) for key in whole)
